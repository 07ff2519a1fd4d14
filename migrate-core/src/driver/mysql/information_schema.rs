//! Introspection of MySQL and MariaDB: reads `information_schema` in seven queries, independent of the number of
//! tables. See <https://dev.mysql.com/doc/refman/8.4/en/information-schema.html> and
//! <https://mariadb.com/kb/en/information-schema-tables/>.
//!
//! Expressions keep the server's spelling, apart from quotes, escapes and outer parentheses. MySQL returns column names
//! in upper case, so each query sets aliases.

use std::collections::BTreeMap;

use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel::{MysqlConnection, QueryableByName, RunQueryDsl, sql_query};

use super::canonical;
use crate::dialect::Dialect;
use crate::driver::DriverError;
use crate::schema::{
    Check, Column, ColumnType, ForeignKey, ForeignKeyAction, Generated, Index, IndexKey, IndexMethod, IndexOn,
    PrimaryKey, Table, Trigger, Unique,
};
use crate::sql::tokenize;
use crate::state::LiveSchema;

pub(super) fn read(connection: &mut MysqlConnection, is_mariadb: bool) -> Result<LiveSchema, DriverError> {
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    let mut collations: BTreeMap<String, Option<String>> = BTreeMap::new();
    for row in sql_query(TABLES).load::<TableRow>(connection)? {
        collations.insert(row.name.clone(), row.collation);
        tables.insert(
            row.name.clone(),
            Table {
                name: row.name,
                comment: row.comment,
                ..Table::default()
            },
        );
    }
    for row in sql_query(columns(is_mariadb)).load::<ColumnRow>(connection)? {
        if let (Some(table), Some(collation)) = (tables.get_mut(&row.of_table), collations.get(&row.of_table)) {
            table.columns.push(row.in_table_of(collation.as_ref()));
        }
    }
    for row in sql_query(checks(is_mariadb)).load::<CheckRow>(connection)? {
        if let Some(table) = tables.get_mut(&row.of_table) {
            row.put_into(table);
        }
    }
    for row in sql_query(keys(is_mariadb)).load::<KeyRow>(connection)? {
        if let Some(table) = tables.get_mut(&row.of_table) {
            row.put_into(table);
        }
    }
    for row in sql_query(FOREIGN_KEYS).load::<ForeignKeyRow>(connection)? {
        if let Some(table) = tables.get_mut(&row.of_table) {
            row.put_into(table);
        }
    }
    tables.values_mut().for_each(sort_out_indexes);
    for row in sql_query(TRIGGERS).load::<TextRow>(connection)? {
        if let Some(table) = tables.get_mut(&row.owner) {
            table.triggers.push(Trigger {
                name: row.name,
                sql: row.text,
            });
        }
    }
    let views = sql_query(VIEWS).load::<TextRow>(connection)?;
    Ok(LiveSchema {
        tables: tables.into_iter().map(|(name, table)| (name, Ok(table))).collect(),
        views: views
            .into_iter()
            .map(|row| (row.name, query(&row.owner, &row.text)))
            .collect(),
        ..LiveSchema::default()
    })
}

#[derive(QueryableByName)]
struct TableRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Text>)]
    collation: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    comment: Option<String>,
}

// MariaDB lists sequences as tables of another type.
const TABLES: &str = "\
    SELECT table_name AS name, table_collation AS collation, nullif(table_comment, '') AS comment \
    FROM information_schema.tables \
    WHERE table_schema = database() AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')";

#[derive(QueryableByName)]
struct ColumnRow {
    #[diesel(sql_type = Text)]
    of_table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    type_name: String,
    #[diesel(sql_type = Bool)]
    nullable: bool,
    #[diesel(sql_type = Nullable<Text>)]
    default_sql: Option<String>,
    #[diesel(sql_type = Text)]
    extra: String,
    #[diesel(sql_type = Nullable<Text>)]
    expression: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    collation: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    comment: Option<String>,
}

