//! A parser of the CREATE TABLE and CREATE INDEX texts in `sqlite_schema`, for introspection.
//!
//! Text that it does not understand, or that [`Table`] cannot represent, is an error, so that nothing is lost silently.
//! The grammar is at <https://sqlite.org/lang_createtable.html>.

use crate::dialect::Dialect;
use crate::schema::{
    Check, Column, ColumnType, DefaultValue, ForeignKey, ForeignKeyAction, Generated, Index, IndexKey, IndexOn,
    PrimaryKey, Table, Unique, Value,
};
use crate::sql::{Cursor, SpannedToken, Token, spelled};

/// Parses a CREATE TABLE statement.
///
/// # Errors
///
/// Returns the reason if the statement is not understood.
pub(crate) fn parse_table(sql: &str) -> Result<Table, String> {
    let mut reader = Cursor::new(Dialect::Sqlite, sql)?;
    reader.expect("CREATE")?;
    if reader.take("VIRTUAL") {
        return Err("it is a virtual table".to_owned());
    }
    let _ = reader.take("TEMP") || reader.take("TEMPORARY");
    reader.expect("TABLE")?;
    if reader.take("IF") {
        reader.expect("NOT")?;
        reader.expect("EXISTS")?;
    }
    let mut table = Table {
        name: reader.name()?,
        ..Table::default()
    };
    if reader.take(".") {
        table.name = reader.name()?;
    }
    reader.expect("(")?;
    loop {
        let name = reader.constraint_name()?;
        if name.is_some() || reader.is_table_constraint() {
            table_constraint(&mut reader, &mut table, name.unwrap_or_default())?;
        } else {
            column(&mut reader, &mut table)?;
        }
        if !reader.take(",") {
            break;
        }
    }
    reader.expect(")")?;
    while !reader.is_at_end() {
        if reader.take("STRICT") {
            table.strict = true;
        } else if reader.take("WITHOUT") {
            reader.expect("ROWID")?;
            table.without_rowid = true;
        } else if !reader.take(",") && !reader.take(";") {
            return Err(reader.not_understood());
        }
    }
    Ok(table)
}

fn column(reader: &mut Cursor<'_>, table: &mut Table) -> Result<(), String> {
    let name = reader.name()?;
    let type_name = reader.type_name()?;
    let mut column = Column {
        name: name.clone(),
        column_type: column_type(&type_name),
        nullable: true,
        default: None,
        auto_increment: false,
        generated: None,
        collation: None,
        comment: None,
    };
    loop {
        let constraint = reader.constraint_name()?.unwrap_or_default();
        if reader.take("PRIMARY") {
            reader.expect("KEY")?;
            let _ = reader.take("ASC");
            reader.refuse("DESC")?;
            reader.refuse_conflict()?;
            if reader.take("AUTOINCREMENT") {
                column.auto_increment = true;
                // An auto-increment column is a BIGINT for migrations, whatever its declared type.
                column.column_type = ColumnType::BigInt;
            }
            table.primary_key = Some(PrimaryKey {
                name: constraint,
                columns: vec![name.clone()],
            });
        } else if reader.take("NOT") {
            reader.expect("NULL")?;
            reader.refuse_conflict()?;
            column.nullable = false;
        } else if reader.take("NULL") {
            column.nullable = true;
        } else if reader.take("UNIQUE") {
            reader.refuse_conflict()?;
            table.uniques.push(Unique {
                name: constraint,
                columns: vec![name.clone()],
            });
        } else if reader.take("CHECK") {
            table.checks.push(Check {
                name: constraint,
                expression: reader.in_parentheses()?,
            });
        } else if reader.take("DEFAULT") {
            column.default = Some(reader.default()?);
        } else if reader.take("COLLATE") {
            column.collation = Some(reader.name()?);
        } else if reader.take("REFERENCES") {
            let foreign_key = reader.references(constraint, vec![name.clone()])?;
            table.foreign_keys.push(foreign_key);
        } else if reader.is("GENERATED") || reader.is("AS") {
            if reader.take("GENERATED") {
                reader.expect("ALWAYS")?;
            }
            reader.expect("AS")?;
            let expression = reader.in_parentheses()?;
            let stored = reader.take("STORED");
            let _ = !stored && reader.take("VIRTUAL");
            column.generated = Some(Generated { expression, stored });
        } else if reader.is(",") || reader.is(")") {
            break;
        } else {
            return Err(reader.not_understood());
        }
    }
    table.columns.push(column);
    Ok(())
}

