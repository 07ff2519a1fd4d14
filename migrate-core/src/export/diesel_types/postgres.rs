//! Diesel's types for PostgreSQL columns: the names in the catalog, in camel case
//! (<https://www.postgresql.org/docs/current/catalog-pg-type.html>).

use super::type_name::{TypeName, resolved};
use super::{DefinedType, DieselType};
use crate::export::diesel_names::{camel_case, rust_string};

pub(super) fn diesel_type(written: &TypeName) -> DieselType {
    let (name, is_array) = catalogued(written);
    let rust_name = camel_case(&name);
    let is_known = KNOWN_TO_DIESEL.contains(&rust_name.as_str());
    let schema = match written.schema.as_deref() {
        Some("public") => None,
        Some(schema) => Some(schema),
        None => BUILT_IN.contains(&name.as_str()).then_some("pg_catalog"),
    };
    let defined = || DefinedType {
        name: rust_name.clone(),
        attribute: "postgres_type",
        arguments: match schema {
            Some(schema) => format!("name = {}, schema = {}", rust_string(&name), rust_string(schema)),
            None => format!("name = {}", rust_string(&name)),
        },
    };
    // Only these types store a length: https://www.postgresql.org/docs/current/infoschema-columns.html
    let max_length = match name.as_str() {
        _ if is_array => None,
        // The default length is 1. The name `bpchar` without a length has no limit.
        "bit" => written.number().or(Some(1)),
        "bpchar" => written.number().or((written.words != ["bpchar"]).then_some(1)),
        "varchar" | "varbit" => written.number(),
        _ => None,
    };
    DieselType {
        name: match is_array {
            true => format!("Array<Nullable<{rust_name}>>"),
            false => rust_name.clone(),
        },
        max_length,
        defined: (!is_known).then(defined),
    }
}

/// Returns the type's name in the catalog, and true if the type is an array.
fn catalogued(written: &TypeName) -> (String, bool) {
    if written.is_quoted {
        return (written.words.concat(), written.has_brackets);
    }
    let (name, rest) = resolved(&written.words, ALIASES);
    let is_array = written.has_brackets || rest.iter().any(|word| word == "array");
    let name = match name {
        // https://www.postgresql.org/docs/current/datatype-numeric.html
        "float" if written.number().is_some_and(|bits| bits <= 24) => "float4",
        "float" => "float8",
        "time" | "timestamp" if rest.starts_with(&["with".to_owned()]) => {
            return (format!("{name}tz"), is_array);
        }
        name => name,
    };
    (name.to_owned(), is_array)
}

/// SQL type names that PostgreSQL stores under another name:
/// <https://www.postgresql.org/docs/current/datatype.html>.
const ALIASES: &[(&str, &str)] = &[
    ("bigint", "int8"),
    ("bigserial", "int8"),
    ("bit varying", "varbit"),
    ("boolean", "bool"),
    ("char", "bpchar"),
    ("char varying", "varchar"),
    ("character", "bpchar"),
    ("character varying", "varchar"),
    ("dec", "numeric"),
    ("decimal", "numeric"),
    ("double precision", "float8"),
    ("int", "int4"),
    ("integer", "int4"),
    ("national char", "bpchar"),
    ("national char varying", "varchar"),
    ("national character", "bpchar"),
    ("national character varying", "varchar"),
    ("nchar", "bpchar"),
    ("nchar varying", "varchar"),
    ("real", "float4"),
    ("serial", "int4"),
    ("serial2", "int2"),
    ("serial4", "int4"),
    ("serial8", "int8"),
    ("smallint", "int2"),
    ("smallserial", "int2"),
];

/// The types that Diesel defines itself, by their Rust names: <https://docs.rs/diesel/2.3/diesel/sql_types/index.html>,
/// <https://docs.rs/diesel/2.3/diesel/pg/sql_types/index.html>.
const KNOWN_TO_DIESEL: &[&str] = &[
    "BigInt",
    "BigSerial",
    "Bigint",
    "Binary",
    "Bit",
    "Blob",
    "Bool",
    "Bpchar",
    "Bytea",
    "Char",
    "Cidr",
    "Citext",
    "Date",
    "Datemultirange",
    "Daterange",
    "Decimal",
    "Double",
    "Float",
    "Float4",
    "Float8",
    "Inet",
    "Int2",
    "Int4",
    "Int4multirange",
    "Int4range",
    "Int8",
    "Int8multirange",
    "Int8range",
    "Integer",
    "Interval",
    "Json",
    "Jsonb",
    "Longblob",
    "Longtext",
    "MacAddr",
    "MacAddr8",
    "Macaddr",
    "Macaddr8",
    "Mediumblob",
    "Mediumtext",
    "Money",
    "Numeric",
    "Nummultirange",
    "Numrange",
    "Oid",
    "PgLsn",
    "Range",
    "Record",
    "Serial",
    "SmallInt",
    "SmallSerial",
    "Smallint",
    "Text",
    "Time",
    "Timestamp",
    "Timestamptz",
    "Tinyblob",
    "Tinytext",
    "Tsmultirange",
    "Tsrange",
    "Tstzmultirange",
    "Tstzrange",
    "Uuid",
    "VarChar",
    "Varbinary",
    "Varchar",
];

/// The other built-in types of PostgreSQL: <https://www.postgresql.org/docs/current/datatype.html>.
const BUILT_IN: &[&str] = &[
    "aclitem",
    "box",
    "cid",
    "circle",
    "int2vector",
    "jsonpath",
    "line",
    "lseg",
    "name",
    "oidvector",
    "path",
    "pg_snapshot",
    "point",
    "polygon",
    "refcursor",
    "regclass",
    "regcollation",
    "regconfig",
    "regdictionary",
    "regnamespace",
    "regoper",
    "regoperator",
    "regproc",
    "regprocedure",
    "regrole",
    "regtype",
    "tid",
    "timetz",
    "tsquery",
    "tsvector",
    "txid_snapshot",
    "varbit",
    "xid",
    "xid8",
    "xml",
];