fn columns(is_mariadb: bool) -> String {
    // MariaDB stores SQL here; MySQL does so only for some types, or where `extra` marks the default as an expression.
    // `quote` prints a missing default as NULL, as MariaDB does.
    // https://mariadb.com/kb/en/information-schema-columns-table/,
    // https://dev.mysql.com/doc/refman/8.4/en/information-schema-columns-table.html
    let default = match is_mariadb {
        true => "column_default",
        false => {
            "CASE WHEN extra LIKE '%DEFAULT_GENERATED%' OR numeric_precision IS NOT NULL \
             OR data_type IN ('year', 'binary', 'varbinary') THEN column_default ELSE quote(column_default) END"
        }
    };
    format!(
        "SELECT table_name AS of_table, column_name AS name, column_type AS type_name, is_nullable = 'YES' AS nullable, \
         {default} AS default_sql, extra AS extra, nullif(generation_expression, '') AS expression, \
         collation_name AS collation, nullif(column_comment, '') AS comment FROM information_schema.columns \
         WHERE table_schema = database() ORDER BY table_name, ordinal_position"
    )
}

impl ColumnRow {
    fn in_table_of(self, collation: Option<&String>) -> Column {
        let mut extra = self.extra.to_lowercase();
        let mut says = |word: &str| {
            let is_there = extra.contains(word);
            extra = extra.replace(word, "");
            is_there
        };
        says("default_generated");
        says("virtual generated");
        let is_stored = says("stored generated");
        let auto_increment = says("auto_increment");
        // An attribute without a builder method, such as `on update current_timestamp(6)`, becomes part of the type.
        let rest = extra.trim_matches([' ', ',']);
        let column_type = canonical::column_type(format!("{} {rest}", self.type_name).trim_end());
        let default = self.default_sql.filter(|_| self.expression.is_none());
        Column {
            name: self.name,
            nullable: self.nullable,
            default: default.and_then(|sql| canonical::default_value(&column_type, &sql)),
            auto_increment,
            generated: self.expression.map(|sql| Generated {
                expression: canonical::expression(&sql),
                stored: is_stored,
            }),
            collation: self.collation.filter(|name| Some(name) != collation),
            comment: self.comment,
            column_type,
        }
    }
}

/// A trigger of a table, or a view of the database.
#[derive(QueryableByName)]
struct TextRow {
    #[diesel(sql_type = Text)]
    owner: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    text: String,
}

#[derive(QueryableByName)]
struct CheckRow {
    #[diesel(sql_type = Text)]
    of_table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    text: String,
    /// The check belongs to a column definition.
    #[diesel(sql_type = Bool)]
    of_column: bool,
}

fn checks(is_mariadb: bool) -> &'static str {
    match is_mariadb {
        // https://mariadb.com/kb/en/information-schema-check_constraints-table/
        true => {
            "SELECT table_name AS of_table, constraint_name AS name, check_clause AS text, level = 'Column' AS of_column \
             FROM information_schema.check_constraints \
             WHERE constraint_schema = database() ORDER BY table_name, constraint_name"
        }
        // https://dev.mysql.com/doc/refman/8.4/en/information-schema-check-constraints-table.html
        false => {
            "SELECT t.table_name AS of_table, t.constraint_name AS name, c.check_clause AS text, FALSE AS of_column \
             FROM information_schema.table_constraints t JOIN information_schema.check_constraints c \
             ON c.constraint_schema = t.constraint_schema AND c.constraint_name = t.constraint_name \
             WHERE t.table_schema = database() AND t.constraint_type = 'CHECK' AND t.enforced = 'YES' \
             ORDER BY t.table_name, t.constraint_name"
        }
    }
}

impl CheckRow {
    /// Adds the check to its table. MariaDB's JSON is a LONGTEXT with a check on the column:
    /// <https://mariadb.com/kb/en/json-data-type/>. The check keeps the column's original name after a rename, so its
    /// text identifies the column.
    fn put_into(self, table: &mut Table) {
        let says_json = |column: &&mut Column| {
            let text = format!("json_valid(`{}`)", column.name.replace('`', "``"));
            self.of_column && self.text == text && column.column_type == ColumnType::Text
        };
        match table.columns.iter_mut().find(says_json) {
            Some(column) => {
                column.column_type = ColumnType::Json;
                column.collation = None;
            }
            None => table.checks.push(Check {
                name: self.name,
                expression: canonical::expression(&self.text),
            }),
        }
    }
}

