//! What a search does not have to read, and that it finds the same.

use crate::harness::{Collector, Scene, found};
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
    fs::remove_file(scene.path("app.log.ledger")).expect("there is a ledger");
    let collector = Collector::serving(&scene, "");
    let searched = search(&collector, "app=first");
    assert_eq!(
        (searched.matched, searched.skipped),
        (EACH, 0),
        "what no ledger knows is not skipped"
    );
}
