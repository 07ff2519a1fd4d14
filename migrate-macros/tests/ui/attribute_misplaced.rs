use migrate_core::prelude::*;

#[derive(Migration)]
#[migration(version = 1)]
struct OnAField {
    #[migration(name = "x")]
    field: u8,
}

impl Migrate for OnAField {
    fn up(&self, _schema: &mut Schema) {}
}

fn main() {}