fn table_constraint(reader: &mut Cursor<'_>, table: &mut Table, name: String) -> Result<(), String> {
    if reader.take("PRIMARY") {
        reader.expect("KEY")?;
        let columns = reader.names()?;
        reader.refuse_conflict()?;
        table.primary_key = Some(PrimaryKey { name, columns });
    } else if reader.take("UNIQUE") {
        let columns = reader.names()?;
        reader.refuse_conflict()?;
        table.uniques.push(Unique { name, columns });
    } else if reader.take("CHECK") {
        let expression = reader.in_parentheses()?;
        reader.refuse_conflict()?;
        table.checks.push(Check { name, expression });
    } else if reader.take("FOREIGN") {
        reader.expect("KEY")?;
        let columns = reader.names()?;
        reader.expect("REFERENCES")?;
        let foreign_key = reader.references(name, columns)?;
        table.foreign_keys.push(foreign_key);
    } else {
        return Err(reader.not_understood());
    }
    Ok(())
}

/// Parses a CREATE INDEX statement.
///
/// # Errors
///
/// Returns the reason if the statement is not understood.
pub(crate) fn parse_index(sql: &str) -> Result<Index, String> {
    let mut reader = Cursor::new(Dialect::Sqlite, sql)?;
    reader.expect("CREATE")?;
    let unique = reader.take("UNIQUE");
    reader.expect("INDEX")?;
    if reader.take("IF") {
        reader.expect("NOT")?;
        reader.expect("EXISTS")?;
    }
    let mut name = reader.name()?;
    if reader.take(".") {
        name = reader.name()?;
    }
    reader.expect("ON")?;
    reader.name()?;
    let keys = reader.split_parentheses()?;
    let keys = keys.into_iter().map(index_key).collect::<Result<_, _>>()?;
    let filter = reader.take("WHERE").then(|| reader.rest());
    Ok(Index {
        include: Vec::new(),
        method: None,
        name,
        keys,
        unique,
        filter,
    })
}

fn index_key(mut tokens: Vec<SpannedToken<'_>>) -> Result<IndexKey, String> {
    let is = |token: Option<&SpannedToken<'_>>, word: &str| token.is_some_and(|token| token.is(word));
    let descending = is(tokens.last(), "DESC");
    if descending || is(tokens.last(), "ASC") {
        tokens.pop();
    }
    let mut collation = None;
    if tokens.len() > 2 && is(tokens.get(tokens.len() - 2), "COLLATE") {
        collation = tokens.pop().and_then(|token| token.token.name());
        tokens.pop();
    }
    let on = match tokens.as_slice() {
        [] => return Err("an index has an empty key".to_owned()),
        [only] if only.token.name().is_some() => IndexOn::Column(only.token.name().unwrap_or_default()),
        [first, inner @ .., last] if first.is("(") && last.is(")") && is_one_group(&tokens) => {
            IndexOn::Expression(spelled(inner))
        }
        _ => IndexOn::Expression(spelled(&tokens)),
    };
    Ok(IndexKey {
        on,
        collation,
        descending,
    })
}

