//! The columns of the history table. `CREATE TABLE`, each query and the messages about missing columns come from here;
//! drivers decode rows in this order.

/// A column of the history table.
#[derive(Debug)]
pub(crate) struct Column {
    /// The name, a reserved word in no dialect.
    pub(crate) name: &'static str,
    /// The type and the constraints, valid in every dialect.
    definition: &'static str,
}

impl Column {
    const fn new(name: &'static str, definition: &'static str) -> Column {
        Column { name, definition }
    }

    /// Returns the column as `CREATE TABLE` defines it.
    pub(crate) fn sql(&self) -> String {
        format!("{} {}", self.name, self.definition)
    }
}

/// The columns in the order of the table.
pub(crate) const COLUMNS: [Column; 16] = [
    Column::new("seq", "BIGINT NOT NULL UNIQUE"),
    Column::new("group_name", "VARCHAR(255) NOT NULL"),
    Column::new("version", "BIGINT NOT NULL"),
    Column::new("name", "VARCHAR(255) NOT NULL"),
    Column::new("batch", "BIGINT NOT NULL"),
    Column::new("checksum", "VARCHAR(255) NOT NULL"),
    Column::new("state", "VARCHAR(16) NOT NULL"),
    Column::new("progress", "BIGINT NOT NULL"),
    Column::new("claim", "VARCHAR(255)"),
    Column::new("in_flight", "TEXT"),
    Column::new("applied_at", "VARCHAR(32) NOT NULL"),
    Column::new("duration_ms", "BIGINT"),
    Column::new("applied_by", "VARCHAR(255) NOT NULL"),
    Column::new("tool_version", "VARCHAR(32) NOT NULL"),
    Column::new("format", "BIGINT NOT NULL"),
    Column::new("package", "VARCHAR(255) NOT NULL"),
];

/// Returns the position of a column. In a constant, an unknown name does not compile.
pub(crate) const fn position(name: &str) -> usize {
    let mut position = 0;
    while !is_equal(COLUMNS[position].name.as_bytes(), name.as_bytes()) {
        position += 1;
    }
    position
}

const fn is_equal(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// Returns the names of all columns, in the order of the table.
pub(crate) fn names() -> [&'static str; 16] {
    COLUMNS.each_ref().map(|column| column.name)
}

/// Returns the columns that a table with the given column names lacks.
pub(crate) fn lacking(there: &[String]) -> Vec<&'static Column> {
    COLUMNS
        .iter()
        .filter(|column| !there.iter().any(|name| name == column.name))
        .collect()
}
