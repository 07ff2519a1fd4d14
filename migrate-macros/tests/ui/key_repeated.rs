use migrate_core::prelude::*;

#[derive(Migration)]
#[migration(version = 1, name = "a", version = 2)]
struct InOne;

impl Migrate for InOne {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(version = 3)]
#[migration(version = 4)]
struct InTwo;

impl Migrate for InTwo {
    fn up(&self, _schema: &mut Schema) {}
}

fn main() {}
