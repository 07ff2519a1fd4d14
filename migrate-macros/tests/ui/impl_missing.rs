use migrate_core::prelude::*;

#[derive(Migration)]
#[migration(version = 1)]
struct AddUsername;

fn main() {}