/// Returns true if the last token closes the first parenthesis.
fn is_one_group(tokens: &[SpannedToken<'_>]) -> bool {
    let mut depth = 0_i32;
    tokens.iter().enumerate().all(|(at, token)| {
        match token.token.text {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        depth > 0 || at + 1 == tokens.len()
    })
}

/// Parses the name of a type; the inverse of how this dialect renders types.
fn column_type(name: &str) -> ColumnType {
    let upper = name.to_ascii_uppercase();
    let (word, arguments) = match upper.split_once('(') {
        Some((word, rest)) => (word.trim(), rest.trim_end_matches(')').trim()),
        None => (upper.as_str(), ""),
    };
    let numbers: Vec<u32> = arguments
        .split(',')
        .filter_map(|number| number.trim().parse().ok())
        .collect();
    match (word, numbers.as_slice()) {
        ("SMALLINT", []) => ColumnType::SmallInt,
        ("INTEGER", []) => ColumnType::Integer,
        ("BIGINT", []) => ColumnType::BigInt,
        ("FLOAT", []) => ColumnType::Float,
        ("DOUBLE", []) => ColumnType::Double,
        ("NUMERIC", [precision, scale]) => match (u16::try_from(*precision), u16::try_from(*scale)) {
            (Ok(precision), Ok(scale)) => ColumnType::Numeric { precision, scale },
            _ => ColumnType::Named(name.to_owned()),
        },
        ("BOOLEAN", []) => ColumnType::Bool,
        ("TEXT", []) => ColumnType::Text,
        ("VARCHAR", [length]) => ColumnType::VarChar(*length),
        ("CHAR", [length]) => ColumnType::Char(*length),
        ("BLOB", []) => ColumnType::Binary,
        ("DATE", []) => ColumnType::Date,
        ("TIME", []) => ColumnType::Time,
        ("TIMESTAMP", []) => ColumnType::Timestamp,
        ("TIMESTAMPTZ", []) => ColumnType::Timestamptz,
        ("JSON", []) => ColumnType::Json,
        ("JSONB", []) => ColumnType::Jsonb,
        _ => ColumnType::Named(name.to_owned()),
    }
}

/// The rules of the grammar.
impl Cursor<'_> {
    /// Refuses ON CONFLICT, which [`Table`] cannot represent.
    fn refuse_conflict(&self) -> Result<(), String> {
        if self.is("ON") && self.is_second("CONFLICT") {
            return Err("it has an `ON CONFLICT` clause".to_owned());
        }
        Ok(())
    }

    fn constraint_name(&mut self) -> Result<Option<String>, String> {
        if self.take("CONSTRAINT") {
            return self.name().map(Some);
        }
        Ok(None)
    }

    fn is_table_constraint(&self) -> bool {
        ((self.is("PRIMARY") || self.is("FOREIGN")) && self.is_second("KEY"))
            || ((self.is("UNIQUE") || self.is("CHECK")) && self.is_second("("))
    }

    /// Reads the name of a type, and its arguments in parentheses.
    fn type_name(&mut self) -> Result<String, String> {
        const CONSTRAINTS: [&str; 11] = [
            "CONSTRAINT",
            "PRIMARY",
            "NOT",
            "NULL",
            "UNIQUE",
            "CHECK",
            "DEFAULT",
            "COLLATE",
            "REFERENCES",
            "GENERATED",
            "AS",
        ];
        let mut words = Vec::new();
        let is_in_name = |token: &Token<'_>| token.name().is_some() && !token.is_one_of(&CONSTRAINTS);
        while let Some(token) = self.peek().filter(is_in_name) {
            words.push(token.text);
            self.advance();
        }
        let mut name = words.join(" ");
        if self.is("(") {
            name += &format!("({})", self.in_parentheses()?);
        }
        Ok(name)
    }

    fn default(&mut self) -> Result<DefaultValue, String> {
        if self.is("(") {
            return Ok(DefaultValue::Expression(self.in_parentheses()?));
        }
        let sign = if self.take("-") {
            "-"
        } else {
            let _ = self.take("+");
            ""
        };
        let token = self.peek().ok_or_else(|| self.not_understood())?;
        self.advance();
        if let Some(text) = token.value() {
            return Ok(DefaultValue::Value(Value::Text(text)));
        }
        // https://sqlite.org/quirks.html#double_quoted_string_literals_are_accepted
        if let Some(text) = token.name().filter(|_| token.text.starts_with('"')) {
            return Ok(DefaultValue::Value(Value::Text(text)));
        }
        if let Some(digits) = token.digits() {
            let bytes = bytes(digits).ok_or("a default is not a valid hexadecimal number")?;
            return Ok(DefaultValue::Value(Value::Binary(bytes)));
        }
        let word = token.text;
        let signed = format!("{sign}{word}");
        Ok(match word.to_ascii_uppercase().as_str() {
            "TRUE" => DefaultValue::Value(Value::Bool(true)),
            "FALSE" => DefaultValue::Value(Value::Bool(false)),
            "CURRENT_TIMESTAMP" => DefaultValue::Now,
            _ => match (signed.parse::<i64>(), signed.parse::<f64>()) {
                (Ok(number), _) => DefaultValue::Value(Value::Integer(number)),
                (_, Ok(number)) if number.is_finite() => DefaultValue::Value(Value::Double(number)),
                _ => DefaultValue::Expression(signed),
            },
        })
    }

    /// Reads the rest of a REFERENCES clause.
    fn references(&mut self, name: String, columns: Vec<String>) -> Result<ForeignKey, String> {
        let to_table = self.name()?;
        let to_columns = if self.is("(") { self.names()? } else { Vec::new() };
        let mut key = ForeignKey {
            name,
            columns,
            to_table,
            to_columns,
            on_delete: ForeignKeyAction::NoAction,
            on_update: ForeignKeyAction::NoAction,
            deferred: false,
        };
        loop {
            if self.take("ON") {
                let is_delete = self.take("DELETE");
                if !is_delete {
                    self.expect("UPDATE")?;
                }
                let reaction = self.reaction()?;
                if is_delete {
                    key.on_delete = reaction;
                } else {
                    key.on_update = reaction;
                }
            } else if self.take("MATCH") {
                // SQLite parses MATCH and ignores it.
                self.name()?;
            } else if self.is("DEFERRABLE") || (self.is("NOT") && self.is_second("DEFERRABLE")) {
                let is_deferrable = !self.take("NOT");
                self.expect("DEFERRABLE")?;
                if self.take("INITIALLY") {
                    key.deferred = is_deferrable && self.is("DEFERRED");
                    self.name()?;
                }
            } else {
                return Ok(key);
            }
        }
    }

    fn reaction(&mut self) -> Result<ForeignKeyAction, String> {
        if self.take("CASCADE") {
            Ok(ForeignKeyAction::Cascade)
        } else if self.take("RESTRICT") {
            Ok(ForeignKeyAction::Restrict)
        } else if self.take("NO") {
            self.expect("ACTION")?;
            Ok(ForeignKeyAction::NoAction)
        } else {
            self.expect("SET")?;
            if self.take("NULL") {
                return Ok(ForeignKeyAction::SetNull);
            }
            self.expect("DEFAULT")?;
            Ok(ForeignKeyAction::SetDefault)
        }
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::{SqlDialect, Sqlite, common};

    /// Parses SQL, renders the table, and checks that the result parses to an equal table.
    #[track_caller]
    fn again(sql: &str) -> Table {
        let table = parse_table(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let written = common::create_table(&Sqlite, &table.name, &table).unwrap();
        assert_eq!(parse_table(&written).unwrap(), table, "{written}");
        table
    }

    #[test]
    fn a_handwritten_table_is_parsed_completely() {
        let table = again(
            "create table if not exists main.`odd table` (
                id integer primary key autoincrement not null, -- the key, of course
                [a b] varchar ( 20 ) constraint named not null default 'it''s' collate nocase check (length([a b]) > 1),
                n numeric(10,2) default -1.5e-3,
                u unsigned big int null unique,
                b blob default x'00ff', f default true, w default current_timestamp, e default (1 + (2)),
                parent integer references \"odd table\" on delete set null deferrable initially deferred,
                /* computed */ g int generated always as (n * 2) stored, v as (n || 'x'), q text default \"it\"\"s\",
                constraint pair unique (n, u), check (n < u), foreign key (n, u) references other (x, y) on update cascade
            ) strict",
        );
        assert_eq!(table.name, "odd table");
        assert!(table.strict && !table.without_rowid);
        assert_eq!(table.columns.len(), 12);
        let [id, named, number, ..] = table.columns.as_slice() else {
            unreachable!()
        };
        assert!(id.auto_increment);
        assert_eq!(named.column_type, ColumnType::VarChar(20));
        assert_eq!(named.default, Some(DefaultValue::Value(Value::Text("it's".to_owned()))));
        let quoted = table.column("q").and_then(|column| column.default.clone());
        assert_eq!(quoted, Some(DefaultValue::Value(Value::Text("it\"s".to_owned()))));
        assert_eq!(named.collation.as_deref(), Some("nocase"));
        assert_eq!(number.default, Some(DefaultValue::Value(Value::Double(-0.0015))));
        assert_eq!(
            table.columns[3].column_type,
            ColumnType::Named("unsigned big int".to_owned())
        );
        assert_eq!(table.checks[0].expression, "length([a b]) > 1");
        assert!(table.foreign_keys[0].deferred && table.foreign_keys[0].to_columns.is_empty());
        assert_eq!(
            table.columns[10].generated.as_ref().map(|generated| generated.stored),
            Some(false)
        );
        assert_eq!(table.uniques.len(), 2);
    }

    #[test]
    fn a_table_without_rowid_is_read() {
        let table = again("CREATE TABLE t (a TEXT, b INT, PRIMARY KEY (a, b)) WITHOUT ROWID");
        assert!(table.without_rowid);
        assert_eq!(table.primary_key.map(|key| key.columns.len()), Some(2));
    }

    #[test]
    fn unrepresentable_tables_are_refused() {
        for sql in [
            "CREATE VIRTUAL TABLE t USING fts5(a)",
            "CREATE TABLE t (a UNIQUE ON CONFLICT REPLACE)",
            "CREATE TABLE t (a, PRIMARY KEY (a COLLATE nocase))",
            "CREATE TABLE t (a INTEGER PRIMARY KEY DESC)",
            "CREATE TABLE t AS SELECT 1",
            "CREATE TABLE t (a) SOMETHING",
            "CREATE TABLE t (a",
            "SELECT 1",
            "",
        ] {
            assert!(parse_table(sql).is_err(), "{sql}");
        }
    }

    #[test]
    fn an_index_is_parsed_completely() {
        for sql in [
            "CREATE INDEX \"i\" ON \"t\" (\"a\", \"b\" DESC)",
            "CREATE UNIQUE INDEX \"i\" ON \"t\" ((lower(a)), \"b\" COLLATE \"nocase\" DESC) WHERE a > 0 AND b <> 'x'",
        ] {
            let index = parse_index(sql).unwrap();
            assert_eq!(Sqlite.create_index("t", &index).unwrap(), sql);
        }
        let index = parse_index("create index if not exists main.i on t(a || (b), x asc)").unwrap();
        assert_eq!(index.keys[0].on, IndexOn::Expression("a || (b)".to_owned()));
        assert_eq!(index.keys[1].on, IndexOn::Column("x".to_owned()));
    }
}
