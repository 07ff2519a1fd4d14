//! What all migrations should pass.

migrate_core::test_migrations!(blog);
