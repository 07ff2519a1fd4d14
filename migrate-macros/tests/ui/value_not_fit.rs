use migrate_core::prelude::*;

#[derive(Migration)]
#[migration(version = 1, name = "")]
struct EmptyName;

impl Migrate for EmptyName {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(version = 2, group = "")]
struct EmptyGroup;

impl Migrate for EmptyGroup {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(version = 3, group = "two words")]
struct GroupOfTwoWords;

impl Migrate for GroupOfTwoWords {
    fn up(&self, _schema: &mut Schema) {}
}

fn main() {}
