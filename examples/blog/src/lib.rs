//! A blog's data layer: the everyday story of a team, told by its migrations.

mod migrations;
/// The tables, for Diesel: written from the migrations by `migrate schema --write src/schema.rs`.
#[allow(missing_docs, reason = "what it holds is said by the migrations")]
pub mod schema;
pub mod store;
