//! The standard tests of all migrations.

migrate_core::test_migrations!(all_operations);
