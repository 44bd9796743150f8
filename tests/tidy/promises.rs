//! The promises of README and docs, and the tests whose doc comments quote them.

use super::assert_none;
use super::source::{root, sources};
use std::fs;

#[test]
fn every_promise_in_readme_is_quoted_by_a_test_that_keeps_it() {
    let readme = fs::read_to_string(root().join("README.md")).expect("there is a README");
    let mut promises = promised(chapter(&readme, "Promises"));
    promises.extend(cases(chapter(&readme, "When things fail")));
    assert!(promises.len() > 10, "README has lost its promises: {promises:?}");
    assert_none("no test quotes these promises of README", unkept(promises));
}

#[test]
fn every_block_quote_in_docs_is_a_promise_that_a_test_quotes() {
    let promises: Vec<_> = pages().iter().flat_map(|page| quotes(page)).collect();
    assert!(promises.len() > 10, "docs have lost their promises: {promises:?}");
    assert_none("no test quotes these promises of docs", unkept(promises));
}

#[test]
fn every_option_of_the_collector_is_named_in_docs() {
    let options = fs::read_to_string(root().join("collector/src/options.rs")).expect("options");
    let variables = options.split("env = \"NETLOG_").skip(1);
    let names = variables.filter_map(|rest| rest.split_once('"'));
    let mut flags: Vec<_> =
        names.map(|(name, _)| format!("--{}", name.to_lowercase().replace('_', "-"))).collect();
    assert!(flags.len() > 20, "the collector has lost its options: {flags:?}");
    let pages: String = pages().concat();
    flags.retain(|flag| !pages.contains(flag.as_str()));
    assert_none("no page in docs names these options", flags);
}

#[test]
fn alerts_and_the_dashboard_name_only_metrics_that_the_collector_has() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect("the file is there");
    let sources = read("collector/src/stats.rs") + &read("collector/src/read/metrics.rs");
    // Counted in nanoseconds, served in seconds.
    let sources = sources.replace("_nanoseconds", "_seconds");
    let texts =
        read("packaging/prometheus/netlog.rules.yml") + &read("packaging/grafana/netlog.json");
    let word = |c: char| !(c.is_ascii_lowercase() || c == '_');
    let mut names: Vec<_> = texts.split(word).filter_map(|w| w.strip_prefix("netlog_")).collect();
    assert!(names.len() > 20, "the dashboard has lost its metrics: {names:?}");
    names.retain(|name| !sources.contains(name.strip_suffix("_total").unwrap_or(name)));
    let names = names.into_iter().map(str::to_owned).collect();
    assert_none("the collector has no such metrics", names);
}

/// The promises that no doc comment of a test quotes.
fn unkept(mut promises: Vec<String>) -> Vec<String> {
    let words: String = sources().iter().filter(|s| s.tests()).map(|s| comments(&s.text)).collect();
    promises.retain(|promise| !words.contains(promise.as_str()));
    promises
}

/// The pages of the book.
fn pages() -> Vec<String> {
    let entries = fs::read_dir(root().join("docs")).expect("there are docs").flatten();
    let pages = entries.map(|entry| entry.path());
    let pages = pages.filter(|path| path.extension().is_some_and(|end| end == "md"));
    pages.map(|path| fs::read_to_string(path).expect("a page is text")).collect()
}

fn chapter<'a>(readme: &'a str, name: &str) -> &'a str {
    let (_, from) = readme.split_once(&format!("\n## {name}\n")).expect("README has the chapter");
    from.split("\n## ").next().unwrap_or(from)
}

/// The first cells of the table, without its head.
fn promised(chapter: &str) -> Vec<String> {
    let rows = chapter.lines().filter_map(|line| line.strip_prefix("| "));
    rows.skip(1).filter_map(|row| Some(row.split_once(" | ")?.0.to_owned())).collect()
}

/// The cases in bold, without the one that promises nothing.
fn cases(chapter: &str) -> Vec<String> {
    let heads = chapter.lines().filter_map(|line| line.strip_prefix("**")?.split_once("**"));
    heads.map(|(head, _)| head.to_owned()).filter(|head| head != "What is not survived.").collect()
}

/// The block quotes of a page, each as one line.
fn quotes(page: &str) -> Vec<String> {
    let paragraphs = page.split("\n\n").filter(|paragraph| paragraph.starts_with("> "));
    let lines = |paragraph: &str| {
        let lines = paragraph.lines().map(|line| line.trim_start_matches("> "));
        lines.collect::<Vec<_>>().join(" ")
    };
    paragraphs.map(lines).collect()
}

/// All doc comments of a file, as one line.
fn comments(text: &str) -> String {
    let lines = text.lines().map(str::trim_start);
    let documents =
        lines.filter_map(|line| line.strip_prefix("/// ").or_else(|| line.strip_prefix("//! ")));
    documents.fold(String::new(), |all, line| all + line + " ")
}
