//! The rows that can make a step fail: for each constraint that the step adds, a query finds the rows that violate it.

use crate::render::{RenderedStatement, SqlDialect, index_keys};
use crate::schema::{ColumnEffect, ForeignKey, Index, IndexKey, IndexOn, Operation, Requirement, Table};
use crate::sql::{mentions, renamed};

/// The kind of constraint that rows violate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// Several rows have the same key.
    Unique,
    /// A row has NULL in a NOT NULL column.
    NotNull,
    /// A row references a row that does not exist.
    ForeignKey,
    /// The expression of a CHECK is false for a row.
    Check,
}

/// Rows that make a step fail, if such rows exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowsAtFault {
    pub(crate) violation: Violation,
    /// A sentence without a period that names the table and the columns: several rows of `users` have the same `email`.
    pub(crate) sentence: String,
    /// The query that finds them, quoted for the dialect and without a semicolon. It names columns as they are before the
    /// operation of the step, which is what a rollback leaves.
    pub(crate) query: String,
}

/// Returns the rows that can make each statement of an operation fail, statement by statement.
pub(super) fn rows_at_fault(
    dialect: &dyn SqlDialect,
    operation: &Operation,
    before: Option<&Table>,
    statements: &[RenderedStatement],
) -> Vec<Vec<RowsAtFault>> {
    let mut by_statement = vec![Vec::new(); statements.len()];
    let Operation::AlterTable { table, edits } = operation else {
        return by_statement;
    };
    let mut finder = Finder {
        dialect,
        table,
        renames: Vec::new(),
        added: Vec::new(),
    };
    for (position, edit) in edits.iter().enumerate() {
        let effects = edit.change.effects();
        let rows = effects.requires.and_then(|required| finder.of(required, before));
        let at = statements
            .iter()
            .rposition(|statement| statement.edits.contains(&position));
        if let Some((at, rows)) = at.zip(rows) {
            by_statement[at].push(rows);
        }
        match effects.column {
            Some(ColumnEffect::Renamed { from, to }) => finder.renames.push((from, to)),
            Some(ColumnEffect::Added(column)) => finder.added.push(&column.name),
            Some(ColumnEffect::Dropped(_) | ColumnEffect::Converted { .. }) | None => {}
        }
    }
    by_statement
}

struct Finder<'a> {
    dialect: &'a dyn SqlDialect,
    table: &'a str,
    /// The renames before the current edit in the same operation.
    renames: Vec<(&'a str, &'a str)>,
    /// The columns that earlier edits of the operation add.
    added: Vec<&'a str>,
}

impl<'a> Finder<'a> {
    fn of(&self, required: Requirement<'_>, before: Option<&Table>) -> Option<RowsAtFault> {
        match required {
            Requirement::PrimaryKey(key) => self.duplicates(&plain(&key.columns), None, false),
            Requirement::Unique(unique) => self.duplicates(&plain(&unique.columns), None, true),
            Requirement::UniqueIndex(index) => self.duplicates(&index.keys, index.filter.as_deref(), true),
            Requirement::ForeignKey(key) => self.orphans(key, before),
            Requirement::Check(check) => self.violations(&check.expression),
            Requirement::NotNull { column } => self.nulls(column),
            Requirement::FilledNotNull { column, expression } => self.filled_with_null(column, expression),
        }
    }

    /// Returns the name of a column before the operation; `None` if the operation adds it.
    fn column(&self, name: &str) -> Option<String> {
        let mut name = name;
        for (from, to) in self.renames.iter().rev() {
            if name == *to {
                name = from;
            }
        }
        (!self.added.contains(&name)).then(|| name.to_owned())
    }

    fn columns(&self, names: &[String]) -> Option<Vec<String>> {
        names.iter().map(|name| self.column(name)).collect()
    }

    /// Returns an expression with the names from before the operation; `None` if it names a column that the operation adds.
    fn expression(&self, sql: &str) -> Option<String> {
        let mut sql = sql.to_owned();
        for (from, to) in self.renames.iter().rev() {
            sql = renamed(self.dialect.kind(), &sql, to, from);
        }
        (!self
            .added
            .iter()
            .any(|added| mentions(self.dialect.kind(), &sql, added)))
        .then_some(sql)
    }

