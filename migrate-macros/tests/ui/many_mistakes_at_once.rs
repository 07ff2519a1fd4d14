use migrate_core::prelude::*;

#[derive(Migration)]
#[migration(version = 0, colour = "red", transaction = 1, name = "")]
struct Many {
    field: u8,
}

impl Migrate for Many {
    fn up(&self, _schema: &mut Schema) {}
}

fn main() {}
