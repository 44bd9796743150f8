//! What a search does not have to read, and that it finds the same.

use crate::harness::{Collector, Scene, found};
use serde_json::Value;
use std::fs;

/// What one search came to: records found, and bytes read and not read.
#[derive(Debug, PartialEq, Eq)]
struct Searched {
    matched: usize,
    scanned: u64,
    skipped: u64,
}

fn search(collector: &Collector, query: &str) -> Searched {
    let found = found(&collector.server(), &format!("/search?{query}"));
    let end = found.0.last().expect("a search says that it is over");
    let number = |name: &str| end[name].as_u64().expect("a number");
    let records = found.0.iter().filter(|value| value.get("notice").is_none()).count();
    assert_eq!(number("matched"), records as u64);
    Searched { matched: records, scanned: number("scanned"), skipped: number("skipped") }
}

/// A ledger's text without the names in it, as it was written once.
fn nameless(ledger: &str) -> String {
    let line = |line: &str| {
        let mut entry: Value = serde_json::from_str(line).expect("a line of JSON");
        if let Some(sender) = entry["sender"].as_array_mut() {
            sender.truncate(4);
        }
        format!("{entry}\n")
    };
    ledger.lines().map(line).collect()
}

#[test]
fn after_a_restart_a_search_by_app_does_not_read_what_others_wrote_and_finds_all() {
    const EACH: usize = 5000;
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    for app in ["first", "second"] {
        let line = format!("to={} app={app} records={EACH}", collector.authority());
        scene.subject(&line).succeed();
    }
    collector.wait_for(2 * EACH);
    let len = collector.text().len() as u64;
    collector.stop();
    let collector = Collector::serving(&scene, "");
    for query in ["app=first", "app=sec*", "app=second&level=trace"] {
        let searched = search(&collector, query);
        assert_eq!(searched.matched, EACH, "{query}");
        assert!(searched.skipped > len / 4, "{query} of {len} bytes: {searched:?}");
    }
    assert_eq!(search(&collector, "app=*").matched, 2 * EACH);
    let nobodys = Searched { matched: 0, scanned: 0, skipped: len };
    assert_eq!(search(&collector, "app=third"), nobodys);
    assert_eq!(search(&collector, "host=elsewhere"), nobodys);
    collector.stop();
    let path = scene.path("app.log.ledger");
    let ledger = fs::read_to_string(&path).expect("there is a ledger");
    fs::write(&path, nameless(&ledger)).expect("it can be written");
    let collector = Collector::serving(&scene, "");
    let searched = search(&collector, "app=first");
    assert_eq!((searched.matched, searched.skipped), (EACH, 0), "who is not known is not skipped");
}
