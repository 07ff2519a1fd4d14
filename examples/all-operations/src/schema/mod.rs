//! Diesel's tables for each database, generated from the migrations.

#![allow(missing_docs, reason = "what they hold is said by the migrations")]

#[cfg(feature = "mysql")]
#[rustfmt::skip]
pub mod mariadb;
#[cfg(feature = "postgres")]
#[rustfmt::skip]
pub mod postgres;
#[rustfmt::skip]
pub mod sqlite;
