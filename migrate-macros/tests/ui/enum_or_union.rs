use migrate_core::prelude::*;

#[derive(Migration)]
#[migration(version = 1)]
enum Enum {
    One,
}

impl Migrate for Enum {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(version = 2)]
union Union {
    one: u8,
}

impl Migrate for Union {
    fn up(&self, _schema: &mut Schema) {}
}

fn main() {}
