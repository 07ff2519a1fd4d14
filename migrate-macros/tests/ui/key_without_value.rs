use migrate_core::prelude::*;

#[derive(Migration)]
#[migration(version)]
struct Bare;

impl Migrate for Bare {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(version = )]
struct Nothing;

impl Migrate for Nothing {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(version(3))]
struct Called;

impl Migrate for Called {
    fn up(&self, _schema: &mut Schema) {}
}

fn main() {}
