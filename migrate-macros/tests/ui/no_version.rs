use migrate_core::prelude::*;

#[derive(Migration)]
struct NoAttribute;

impl Migrate for NoAttribute {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(name = "x")]
struct NoKey;

impl Migrate for NoKey {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration()]
struct Empty;

impl Migrate for Empty {
    fn up(&self, _schema: &mut Schema) {}
}

fn main() {}
