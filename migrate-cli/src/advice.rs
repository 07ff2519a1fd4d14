//! The library's advice in the words of the command line.

use migrate_core::error::Advice;

/// The command or option that carries out an advice.
pub(crate) fn word(advice: &Advice) -> String {
    match advice {
        Advice::Up => "`migrate up`".to_owned(),
        Advice::RollbackLast => "`migrate rollback -n 1`".to_owned(),
        Advice::Status => "`migrate status`".to_owned(),
        Advice::Resolve { migration, done } => match done {
            Some(done) => format!("`migrate resolve {migration} --done {done}`"),
            None => format!("`migrate resolve {migration} --done COUNT`"),
        },
        Advice::Accept { migration } => format!("`migrate accept {migration}`"),
        Advice::UpdateChecksums { migration: None } => "`migrate check --update`".to_owned(),
        Advice::UpdateChecksums {
            migration: Some(migration),
        } => format!("`migrate check --update {migration}`"),
        Advice::LockTimeout => "`--lock-timeout SECONDS`".to_owned(),
        Advice::HistoryTable => "`--history-table NAME`".to_owned(),
        Advice::AllowMissing => "`--allow-missing`".to_owned(),
        Advice::AllowChanged => "`--allow-changed`".to_owned(),
        Advice::StrictOrder => "`--strict-order`".to_owned(),
        Advice::SingleTransaction => "`--single-transaction`".to_owned(),
        Advice::To => "`--to VERSION`".to_owned(),
        Advice::OnExisting => "`--on-existing`".to_owned(),
        Advice::Ignore => "`--ignore NAME`".to_owned(),
        // A newer library may know more; its own words are better than none.
        other => other.to_string(),
    }
}
