//! Introspection of PostgreSQL: reads its catalogs, <https://www.postgresql.org/docs/current/catalogs.html>.
//!
//! It reads the connection's schema, without the objects of extensions. Expressions stay as the server prints them.
//! Queries quote the name of the schema for `regnamespace`, which parses it as SQL.

use std::collections::BTreeMap;

use diesel::sql_types::{Array, Bool, Integer, Nullable, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};

use crate::dialect::Dialect;
use crate::driver::DriverError;
use crate::schema::{
    Check, Column, ColumnType, DefaultValue, ForeignKey, ForeignKeyAction, Generated, Index, IndexKey, IndexMethod,
    IndexOn, PrimaryKey, Table, Trigger, Unique, Value,
};
use crate::sql::{Token, TokenKind, tokenize};
use crate::state::LiveSchema;

pub(super) fn read(connection: &mut PgConnection) -> Result<LiveSchema, DriverError> {
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for row in sql_query(TABLES).load::<TableRow>(connection)? {
        tables.insert(
            row.name.clone(),
            Table {
                name: row.name,
                comment: row.comment,
                ..Table::default()
            },
        );
    }
    for row in sql_query(COLUMNS).load::<ColumnRow>(connection)? {
        if let Some(table) = tables.get_mut(&row.of_table) {
            table.columns.push(row.into());
        }
    }
    for row in sql_query(CONSTRAINTS).load::<ConstraintRow>(connection)? {
        if let Some(table) = tables.get_mut(&row.of_table) {
            row.put_into(table);
        }
    }
    for row in sql_query(INDEXES).load::<IndexRow>(connection)? {
        if let Some(table) = tables.get_mut(&row.of_table) {
            table.indexes.push(row.into());
        }
    }
    for row in sql_query(TRIGGERS).load::<TextRow>(connection)? {
        if let Some(table) = row.of_table.and_then(|name| tables.get_mut(&name)) {
            table.triggers.push(Trigger {
                name: row.name,
                sql: row.text,
            });
        }
    }
    let views = sql_query(VIEWS).load::<TextRow>(connection)?;
    let enums = sql_query(ENUMS).load::<EnumRow>(connection)?;
    Ok(LiveSchema {
        tables: tables.into_iter().map(|(name, table)| (name, Ok(table))).collect(),
        views: views.into_iter().map(|row| (row.name, row.text)).collect(),
        enums: enums.into_iter().map(|row| (row.name, row.labels)).collect(),
        ..LiveSchema::default()
    })
}

#[derive(QueryableByName)]
struct TableRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Text>)]
    comment: Option<String>,
}

const TABLES: &str = "\
    SELECT c.relname::text AS name, obj_description(c.oid, 'pg_class') AS comment FROM pg_class c \
    WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition \
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')";

#[derive(QueryableByName)]
struct ColumnRow {
    #[diesel(sql_type = Text)]
    of_table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    type_name: String,
    #[diesel(sql_type = Nullable<Text>)]
    enum_name: Option<String>,
    #[diesel(sql_type = Bool)]
    nullable: bool,
    #[diesel(sql_type = Nullable<Text>)]
    expression: Option<String>,
    #[diesel(sql_type = Bool)]
    identity: bool,
    #[diesel(sql_type = Text)]
    generated: String,
    #[diesel(sql_type = Nullable<Text>)]
    collation: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    comment: Option<String>,
}

const COLUMNS: &str = "\
    SELECT c.relname::text AS of_table, a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type_name, \
    CASE t.typtype WHEN 'e' THEN t.typname::text END AS enum_name, NOT a.attnotnull AS nullable, \
    pg_get_expr(d.adbin, d.adrelid) AS expression, a.attidentity <> '' AS identity, a.attgenerated::text AS generated, \
    CASE WHEN a.attcollation <> t.typcollation THEN l.collname::text END AS collation, \
    col_description(c.oid, a.attnum) AS comment \
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
    JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum \
    LEFT JOIN pg_collation l ON l.oid = a.attcollation \
    WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.oid, a.attnum";

