use migrate_core::prelude::*;
use std::marker::PhantomData;

#[derive(Migration)]
#[migration(version = 1)]
struct Typed<T>(PhantomData<T>);

impl<T: Send + Sync + 'static> Migrate for Typed<T> {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(version = 2)]
struct Borrowed<'a>(&'a str);

impl Migrate for Borrowed<'static> {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(version = 3)]
struct Sized<const N: usize>;

impl<const N: usize> Migrate for Sized<N> {
    fn up(&self, _schema: &mut Schema) {}
}

fn main() {}
