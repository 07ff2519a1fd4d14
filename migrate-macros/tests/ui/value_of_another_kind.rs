use migrate_core::prelude::*;

#[derive(Migration)]
#[migration(version = 1, name = 5)]
struct Name;

impl Migrate for Name {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(version = 2, group = jobs)]
struct Group;

impl Migrate for Group {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(version = 3, transaction = "no")]
struct Transaction;

impl Migrate for Transaction {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(version = 4, unlisted = true)]
struct Unlisted;

impl Migrate for Unlisted {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(version = 5, crate = "migrate_core")]
struct Crate;

impl Migrate for Crate {
    fn up(&self, _schema: &mut Schema) {}
}

fn main() {}
