use migrate_core::prelude::*;

/// Signing in looks users up by their e-mail address.
#[derive(Migration)]
#[migration(version = 2026_05_11_083000)]
struct IndexUsersEmail;

impl Migrate for IndexUsersEmail {
    fn up(&self, schema: &mut Schema) {
        schema.create_index("users", ["email"]);
    }
}
