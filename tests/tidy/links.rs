//! The links of README and docs: each leads to a file that is there, and to a heading that is in it.

use super::assert_none;
use super::source::root;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_link_of_a_page_leads_somewhere() {
    let pages = pages();
    assert!(pages.len() > 15, "the pages are lost: {pages:?}");
    let links: Vec<_> = pages.iter().flat_map(|page| links(page)).collect();
    assert!(links.len() > 100, "the pages have lost their links: {links:?}");
    assert_none("dead links", links.iter().filter_map(Link::fault).collect());
}

#[test]
fn headings_have_the_anchors_that_the_web_gives_them() {
    let page =
        "# One, two\n```\n# no heading\n```\n## `--ack both`\n## From [a](b.md)'s\n## One two\n";
    assert_eq!(anchors(page), ["one-two", "--ack-both", "from-as", "one-two-1"]);
}

#[derive(Debug)]
struct Link {
    page: PathBuf,
    target: String,
}

impl Link {
    fn fault(&self) -> Option<String> {
        let (file, anchor) = self.target.split_once('#').unwrap_or((&self.target, ""));
        let beside = self.page.parent().unwrap_or_else(|| Path::new(""));
        let path = if file.is_empty() { self.page.clone() } else { beside.join(file) };
        let place = format!("{}: {}", self.page.display(), self.target);
        if !path.exists() {
            return Some(format!("{place}: there is no such file"));
        }
        if anchor.is_empty() {
            return None;
        }
        let page = fs::read_to_string(path).expect("a page with an anchor is text");
        let there = anchors(&page).iter().any(|known| known == anchor);
        (!there).then(|| format!("{place}: there is no such heading"))
    }
}

fn pages() -> Vec<PathBuf> {
    let folders = ["", "docs", "wire", "logger", "collector", "cli"].map(|name| root().join(name));
    let files =
        folders.into_iter().flat_map(|folder| fs::read_dir(folder).expect("a folder").flatten());
    let paths = files.map(|file| file.path());
    paths.filter(|path| path.extension().is_some_and(|end| end == "md")).collect()
}

/// The links of a page to other files and to itself, outside of code.
fn links(page: &Path) -> Vec<Link> {
    let text = fs::read_to_string(page).expect("a page is text");
    let prose = prose(&text).collect::<Vec<_>>().join("\n");
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split([')', '\n']).next());
    let local = targets.filter(|target| !target.contains("://"));
    local.map(|target| Link { page: page.to_owned(), target: target.to_owned() }).collect()
}

/// The lines outside of blocks of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

/// The anchors of the headings: lower case, without punctuation, a number behind those that repeat.
fn anchors(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for heading in prose(text).filter(|line| line.starts_with('#')) {
        let shown = shown(heading.trim_start_matches('#').trim()).to_lowercase();
        let kept = shown.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
        let anchor = kept.collect::<String>().replace(' ', "-");
        let numbered = (1..).map(|n| format!("{anchor}-{n}"));
        let mut names = std::iter::once(anchor.clone()).chain(numbered);
        found.extend(names.find(|name| !found.contains(name)));
    }
    found
}

/// A heading without the targets of its links.
fn shown(heading: &str) -> String {
    let mut parts = heading.split("](");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, rest| text + rest.split_once(')').map_or("", |(_, after)| after))
}
