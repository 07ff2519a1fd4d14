//! Rows for every table, made from what the table is, so that its constraints hold. The same seed makes the same rows.
//!
//! What an expression means is not understood: the values that a CHECK names are tried, and the database decides.

use std::collections::{BTreeMap, BTreeSet};

use super::Values;
use super::sample_values::typed;
use crate::dialect::Dialect;
use crate::driver::{DriverError, Session};
use crate::render;
use crate::schema::{Check, Column, ColumnType, ForeignKey, Table, Value, mentions, tokenize};
use crate::state::{LiveSchema, toposort};

/// How many rows a table gets whenever it has become another one.
const ROWS: usize = 3;

/// The number of a table's first row, where the database counts them: above those that migrations write themselves.
const FIRST_ID: usize = 10_001;

/// How often another row is tried where one does not go.
const TRIES: usize = 40;

/// Which row of a table is made, and how many did not go in its place.
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
    /// Each table as it was when it was last filled.
    filled: BTreeMap<String, Table>,
    /// Tables that cannot be described, once that was said.
    told: BTreeSet<String>,
    /// How many rows have been tried.
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

    /// Puts rows into the tables that are new, or have become others. Says which stayed without, and why.
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
            // In a circle of references, one may go after the other.
            if tables.is_empty() || tables.len() == count {
                without.extend(refused);
                return without;
            }
        }
    }

    /// Puts rows into some tables, which are as good as empty next time.
    pub(super) fn fill_for_now(
        &mut self,
        session: &mut dyn Session,
        live: &LiveSchema,
        which: impl Fn(&Table) -> bool,
    ) {
        for table in parents_first(live).into_iter().filter(|table| which(table)) {
            // That a row does not go is said when the next migration meets the table.
            let _ = self.fill_one(session, live, table);
            self.filled.remove(&table.name);
        }
    }

    /// An error if no row goes; a table may have no room for so many.
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

    /// Tries rows until one goes.
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

    /// A row: the first of a table has a value in each column, the second NULL where that goes, others some of both.
    fn statement(
        &mut self,
        session: &mut dyn Session,
        live: &LiveSchema,
        table: &Table,
        this: InsertAttempt,
    ) -> Result<String, DriverError> {
        let InsertAttempt { row, attempt } = this;
        let dialect = session.traits().dialect;
        // PostgreSQL goes on where it was told to, and not after the number of a row.
        let says_first_id =
            this.is_first() && !self.filled.contains_key(&table.name) && dialect.kind() != Dialect::Postgres;
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
                None if column.auto_increment && says_first_id => FIRST_ID.to_string(),
                None if column.auto_increment => continue,
                None if is_null => "NULL".to_owned(),
                None => render::value(dialect, &self.value(dialect.kind(), live, table, column, this)),
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
        Ok(match dialect.kind() {
            Dialect::Sqlite | Dialect::Postgres if names.is_empty() => {
                format!("INSERT INTO {table} DEFAULT VALUES")
            }
            _ => format!("INSERT INTO {table} ({names}) VALUES ({values})"),
        })
    }

    /// Lets a key refer to a row that is there, or to the row itself.
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
        // Left out, they are those of the primary key.
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
            // A unique key that is added later finds no two alike.
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
        dialect: Dialect,
        live: &LiveSchema,
        table: &Table,
        column: &Column,
        this: InsertAttempt,
    ) -> Value {
        let InsertAttempt { row, attempt } = this;
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
            0 if is_reference => FIRST_ID + row,
            // A unique key that is added later finds no two alike.
            0 => self.tried,
            _ if self.random.coin() => self.tried,
            _ => self.random.below(self.tried),
        };
        typed(dialect, live, column, number)
    }
}

/// On PostgreSQL, lets a column that is counted begin with the number of a table's first row: a row that says its number moves
/// nothing on there, <https://www.postgresql.org/docs/current/functions-sequence.html>.
fn count_from_first_id(session: &mut dyn Session, table: &Table) {
    let dialect = session.traits().dialect;
    if dialect.kind() != Dialect::Postgres {
        return;
    }
    for column in table.columns.iter().filter(|column| column.auto_increment) {
        let (name, table) = (dialect.identifier(&column.name), dialect.identifier(&table.name));
        // Where it does not go, rows tell.
        let _ = session.execute(&format!(
            "SELECT setval(pg_get_serial_sequence({}, {}), \
             greatest({FIRST_ID}, (SELECT coalesce(max({name}), 0) + 1 FROM {table})), false)",
            dialect.text(&table),
            dialect.text(&column.name)
        ));
    }
}

/// The pieces of a condition. PostgreSQL prints the list of an IN as `ARRAY[..]`; elsewhere brackets quote a name.
fn words(expression: &str) -> Vec<&str> {
    let mut words_of = Vec::new();
    for token in tokenize(expression).unwrap_or_default() {
        let written = token.as_str();
        match written.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(list) => words_of.extend(words(list)),
            None => words_of.push(written),
        }
    }
    words_of
}

/// The values that a condition names, and their neighbours.
fn named_values(check: &Check, column_type: &ColumnType) -> Vec<Value> {
    let mut values = Vec::new();
    for written in words(&check.expression) {
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
fn parents_first(live: &LiveSchema) -> Vec<&Table> {
    let all: Vec<&Table> = live.tables.values().filter_map(|table| table.as_ref().ok()).collect();
    toposort(&all, |table| &table.name, |table| table.refers_to().collect())
}

/// The columns that hold values of their own.
pub(super) fn columns(table: &Table) -> Vec<&str> {
    let own = table.columns.iter().filter(|column| column.generated.is_none());
    own.map(|column| column.name.as_str()).collect()
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
