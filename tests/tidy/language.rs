//! The English of what people read: documents, help, messages.

use super::assert_none;
use super::source::{production, root};
use std::fs;
use std::path::{Path, PathBuf};

/// Words that open a clause where the thing should be named.
const OPENINGS: [&str; 5] = ["what", "how", "who", "whether", "where"];

/// The first line of each doc comment in production code, with its place.
pub(crate) fn openings() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for source in production() {
        let mut inside = false;
        for (at, line) in source.production_text().lines().enumerate() {
            let line = line.trim_start();
            let text = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
            if let Some(text) = text.filter(|_| !inside) {
                found.push((format!("{}:{}", source.path, at + 1), text.trim().to_owned()));
            }
            inside = text.is_some();
        }
    }
    found
}

/// Those that open with a clause.
pub(crate) fn clauses() -> Vec<String> {
    let clause = |text: &str| {
        let first = text.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
        OPENINGS.contains(&first.to_lowercase().as_str())
    };
    let clauses = openings().into_iter().filter(|(_, text)| clause(text));
    clauses.map(|(place, text)| format!("{place}: {text}")).collect()
}

/// Phrases that nobody else uses: plain words exist for all of them.
const PHRASES: &[&str] = &[
    "is said",
    "are said",
    "is told",
    "are told",
    "was told",
    "told why",
    "who looks",
    "whoever looks",
    "whatever looks",
    "who look",
    "who looked",
    "to look,",
    "or look,",
    "looked at",
    "looked into",
    "look in",
    "looks in",
    "is looked",
    "be looked",
    "is none",
    "are none",
    "is no",
    "are no",
    "becomes of",
    "become of",
    "what is held",
    "what it held",
    "what is packed",
    "mind the case",
    "is on the path",
    "running on, but",
    "goes on where",
    "are sure of",
    "is sure of",
    "come to hold",
    "may come to",
    "be let in",
    "what is going on",
    "of its own accord",
    "is given up to",
];

/// Places of phrases in `text`, by line.
fn phrases(place: &str, first: usize, text: &str, found: &mut Vec<String>) {
    for (at, line) in text.lines().enumerate() {
        let lower = line.to_lowercase();
        for phrase in PHRASES {
            if whole(&lower, phrase) {
                found.push(format!("{place}:{}: {phrase}: {}", first + at, line.trim()));
            }
        }
    }
}

/// Whether `phrase` stands in `line` as whole words; "there is no" is plain English.
fn whole(line: &str, phrase: &str) -> bool {
    line.match_indices(phrase).any(|(at, _)| {
        let after = line[at + phrase.len()..].chars().next();
        let begins = !line[..at].ends_with(char::is_alphanumeric);
        let ends = phrase.ends_with(',') || !after.is_some_and(|c| c.is_alphanumeric() || c == '-');
        begins && ends && !(phrase.starts_with("is no") && line[..at].ends_with("there "))
    })
}

/// What people read: documents, the page, the help of programs, and strings with a space in them.
pub(crate) fn dialect() -> Vec<String> {
    let mut found = Vec::new();
    for path in documents() {
        let text = fs::read_to_string(root().join(&path)).expect("a document is text");
        phrases(&path.display().to_string(), 1, &text, &mut found);
    }
    for source in production() {
        let help = ["derive(Parser", "Parser)]", "Args)]", "Subcommand)]", "ValueEnum)]"];
        if help.iter().any(|derive| source.text.contains(derive)) {
            for (at, line) in source.production_text().lines().enumerate() {
                if let Some(text) = line.trim_start().strip_prefix("///") {
                    phrases(&source.path, at + 1, text, &mut found);
                }
            }
        }
        for (line, text) in source.strings().filter(|(_, text)| text.contains(' ')) {
            phrases(&source.path, line, text, &mut found);
        }
    }
    found
}

fn documents() -> Vec<PathBuf> {
    let mut documents = vec![PathBuf::from("README.md"), "CHANGELOG.md".into()];
    for (directory, ends) in [("docs", &["md"][..]), ("collector/page", &["html", "js"])] {
        let files = fs::read_dir(root().join(directory)).into_iter().flatten().flatten();
        let names = files.map(|file| Path::new(directory).join(file.file_name()));
        documents.extend(
            names.filter(|path| ends.iter().any(|end| path.extension() == Some(end.as_ref()))),
        );
    }
    documents.retain(|path| root().join(path).exists());
    documents.sort();
    documents
}

#[test]
fn nothing_that_people_read_is_in_the_dialect_that_was_replaced() {
    assert_none("say these in plain words", dialect());
}

/// One in twelve may.
#[test]
fn doc_comments_open_with_the_thing_and_not_with_a_clause() {
    let found = clauses();
    if found.len() * 12 > openings().len() {
        assert_none("open these with a noun or a verb", found);
    }
}
