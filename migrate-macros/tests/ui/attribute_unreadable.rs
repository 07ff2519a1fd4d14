use migrate_core::prelude::*;

#[derive(Migration)]
#[migration]
struct Bare;

impl Migrate for Bare {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration = "x"]
struct Assigned;

impl Migrate for Assigned {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(version = 1; name = "x")]
struct Semicolon;

impl Migrate for Semicolon {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration("x")]
struct Literal;

impl Migrate for Literal {
    fn up(&self, _schema: &mut Schema) {}
}

fn main() {}
