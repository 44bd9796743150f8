//! What README promises, and the tests that say they keep it.

use super::assert_none;
use super::source::{root, sources};
use std::fs;

#[test]
fn every_promise_in_readme_stands_in_the_words_of_a_test_that_keeps_it() {
    let readme = fs::read_to_string(root().join("README.md")).expect("there is a README");
    let words: String = sources().iter().filter(|s| s.tests()).map(|s| comments(&s.text)).collect();
    let mut promises = promised(chapter(&readme, "Guarantees"));
    promises.extend(cases(chapter(&readme, "When things fail")));
    assert!(promises.len() > 10, "README has lost its promises: {promises:?}");
    promises.retain(|promise| !words.contains(promise.as_str()));
    assert_none("no test says that it keeps these", promises);
}

fn chapter<'a>(readme: &'a str, name: &str) -> &'a str {
    let (_, from) = readme.split_once(&format!("\n## {name}\n")).expect("README has the chapter");
    from.split("\n## ").next().unwrap_or(from)
}

/// The first cells of the table, but for its head.
fn promised(chapter: &str) -> Vec<String> {
    let rows = chapter.lines().filter_map(|line| line.strip_prefix("| "));
    rows.skip(1).filter_map(|row| Some(row.split_once(" | ")?.0.to_owned())).collect()
}

/// The cases in bold, but for the one of which nothing is promised.
fn cases(chapter: &str) -> Vec<String> {
    let heads = chapter.lines().filter_map(|line| line.strip_prefix("**")?.split_once("**"));
    heads.map(|(head, _)| head.to_owned()).filter(|head| head != "What is not survived.").collect()
}

/// All documents of a file, as one line.
fn comments(text: &str) -> String {
    let lines = text.lines().map(str::trim_start);
    let documents =
        lines.filter_map(|line| line.strip_prefix("/// ").or(line.strip_prefix("//! ")));
    documents.fold(String::new(), |all, line| all + line + " ")
}
