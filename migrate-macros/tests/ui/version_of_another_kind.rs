use migrate_core::prelude::*;

#[derive(Migration)]
#[migration(version = "2026_11_23")]
struct Text;

impl Migrate for Text {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(version = 1.5)]
struct Float;

impl Migrate for Float {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(version = -1)]
struct Negative;

impl Migrate for Negative {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(version = NEXT)]
struct Constant;

impl Migrate for Constant {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(version = 1 + 1)]
struct Sum;

impl Migrate for Sum {
    fn up(&self, _schema: &mut Schema) {}
}

fn main() {}
