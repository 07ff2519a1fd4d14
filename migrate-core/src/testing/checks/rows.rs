//! Rows for every table, made from what the table is, so that its constraints hold. The same seed makes the same rows.
//!
//! What an expression means is not understood: the values that a CHECK names are tried, and the database decides.

use std::collections::BTreeMap;

use super::Values;
use crate::dialect;
use crate::driver::{DriverError, Session};
use crate::schema::{Check, Column, ColumnType, ForeignKey, Live, Table, Value, in_order, mentions, pieces};

/// How many rows a table gets whenever it has become another one.
const ROWS: usize = 3;

/// How often another row is tried where one does not go.
const TRIES: usize = 40;

pub(super) struct Rows {
    random: Random,
    values: Option<Values>,
    /// Each table as it was when it was last filled.
    filled: BTreeMap<String, Table>,
    /// How many rows have been tried.
    tried: usize,
}

impl Rows {
    pub(super) fn new(seed: u64, values: Option<Values>) -> Rows {
        Rows {
            random: Random(seed),
            values,
            filled: BTreeMap::new(),
            tried: 0,
        }
    }

    /// Puts rows into the tables that are new, or have become others. Says which stayed without, and why.
    pub(super) fn fill(&mut self, session: &mut dyn Session, live: &Live) -> Vec<String> {
        let mut without = Vec::new();
        for table in parents_first(live) {
            if self.filled.get(&table.name) == Some(table) {
                continue;
            }
            // A table may have no room for so many; it is left without only if none goes at all.
            let refused: Vec<DriverError> = (0..ROWS)
                .filter_map(|row| self.insert(session, table, row).err())
                .collect();
            if let Some(why) = refused.first()
                && session
                    .rows(&[(&table.name, columns(table))])
                    .is_ok_and(|rows| rows.concat().is_empty())
            {
                without.push(format!("`{}`: {why}", table.name));
            }
            self.filled.insert(table.name.clone(), table.clone());
        }
        without
    }

