//! Diesel's types for MySQL and MariaDB columns: the first word of the type in `information_schema.columns`, in camel
//! case (<https://dev.mysql.com/doc/refman/8.4/en/information-schema-columns-table.html>).

use super::type_name::{TypeName, resolved};
use super::{DefinedType, DieselType};
use crate::dialect::Dialect;
use crate::export::diesel_names::{camel_case, column_name, rust_name, rust_string};
use crate::schema::{Column, Table};

pub(super) fn diesel_type(dialect: Dialect, table: &Table, column: &Column, written: &TypeName) -> Option<DieselType> {
    let (name, attributes) = resolved(&written.words, ALIASES);
    let says = |attribute: &str| attributes.iter().any(|word| word == attribute);
    // https://dev.mysql.com/doc/refman/8.4/en/numeric-type-attributes.html
    let is_unsigned = name == "serial" || says("unsigned") || says("zerofill");
    let of_length = |name: &str, length: Option<u64>| DieselType {
        max_length: length,
        ..DieselType::known(camel_case(name))
    };
    let number = |name: &str| {
        let name = camel_case(name);
        Some(DieselType::known(match is_unsigned {
            true => format!("Unsigned<{name}>"),
            false => name,
        }))
    };
    match name {
        "bool" => number("bool"),
        "tinyint" if written.number() == Some(1) && !is_unsigned => number("bool"),
        "tinyint" | "smallint" | "integer" | "decimal" => number(name),
        "bigint" | "serial" => number("bigint"),
        // Diesel reads no type if there are no parentheses and a word follows `unsigned`.
        "float" | "double" if says("zerofill") && written.arguments.len() < 2 => None,
        // https://dev.mysql.com/doc/refman/8.4/en/floating-point-types.html
        "float" if written.arguments.len() == 1 && written.number() > Some(24) => number("double"),
        "float" | "double" => number(name),
        "char" | "binary" => Some(of_length(name, written.number().or(Some(1)))),
        "varchar" | "varbinary" => Some(of_length(name, written.number())),
        // MySQL chooses the smallest type that holds the length: https://dev.mysql.com/doc/refman/8.4/en/blob.html. A
        // character of utf8mb4 has up to four bytes.
        "text" => Some(DieselType::known(sized(
            "text",
            written.number().map(|length| 4 * length),
        ))),
        "blob" => Some(DieselType::known(sized("blob", written.number()))),
        "json" => Some(DieselType::known(match dialect {
            // https://mariadb.com/kb/en/json-data-type/
            Dialect::MariaDb => "Longtext",
            _ => "Json",
        })),
        "tinytext" | "mediumtext" | "longtext" | "tinyblob" | "mediumblob" | "longblob" | "bit" | "date" | "time"
        | "datetime" | "timestamp" => Some(DieselType::known(camel_case(name))),
        "enum" | "set" => Some(listed(table, column, name, &written.arguments)),
        // Diesel CLI also defines a type for others, with a `mysql_type` that Diesel does not have.
        _ => None,
    }
}

fn sized(kind: &str, bytes: Option<u64>) -> String {
    let size = match bytes {
        None => "",
        Some(..=0xff) => "tiny",
        Some(..=0xffff) => "",
        Some(..=0xff_ffff) => "medium",
        Some(_) => "long",
    };
    camel_case(&format!("{size}{kind}"))
}

/// Returns the type of an enum or set column. Each such column has a separate type.
fn listed(table: &Table, column: &Column, kind: &str, values: &[String]) -> DieselType {
    let table = rust_name(&table.name);
    let name = camel_case(&format!("{table} {} {kind}", column_name(&column.name, &table)));
    // MySQL removes blanks at the end of a value: https://dev.mysql.com/doc/refman/8.4/en/enum.html
    let lengths = values
        .iter()
        .map(|value| value.trim_end_matches(' ').chars().count() as u64);
    let max_length = match kind {
        // All values, separated by commas: https://dev.mysql.com/doc/refman/8.4/en/set.html
        "set" => lengths.map(|length| length + 1).sum::<u64>().saturating_sub(1),
        _ => lengths.max().unwrap_or(0),
    };
    DieselType {
        max_length: Some(max_length),
        defined: Some(DefinedType {
            name: name.clone(),
            attribute: "mysql_type",
            arguments: format!("name = {}", rust_string(&camel_case(kind))),
        }),
        ..DieselType::known(name)
    }
}

/// SQL type names that the server stores under another name:
/// <https://dev.mysql.com/doc/refman/8.4/en/other-vendor-data-types.html>,
/// <https://dev.mysql.com/doc/refman/8.4/en/numeric-type-syntax.html>,
/// <https://dev.mysql.com/doc/refman/8.4/en/string-type-syntax.html>.
const ALIASES: &[(&str, &str)] = &[
    ("boolean", "bool"),
    ("char byte", "binary"),
    ("char varying", "varchar"),
    ("character", "char"),
    ("character varying", "varchar"),
    ("dec", "decimal"),
    ("double precision", "double"),
    ("fixed", "decimal"),
    ("float4", "float"),
    ("float8", "double"),
    ("int", "integer"),
    ("int1", "tinyint"),
    ("int2", "smallint"),
    ("int4", "integer"),
    ("int8", "bigint"),
    ("long", "mediumtext"),
    ("long varbinary", "mediumblob"),
    ("long varchar", "mediumtext"),
    ("national char", "char"),
    ("national char varying", "varchar"),
    ("national character", "char"),
    ("national character varying", "varchar"),
    ("national varchar", "varchar"),
    ("nchar", "char"),
    ("nchar varchar", "varchar"),
    ("nchar varying", "varchar"),
    ("numeric", "decimal"),
    ("nvarchar", "varchar"),
    ("real", "double"),
    ("varcharacter", "varchar"),
];
