//! The capabilities of each database version. Each question has an answer for every database.

use crate::dialect::Dialect;

/// The capabilities of one database in one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Features {
    /// True if a transaction also covers schema changes. Otherwise each DDL statement commits implicitly:
    /// <https://dev.mysql.com/doc/refman/8.4/en/implicit-commit.html>.
    pub(crate) transactional_changes: bool,
    /// True if one SQL text may hold several statements, one of which may end the transaction:
    /// <https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT>.
    pub(crate) several_statements: bool,
    /// True if a value that was added to an enum cannot be used before its transaction commits:
    /// <https://www.postgresql.org/docs/current/sql-altertype.html>.
    pub(crate) new_enum_values_wait: bool,
    /// True if generated columns may be virtual, that is, computed when they are read:
    /// <https://www.postgresql.org/docs/18/ddl-generated-columns.html>.
    pub(crate) virtual_columns: bool,
    /// True if a generated column can be NOT NULL: <https://mariadb.com/kb/en/generated-columns/>.
    pub(crate) generated_not_null: bool,
    /// True if an index stores descending keys. MariaDB before 10.8 accepts `DESC` and ignores it:
    /// <https://mariadb.com/kb/en/create-index/>.
    pub(crate) descending_keys: bool,
    /// True if an index key can be an expression: <https://mariadb.com/kb/en/create-index/>.
    pub(crate) expression_keys: bool,
    /// True if an index can be limited to some rows by a filter.
    pub(crate) filtered_indexes: bool,
    /// True if an index can include columns beside its keys:
    /// <https://www.postgresql.org/docs/current/sql-createindex.html>.
    pub(crate) included_columns: bool,
    /// True if ALTER TABLE accepts `DROP INDEX IF EXISTS`: <https://mariadb.com/kb/en/alter-table/>.
    pub(crate) drops_index_if_exists: bool,
    /// True if ALTER TABLE can rename a column that a generated column, a CHECK or an expression index names:
    /// <https://dev.mysql.com/doc/refman/8.4/en/create-table-generated-columns.html>.
    pub(crate) renames_what_is_computed_from: bool,
    /// True if two tables can have a CHECK of the same name:
    /// <https://dev.mysql.com/doc/refman/8.4/en/create-table-check-constraints.html>.
    pub(crate) check_names_by_table: bool,
    /// True if ALTER TABLE changes a column without a copy, whichever columns a CHECK names. MySQL 9.7 copies the table
    /// if a CHECK names a date, a time, a long text or an enum. Its manual does not mention this.
    pub(crate) changes_columns_beside_checks: bool,
    /// True if the algorithm in ALTER TABLE is the least efficient one allowed, so that the server may choose a better
    /// one: <https://mariadb.com/kb/en/innodb-online-ddl-overview/>.
    pub(crate) takes_better_algorithms: bool,
    /// True if a table has a row number, which an integer primary key replaces, and which is the key of a table without
    /// one: <https://sqlite.org/rowidtable.html>.
    pub(crate) rowid_alias_is_key: bool,
    /// True if the table that a foreign key references must exist when the key is created. SQLite looks for it only when
    /// rows change: <https://sqlite.org/foreignkeys.html#fk_schemacommands>.
    pub(crate) references_existing_tables: bool,
    /// True for `INSERT INTO t DEFAULT VALUES`: <https://sqlite.org/lang_insert.html>,
    /// <https://www.postgresql.org/docs/current/sql-insert.html>. Elsewhere it is `INSERT INTO t () VALUES ()`:
    /// <https://dev.mysql.com/doc/refman/8.4/en/insert.html>.
    pub(crate) default_values_insert: bool,
    /// True if a literal for a time with time zone may have an offset. MySQL accepts it from 8.0.19, MariaDB never:
    /// <https://dev.mysql.com/doc/refman/8.4/en/date-and-time-literals.html>.
    pub(crate) timestamptz_offsets: bool,
    /// True if a value of the type `bit(n)` is text of n digits, not a number:
    /// <https://www.postgresql.org/docs/current/datatype-bit.html>.
    pub(crate) bits_are_text: bool,
}

impl Features {
    pub(crate) const fn of(name: Dialect, version: (u32, u32)) -> Features {
        let is_mysql = matches!(name, Dialect::MySql);
        let is_mariadb = matches!(name, Dialect::MariaDb);
        let is_postgres = matches!(name, Dialect::Postgres);
        Features {
            transactional_changes: !is_mysql && !is_mariadb,
            several_statements: is_postgres,
            new_enum_values_wait: is_postgres,
            virtual_columns: !is_postgres || is_at_least(version, (18, 0)),
            generated_not_null: !is_mariadb,
            descending_keys: !is_mariadb || is_at_least(version, (10, 8)),
            expression_keys: !is_mariadb,
            filtered_indexes: !is_mysql && !is_mariadb,
            included_columns: is_postgres,
            drops_index_if_exists: is_mariadb,
            renames_what_is_computed_from: !is_mysql,
            check_names_by_table: !is_mysql,
            changes_columns_beside_checks: !is_mysql,
            takes_better_algorithms: is_mariadb,
            rowid_alias_is_key: !is_postgres && !is_mysql && !is_mariadb,
            references_existing_tables: is_postgres || is_mysql || is_mariadb,
            default_values_insert: !is_mysql && !is_mariadb,
            timestamptz_offsets: !is_mysql && !is_mariadb,
            bits_are_text: is_postgres,
        }
    }
}

/// Compares versions in `const fn`, where tuples have no comparison.
const fn is_at_least(version: (u32, u32), least: (u32, u32)) -> bool {
    version.0 > least.0 || (version.0 == least.0 && version.1 >= least.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::dialect_of;

    #[test]
    fn every_dialect_decides_every_feature() {
        let all = ["sqlite", "postgres", "postgres:18", "mysql", "mariadb", "mariadb:10.8"];
        let mut table = String::new();
        let answers = |text: &str| {
            let features = dialect_of(text.parse().unwrap()).features();
            format!("{features:?}")
                .trim_start_matches("Features { ")
                .trim_end_matches(" }")
                .split(", ")
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let columns: Vec<Vec<String>> = all.iter().map(|text| answers(text)).collect();
        for (at, question) in columns[0].iter().enumerate() {
            let question = question.split(':').next().unwrap_or_default();
            let yes = all
                .iter()
                .zip(&columns)
                .filter(|(_, answers)| answers[at].ends_with("true"))
                .map(|(text, _)| *text);
            table += &format!("{question}: {}\n", yes.collect::<Vec<_>>().join(", "));
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn a_version_uses_the_newest_known_version_up_to_it() {
        for name in Dialect::ALL {
            for major in 3..25 {
                for minor in 0..60 {
                    let Ok(version) = format!("{name}:{major}.{minor}").parse::<crate::DialectVersion>() else {
                        continue;
                    };
                    let expected = Features::of(name, version.version());
                    assert_eq!(dialect_of(version).features(), expected, "{version}");
                }
            }
        }
    }
}