/// One part of an index key.
#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = Text)]
    of_table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    is_unique: bool,
    #[diesel(sql_type = Text)]
    method: String,
    #[diesel(sql_type = Nullable<Text>)]
    of_column: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    expression: Option<String>,
    /// The length of the column prefix, in characters.
    #[diesel(sql_type = Nullable<BigInt>)]
    length: Option<i64>,
    #[diesel(sql_type = Bool)]
    descending: bool,
}

fn keys(is_mariadb: bool) -> String {
    // MariaDB has no expression indexes, and no such column.
    let expression = if is_mariadb { "CAST(NULL AS CHAR)" } else { "expression" };
    format!(
        "SELECT table_name AS of_table, index_name AS name, non_unique = 0 AS is_unique, index_type AS method, \
         column_name AS of_column, {expression} AS expression, CAST(sub_part AS SIGNED) AS length, \
         coalesce(collation, '') = 'D' AS descending FROM information_schema.statistics \
         WHERE table_schema = database() ORDER BY table_name, index_name, seq_in_index"
    )
}

impl KeyRow {
    /// Adds the key part to its index. [`sort_out_indexes`] later separates constraints from indexes.
    fn put_into(self, table: &mut Table) {
        let key = IndexKey {
            on: match (self.of_column, self.expression, self.length) {
                (Some(column), _, None) => IndexOn::Column(column),
                (Some(column), _, Some(length)) => IndexOn::Expression(format!("{column}({length})")),
                (None, expression, _) => IndexOn::Expression(canonical::expression(&expression.unwrap_or_default())),
            },
            collation: None,
            descending: self.descending,
        };
        match table.indexes.last_mut().filter(|index| index.name == self.name) {
            Some(index) => index.keys.push(key),
            None => table.indexes.push(Index {
                name: self.name,
                keys: vec![key],
                unique: self.is_unique,
                filter: None,
                include: Vec::new(),
                method: method(&self.method),
            }),
        }
    }
}

/// <https://dev.mysql.com/doc/refman/8.4/en/information-schema-statistics-table.html>
fn method(name: &str) -> Option<IndexMethod> {
    match name {
        "BTREE" => None,
        "HASH" => Some(IndexMethod::Hash),
        other => Some(IndexMethod::Named(other.to_lowercase())),
    }
}

/// Separates constraints from indexes, and drops the indexes that InnoDB creates for foreign keys. Those have the name
/// of the key: <https://dev.mysql.com/doc/refman/8.4/en/create-table-foreign-keys.html>.
fn sort_out_indexes(table: &mut Table) {
    for index in std::mem::take(&mut table.indexes) {
        let is_plain = index.method.is_none() && index.keys.iter().all(|key| !key.descending);
        let is_primary = index.name == "PRIMARY";
        let columns = index.columns().filter(|_| is_plain || is_primary);
        let serves = |key: &ForeignKey| key.name == index.name && columns.as_ref() == Some(&key.columns);
        match columns {
            // The servers store no other name for a primary key.
            Some(columns) if is_primary => {
                table.primary_key = Some(PrimaryKey {
                    name: String::new(),
                    columns,
                });
            }
            _ if !index.unique && table.foreign_keys.iter().any(serves) => {}
            // The servers do not distinguish a unique constraint from a unique index. The default suffix `_idx`
            // separates them here; `normalize_to` corrects the rest from the table in the schema state.
            Some(columns) if index.unique && !index.name.ends_with("_idx") => table.uniques.push(Unique {
                name: index.name,
                columns,
            }),
            _ => table.indexes.push(index),
        }
    }
}

/// One column of a foreign key.
#[derive(QueryableByName)]
struct ForeignKeyRow {
    #[diesel(sql_type = Text)]
    of_table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    of_column: String,
    #[diesel(sql_type = Text)]
    to_table: String,
    #[diesel(sql_type = Text)]
    to_column: String,
    #[diesel(sql_type = Text)]
    on_delete: String,
    #[diesel(sql_type = Text)]
    on_update: String,
}

