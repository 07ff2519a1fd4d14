use migrate_core::prelude::*;

#[derive(Migration)]
#[migration(version = 1 name = "x")]
struct AddUsername;

impl Migrate for AddUsername {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(unlisted version = 0)]
struct AddAvatar;

impl Migrate for AddAvatar {
    fn up(&self, _schema: &mut Schema) {}
}

fn main() {}
