//! Raw SQL of users: one text for every database, or one text per dialect.

use std::borrow::Cow;

use crate::code::Code;
use crate::diagnostic::Mistake;
use crate::dialect::Dialect;

/// One SQL statement, as the user wrote it.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct UserSql(Texts);

#[derive(Clone, Debug)]
enum Texts {
    Same(String),
    PerDialect(Vec<(Dialect, String)>),
}

impl UserSql {
    /// Returns the text for a dialect. An empty text runs nothing. Returns `None` if there is no text for the dialect.
    pub(crate) fn for_dialect(&self, dialect: Dialect) -> Option<&str> {
        let texts = match &self.0 {
            Texts::Same(text) => return Some(text),
            Texts::PerDialect(texts) => texts,
        };
        let written = |wanted: Dialect| {
            texts
                .iter()
                .find(|(dialect, _)| *dialect == wanted)
                .map(|(_, text)| text.as_str())
        };
        // MariaDB runs the MySQL text unless it has its own.
        written(dialect).or_else(|| dialect.fallback().and_then(written))
    }

    /// Returns a message if the texts are wrong on every database.
    pub(super) fn mistake(&self, method: &str, help_if_blank: &str) -> Option<Mistake> {
        let blank = |message: String| Code::BLANK_SQL.mistake(message).help(help_if_blank);
        let texts = match &self.0 {
            Texts::Same(text) => {
                let is_blank = text.trim().is_empty();
                return is_blank.then(|| blank(format!("the SQL of `{method}` is blank")));
            }
            Texts::PerDialect(texts) => texts,
        };
        if texts.iter().all(|(_, text)| text.trim().is_empty()) {
            return Some(blank(format!("`{method}` has no SQL for any dialect")));
        }
        texts.iter().enumerate().find_map(|(at, (dialect, _))| {
            texts[..at].iter().any(|(before, _)| before == dialect).then(|| {
                Code::REPEATED_DIALECT
                    .mistake(format!("`{method}` has two texts for {}", dialect.title()))
                    .help("remove one of the two")
            })
        })
    }
}

/// SQL that [`execute`](crate::Schema::execute) accepts: one text, or an array with one text per dialect.
///
/// ```
/// # use migrate_core::{Dialect, Schema};
/// fn up(schema: &mut Schema) {
///     schema.execute("UPDATE users SET active = TRUE").up_only();
///     schema
///         .execute([
///             (Dialect::Postgres, "CREATE EXTENSION citext"),
///             (Dialect::Sqlite, ""),
///             (Dialect::MySql, ""),
///         ])
///         .up_only();
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not SQL",
    label = "expected SQL text, or an array with one text for each dialect",
    note = "write one SQL statement, or `[(Dialect::Postgres, \"..\"), (Dialect::Sqlite, \"..\")]`"
)]
pub trait IntoSql {
    #[doc(hidden)]
    fn into_sql(self) -> UserSql;
}

impl IntoSql for &str {
    fn into_sql(self) -> UserSql {
        UserSql(Texts::Same(self.to_owned()))
    }
}

impl IntoSql for String {
    fn into_sql(self) -> UserSql {
        UserSql(Texts::Same(self))
    }
}

impl IntoSql for &String {
    fn into_sql(self) -> UserSql {
        UserSql(Texts::Same(self.clone()))
    }
}

impl IntoSql for Cow<'_, str> {
    fn into_sql(self) -> UserSql {
        UserSql(Texts::Same(self.into_owned()))
    }
}

impl<const N: usize, T: Into<String>> IntoSql for [(Dialect, T); N] {
    fn into_sql(self) -> UserSql {
        let texts = self.into_iter().map(|(dialect, text)| (dialect, text.into()));
        UserSql(Texts::PerDialect(texts.collect()))
    }
}
