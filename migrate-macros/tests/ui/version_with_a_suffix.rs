use migrate_core::prelude::*;

#[derive(Migration)]
#[migration(version = 5u64)]
struct Suffix;

impl Migrate for Suffix {
    fn up(&self, _schema: &mut Schema) {}
}

fn main() {}
