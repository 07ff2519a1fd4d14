//! The sources of a crate, read as tokens: without comments, documentation and unit tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// A source file.
pub(crate) struct Source {
    /// The path below `src`, such as `runner/lock.rs`.
    pub(crate) path: String,
    pub(crate) tokens: Vec<TokenTree>,
}

/// Reads all files below `src` of a crate of the workspace.
pub(crate) fn sources(package: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(package)
        .join("src");
    let mut files = Vec::new();
    find(&root, &mut files);
    files.sort();
    let tests: Vec<PathBuf> = files.iter().flat_map(|file| test_files(file)).collect();
    files.retain(|file| !tests.contains(file));
    assert!(files.len() > 5, "{} holds no sources", root.display());
    files
        .into_iter()
        .map(|file| {
            let path = file.strip_prefix(&root).unwrap().display().to_string();
            Source::of(path, &fs::read_to_string(&file).unwrap())
        })
        .collect()
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            files.push(path);
        }
    }
}

/// Returns the files that a file declares under `#[cfg(test)]`.
fn test_files(file: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(file).unwrap();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let declared = lines
        .windows(2)
        .filter(|pair| pair[0].starts_with("#[cfg(") && pair[0].contains("test"));
    let names = declared.filter_map(|pair| pair[1].strip_prefix("mod ")?.strip_suffix(';'));
    let folder = match file.file_stem() {
        Some(stem) if stem == "mod" || stem == "lib" => file.with_file_name(""),
        _ => file.with_extension(""),
    };
    names.map(|name| folder.join(format!("{name}.rs"))).collect()
}

impl Source {
    pub(crate) fn of(path: String, text: &str) -> Source {
        let tokens: TokenStream = text.parse().unwrap();
        Source {
            path,
            tokens: without_docs_and_tests(tokens),
        }
    }

    /// Returns the module of the file, such as `["runner", "lock"]`; that of `lib.rs` is empty.
    pub(crate) fn module(&self) -> Vec<String> {
        let path = self.path.trim_end_matches(".rs");
        let parts = path.split('/').map(str::to_owned);
        let is_named = |part: &String| !["mod", "lib", "main"].contains(&part.as_str());
        parts.filter(is_named).collect()
    }

    /// Returns the number of lines that hold code.
    pub(crate) fn lines(&self) -> usize {
        let mut lines = BTreeSet::new();
        add_lines(&self.tokens, &mut lines);
        lines.len()
    }

    /// Returns every path that begins with `crate`, `super` or `self`, from the root of the crate.
    pub(crate) fn paths(&self) -> BTreeSet<Vec<String>> {
        let mut paths = BTreeSet::new();
        self.add_paths(&self.tokens, &mut paths);
        paths
    }

    fn add_paths(&self, tokens: &[TokenTree], paths: &mut BTreeSet<Vec<String>>) {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            match token {
                TokenTree::Group(group) => self.add_paths(&inside(group), paths),
                TokenTree::Ident(ident)
                    if ["crate", "super", "self"].contains(&ident.to_string().as_str())
                        && !is_macro_variable(tokens, at) =>
                {
                    let base = match ident.to_string().as_str() {
                        "crate" => Some(Vec::new()),
                        "self" => Some(self.module()),
                        _ => self.module().split_last().map(|(_, parent)| parent.to_vec()),
                    };
                    // `pub(crate)` and the receiver `self` begin no path.
                    if let Some(base) = base.filter(|_| is_separator(tokens, at + 1)) {
                        at = self.follow(tokens, at + 3, base, paths);
                        continue;
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Adds the paths that go on at a token, and returns the position after them.
    fn follow(
        &self,
        tokens: &[TokenTree],
        at: usize,
        mut path: Vec<String>,
        paths: &mut BTreeSet<Vec<String>>,
    ) -> usize {
        match tokens.get(at) {
            Some(TokenTree::Ident(ident)) if ident == "super" => {
                path.pop();
            }
            Some(TokenTree::Ident(ident)) if ident == "self" => {}
            Some(TokenTree::Ident(ident)) => path.push(ident.to_string()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let inside = inside(group);
                let branches = inside.split(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ','));
                for branch in branches.filter(|branch| !branch.is_empty()) {
                    self.follow(branch, 0, path.clone(), paths);
                }
                return at + 1;
            }
            _ => {}
        }
        if is_separator(tokens, at + 1) {
            return self.follow(tokens, at + 3, path, paths);
        }
        paths.insert(path);
        at + 1
    }
}

/// Returns true for `$crate`, a path of the macro's caller. A macro that writes a macro holds the dollar in a variable:
/// `$d crate`.
fn is_macro_variable(tokens: &[TokenTree], at: usize) -> bool {
    let is_dollar = |before: usize| {
        let token = at.checked_sub(before).and_then(|at| tokens.get(at));
        matches!(token, Some(TokenTree::Punct(dollar)) if dollar.as_char() == '$')
    };
    is_dollar(1) || is_dollar(2)
}

fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    let is_colon = |at| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    is_colon(at) && is_colon(at + 1)
}

fn inside(group: &Group) -> Vec<TokenTree> {
    group.stream().into_iter().collect()
}

/// Removes attributes, and each item that follows `#[cfg(test)]` or `#[cfg(doc)]`.
fn without_docs_and_tests(tokens: TokenStream) -> Vec<TokenTree> {
    let mut kept = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    let mut skips = false;
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                if matches!(tokens.peek(), Some(TokenTree::Punct(bang)) if bang.as_char() == '!') {
                    tokens.next();
                }
                if let Some(TokenTree::Group(attribute)) = tokens.next() {
                    let text = attribute.stream().to_string().replace(' ', "");
                    skips |= ["cfg(test)", "cfg(all(test,", "cfg(doc)"]
                        .iter()
                        .any(|only| text.starts_with(only));
                }
            }
            // The item ends with its block or its semicolon.
            TokenTree::Group(group) if skips && group.delimiter() == Delimiter::Brace => {
                skips = matches!(tokens.peek(), Some(TokenTree::Punct(end)) if end.as_char() == ';');
            }
            TokenTree::Punct(punct) if skips && punct.as_char() == ';' => skips = false,
            _ if skips => {}
            TokenTree::Group(group) => {
                let mut cleaned = Group::new(
                    group.delimiter(),
                    without_docs_and_tests(group.stream()).into_iter().collect(),
                );
                cleaned.set_span(group.span());
                kept.push(TokenTree::Group(cleaned));
            }
            token => kept.push(token),
        }
    }
    kept
}

fn add_lines(tokens: &[TokenTree], lines: &mut BTreeSet<usize>) {
    for token in tokens {
        lines.insert(token.span().start().line);
        lines.insert(token.span().end().line);
        if let TokenTree::Group(group) = token {
            add_lines(&inside(group), lines);
        }
    }
}
