use migrate_core::prelude::*;

#[derive(Migration)]
#[migration(version = 0)]
struct Zero;

impl Migrate for Zero {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(version = 9223372036854775808)]
struct TooLarge;

impl Migrate for TooLarge {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(version = 340282366920938463463374607431768211456)]
struct FarTooLarge;

impl Migrate for FarTooLarge {
    fn up(&self, _schema: &mut Schema) {}
}

fn main() {}