impl From<ColumnRow> for Column {
    fn from(row: ColumnRow) -> Column {
        let is_serial = row.expression.as_ref().is_some_and(|sql| sql.starts_with("nextval("));
        let is_generated = !row.generated.is_empty();
        let generated = row
            .expression
            .clone()
            .filter(|_| is_generated)
            .map(|expression| Generated {
                expression,
                stored: row.generated == "s",
            });
        let default = row.expression.filter(|_| !is_generated && !is_serial);
        Column {
            name: row.name,
            column_type: match row.enum_name {
                Some(name) => ColumnType::Enum(name),
                None => column_type(&row.type_name),
            },
            nullable: row.nullable,
            default: default.map(|sql| default_value(&sql)),
            auto_increment: row.identity || is_serial,
            generated,
            collation: row.collation,
            comment: row.comment,
        }
    }
}

/// Parses a type as the server prints it: <https://www.postgresql.org/docs/current/datatype.html>.
fn column_type(name: &str) -> ColumnType {
    let in_parentheses = |prefix: &str| name.strip_prefix(prefix)?.strip_prefix('(')?.strip_suffix(')');
    if let Some(length) = in_parentheses("character varying").and_then(|length| length.parse().ok()) {
        return ColumnType::VarChar(length);
    }
    if let Some(length) = in_parentheses("character").and_then(|length| length.parse().ok()) {
        return ColumnType::Char(length);
    }
    if let Some((precision, scale)) = in_parentheses("numeric").and_then(|both| both.split_once(','))
        && let (Ok(precision), Ok(scale)) = (precision.parse(), scale.parse())
    {
        return ColumnType::Numeric { precision, scale };
    }
    match name {
        "smallint" => ColumnType::SmallInt,
        "integer" => ColumnType::Integer,
        "bigint" => ColumnType::BigInt,
        "real" => ColumnType::Float,
        "double precision" => ColumnType::Double,
        "boolean" => ColumnType::Bool,
        "text" => ColumnType::Text,
        "bytea" => ColumnType::Binary,
        "date" => ColumnType::Date,
        "time without time zone" => ColumnType::Time,
        "timestamp without time zone" => ColumnType::Timestamp,
        "timestamp with time zone" => ColumnType::Timestamptz,
        "json" => ColumnType::Json,
        "jsonb" => ColumnType::Jsonb,
        "uuid" => ColumnType::Uuid,
        other => ColumnType::Named(other.to_owned()),
    }
}

/// Parses a default into a value where its form is simple, else into an expression.
fn default_value(sql: &str) -> DefaultValue {
    let text = |sql: &str| {
        let tokens = tokenize(Dialect::Postgres, sql).ok()?;
        let [literal, one, other, of_type @ ..] = tokens.as_slice() else {
            return None;
        };
        let is_of_type = |token: &Token<'_>| {
            token.name().is_some()
                || token.is_one_of(&[".", "(", ")", ",", "[", "]"])
                || token.kind == TokenKind::Number
        };
        let is_cast = one.is(":") && other.is(":");
        let is_type = of_type.iter().filter(|token| token.is_significant()).all(is_of_type);
        literal.value().filter(|_| is_cast && is_type).map(Value::Text)
    };
    match sql {
        "now()" | "CURRENT_TIMESTAMP" => return DefaultValue::Now,
        "true" => return DefaultValue::Value(Value::Bool(true)),
        "false" => return DefaultValue::Value(Value::Bool(false)),
        _ => {}
    }
    let number = sql.parse().ok().map(Value::Integer);
    match number.or_else(|| text(sql)) {
        Some(value) => DefaultValue::Value(value),
        None => DefaultValue::Expression(sql.to_owned()),
    }
}

#[derive(QueryableByName)]
struct ConstraintRow {
    #[diesel(sql_type = Text)]
    of_table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Array<Text>)]
    of_columns: Vec<String>,
    #[diesel(sql_type = Nullable<Text>)]
    expression: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    to_table: Option<String>,
    #[diesel(sql_type = Array<Text>)]
    to_columns: Vec<String>,
    #[diesel(sql_type = Text)]
    on_delete: String,
    #[diesel(sql_type = Text)]
    on_update: String,
    #[diesel(sql_type = Bool)]
    deferred: bool,
}

