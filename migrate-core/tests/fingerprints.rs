//! Fingerprints are kept in users' databases, so what is encoded today must be encoded alike for ever. A line of the file
//! beside this may be added, never changed; a new encoding needs a new tag (see `src/schema/fingerprint.rs`).

use diesel::prelude::*;
use migrate_core::__private::{Declaration, declare, fingerprint_of};
use migrate_core::{Migrate, Schema};

struct Example(fn(&mut Schema));

impl Migrate for Example {
    fn up(&self, schema: &mut Schema) {
        (self.0)(schema);
    }
}

fn nothing(_: &mut SqliteConnection) -> QueryResult<()> {
    Ok(())
}

const EXAMPLES: [(&str, Example); 7] = [
    ("no steps", Example(|_| {})),
    (
        "one statement",
        Example(|schema| schema.execute("CREATE TABLE a (id INTEGER)").up_only()),
    ),
    (
        "one statement with a way back",
        Example(|schema| schema.execute("CREATE TABLE a (id INTEGER)").undo("DROP TABLE a")),
    ),
    (
        "two statements",
        Example(|schema| {
            schema.execute("CREATE TABLE a (id INTEGER)").up_only();
            schema.execute("CREATE TABLE b (id INTEGER)").up_only();
        }),
    ),
    (
        "line ends of Windows",
        Example(|schema| schema.execute("CREATE TABLE a\r\n(id INTEGER)").up_only()),
    ),
    ("a Rust step", Example(|schema| schema.run(nothing).up_only())),
    (
        "a Rust step between statements",
        Example(|schema| {
            schema.execute("ALTER TABLE a ADD COLUMN ü TEXT").up_only();
            schema.run(nothing).undo(nothing);
            schema.execute("UPDATE a SET ü = '🦀'").up_only();
        }),
    ),
];

#[test]
fn fingerprints_are_as_they_always_were() {
    static KEPT: &str = include_str!("fingerprints.txt");
    let mut now = String::new();
    for (name, example) in EXAMPLES {
        let declaration = Declaration {
            version: 1,
            name: "example",
            group: "default",
            description: "",
            transaction: true,
            file: "",
            line: 0,
            module: "",
        };
        let migration = declare(declaration, Box::leak(Box::new(example)));
        now.push_str(&format!("{} {name}\n", fingerprint_of(&migration)));
    }
    assert_eq!(now, KEPT);
}
