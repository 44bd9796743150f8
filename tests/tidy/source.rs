//! Our source files, as text and as code without comments and strings.

use super::syntax::Syntax;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub(crate) const CRATES: [&str; 4] = ["wire", "logger", "collector", "cli"];

/// A file of ours: its text, and the same with the insides of comments and strings blanked out.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) code: String,
    syntax: OnceLock<Syntax>,
}

impl Source {
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("a source file is text");
        let path = path.strip_prefix(root()).expect("it is ours").display().to_string();
        let code = blank(&text);
        Self { path, text, code, syntax: OnceLock::new() }
    }

    /// The same as a parser sees it, without its tests.
    pub(crate) fn syntax(&self) -> &Syntax {
        self.syntax.get_or_init(|| Syntax::of(self))
    }

    /// Whether this is a part of a program rather than of a test.
    pub(crate) fn production(&self) -> bool {
        CRATES.iter().any(|name| self.path.starts_with(&format!("{name}/src/")))
            && !self.path.ends_with("/tests.rs")
            && !self.path.contains("/tests/")
    }

    /// Whether this is a part of a test that runs the product from outside.
    pub(crate) fn tests(&self) -> bool {
        self.path.starts_with("tests/e2e/") || self.path.starts_with("collector/tests/")
    }

    /// The blanked text up to the tests at its end.
    pub(crate) fn body(&self) -> &str {
        let end = self.text.find("#[cfg(test)]\nmod tests {");
        self.code.get(..end.unwrap_or(self.code.len())).expect("blanking keeps places")
    }

    /// The text up to the tests at its end.
    pub(crate) fn production_text(&self) -> &str {
        &self.text[..self.body().len()]
    }

    /// The insides of the strings before the tests, with the lines they begin in.
    pub(crate) fn strings(&self) -> impl Iterator<Item = (usize, &str)> {
        let (text, code) = (self.production_text(), self.body());
        let mut at = 0;
        std::iter::from_fn(move || {
            while let Some(first) = text[at..].chars().next() {
                let taken = literal(&text[at..], &code[..at]).unwrap_or(0);
                let start = at;
                at += taken.max(first.len_utf8());
                if taken > 0 && !text[start..].starts_with(['/', '\'']) {
                    return Some((text[..start].matches('\n').count() + 1, &text[start..at]));
                }
            }
            None
        })
    }

    pub(crate) fn place(&self, at: usize) -> String {
        format!("{}:{}", self.path, self.code[..at].matches('\n').count() + 1)
    }

    /// The places of `word` in `code` where it is a whole word.
    pub(crate) fn words<'a>(
        &'a self,
        code: &'a str,
        word: &'a str,
    ) -> impl Iterator<Item = usize> + 'a {
        let part = |c: char| c.is_alphanumeric() || c == '_';
        let whole = move |at: usize| {
            !code[..at].ends_with(part) && !code[at + word.len()..].starts_with(part)
        };
        code.match_indices(word).map(|(at, _)| at).filter(move |&at| whole(at))
    }
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All of them, read once.
pub(crate) fn sources() -> &'static [Source] {
    static SOURCES: OnceLock<Vec<Source>> = OnceLock::new();
    SOURCES.get_or_init(read_all)
}

/// Those that the product is made of.
pub(crate) fn production() -> impl Iterator<Item = &'static Source> {
    sources().iter().filter(|source| source.production())
}

fn read_all() -> Vec<Source> {
    let mut paths = Vec::new();
    for directory in CRATES.iter().chain(&["tests", "examples", "benches", "fuzz/fuzz_targets"]) {
        collect(&root().join(directory), &mut paths);
    }
    paths.sort();
    assert!(paths.len() > 40, "only {} files were found", paths.len());
    paths.iter().map(|path| Source::read(path)).collect()
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, paths);
        } else if path.extension().is_some_and(|x| x == "rs") {
            paths.push(path);
        }
    }
}

/// `text` with spaces in place of everything inside comments, strings and character literals.
fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let taken = literal(rest, &code).unwrap_or(0);
        if taken == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let keep = |byte: u8| if byte == b'\n' { '\n' } else { ' ' };
        code.extend(rest[..taken].bytes().map(keep));
        rest = &rest[taken..];
    }
    code
}

/// The length of the comment or literal that `rest` begins with, if it does.
fn literal(rest: &str, before: &str) -> Option<usize> {
    let up_to = |end: &str, from: usize| {
        rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len())
    };
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(up_to("*/", 2));
    }
    let word_before = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    if let Some(raw) = rest.strip_prefix('r').filter(|_| !word_before || before.ends_with('b')) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let end = format!("\"{}", "#".repeat(hashes));
        return raw[hashes..].starts_with('"').then(|| up_to(&end, hashes + 2));
    }
    if let Some(inner) = rest.strip_prefix('"') {
        return Some(1 + closing(inner, '"')?);
    }
    if let Some(inner) = rest.strip_prefix('\'') {
        let first = inner.chars().next()?;
        let closed = inner[first.len_utf8()..].starts_with('\'');
        return (first == '\\' || closed).then(|| 1 + closing(inner, '\'').unwrap_or(0));
    }
    None
}

/// The length up to and with the `quote` that no backslash stands before.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}