const CONSTRAINTS: &str = "\
    SELECT c.relname::text AS of_table, k.conname::text AS name, k.contype::text AS kind, \
    ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place) \
    JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY u.place) AS of_columns, \
    CASE k.contype WHEN 'c' THEN pg_get_expr(k.conbin, k.conrelid) END AS expression, r.relname::text AS to_table, \
    ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (number, place) \
    JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number ORDER BY u.place) AS to_columns, \
    k.confdeltype::text AS on_delete, k.confupdtype::text AS on_update, k.condeferred AS deferred \
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid LEFT JOIN pg_class r ON r.oid = k.confrelid \
    WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND k.contype IN ('p', 'u', 'c', 'f') ORDER BY k.oid";

impl ConstraintRow {
    fn put_into(self, table: &mut Table) {
        let ConstraintRow {
            name,
            of_columns: columns,
            ..
        } = self;
        match (self.kind.as_str(), self.expression, self.to_table) {
            ("p", ..) => table.primary_key = Some(PrimaryKey { name, columns }),
            ("u", ..) => table.uniques.push(Unique { name, columns }),
            ("c", Some(expression), _) => table.checks.push(Check { name, expression }),
            ("f", _, Some(to_table)) => table.foreign_keys.push(ForeignKey {
                name,
                columns,
                to_table,
                to_columns: self.to_columns,
                on_delete: reaction(&self.on_delete),
                on_update: reaction(&self.on_update),
                deferred: self.deferred,
            }),
            _ => {}
        }
    }
}

/// <https://www.postgresql.org/docs/current/catalog-pg-constraint.html>
fn reaction(code: &str) -> ForeignKeyAction {
    match code {
        "r" => ForeignKeyAction::Restrict,
        "c" => ForeignKeyAction::Cascade,
        "n" => ForeignKeyAction::SetNull,
        "d" => ForeignKeyAction::SetDefault,
        _ => ForeignKeyAction::NoAction,
    }
}

#[derive(QueryableByName)]
struct IndexRow {
    #[diesel(sql_type = Text)]
    of_table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    is_unique: bool,
    #[diesel(sql_type = Text)]
    method: String,
    #[diesel(sql_type = Integer)]
    key_count: i32,
    /// The column or expression of each part, with the included columns last.
    #[diesel(sql_type = Array<Text>)]
    parts: Vec<String>,
    #[diesel(sql_type = Array<Bool>)]
    are_columns: Vec<bool>,
    #[diesel(sql_type = Array<Bool>)]
    descending: Vec<bool>,
    #[diesel(sql_type = Array<Nullable<Text>>)]
    collations: Vec<Option<String>>,
    #[diesel(sql_type = Nullable<Text>)]
    filter: Option<String>,
}

/// Skips indexes that a failed concurrent build left invalid: queries do not use them.
const INDEXES: &str = "\
    SELECT c.relname::text AS of_table, n.relname::text AS name, i.indisunique AS is_unique, m.amname::text AS method, \
    i.indnkeyatts::integer AS key_count, \
    ARRAY(SELECT coalesce(a.attname::text, pg_get_indexdef(i.indexrelid, s.k, true)) FROM generate_series(1, i.indnatts) AS s (k) \
    LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[s.k - 1] AND a.attnum > 0 ORDER BY s.k) AS parts, \
    ARRAY(SELECT i.indkey[s.k - 1] <> 0 FROM generate_series(1, i.indnatts) AS s (k) ORDER BY s.k) AS are_columns, \
    ARRAY(SELECT (i.indoption[s.k - 1] & 1) = 1 FROM generate_series(1, i.indnkeyatts) AS s (k) ORDER BY s.k) AS descending, \
    ARRAY(SELECT l.collname::text FROM generate_series(1, i.indnkeyatts) AS s (k) \
    LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[s.k - 1] \
    LEFT JOIN pg_collation l ON l.oid = i.indcollation[s.k - 1] AND l.oid <> a.attcollation ORDER BY s.k) AS collations, \
    pg_get_expr(i.indpred, i.indrelid) AS filter \
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class n ON n.oid = i.indexrelid JOIN pg_am m ON m.oid = n.relam \
    WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND i.indisvalid \
    AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) \
    ORDER BY i.indexrelid";