// Both sides filter on the schema: joined on it, MariaDB would open the tables of all databases.
// https://mariadb.com/kb/en/optimizing-queries-with-information-schema/
const FOREIGN_KEYS: &str = "\
    SELECT k.table_name AS of_table, k.constraint_name AS name, k.column_name AS of_column, \
    CASE WHEN k.referenced_table_schema = k.table_schema THEN k.referenced_table_name \
    ELSE concat(k.referenced_table_schema, '.', k.referenced_table_name) END AS to_table, \
    k.referenced_column_name AS to_column, r.delete_rule AS on_delete, r.update_rule AS on_update \
    FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r \
    ON r.table_name = k.table_name AND r.constraint_name = k.constraint_name \
    WHERE k.table_schema = database() AND r.constraint_schema = database() AND k.referenced_table_name IS NOT NULL \
    ORDER BY k.table_name, k.constraint_name, k.ordinal_position";

impl ForeignKeyRow {
    fn put_into(self, table: &mut Table) {
        match table.foreign_keys.last_mut().filter(|key| key.name == self.name) {
            Some(key) => {
                key.columns.push(self.of_column);
                key.to_columns.push(self.to_column);
            }
            None => table.foreign_keys.push(ForeignKey {
                name: self.name,
                columns: vec![self.of_column],
                to_table: self.to_table,
                to_columns: vec![self.to_column],
                on_delete: reaction(&self.on_delete),
                on_update: reaction(&self.on_update),
                deferred: false,
            }),
        }
    }
}

/// RESTRICT and NO ACTION are equivalent, and MariaDB reports RESTRICT where neither was given:
/// <https://dev.mysql.com/doc/refman/8.4/en/create-table-foreign-keys.html>.
fn reaction(rule: &str) -> ForeignKeyAction {
    match rule {
        "CASCADE" => ForeignKeyAction::Cascade,
        "SET NULL" => ForeignKeyAction::SetNull,
        "SET DEFAULT" => ForeignKeyAction::SetDefault,
        _ => ForeignKeyAction::NoAction,
    }
}

const TRIGGERS: &str = "\
    SELECT event_object_table AS owner, trigger_name AS name, \
    concat(action_timing, ' ', event_manipulation, ' ', action_statement) AS text FROM information_schema.triggers \
    WHERE event_object_schema = database() \
    ORDER BY event_object_table, action_timing, event_manipulation, action_order";

const VIEWS: &str = "\
    SELECT table_schema AS owner, table_name AS name, view_definition AS text FROM information_schema.views \
    WHERE table_schema = database()";