    /// Tries rows until one goes.
    fn insert(&mut self, session: &mut dyn Session, table: &Table, row: usize) -> Result<(), DriverError> {
        for attempt in 0.. {
            self.tried += 1;
            let statement = self.statement(session, table, row, attempt)?;
            match session.execute_counting(&statement) {
                Ok(_) => break,
                Err(error) if attempt + 1 == TRIES => return Err(error),
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// A row: the first of a table has a value in each column, the second NULL where that goes, others some of both.
    fn statement(
        &mut self,
        session: &mut dyn Session,
        table: &Table,
        row: usize,
        attempt: usize,
    ) -> Result<String, DriverError> {
        let dialect = session.traits().dialect;
        let mut literals: Vec<(&str, String)> = Vec::new();
        for column in columns_to_fill(table) {
            let is_null = column.nullable
                && match row {
                    0 => attempt > TRIES / 2 && self.random.coin(),
                    1 => attempt < TRIES / 2 || self.random.coin(),
                    _ => self.random.coin(),
                };
            let literal = match self
                .values
                .and_then(|values| values(&table.name, &column.name, self.tried))
            {
                Some(value) => dialect::value(dialect, &value),
                None if is_null => "NULL".to_owned(),
                None => dialect::value(dialect, &self.value(table, column, row, attempt)),
            };
            literals.push((&column.name, literal));
        }
        for key in &table.foreign_keys {
            self.refer(session, table, key, &mut literals)?;
        }
        let (names, values): (Vec<String>, Vec<String>) = literals
            .into_iter()
            .map(|(name, literal)| (dialect.identifier(name), literal))
            .unzip();
        let table = dialect.identifier(&table.name);
        Ok(if names.is_empty() {
            format!("INSERT INTO {table} DEFAULT VALUES")
        } else {
            format!(
                "INSERT INTO {table} ({}) VALUES ({})",
                names.join(", "),
                values.join(", ")
            )
        })
    }

    /// Lets a key refer to a row that is there, or to the row itself.
    fn refer(
        &mut self,
        session: &mut dyn Session,
        table: &Table,
        key: &ForeignKey,
        literals: &mut [(&str, String)],
    ) -> Result<(), DriverError> {
        let is_null = |column: &String| literals.iter().any(|(name, value)| name == column && value == "NULL");
        if key.columns.iter().any(is_null) {
            return Ok(());
        }
        let to: Vec<&str> = if key.to_columns.is_empty() {
            // Left out, they are those of the primary key; which is known here for the table itself alone.
            table
                .primary_key
                .iter()
                .flat_map(|key| &key.columns)
                .map(String::as_str)
                .collect()
        } else {
            key.to_columns.iter().map(String::as_str).collect()
        };
        let there = session.rows(&[(&key.to_table, to.clone())])?.concat();
        let chosen = match self.random.one_of(&there) {
            Some(row) => row.clone(),
            None if key.to_table == table.name => {
                let own = |column: &&str| Some(literals.iter().find(|(name, _)| name == column)?.1.clone());
                to.iter().filter_map(own).collect()
            }
            None => return Ok(()),
        };
        for (column, value) in key.columns.iter().zip(chosen) {
            for literal in literals.iter_mut().filter(|(name, _)| name == column) {
                literal.1.clone_from(&value);
            }
        }
        Ok(())
    }

    fn value(&mut self, table: &Table, column: &Column, row: usize, attempt: usize) -> Value {
        if attempt > 0 && self.random.below(4) > 0 {
            let checks = table.checks.iter();
            let named: Vec<Value> = checks
                .filter(|check| mentions(&check.expression, &column.name))
                .flat_map(|check| named_values(check, &column.column_type))
                .collect();
            if let Some(value) = self.random.one_of(&named) {
                return value.clone();
            }
        }
        let is_reference = column.column_type.is_integer() && column.name.ends_with("_id");
        let number = match attempt {
            // A foreign key that is added later finds what it refers to.
            0 if is_reference => row + 1,
            // A unique key that is added later finds no two alike.
            0 => self.tried,
            _ if self.random.coin() => self.tried,
            _ => self.random.below(self.tried),
        };
        typed(column, number)
    }
}

/// A value of a column's type, another one for each number.
fn typed(column: &Column, number: usize) -> Value {
    let name = &column.name;
    let integer = i64::try_from(number).unwrap_or_default();
    let date = format!(
        "{}-{:02}-{:02}",
        2000 + number / 336,
        number / 28 % 12 + 1,
        number % 28 + 1
    );
    let time = format!("{:02}:{:02}:{:02}", number / 3600 % 24, number / 60 % 60, number % 60);
    match &column.column_type {
        ColumnType::SmallInt => Value::Integer(integer % 30_000),
        ColumnType::Integer | ColumnType::BigInt => Value::Integer(integer),
        ColumnType::Float | ColumnType::Double => Value::Double(number as f64 + 0.5),
        ColumnType::Numeric { precision, scale } => {
            let digits = u32::from(precision.saturating_sub(*scale)).min(9);
            Value::Integer(integer % 10_i64.pow(digits))
        }
        ColumnType::Bool => Value::Bool(number.is_multiple_of(2)),
        ColumnType::VarChar(length) => Value::Text(last(&text(name, number), *length)),
        ColumnType::Char(length) => {
            let length = *length as usize;
            Value::Text(last(&format!("{number:0length$}"), column_length(length)))
        }
        ColumnType::Binary => Value::Binary(number.to_be_bytes().to_vec()),
        ColumnType::Date => Value::Text(date),
        ColumnType::Time => Value::Text(time),
        ColumnType::Timestamp => Value::Text(format!("{date} {time}")),
        ColumnType::Timestamptz => Value::Text(format!("{date} {time}+00:00")),
        ColumnType::Json | ColumnType::Jsonb => Value::Text(format!("{{\"number\":{number}}}")),
        ColumnType::Uuid => Value::Text(format!("00000000-0000-4000-8000-{number:012}")),
        ColumnType::Named(word) if word.to_ascii_lowercase().contains("int") => Value::Integer(integer),
        ColumnType::Text | ColumnType::Enum(_) | ColumnType::Named(_) => Value::Text(text(name, number)),
    }
}

fn column_length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// What people expect under a column's name.
fn text(name: &str, number: usize) -> String {
    let lower = name.to_ascii_lowercase();
    let is = |word: &str| lower.contains(word);
    if is("mail") {
        format!("person{number}@example.org")
    } else if is("url") || is("link") {
        format!("https://example.org/{number}")
    } else {
        format!("{name} {number}")
    }
}

/// The end of a text, which is where values differ.
fn last(text: &str, length: u32) -> String {
    let skipped = text.chars().count().saturating_sub(length as usize);
    text.chars().skip(skipped).collect()
}

/// The values that a condition names, and their neighbours.
fn named_values(check: &Check, column_type: &ColumnType) -> Vec<Value> {
    let mut values = Vec::new();
    for piece in pieces(&check.expression).unwrap_or_default() {
        let written = piece.written();
        if let Some(text) = written.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
            let text = text.replace("''", "'");
            // As a pattern, too.
            values.push(Value::Text(text.replace('%', "x").replace('_', "y")));
            values.push(Value::Text(text));
        } else if let Ok(number) = written.parse::<i64>() {
            let length = usize::try_from(number).unwrap_or_default().min(10_000);
            values.extend([-1, 0, 1].map(|more| Value::Integer(number.saturating_add(more))));
            values.extend([length.saturating_sub(1), length, length + 1].map(|length| Value::Text("x".repeat(length))));
        } else if let Ok(number) = written.parse::<f64>() {
            values.extend([-0.1, 0.0, 0.1].map(|more| Value::Double(number + more)));
        }
    }
    values.retain(|value| column_type.takes(value));
    values
}

/// The tables that can be described, after those that they refer to.
fn parents_first(live: &Live) -> Vec<&Table> {
    let all: Vec<&Table> = live.tables.values().filter_map(|table| table.as_ref().ok()).collect();
    in_order(&all, |table| &table.name, |table| table.refers_to().collect())
}

/// The columns that hold values of their own.
pub(super) fn columns(table: &Table) -> Vec<&str> {
    let own = table.columns.iter().filter(|column| column.generated.is_none());
    own.map(|column| column.name.as_str()).collect()
}

/// The columns that a row has to say.
fn columns_to_fill(table: &Table) -> impl Iterator<Item = &Column> {
    table
        .columns
        .iter()
        .filter(|column| column.generated.is_none() && !column.auto_increment)
}

/// SplitMix64, <https://doi.org/10.1145/2714064.2660195>: the same seed, the same numbers.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap_or(1);
        usize::try_from(self.next() % end).unwrap_or_default()
    }

    fn coin(&mut self) -> bool {
        self.next().is_multiple_of(2)
    }

    fn one_of<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }
}
