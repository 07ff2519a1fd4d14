//! The generated code uses `migrate_core` from `crate = path`, and no other name in scope.

/// A package that re-exports `migrate_core` for its users.
mod wrapper {
    pub(crate) mod migrations {
        pub(crate) use ::migrate_core as framework;
    }
}

use wrapper::migrations::framework::{Migrate, Migration, Registry, Schema};

mod hostile {
    //! Names that unqualified generated code would resolve to.
    #![allow(non_camel_case_types, dead_code, reason = "that is what is tried")]

    pub(super) mod core {}
    pub(super) mod std {}
    pub(super) mod migrate_core {}
    pub(super) mod inventory {}
    pub(super) struct u8;
    pub(super) struct str;
    pub(super) enum Option {}
    pub(super) enum Result {}
    pub(super) trait DerivedMigration {}
    pub(super) struct MigrationMeta;
    pub(super) const VERSION_IS_USED_ONCE: () = ();
    use super::{Migrate, Migration, Schema};

    #[derive(Migration)]
    #[migration(version = 1, group = "renamed", crate = crate::wrapper::migrations::framework)]
    pub(super) struct Listed;

    impl Migrate for Listed {
        fn up(&self, _schema: &mut Schema) {}
    }

    #[derive(Migration)]
    #[migration(version = 2, unlisted, crate = super::wrapper::migrations::framework)]
    pub(super) struct Relative;

    impl Migrate for Relative {
        fn up(&self, _schema: &mut Schema) {}
    }

    #[derive(Migration)]
    #[migration(version = 3, unlisted, crate = ::migrate_core)]
    pub(super) struct r#struct;

    impl Migrate for r#struct {
        fn up(&self, _schema: &mut Schema) {}
    }
}

#[test]
fn migrations_register_in_a_renamed_crate() -> Result<(), migrate_core::Error> {
    assert_eq!(Registry::linked()?.len(), 1);
    Ok(())
}

#[test]
fn names_in_scope_do_not_matter() {
    assert_eq!(Migration::of::<hostile::Listed>().name(), "listed");
    assert_eq!(Migration::of::<hostile::Relative>().name(), "relative");
    assert_eq!(Migration::of::<hostile::r#struct>().name(), "struct");
}
