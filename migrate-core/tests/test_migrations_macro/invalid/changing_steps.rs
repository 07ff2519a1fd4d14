//! Records different steps each time.

use std::sync::atomic::{AtomicUsize, Ordering};

use migrate_core::prelude::*;

migrate_core::test_migrations!(scratch);

#[derive(Migration)]
#[migration(version = 3)]
struct Wrong;

impl Migrate for Wrong {
    fn up(&self, schema: &mut Schema) {
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        schema.alter_table("users", |t| {
            t.text("nickname").nullable().default(format!("nobody {call}"))
        });
    }
}
