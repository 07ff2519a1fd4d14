//! Generates rows for every table from its definition, so that its constraints hold. The same seed generates the same
//! rows.
//!
//! The generator does not evaluate expressions: it tries the values that a CHECK mentions, and the database accepts or
//! refuses them.

use std::collections::{BTreeMap, BTreeSet};

use super::Values;
use super::sample_values::typed;
use crate::dialect::Dialect;
use crate::driver::{DriverError, Session};
use crate::render::{self, SqlDialect};
use crate::schema::{Check, Column, ColumnType, ForeignKey, Table, Value};
use crate::sql::{mentions, tokenize};
use crate::state::{LiveSchema, toposort};

/// The number of rows per table. A changed table gets this number of rows again.
const ROWS: usize = 3;

/// The first generated auto-increment value, above those that migrations insert themselves.
const FIRST_ID: usize = 10_001;

/// The number of attempts per row.
const TRIES: usize = 40;

/// The position of a row in its table, and the number of failed attempts for it.
#[derive(Clone, Copy)]
struct InsertAttempt {
    row: usize,
    attempt: usize,
}

impl InsertAttempt {
    fn is_first(self) -> bool {
        self.row == 0 && self.attempt == 0
    }
}

pub(super) struct Rows {
    random: Random,
    values: Option<Values>,
    /// The definition of each table when it was last filled.
    filled: BTreeMap<String, Table>,
    /// The reported tables whose definition cannot be read.
    told: BTreeSet<String>,
    /// The number of attempted rows.
    tried: usize,
}

impl Rows {
    pub(super) fn new(seed: u64, values: Option<Values>) -> Rows {
        Rows {
            random: Random(seed),
            values,
            filled: BTreeMap::new(),
            told: BTreeSet::new(),
            tried: 0,
        }
    }

    /// Inserts rows into new and changed tables. Returns a message for each table that stays empty.
    pub(super) fn fill(&mut self, session: &mut dyn Session, live: &LiveSchema) -> Vec<String> {
        let mut without: Vec<String> = Vec::new();
        for (name, table) in &live.tables {
            if let Err(why) = table
                && self.told.insert(name.clone())
            {
                without.push(format!("`{name}`: {why}"));
            }
        }
        let tables = parents_first(live);
        let mut tables: Vec<&Table> = tables
            .into_iter()
            .filter(|table| self.filled.get(&table.name) != Some(table))
            .collect();
        loop {
            let count = tables.len();
            let mut refused = Vec::new();
            tables.retain(|table| match self.fill_one(session, live, table) {
                Ok(()) => false,
                Err(why) => {
                    refused.push(format!("`{}`: {why}", table.name));
                    true
                }
            });
            // With circular references, one table may succeed after another.
            if tables.is_empty() || tables.len() == count {
                without.extend(refused);
                return without;
            }
        }
    }

    /// Inserts rows into some tables for one rollback. The next `fill` treats these tables as empty.
    pub(super) fn fill_for_now(
        &mut self,
        session: &mut dyn Session,
        live: &LiveSchema,
        which: impl Fn(&Table) -> bool,
    ) {
        for table in parents_first(live).into_iter().filter(|table| which(table)) {
            // The next `fill` reports a failure.
            let _ = self.fill_one(session, live, table);
            self.filled.remove(&table.name);
        }
    }

    /// Returns an error if every row fails. Some tables cannot hold `ROWS` rows.
    fn fill_one(&mut self, session: &mut dyn Session, live: &LiveSchema, table: &Table) -> Result<(), DriverError> {
        if !self.filled.contains_key(&table.name) {
            count_from_first_id(session, table);
        }
        let mut refused = Ok(());
        for row in 0..ROWS {
            refused = refused.and(self.insert(session, live, table, row));
        }
        self.filled.insert(table.name.clone(), table.clone());
        match refused {
            Err(why) if session.rows(&[(&table.name, columns(table))])?.concat().is_empty() => Err(why),
            _ => Ok(()),
        }
    }

