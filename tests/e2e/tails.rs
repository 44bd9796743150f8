//! Many tails, and slow ones: what they may take of the collector, and what they still get.

use crate::harness::{Collector, Reader, Scene};
use std::fs;

/// How many files and sockets a collector has open.
fn descriptors(collector: &Collector) -> usize {
    let open = format!("/proc/{}/fd", collector.process.pid());
    fs::read_dir(open).expect("the collector runs").count()
}

/// Tails that are live.
fn tails(collector: &Collector, count: usize, query: &str) -> Vec<Reader> {
    let server = collector.server();
    let live = |_| {
        let mut tail = Reader::open(&server, &format!("/tail?{query}"));
        assert_eq!(tail.next().expect("a notice")["notice"], "live");
        tail
    };
    (0..count).map(live).collect()
}

#[test]
fn a_tail_takes_its_connection_and_no_other_descriptor() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    scene.subject(&format!("to={} records=100", collector.authority())).succeed();
    collector.wait_for(100);
    let first = tails(&collector, 1, "n=0");
    let before = descriptors(&collector);
    let more = tails(&collector, 50, "n=0");
    let taken = descriptors(&collector) - before;
    assert!(taken <= 55, "{taken} descriptors for 50 tails");
    drop((first, more));
}
