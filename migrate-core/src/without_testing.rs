//! `test_migrations!` without the feature `testing`: an error that names the feature.

/// Adds the standard tests for all migrations. It needs the feature `testing`.
#[macro_export]
macro_rules! test_migrations {
    ($($any:tt)*) => {
        ::core::compile_error! {
            "`test_migrations!` needs the feature `testing`: add `migrate-core = { .., features = [\"testing\"] }` to `[dev-dependencies]` in Cargo.toml, with the version or path of your dependency [M0830]"
        }
    };
}
