use migrate_core::prelude::*;

#[derive(Migration)]
#[migration(version = 1, unlisted)]
struct AddUsername;

fn main() {}