    /// Tries up to `TRIES` rows until the database accepts one.
    fn insert(
        &mut self,
        session: &mut dyn Session,
        live: &LiveSchema,
        table: &Table,
        row: usize,
    ) -> Result<(), DriverError> {
        for attempt in 0.. {
            self.tried += 1;
            let statement = self.statement(session, live, table, InsertAttempt { row, attempt })?;
            match session.execute_counting(&statement) {
                Ok(_) => break,
                Err(error) if attempt + 1 == TRIES => return Err(error),
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Builds an INSERT. The first row of a table has a value in each column, the second has NULL where possible,
    /// others mix both.
    fn statement(
        &mut self,
        session: &mut dyn Session,
        live: &LiveSchema,
        table: &Table,
        this: InsertAttempt,
    ) -> Result<String, DriverError> {
        let InsertAttempt { row, attempt } = this;
        let dialect = session.traits().dialect;
        let is_new = this.is_first() && !self.filled.contains_key(&table.name);
        // Where an explicit value does not advance the counter, `count_from_first_id` has done it.
        let advances = |column: &Column| dialect.advance_counter(&table.name, &column.name, FIRST_ID).is_none();
        let mut literals: Vec<(&str, String)> = Vec::new();
        for column in table.columns.iter().filter(|column| column.generated.is_none()) {
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
                Some(value) => render::value(dialect, &value),
                None if column.auto_increment && is_new && advances(column) => FIRST_ID.to_string(),
                None if column.auto_increment => continue,
                None if is_null => "NULL".to_owned(),
                None => render::value(dialect, &self.value(dialect, live, table, column, this)),
            };
            literals.push((&column.name, literal));
        }
        for key in &table.foreign_keys {
            self.refer(session, live, table, key, this, &mut literals)?;
        }
        let (names, values): (Vec<String>, Vec<String>) = literals
            .into_iter()
            .map(|(name, literal)| (dialect.identifier(name), literal))
            .unzip();
        let table = dialect.identifier(&table.name);
        let (names, values) = (names.join(", "), values.join(", "));
        Ok(match names.is_empty() && dialect.features().default_values_insert {
            true => format!("INSERT INTO {table} DEFAULT VALUES"),
            false => format!("INSERT INTO {table} ({names}) VALUES ({values})"),
        })
    }

    /// Sets the columns of a foreign key to those of an existing row, or of the row itself.
    fn refer(
        &mut self,
        session: &mut dyn Session,
        live: &LiveSchema,
        table: &Table,
        key: &ForeignKey,
        this: InsertAttempt,
        literals: &mut [(&str, String)],
    ) -> Result<(), DriverError> {
        let is_null = |column: &String| literals.iter().any(|(name, value)| name == column && value == "NULL");
        if key.columns.iter().any(is_null) {
            return Ok(());
        }
        let parent = live.tables.get(&key.to_table).and_then(|parent| parent.as_ref().ok());
        let primary = parent.and_then(|parent| parent.primary_key.as_ref());
        // Without columns, a foreign key references the primary key.
        let to = match (key.to_columns.as_slice(), primary) {
            ([], Some(primary)) => &primary.columns,
            _ => &key.to_columns,
        };
        let to: Vec<&str> = to.iter().map(String::as_str).collect();
        let there = session.rows(&[(&key.to_table, to.clone())])?.concat();
        let chosen = match there.len() {
            0 if key.to_table == table.name => {
                let own = |column: &&str| Some(literals.iter().find(|(name, _)| name == column)?.1.clone());
                to.iter().filter_map(own).collect()
            }
            0 => return Ok(()),
            // Distinct rows, so that a unique key may be added later.
            count if this.attempt == 0 => there[this.row % count].clone(),
            count => there[self.random.below(count)].clone(),
        };
        for (column, value) in key.columns.iter().zip(chosen) {
            for literal in literals.iter_mut().filter(|(name, _)| name == column) {
                literal.1.clone_from(&value);
            }
        }
        Ok(())
    }

    fn value(
        &mut self,
        dialect: &dyn SqlDialect,
        live: &LiveSchema,
        table: &Table,
        column: &Column,
        this: InsertAttempt,
    ) -> Value {
        let InsertAttempt { row, attempt } = this;
        if attempt > 0 && self.random.below(4) > 0 {
            let checks = table.checks.iter();
            let named: Vec<Value> = checks
                .filter(|check| mentions(dialect.kind(), &check.expression, &column.name))
                .flat_map(|check| named_values(dialect.kind(), check, &column.column_type))
                .collect();
            if let Some(value) = self.random.one_of(&named) {
                return value.clone();
            }
        }
        let is_reference = column.column_type.is_integer() && column.name.ends_with("_id");
        let number = match attempt {
            // Plausible values, so that a foreign key may be added later.
            0 if is_reference => FIRST_ID + row,
            // Distinct values, so that a unique key may be added later.
            0 => self.tried,
            _ if self.random.coin() => self.tried,
            _ => self.random.below(self.tried),
        };
        typed(dialect, live, column, number)
    }
}

/// Sets each auto-increment column to `FIRST_ID` or above, where explicit values would not.
fn count_from_first_id(session: &mut dyn Session, table: &Table) {
    let dialect = session.traits().dialect;
    for column in table.columns.iter().filter(|column| column.auto_increment) {
        if let Some(statement) = dialect.advance_counter(&table.name, &column.name, FIRST_ID) {
            // A failure shows up when rows are inserted.
            let _ = session.execute(&statement);
        }
    }
}

/// Returns the values that a condition mentions, and their neighbours.
fn named_values(dialect: Dialect, check: &Check, column_type: &ColumnType) -> Vec<Value> {
    let mut values = Vec::new();
    for token in tokenize(dialect, &check.expression).unwrap_or_default() {
        let written = token.text;
        if let Some(text) = token.value() {
            // The text may be a LIKE pattern.
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

/// Returns the readable tables, each after the tables that it references.
fn parents_first(live: &LiveSchema) -> Vec<&Table> {
    let all: Vec<&Table> = live.tables.values().filter_map(|table| table.as_ref().ok()).collect();
    toposort(&all, |table| &table.name, |table| table.refers_to().collect())
}

/// Returns the columns that are not generated.
pub(super) fn columns(table: &Table) -> Vec<&str> {
    let own = table.columns.iter().filter(|column| column.generated.is_none());
    own.map(|column| column.name.as_str()).collect()
}

/// The SplitMix64 generator, <https://doi.org/10.1145/2714064.2660195>.
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
