use migrate_core::prelude::*;

#[derive(Migration)]
#[migration(version = 1, colour = "red")]
struct Unknown;

impl Migrate for Unknown {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(version = 2, transactional = false)]
struct Near;

impl Migrate for Near {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(Version = 3)]
struct Capital;

impl Migrate for Capital {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(id = 4)]
struct AnotherWord;

impl Migrate for AnotherWord {
    fn up(&self, _schema: &mut Schema) {}
}

fn main() {}
