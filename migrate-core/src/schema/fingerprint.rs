//! A hash of what a migration records, by which a change after it was applied is noticed.
//!
//! It is taken over a canonical encoding of the steps, never over source text, `Debug` output or type names. Ways back
//! and the bodies of Rust functions do not count. The encoding of what exists may never change: `tests/fingerprints.rs`
//! pins it. A new encoding gets a new tag.

use sha2::{Digest, Sha256};

use super::step::{Step, Work};

/// The encoding's tag, written before the hash.
const TAG: u32 = 1;

/// The fingerprint of recorded steps: the encoding's tag and 128 bits of SHA-256, `1:0123..`.
pub(crate) fn fingerprint(steps: &[Step]) -> String {
    let mut hash = Sha256::new();
    for step in steps {
        add(&mut hash, step);
    }
    print(hash)
}

/// The fingerprints of the first 0, 1, 2, .. steps, up to all of them.
pub(crate) fn fingerprints_on_the_way(steps: &[Step]) -> Vec<String> {
    let mut hash = Sha256::new();
    let mut fingerprints = vec![print(hash.clone())];
    for step in steps {
        add(&mut hash, step);
        fingerprints.push(print(hash.clone()));
    }
    fingerprints
}

/// Whether a stored fingerprint was made with an older encoding, so that it says nothing about a change.
pub(crate) fn is_older_encoding(stored: &str) -> bool {
    tag(stored).is_some_and(|tag| tag < TAG)
}

/// Whether two fingerprints were made with the same encoding and differ.
pub(crate) fn differ(stored: &str, now: &str) -> bool {
    tag(stored) == tag(now) && stored != now
}

fn tag(fingerprint: &str) -> Option<u32> {
    fingerprint.split_once(':')?.0.parse().ok()
}

fn add(hash: &mut Sha256, step: &Step) {
    match &step.work {
        Work::Sql(sql) => {
            put(hash, "execute");
            put(hash, &normal_line_ends(sql));
        }
        Work::Rust(_) => put(hash, "run"),
    }
}

/// A field of the encoding: its length and its bytes, so that no two sequences of fields read the same.
fn put(hash: &mut Sha256, field: &str) {
    hash.update((field.len() as u64).to_be_bytes());
    hash.update(field);
}

fn print(hash: Sha256) -> String {
    let mut text = format!("{TAG}:");
    for byte in &hash.finalize()[..16] {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// A checkout on Windows must not count as a change.
fn normal_line_ends(text: &str) -> String {
    text.replace("\r\n", "\n")
}
