use migrate_core::Registry;
use migrate_core::prelude::*;

#[derive(Migration)]
#[migration(version = "1")]
struct InTheVersion;

impl Migrate for InTheVersion {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(version = 2)]
struct InTheShape {
    field: u8,
}

impl Migrate for InTheShape {
    fn up(&self, _schema: &mut Schema) {}
}

const SECOND: Migration = Migration::of::<InTheShape>();

fn main() {
    let _ = Registry::of([Migration::of::<InTheVersion>(), SECOND]);
    let _ = Registry::linked();
}