    fn duplicates(&self, keys: &[IndexKey], filter: Option<&str>, ignores_null: bool) -> Option<RowsAtFault> {
        let mut before = Vec::new();
        for key in keys {
            before.push(IndexKey {
                on: match &key.on {
                    IndexOn::Column(name) => IndexOn::Column(self.column(name)?),
                    IndexOn::Expression(sql) => IndexOn::Expression(self.expression(sql)?),
                },
                descending: false,
                ..key.clone()
            });
        }
        let names: Vec<String> = before
            .iter()
            .map(|key| match &key.on {
                IndexOn::Column(name) | IndexOn::Expression(name) => name.clone(),
            })
            .collect();
        let keys: Vec<String> = before.iter().map(|key| self.key(key)).collect();
        let mut conditions = Vec::new();
        if let Some(filter) = filter {
            conditions.push(format!("({})", self.expression(filter)?));
        }
        if ignores_null {
            conditions.extend(keys.iter().map(|key| format!("{key} IS NOT NULL")));
        }
        let where_ = match conditions.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", conditions.join(" AND ")),
        };
        let keys = keys.join(", ");
        Some(RowsAtFault {
            violation: Violation::Unique,
            sentence: format!("several rows of `{}` have the same {}", self.table, listed(&names)),
            query: format!(
                "SELECT {keys}, count(*) FROM {}{where_} GROUP BY {keys} HAVING count(*) > 1",
                self.dialect.identifier(self.table)
            ),
        })
    }

    fn key(&self, key: &IndexKey) -> String {
        index_keys(
            self.dialect,
            &Index {
                name: String::new(),
                keys: vec![key.clone()],
                unique: true,
                filter: None,
                include: Vec::new(),
                method: None,
            },
        )
    }

    fn nulls(&self, column: &str) -> Option<RowsAtFault> {
        let column = self.column(column)?;
        let condition = format!("{} IS NULL", self.dialect.identifier(&column));
        Some(self.rows(
            Violation::NotNull,
            format!("rows of `{}` have NULL in `{column}`", self.table),
            &condition,
        ))
    }

    fn filled_with_null(&self, column: &str, expression: &str) -> Option<RowsAtFault> {
        let expression = self.expression(expression)?;
        Some(self.rows(
            Violation::NotNull,
            format!("`{column}` gets NULL from `{expression}` for rows of `{}`", self.table),
            &format!("({expression}) IS NULL"),
        ))
    }

    fn violations(&self, expression: &str) -> Option<RowsAtFault> {
        let expression = self.expression(expression)?;
        Some(self.rows(
            Violation::Check,
            format!("rows of `{}` violate `{expression}`", self.table),
            &format!("NOT ({expression})"),
        ))
    }

    fn rows(&self, violation: Violation, sentence: String, condition: &str) -> RowsAtFault {
        RowsAtFault {
            violation,
            sentence,
            query: format!(
                "SELECT * FROM {} WHERE {condition}",
                self.dialect.identifier(self.table)
            ),
        }
    }

    /// Finds rows without a referenced row. As with MATCH SIMPLE, a row with NULL in one of the columns references nothing.
    fn orphans(&self, key: &ForeignKey, before: Option<&Table>) -> Option<RowsAtFault> {
        let columns = self.columns(&key.columns)?;
        let is_to_itself = key.to_table == self.table;
        let to_columns = match key.to_columns.as_slice() {
            // Without columns, the key references the primary key.
            [] if is_to_itself => before?.primary_key.as_ref()?.columns.clone(),
            [] => return None,
            to_columns if is_to_itself => self.columns(to_columns)?,
            to_columns => to_columns.to_vec(),
        };
        let id = |name: &str| self.dialect.identifier(name);
        let not_null = columns.iter().map(|column| format!("child.{} IS NOT NULL", id(column)));
        let not_null: Vec<String> = not_null.collect();
        let pairs = to_columns.iter().zip(&columns);
        let same = pairs.map(|(to, column)| format!("parent.{} = child.{}", id(to), id(column)));
        let same: Vec<String> = same.collect();
        Some(RowsAtFault {
            violation: Violation::ForeignKey,
            sentence: format!(
                "rows of `{}` refer by {} to rows of `{}` that do not exist",
                self.table,
                listed(&columns),
                key.to_table
            ),
            query: format!(
                "SELECT * FROM {} AS child WHERE {} AND NOT EXISTS (SELECT 1 FROM {} AS parent WHERE {})",
                id(self.table),
                not_null.join(" AND "),
                id(&key.to_table),
                same.join(" AND ")
            ),
        })
    }
}

