//! The next step after an error, in the words of its reader: the log of an application, or a terminal.

use std::fmt;

/// A call or a setting that a [`Help`] recommends.
///
/// [`Display`](fmt::Display) names the methods of [`Runner`](crate::Runner). A program with other words for them, such as a
/// command line, matches on the value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// Apply the pending migrations, or resume an interrupted one.
    Up,
    /// Roll back the last migration, or resume its rollback.
    RollbackLast,
    /// List the state of each migration.
    Status,
    /// Record how many steps of an interrupted migration have completed.
    Resolve {
        /// The migration: `version` or `group:version`.
        migration: String,
        /// The number of completed steps; `None` where the reader must find it out.
        done: Option<usize>,
    },
    /// Accept an applied migration as it is now.
    Accept {
        /// The migration: `version` or `group:version`.
        migration: String,
    },
    /// Write checksums into `migrations.sum`.
    UpdateChecksums {
        /// The migration whose line changes; `None` for all new ones.
        migration: Option<String>,
    },
    /// The setting for how long a run waits for locks.
    LockTimeout,
    /// The setting for the name of the history table.
    HistoryTable,
    /// The setting that lets a run continue although applied migrations are missing.
    AllowMissing,
    /// The setting that lets a run continue although applied migrations have changed.
    AllowChanged,
    /// The setting that refuses migrations out of order.
    StrictOrder,
    /// The setting that runs everything in one transaction.
    SingleTransaction,
    /// The target that ends a run at a version.
    To,
    /// The setting that lets the first run continue on a database that is not empty.
    OnExisting,
    /// The setting that names objects of others.
    Ignore,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Advice::Up => f.write_str("`Runner::up`"),
            Advice::RollbackLast => f.write_str("`Runner::rollback` with `Rollback::Last(1)`"),
            Advice::Status => f.write_str("`Runner::status`"),
            Advice::Resolve { migration, done } => match done {
                Some(done) => write!(
                    f,
                    "`Runner::resolve` for migration {migration} with {done} completed steps"
                ),
                None => write!(
                    f,
                    "`Runner::resolve` for migration {migration} with the number of completed steps"
                ),
            },
            Advice::Accept { migration } => write!(f, "`Runner::accept` for migration {migration}"),
            Advice::UpdateChecksums { migration: None } => f.write_str("the checksum update"),
            Advice::UpdateChecksums {
                migration: Some(migration),
            } => write!(f, "the checksum update for {migration}"),
            Advice::LockTimeout => f.write_str("`Runner::lock_timeout`"),
            Advice::HistoryTable => f.write_str("`Runner::history_table`"),
            Advice::AllowMissing => f.write_str("`Runner::allow_missing`"),
            Advice::AllowChanged => f.write_str("`Runner::allow_changed`"),
            Advice::StrictOrder => f.write_str("`Runner::strict_order`"),
            Advice::SingleTransaction => f.write_str("`Runner::single_transaction`"),
            Advice::To => f.write_str("`Target::To`"),
            Advice::OnExisting => f.write_str("`Runner::on_existing`"),
            Advice::Ignore => f.write_str("`Runner::ignore`"),
        }
    }
}

/// One suggestion after an error: text that contains [`Advice`].
///
/// [`Display`](fmt::Display) prints the advice in the words of the API; [`words`](Help::words) uses those of the caller.
///
/// ```
/// use migrate_core::error::{Advice, Help};
///
/// let help = Help::new("fix the step, then run ").advice(Advice::Up);
/// assert_eq!(help.to_string(), "fix the step, then run `Runner::up`");
/// assert_eq!(help.words(|_| "`deploy`".to_owned()), "fix the step, then run `deploy`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Help(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Advice(Advice),
}

impl Help {
    /// A help that begins with text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Help {
        Help(vec![Part::Text(text.into())])
    }

    /// Appends text.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Help {
        self.0.push(Part::Text(text.into()));
        self
    }

    /// Appends an advice.
    #[must_use]
    pub fn advice(mut self, advice: Advice) -> Help {
        self.0.push(Part::Advice(advice));
        self
    }

    /// The advice in it, in order.
    pub fn advices(&self) -> impl Iterator<Item = &Advice> {
        self.0.iter().filter_map(|part| match part {
            Part::Advice(advice) => Some(advice),
            Part::Text(_) => None,
        })
    }

    /// The text, with each advice in the words that `word` gives for it.
    #[must_use]
    pub fn words(&self, word: impl Fn(&Advice) -> String) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Advice(advice) => word(advice),
            })
            .collect()
    }
}

impl fmt::Display for Help {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words(ToString::to_string))
    }
}

impl From<String> for Help {
    fn from(text: String) -> Help {
        Help::new(text)
    }
}

impl From<&str> for Help {
    fn from(text: &str) -> Help {
        Help::new(text)
    }
}

impl From<Advice> for Help {
    fn from(advice: Advice) -> Help {
        Help(vec![Part::Advice(advice)])
    }
}
