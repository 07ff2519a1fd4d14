use migrate_core::prelude::*;

#[derive(Migration)]
#[migration(version = 1)]
struct Named {
    table: String,
}

impl Migrate for Named {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(version = 2)]
struct Tuple(u8);

impl Migrate for Tuple {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(version = 3)]
struct EmptyBraces {}

impl Migrate for EmptyBraces {
    fn up(&self, _schema: &mut Schema) {}
}

fn main() {}