fn plain(columns: &[String]) -> Vec<IndexKey> {
    let plain = |column: &String| IndexKey {
        on: IndexOn::Column(column.clone()),
        collation: None,
        descending: false,
    };
    columns.iter().map(plain).collect()
}

/// Returns the names in backquotes as a list: `a`, `b` and `c`.
fn listed(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{RowsAtFault, Violation};
    use crate::migration::example;
    use crate::plan::{Plan, PlannedMigration};
    use crate::schema::expression;
    use crate::{Dialect, Registry, Schema};

    fn registry(up: fn(&mut Schema)) -> Registry {
        let setup = example(1, |schema| {
            schema.create_table("users", |t| {
                t.big_int("id").primary_key();
                t.varchar("email", 100).nullable();
                t.varchar("city", 100).nullable();
                t.big_int("boss").nullable();
                t.integer("age").default(0);
            });
        });
        Registry::of([setup, example(2, up)]).unwrap()
    }

    fn faults(planned: &PlannedMigration) -> Vec<(String, RowsAtFault)> {
        let steps = planned.steps.iter();
        let faults = steps.flat_map(|step| {
            let sql = step.sql().unwrap_or_default().to_owned();
            step.rows_at_fault.iter().map(move |rows| (sql.clone(), rows.clone()))
        });
        faults.collect()
    }

    pub(crate) fn up(up: fn(&mut Schema), dialect: Dialect) -> Vec<(String, RowsAtFault)> {
        let plan = Plan::offline(&registry(up), dialect).unwrap();
        faults(&plan.migrations()[1])
    }

    fn down(up: fn(&mut Schema), dialect: Dialect) -> Vec<(String, RowsAtFault)> {
        let plan = Plan::offline_rollback(&registry(up), dialect).unwrap();
        faults(&plan.migrations()[0])
    }

    pub(crate) type Case = (fn(&mut Schema), Violation, &'static str, &'static str);

    /// Schema changes with the expected violation, its sentence, and its query with double quotes.
    pub(crate) const CHANGES: &[Case] = &[
        (
            |schema| schema.alter_table("users", |t| t.unique(["email", "city"])),
            Violation::Unique,
            "several rows of `users` have the same `email` and `city`",
            "SELECT \"email\", \"city\", count(*) FROM \"users\" WHERE \"email\" IS NOT NULL AND \"city\" IS NOT NULL \
             GROUP BY \"email\", \"city\" HAVING count(*) > 1",
        ),
        (
            |schema| {
                schema.create_index("users", ["age"]).unique();
            },
            Violation::Unique,
            "several rows of `users` have the same `age`",
            "SELECT \"age\", count(*) FROM \"users\" WHERE \"age\" IS NOT NULL GROUP BY \"age\" HAVING count(*) > 1",
        ),
        (
            |schema| schema.alter_table("users", |t| t.set_not_null("email")),
            Violation::NotNull,
            "rows of `users` have NULL in `email`",
            "SELECT * FROM \"users\" WHERE \"email\" IS NULL",
        ),
        (
            |schema| schema.alter_table("users", |t| t.foreign_key(["boss"], "users", ["id"])),
            Violation::ForeignKey,
            "rows of `users` refer by `boss` to rows of `users` that do not exist",
            "SELECT * FROM \"users\" AS child WHERE child.\"boss\" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM \"users\" AS \
             parent WHERE parent.\"id\" = child.\"boss\")",
        ),
        (
            |schema| schema.alter_table("users", |t| t.check("grown_up", "age >= 18")),
            Violation::Check,
            "rows of `users` violate `age >= 18`",
            "SELECT * FROM \"users\" WHERE NOT (age >= 18)",
        ),
        (
            |schema| {
                schema.alter_table("users", |t| {
                    t.rename_column("email", "address");
                    t.set_not_null("address");
                });
            },
            Violation::NotNull,
            "rows of `users` have NULL in `email`",
            "SELECT * FROM \"users\" WHERE \"email\" IS NULL",
        ),
    ];

    #[test]
    fn each_dialect_finds_the_rows_in_the_way() {
        for dialect in Dialect::ALL {
            for (change, violation, sentence, query) in CHANGES {
                let found = up(*change, dialect);
                let is_mysql = matches!(dialect, Dialect::MySql | Dialect::MariaDb);
                let query = match is_mysql {
                    true => query.replace('"', "`"),
                    false => (*query).to_owned(),
                };
                let expected = RowsAtFault {
                    violation: *violation,
                    sentence: (*sentence).to_owned(),
                    query,
                };
                assert!(!found.is_empty(), "{dialect}: {sentence}");
                for (sql, rows) in found {
                    assert_eq!(rows, expected, "{dialect}: {sql}");
                }
            }
        }
    }

    #[test]
    fn only_the_statement_that_can_fail_has_them() {
        let change: fn(&mut Schema) = |schema| {
            schema.alter_table("users", |t| {
                t.set_not_null("email");
                t.varchar("note", 100).default("\"by_age\" `by_age` NOT NULL");
                t.index(["city"]);
                t.index(["age"]).unique().name("by_number");
                t.rename_index("by_number", "by_age");
            });
        };
        for (dialect, expected) in [
            (Dialect::Sqlite, ["INSERT INTO", "CREATE UNIQUE INDEX"]),
            (Dialect::Postgres, ["ALTER TABLE", "CREATE UNIQUE INDEX"]),
        ] {
            let found = up(change, dialect);
            let sql: Vec<&str> = found.iter().map(|(sql, _)| sql.as_str()).collect();
            assert_eq!(sql.len(), 2, "{sql:?}");
            assert!(
                sql.iter().zip(expected).all(|(sql, start)| sql.starts_with(start)),
                "{sql:?}"
            );
        }
    }

    #[test]
    fn a_rollback_that_adds_a_constraint_again_has_them_too() {
        for dialect in Dialect::ALL {
            let found = down(
                |schema| schema.alter_table("users", |t| t.drop_not_null("age")),
                dialect,
            );
            assert!(!found.is_empty(), "{dialect}");
            for (_, rows) in found {
                assert_eq!(rows.sentence, "rows of `users` have NULL in `age`");
            }
        }
    }

    #[test]
    fn a_primary_key_and_expressions_have_them() {
        let key: fn(&mut Schema) = |schema| {
            schema.create_table("pairs", |t| {
                t.integer("a");
                t.integer("b");
            });
            schema.execute("INSERT INTO pairs VALUES (1, 2)").up_only();
            schema.alter_table("pairs", |t| t.primary_key(["a", "b"]));
        };
        let found = up(key, Dialect::Postgres);
        assert_eq!(
            found[0].1.query,
            "SELECT \"a\", \"b\", count(*) FROM \"pairs\" GROUP BY \"a\", \"b\" HAVING count(*) > 1"
        );
        let lower: fn(&mut Schema) = |schema| {
            schema
                .create_index("users", [expression("lower(email)")])
                .unique()
                .name("by_email")
                .filter("age > 1");
        };
        let found = up(lower, Dialect::Postgres);
        assert_eq!(
            found[0].1.query,
            "SELECT (lower(email)), count(*) FROM \"users\" WHERE (age > 1) AND (lower(email)) IS NOT NULL \
             GROUP BY (lower(email)) HAVING count(*) > 1"
        );
    }

    #[test]
    fn a_column_that_does_not_exist_yet_is_in_no_query() {
        let change: fn(&mut Schema) = |schema| {
            schema.alter_table("users", |t| {
                t.varchar("handle", 100).fill_sql("lower(email)");
                t.unique(["handle"]);
            });
        };
        for dialect in Dialect::ALL {
            for (_, rows) in up(change, dialect) {
                assert_eq!(
                    rows.sentence,
                    "`handle` gets NULL from `lower(email)` for rows of `users`"
                );
                assert!(rows.query.ends_with("WHERE (lower(email)) IS NULL"), "{}", rows.query);
            }
        }
    }
}
