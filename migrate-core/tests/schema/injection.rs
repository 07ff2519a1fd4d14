//! Hostile names and texts in every place that takes one: the SQL keeps its shape, and the database's lexical rules
//! read back each name and text unchanged.

use migrate_core::error::Diagnostic;
use migrate_core::schema::{ColumnType, IndexMethod, desc};
use migrate_core::{Code, Dialect, DialectVersion, Plan, Schema};

use crate::support::registry_of;

/// Placeholders for a hostile name or text.
const NAME: &str = "§";
const TEXT: &str = "¤";

const NAMES: &[&str] = &[
    "\"", "\"\"", "`", "``", "'", "''", "\\", "\\'", "\\`", "\\\"", ";", "--", "/*", "*/", "#", "(", ")", ",", "]",
    "[", "%s", "${x}", "{0}", "?", "$1", ":a", "@a", " ", "ünï", "🦀", "select", "\"; --", "`; #",
];

const TEXTS: &[&str] = &[
    "'",
    "''",
    "\\",
    "\\'",
    "\\\\'",
    "\"",
    "`",
    ";",
    "--",
    "/*",
    "#",
    "\n",
    "\r\n",
    "\t",
    "\u{1}",
    "\u{1a}",
    "\u{7f}",
    "%",
    "_",
    "$$",
    "?",
    "🦀",
    "'; DROP TABLE x; --",
    "\\'; DROP TABLE x; #",
    "",
];