impl From<IndexRow> for Index {
    fn from(row: IndexRow) -> Index {
        let key_count = usize::try_from(row.key_count).unwrap_or_default();
        let mut parts = row.parts;
        let include = parts.split_off(key_count.min(parts.len()));
        let details = row.are_columns.into_iter().zip(row.descending).zip(row.collations);
        let keys = parts.into_iter().zip(details);
        Index {
            name: row.name,
            keys: keys
                .map(|(on, ((is_column, descending), collation))| IndexKey {
                    on: if is_column {
                        IndexOn::Column(on)
                    } else {
                        IndexOn::Expression(on)
                    },
                    collation,
                    descending,
                })
                .collect(),
            unique: row.is_unique,
            filter: row.filter,
            include,
            method: method(row.method),
        }
    }
}

fn method(name: String) -> Option<IndexMethod> {
    Some(match name.as_str() {
        "btree" => return None,
        "hash" => IndexMethod::Hash,
        "gin" => IndexMethod::Gin,
        "gist" => IndexMethod::Gist,
        "spgist" => IndexMethod::SpGist,
        "brin" => IndexMethod::Brin,
        _ => IndexMethod::Named(name),
    })
}

#[derive(QueryableByName)]
struct TextRow {
    #[diesel(sql_type = Nullable<Text>)]
    of_table: Option<String>,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    text: String,
}

const TRIGGERS: &str = "\
    SELECT c.relname::text AS of_table, t.tgname::text AS name, pg_get_triggerdef(t.oid, true) AS text \
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid \
    WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND NOT t.tgisinternal ORDER BY t.oid";

const VIEWS: &str = "\
    SELECT NULL::text AS of_table, c.relname::text AS name, pg_get_viewdef(c.oid, true) AS text FROM pg_class c \
    WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind IN ('v', 'm') \
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')";

#[derive(QueryableByName)]
struct EnumRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Array<Text>)]
    labels: Vec<String>,
}