/// Returns the query of a view, without the database name that the servers print before each table.
fn query(database: &str, printed: &str) -> String {
    let name = format!("`{}`", database.replace('`', "``"));
    let printed = canonical::sql(printed);
    let Ok(tokens) = tokenize(Dialect::MySql, &printed) else {
        return printed;
    };
    let mut query = String::new();
    let mut tokens = tokens.iter().peekable();
    while let Some(token) = tokens.next() {
        if token.text != name || tokens.next_if(|next| next.is(".")).is_none() {
            query.push_str(token.text);
        }
    }
    query
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use diesel::Connection;
    use diesel::connection::SimpleConnection;

    use super::*;
    use crate::dialect::{Dialect, DialectVersion};
    use crate::driver::SqlConnection;
    use crate::driver::introspection_tests::{assert_tables, described, differences, server};
    use crate::export::SchemaSnapshot;
    use crate::schema::{DefaultValue, TableBuilder, asc, desc, expression};

    /// Creates one test per server for each function that takes a database.
    macro_rules! on_each_server {
        ($($name:ident)*) => {
            $(
                mod $name {
                    #[test]
                    fn mysql() {
                        super::on("MIGRATE_TEST_MYSQL", stringify!($name), super::$name);
                    }

                    #[test]
                    fn other_mysql() {
                        super::on("MIGRATE_TEST_MYSQL_OTHER", stringify!($name), super::$name);
                    }
                }
            )*
        };
    }

    on_each_server! {
        information_schema_definitions_are_read
        described_tables_are_introspected_unchanged
    }

    /// A database that is dropped at the end of the test.
    struct Database {
        server: String,
        name: String,
        version: DialectVersion,
    }

    fn on(variable: &str, claim: &str, test: fn(&Database)) {
        if let Some(server) = server(variable) {
            test(&Database::new(server, claim));
        }
    }

    impl Database {
        fn new(server: String, claim: &str) -> Database {
            let mut connection = MysqlConnection::establish(&format!("{server}/mysql")).unwrap();
            let version = connection.version().unwrap();
            let name = format!("migrate_{}_{}", &claim[..30], std::process::id());
            connection
                .batch_execute(&format!(
                    "CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
                ))
                .unwrap();
            Database { server, name, version }
        }

        fn is_mariadb(&self) -> bool {
            self.version.name() == Dialect::MariaDb
        }

        fn holding(&self, sql: &str) -> LiveSchema {
            let mut connection = MysqlConnection::establish(&format!("{}/{}", self.server, self.name)).unwrap();
            connection.batch_execute(sql).unwrap();
            read(&mut connection, self.is_mariadb()).unwrap()
        }
    }

    impl Drop for Database {
        fn drop(&mut self) {
            let mut connection = MysqlConnection::establish(&format!("{}/mysql", self.server)).unwrap();
            connection
                .batch_execute(&format!("DROP DATABASE {}", self.name))
                .unwrap();
        }
    }

    fn information_schema_definitions_are_read(database: &Database) {
        database.holding(
            "CREATE TABLE users (id bigint AUTO_INCREMENT PRIMARY KEY, email varchar(200) NOT NULL UNIQUE COMMENT 'may log in',
                 code char(2) DEFAULT 'ab', quoted varchar(20) DEFAULT 'a''b\\\\c', balance decimal(10,2) NOT NULL DEFAULT 0,
                 feels enum('sad', 'it''s') DEFAULT 'sad', age int unsigned, ok boolean NOT NULL DEFAULT TRUE,
                 seen timestamp(6) NULL DEFAULT now(6) ON UPDATE now(6), made datetime(6) NOT NULL DEFAULT now(6),
                 noted longtext DEFAULT ('it''s'), more json, bytes longblob DEFAULT (x'00ff'),
                 sum int DEFAULT (1 + 1), twice decimal(12,2) AS (balance * 2) STORED, thrice int AS (age * 3) VIRTUAL COMMENT 'odd',
                 bare varchar(20) COLLATE utf8mb4_bin, hidden int INVISIBLE, positive int CHECK (positive > 0),
                 CONSTRAINT users_rich CHECK (balance >= 0 AND code <> 'it''s'),
                 UNIQUE INDEX users_code_idx (code), UNIQUE INDEX newest (age DESC), INDEX part (bare(10), age),
                 FULLTEXT INDEX words (noted)) COMMENT 'people';
             CREATE TABLE posts (id int PRIMARY KEY, user_id bigint, email varchar(200), parent int, author bigint,
                 CONSTRAINT posts_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
                 CONSTRAINT posts_email FOREIGN KEY (email) REFERENCES users (email) ON DELETE SET NULL ON UPDATE RESTRICT,
                 CONSTRAINT posts_parent FOREIGN KEY (parent, author) REFERENCES posts (parent, user_id),
                 INDEX by_email (email, id), UNIQUE by_two (parent, user_id));
             ALTER TABLE posts ADD COLUMN body json;
             ALTER TABLE posts RENAME COLUMN body TO document;
             CREATE VIEW names AS SELECT email, 'it''s' AS text FROM users;
             CREATE TRIGGER touched BEFORE UPDATE ON users FOR EACH ROW SET new.code = 'xx';",
        );
        let own = match database.is_mariadb() {
            true => {
                "CREATE SEQUENCE numbers;
                 ALTER TABLE users ADD COLUMN half longtext CHECK (json_valid(code))"
            }
            false => {
                "CREATE INDEX lowered ON posts ((lower(email)), id);
                 CREATE UNIQUE INDEX summed ON posts ((id + parent));
                 ALTER TABLE posts ADD CONSTRAINT lenient CHECK (id > 0) NOT ENFORCED"
            }
        };
        let live = database.holding(own);
        let tables = match database.is_mariadb() {
            true => on_mariadb(database),
            false => on_mysql(database),
        };
        assert_tables(&live, &tables, |table| {
            table.primary_key.as_mut().unwrap().name.clear();
            if table.name == "posts" {
                table.uniques[0].name = "by_two".to_owned();
                return;
            }
            table.uniques[0].name = "email".to_owned();
            let seen = table.columns.iter_mut().find(|column| column.name == "seen");
            seen.unwrap().default = Some(DefaultValue::Now);
            let index = |name: &str, keys, method| Index {
                name: name.to_owned(),
                keys,
                unique: false,
                filter: None,
                include: Vec::new(),
                method,
            };
            let fulltext = IndexMethod::Named("fulltext".to_owned());
            table.indexes.extend([
                index("part", vec![expression("bare(10)"), asc("age")], None),
                index("words", vec![asc("noted")], Some(fulltext)),
            ]);
            table.triggers.push(Trigger {
                name: "touched".to_owned(),
                sql: "BEFORE UPDATE SET new.code = 'xx'".to_owned(),
            });
        });
        let views: Vec<(&str, &str)> = live
            .views
            .iter()
            .map(|(name, sql)| (name.as_str(), sql.as_str()))
            .collect();
        let names = "select `users`.`email` AS `email`,'it''s' AS `text` from `users`";
        assert_eq!(views, [("names", names)]);
    }

    fn on_mysql(database: &Database) -> SchemaSnapshot {
        described(database.version, |schema| {
            schema.create_table("users", |t| {
                users(t);
                t.check("users_chk_1", "`positive` > 0");
                t.check("users_rich", "(`balance` >= 0) and (`code` <> 'it''s')");
            });
            schema.create_table("posts", |t| {
                posts(t);
                t.index([expression("lower(`email`)"), asc("id")]).name("lowered");
                t.index([expression("`id` + `parent`")]).unique().name("summed");
            });
        })
    }

    fn on_mariadb(database: &Database) -> SchemaSnapshot {
        described(database.version, |schema| {
            schema.create_table("users", |t| {
                users(t);
                t.text("half").nullable();
                t.check("half", "json_valid(`code`)");
                t.check("positive", "`positive` > 0");
                t.check("users_rich", "`balance` >= 0 and `code` <> 'it''s'");
            });
            schema.create_table("posts", posts);
        })
    }

    /// What both read of `users`.
    fn users(t: &TableBuilder) {
        let named = |name: &str| ColumnType::Named(name.to_owned());
        t.id();
        t.varchar("email", 200).unique().comment("may log in");
        t.char("code", 2).nullable().default("ab");
        t.varchar("quoted", 20).nullable().default("a'b\\c");
        t.numeric("balance", 10, 2).default(0);
        t.column("feels", named("enum('sad','it''s')"))
            .nullable()
            .default("sad");
        t.column("age", named("int unsigned")).nullable();
        t.bool("ok").default(true);
        t.column("seen", named("timestamp(6) on update current_timestamp(6)"))
            .nullable();
        t.timestamp("made").default_now();
        t.text("noted").nullable().default("it's");
        t.json("more").nullable();
        t.binary("bytes").nullable().default(&[0_u8, 255][..]);
        t.integer("sum").nullable().default_sql("1 + 1");
        t.numeric("twice", 12, 2).nullable().generated("`balance` * 2");
        t.integer("thrice")
            .nullable()
            .generated_virtual("`age` * 3")
            .comment("odd");
        t.varchar("bare", 20).nullable().collate("utf8mb4_bin");
        t.column("hidden", named("int invisible")).nullable();
        t.integer("positive").nullable();
        t.index(["code"]).unique().name("users_code_idx");
        t.index([desc("age")]).unique().name("newest");
        t.comment("people");
    }

    /// What both read of `posts`.
    fn posts(t: &TableBuilder) {
        t.integer("id").primary_key();
        t.big_int("user_id")
            .nullable()
            .references("users", "id")
            .on_delete(ForeignKeyAction::Cascade)
            .name("posts_user");
        t.varchar("email", 200)
            .nullable()
            .references("users", "email")
            .on_delete(ForeignKeyAction::SetNull)
            .name("posts_email");
        t.integer("parent").nullable();
        t.big_int("author").nullable();
        t.json("document").nullable();
        t.unique(["parent", "user_id"]);
        t.foreign_key(["parent", "author"], "posts", ["parent", "user_id"])
            .name("posts_parent");
        t.index(["email", "id"]).name("by_email");
    }

    fn described_tables_are_introspected_unchanged(database: &Database) {
        let known = described(database.version, |schema| {
            schema.create_table("people", |t| {
                t.id();
                t.varchar("email", 200).unique().collate("utf8mb4_bin");
                t.varchar("name", 100).nullable().default("it's nobody");
                t.char("country", 2).check("country <> 'it''s'");
                t.date("born").nullable().default("2000-01-01");
                t.timestamps();
                // The server prints these as `lcase(..)` and `octet_length(..)`.
                t.varchar("words", 50)
                    .default_sql("lower('NONE')")
                    .check("length(words) > 2");
                t.timestamp("seen").default_sql("CURRENT_TIMESTAMP(6)");
                t.timestamp("gone").default_sql("now(6)");
                t.integer("visits").default_sql("0");
                t.varchar("mood", 50).default_sql("'it''s'");
                t.varchar("handle", 50).default_sql("lower('A')").unique();
                t.check("people_sane", "visits != 13 AND upper(country) = country");
                t.index([desc("name"), asc("handle")]);
                t.index(["name"]).method(IndexMethod::Hash).name("by_name");
                t.index(["country"]).unique().name("one_each");
                t.index(["born", "country"]).unique();
                t.comment("whoever has signed up");
            });
            schema.create_table("measurements", |t| {
                t.small_int("a_small_int").default(-3);
                t.integer("an_integer").default_sql("1 + 1");
                t.big_int("key").auto_increment().primary_key();
                t.float("a_float").default(1.0);
                t.double("a_double").default(0.5);
                t.double("another").default(0.0);
                t.numeric("a_numeric", 10, 2).default(1.5);
                t.numeric("one_more", 10, 2).default(7);
                t.bool("a_bool").default(true);
                t.bool("no_bool").nullable().default(false);
                t.binary("bytes").nullable().default(&[0_u8, 255][..]);
                t.text("a_text").default("it's");
                t.time("a_time").default("10:00:00");
                t.timestamp("a_timestamp").default_now();
                t.timestamp("long_ago").default("2020-01-01 00:00:00");
                t.date("a_date").default("2020-1-1");
                t.timestamptz("a_timestamptz");
                t.timestamptz("the_present").default_now();
                t.json("a_json").default("{}");
                t.jsonb("a_jsonb").nullable();
                t.column("shape", ColumnType::Named("geometry".to_owned())).nullable();
                t.column("mood", ColumnType::Named("ENUM('sad', 'it''s')".to_owned()))
                    .default("sad");
                t.column("age", ColumnType::Named("INT UNSIGNED".to_owned()));
                t.column("words", ColumnType::Named("longtext".to_owned()));
                t.integer("twice")
                    .generated("an_integer * 2")
                    .comment("kept in the row");
                t.integer("thrice").nullable().generated_virtual("an_integer * 3");
            });
            schema.create_table("memberships", |t| {
                t.big_int("person_id")
                    .references("people", "id")
                    .on_delete(ForeignKeyAction::Cascade)
                    .on_update(ForeignKeyAction::Restrict)
                    .name("membership_of_person");
                t.varchar("role", 50);
                t.varchar("team", 50);
                t.primary_key(["person_id", "team"]);
                t.unique(["team", "role"]);
                t.check("named_role", "role <> '' AND team <> role");
            });
            schema.create_table("invitations", |t| {
                t.big_int("person_id");
                t.varchar("team", 50);
                t.big_int("by")
                    .nullable()
                    .references("people", "id")
                    .on_delete(ForeignKeyAction::SetNull);
                t.foreign_key(["person_id", "team"], "memberships", ["person_id", "team"]);
            });
        });
        let live = database.holding(&known.sql().unwrap());
        assert_eq!(differences(database.version, &known, &live), [""; 0]);
    }
}
