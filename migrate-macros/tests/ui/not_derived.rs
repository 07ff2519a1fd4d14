use migrate_core::prelude::*;

struct AddUsername;

impl Migrate for AddUsername {
    fn up(&self, _schema: &mut Schema) {}
}

fn main() {
    let _ = Migration::of::<AddUsername>();
}
