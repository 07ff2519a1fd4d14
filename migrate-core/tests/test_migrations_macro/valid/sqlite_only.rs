//! Tests on SQLite only, whatever features are enabled.

migrate_core::test_migrations!(scratch; on = [sqlite], seed = 3);