/// Calls each method that takes a name or a text.
fn everything(schema: &mut Schema, dialect: Dialect, name: &str, text: &str) {
    let n = |plain: &str| format!("{plain}{name}");
    let t = |plain: &str| format!("{plain}{text}");
    schema.create_table(n("a"), |table| {
        table.big_int(n("id")).auto_increment().primary_key();
        table
            .varchar(n("b"), 50)
            .unique()
            .default(t("b"))
            .collate(n("coll"))
            .comment(t("comment"));
        table.varchar(n("c"), 50).nullable();
        table.unique([n("b"), n("c")]);
        table.check(n("check"), "1 = 1");
        table.index([n("c"), n("b")]).name(n("index"));
        table.comment(t("table"));
    });
    schema.create_table(n("child"), |table| {
        table.big_int(n("a_id")).references(n("a"), n("id")).name(n("fkey"));
        table.big_int(n("other"));
        table.varchar(n("code"), 10);
        table.primary_key([n("a_id"), n("code")]);
        table.foreign_key([n("other")], n("a"), [n("id")]);
    });
    schema.alter_table(n("a"), |table| {
        table.varchar(n("d"), 50).fill(t("fill"));
        table.set_default(n("c"), t("default"));
        table.comment_on(n("c"), t("on column"));
        table.rename_column(n("c"), n("c2"));
        table.set_not_null(n("c2"));
        table.drop_not_null(n("c2"));
        table.drop_default(n("c2"));
        table.set_type(n("c2"), ColumnType::VarChar(60));
        table.drop_constraint(n("check"));
        table.rename_index(n("index"), n("index2"));
        table.drop_index(n("index2"));
        table.drop_column(n("d")).undo_fill(t("undo"));
    });
    schema.comment_on(n("child"), t("child"));
    schema.create_index(n("a"), [desc(n("c2"))]);
    schema.create_view(n("view"), "SELECT 1");
    schema.drop_view(n("view"));
    schema.alter_table(n("child"), |table| {
        table.drop_constraint(n("fkey"));
        table.drop_primary_key();
    });
    schema.rename_table(n("child"), n("kin"));
    schema.drop_table(n("kin"));
    if dialect == Dialect::Postgres {
        schema.create_enum(n("enum"), [t("one"), t("two")]);
        schema.create_table(n("moods"), |table| {
            table.enum_type(n("mood"), n("enum")).default(t("one"));
            table
                .index([n("mood")])
                .method(IndexMethod::Named(n("method")))
                .name(n("by mood"));
        });
        schema
            .create_index(n("a"), [n("b")])
            .include([n("c2")])
            .name(n("including"));
        schema.drop_table(n("moods"));
        schema.drop_enum(n("enum"));
        schema.create_enum(n("enum2"), [t("one")]);
        schema
            .add_enum_value(n("enum2"), t("between"))
            .before(t("one"))
            .up_only();
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Text(String),
    Other(char),
}

/// Tokenizes SQL by the rules of the database.
fn tokens(sql: &str, dialect: Dialect) -> Vec<Token> {
    let is_mysql = matches!(dialect, Dialect::MySql | Dialect::MariaDb);
    let quote = if is_mysql { '`' } else { '"' };
    let mut tokens = Vec::new();
    let mut chars = sql.chars().peekable();
    while let Some(first) = chars.next() {
        if first != quote && first != '\'' {
            tokens.push(Token::Other(first));
            continue;
        }
        // https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-STRINGS-ESCAPE
        let escapes = first == '\'' && tokens.pop_if(|last| *last == Token::Other('E')).is_some();
        let mut content = String::new();
        loop {
            match chars.next() {
                None => panic!("{first} is never closed in {sql}"),
                Some(c) if c == first && chars.peek() == Some(&first) => content.extend(chars.next()),
                Some(c) if c == first => break,
                // https://dev.mysql.com/doc/refman/8.4/en/string-literals.html
                Some('\\') if escapes || (is_mysql && first == '\'') => match chars.next() {
                    Some(escaped @ ('\\' | '\'' | '"')) => content.push(escaped),
                    other => panic!("\\{other:?} in {sql}"),
                },
                Some(c) => content.push(c),
            }
        }
        tokens.push(if first == quote {
            Token::Name(content)
        } else {
            Token::Text(content)
        });
    }
    tokens
}

/// Returns a version that supports everything here.
fn recent(dialect: Dialect) -> DialectVersion {
    match dialect {
        Dialect::MariaDb => "mariadb:10.11".parse().unwrap(),
        other => other.into(),
    }
}

/// Only names of objects have no dots: a user would mean a schema.
#[test]
fn a_column_name_can_have_a_dot() {
    for dialect in Dialect::ALL {
        let registry = registry_of(|schema| {
            schema.create_table("a", |t| {
                t.big_int("b.c").primary_key();
                t.integer("d.e").nullable();
                t.index(["d.e"]);
            });
        });
        let plan = Plan::offline(&registry, recent(dialect)).unwrap();
        let sql = plan.migrations()[0].sql().concat();
        assert!(sql.contains("b.c") && sql.contains("d.e"), "{sql}");
    }
}

fn rendered(dialect: Dialect, name: &'static str, text: &'static str) -> Vec<Token> {
    let registry = registry_of(move |schema| everything(schema, dialect, name, text));
    let plan = Plan::offline(&registry, recent(dialect)).unwrap_or_else(|error| panic!("{name:?} {text:?}: {error}"));
    let steps = plan.migrations()[0].steps();
    steps
        .iter()
        .filter_map(|step| step.sql())
        .flat_map(|sql| tokens(sql, dialect))
        .collect()
}

fn with(tokens: &[Token], name: &str, text: &str) -> Vec<Token> {
    let put = |content: &str| content.replace(NAME, name).replace(TEXT, text);
    tokens
        .iter()
        .map(|token| match token {
            Token::Name(content) => Token::Name(put(content)),
            Token::Text(content) => Token::Text(put(content)),
            Token::Other(c) => Token::Other(*c),
        })
        .collect()
}

#[test]
fn hostile_names_and_texts_are_quoted_in_every_dialect() {
    for dialect in Dialect::ALL {
        let harmless = rendered(dialect, NAME, TEXT);
        let names = harmless.iter().filter(|token| matches!(token, Token::Name(_)));
        assert!(names.count() > 60, "{dialect}");
        for name in NAMES {
            if let (Dialect::MySql | Dialect::MariaDb, " " | "🦀") = (dialect, *name) {
                let registry = registry_of(move |schema| everything(schema, dialect, name, TEXT));
                let error = Plan::offline(&registry, recent(dialect)).unwrap_err();
                let is_refused = |found: &Diagnostic| found.code == Code::UNSUPPORTED_NAME;
                assert!(error.diagnostics().iter().all(is_refused), "{error}");
                continue;
            }
            assert_eq!(
                rendered(dialect, name, TEXT),
                with(&harmless, name, TEXT),
                "{dialect} {name:?}"
            );
        }
        for text in TEXTS {
            // PostgreSQL stores this text as an enum label, which is checked like a name.
            if dialect == Dialect::Postgres && text.contains(char::is_control) {
                continue;
            }
            assert_eq!(
                rendered(dialect, NAME, text),
                with(&harmless, NAME, text),
                "{dialect} {text:?}"
            );
        }
    }
}