const ENUMS: &str = "\
    SELECT t.typname::text AS name, \
    ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder) AS labels \
    FROM pg_type t WHERE t.typnamespace = quote_ident(current_schema())::regnamespace AND t.typtype = 'e' \
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use diesel::Connection;
    use diesel::connection::SimpleConnection;

    use super::*;
    use crate::dialect::Dialect;
    use crate::driver::introspection_tests::{assert_tables, described, differences, server};
    use crate::schema::{desc, expression};

    /// Connects, and creates a schema in a transaction that never commits.
    fn connect() -> Option<PgConnection> {
        let server = server("MIGRATE_TEST_POSTGRES")?;
        let mut connection = PgConnection::establish(&format!("{server}/postgres")).unwrap();
        connection.begin_test_transaction().unwrap();
        connection
            .batch_execute("CREATE SCHEMA migrate_live; SET LOCAL search_path = migrate_live")
            .unwrap();
        Some(connection)
    }

    #[test]
    fn catalog_definitions_are_read() {
        let Some(mut connection) = connect() else { return };
        connection
            .batch_execute(
                "CREATE TYPE mood AS ENUM ('sad', 'it''s');
                 CREATE TABLE users (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, email varchar(200) NOT NULL UNIQUE,
                     code char(2) DEFAULT 'ab', balance numeric(10,2) NOT NULL DEFAULT 0, feels mood DEFAULT 'sad', tags text[],
                     seen timestamptz DEFAULT now(), twice numeric GENERATED ALWAYS AS (balance * 2) STORED,
                     name text COLLATE \"C\", ok bool DEFAULT true, CONSTRAINT users_rich CHECK (balance >= 0));
                 CREATE TABLE posts (id serial PRIMARY KEY, user_id bigint REFERENCES users ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
                 CREATE UNIQUE INDEX users_lower ON users (lower(name), email DESC) INCLUDE (ok) WHERE ok;
                 CREATE INDEX users_tags ON users USING gin (tags);
                 CREATE VIEW names AS SELECT name FROM users;
                 CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
                 CREATE TRIGGER touched BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch();
                 COMMENT ON TABLE users IS 'people'; COMMENT ON COLUMN users.ok IS 'may log in';",
            )
            .unwrap();
        let live = read(&mut connection).unwrap();
        let described = described(Dialect::Postgres.into(), |schema| {
            schema.create_enum("mood", ["sad", "it's"]);
            schema.create_table("users", |t| {
                t.id();
                t.varchar("email", 200).unique();
                t.char("code", 2).nullable().default("ab");
                t.numeric("balance", 10, 2).default(0);
                t.enum_type("feels", "mood").nullable().default("sad");
                t.column("tags", ColumnType::Named("text[]".to_owned())).nullable();
                t.timestamptz("seen").nullable().default_now();
                t.column("twice", ColumnType::Named("numeric".to_owned()))
                    .nullable()
                    .generated("(balance * (2)::numeric)");
                t.text("name").nullable().collate("C");
                t.bool("ok").nullable().default(true).comment("may log in");
                t.check("users_rich", "(balance >= (0)::numeric)");
                t.index([expression("lower(name)"), desc("email")])
                    .unique()
                    .include(["ok"])
                    .filter("ok")
                    .name("users_lower");
                t.index(["tags"]).method(IndexMethod::Gin).name("users_tags");
                t.comment("people");
            });
            schema.create_table("posts", |t| {
                t.integer("id").auto_increment().primary_key();
                t.big_int("user_id")
                    .nullable()
                    .references("users", "id")
                    .on_delete(ForeignKeyAction::Cascade);
            });
        });
        assert_tables(&live, &described, |table| match table.name.as_str() {
            "posts" => table.foreign_keys[0].deferred = true,
            _ => table.triggers.push(Trigger {
                name: "touched".to_owned(),
                sql: "CREATE TRIGGER touched BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch()".to_owned(),
            }),
        });
        let views: Vec<(&str, &str)> = live
            .views
            .iter()
            .map(|(name, sql)| (name.as_str(), sql.as_str()))
            .collect();
        assert_eq!(views, [("names", " SELECT users.name\n   FROM users;")]);
        assert_eq!(live.enums["mood"], ["sad", "it's"]);
        assert_eq!(live.enums.len(), 1);
    }

    #[test]
    fn described_tables_are_introspected_unchanged() {
        let Some(mut connection) = connect() else { return };
        let known = described(Dialect::Postgres.into(), |schema| {
            schema.create_enum("mood", ["sad", "it's"]);
            schema.create_table("people", |t| {
                t.id();
                t.varchar("name", 100).nullable().default("it's nobody").unique();
                t.enum_type("mood", "mood").default("it's");
                t.text("country").default_sql("'de'").check("country <> 'it''s'");
                t.timestamp("born").default_sql("CURRENT_TIMESTAMP");
                t.timestamptz("seen").default_now();
                t.timestamptz("ends").default("2030-1-2 03:04");
                t.jsonb("less").default(r#"{"a":1}"#);
                t.column("age", ColumnType::Named("interval".to_owned()))
                    .default_sql("interval '1 day'");
                t.jsonb("more").default_sql("'{}'::jsonb");
                t.integer("count").default_sql("0");
                t.integer("sum").default_sql("1 + 1");
                t.index([expression("lower(country)"), desc("name")])
                    .filter("country LIKE 'd%'");
            });
        });
        connection.batch_execute(&known.sql().unwrap()).unwrap();
        let live = read(&mut connection).unwrap();
        assert_eq!(differences(Dialect::Postgres.into(), &known, &live), [""; 0]);
    }
}
