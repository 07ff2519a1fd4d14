//! Those that are meant for SQLite alone, whatever is enabled.

migrate_core::test_migrations!(scratch; on = [sqlite], seed = 3);
