//! Bytes that somebody else appends to a file of the collector, or cuts off it.

use crate::harness::{
    Collector, Reader, SOON, Scene, found, message, messages, metric, succeeds_once, wait_until,
};
use crate::templates::start;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Sends lines, each with a number and `more`.
fn send(collector: &Collector, numbers: std::ops::Range<usize>, more: &str) {
    let mut peer = TcpStream::connect(collector.authority()).expect("the collector listens");
    let text: String = numbers.map(|n| format!("line {n} {more}\n")).collect();
    peer.write_all(text.as_bytes()).expect("the collector reads");
    peer.shutdown(Shutdown::Write).expect("it is open");
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).open(path).expect("the file is there");
    file.write_all(text.as_bytes()).expect("the disk has room");
}

/// The messages that a search finds, the oldest first.
fn searched(collector: &Collector, query: &str) -> Vec<String> {
    let found = found(&collector.server(), &format!("/search?order=oldest&{query}"));
    let records = found.0.iter().filter(|value| value.get("notice").is_none());
    records.map(|record| message(record).to_owned()).collect()
}

#[test]
fn half_a_line_of_somebody_else_is_ended_and_both_it_and_the_next_record_are_shown() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    send(&collector, 0..1, "a");
    collector.wait_for(1);
    let mut tail = Reader::open(&collector.server(), "/tail?n=0");
    assert_eq!(tail.next().expect("a notice")["notice"], "live");
    append(&scene.path("app.log"), "half");
    send(&collector, 1..2, "a");
    let expected = ["half", "line 1 a"];
    let shown = tail.take(2);
    assert_eq!(messages(&shown), expected);
    assert_eq!(shown.0[0]["kv"]["foreign"], true);
    assert_eq!(searched(&collector, ""), ["line 0 a", "half", "line 1 a"]);
    assert_eq!(searched(&collector, "grep=hal"), ["half"]);
    assert_eq!(metric(&collector.server(), "file_bytes_foreign"), 4);
    collector.process.says("4 bytes in");
}

/// Half a line that comes while a new file begins, between two steps of the collector, is not taken
/// for the collector's own.
#[test]
fn half_a_line_that_somebody_else_appends_to_each_new_file_costs_no_record() {
    let scene = Scene::new();
    let line = "--listen tcp://127.0.0.1:0 --rotate-size 4KiB --compress off";
    let collector = Collector::with(&scene, line);
    let path = scene.path("app.log");
    let mut peer = TcpStream::connect(collector.authority()).expect("the collector listens");
    let sent = std::thread::scope(|scope| {
        let appending = scope.spawn(|| {
            let mut last = None;
            for _ in 0..50 {
                assert!(wait_until(SOON, || {
                    // While the files are rotated there is none of this name.
                    let Ok(mut file) = OpenOptions::new().append(true).open(&path) else {
                        return false;
                    };
                    let inode = file.metadata().expect("it is open").ino();
                    let is_new = last.replace(inode) != Some(inode);
                    if is_new {
                        file.write_all(b"half").expect("the disk has room");
                    }
                    is_new
                }));
            }
        });
        let mut sent = 0;
        while !appending.is_finished() {
            writeln!(peer, "line {sent} {}", "x".repeat(1500)).expect("the collector reads");
            sent += 1;
        }
        sent
    });
    drop(peer);
    let whole = || {
        let files = fs::read_dir(scene.path("")).expect("a directory").flatten();
        let files = files.filter(|file| !file.file_name().as_encoded_bytes().ends_with(b"ledger"));
        let texts = files.filter_map(|file| fs::read_to_string(file.path()).ok());
        let count = |text: String| {
            let is_record = |line: &&str| line.starts_with('{') && line.contains("\"msg\":\"line ");
            text.lines().filter(is_record).count()
        };
        texts.map(count).sum::<usize>()
    };
    assert!(wait_until(SOON, || whole() >= sent), "{} of {sent}", whole());
    assert_eq!(whole(), sent);
}

#[test]
fn half_a_line_behind_a_cut_is_ended_too() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    send(&collector, 0..1, "a");
    collector.wait_for(1);
    let file = OpenOptions::new().write(true).open(scene.path("app.log")).expect("it is there");
    file.set_len(0).expect("it can be cut");
    append(&scene.path("app.log"), "half");
    send(&collector, 1..2, "a");
    let both = ["half", "line 1 a"];
    assert!(
        wait_until(SOON, || searched(&collector, "") == both),
        "{:?}",
        searched(&collector, "")
    );
}

#[test]
fn a_whole_line_of_somebody_else_is_shown_though_no_record_follows() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    send(&collector, 0..1, "a");
    collector.wait_for(1);
    let mut tail = Reader::open(&collector.server(), "/tail?n=0");
    assert_eq!(tail.next().expect("a notice")["notice"], "live");
    append(&scene.path("app.log"), "first\n{\"x\":1}\n");
    assert_eq!(messages(&tail.take(2)), ["first", "{\"x\":1}"]);
}

#[test]
fn with_a_file_for_each_app_a_line_of_somebody_else_is_shown_in_its_place() {
    let scene = Scene::new();
    let collector = start(&scene, "--http 127.0.0.1:0");
    collector.process.says("serving http://127.0.0.1:");
    send(&collector, 0..1, "a");
    let shown = || searched(&collector, "");
    assert!(wait_until(SOON, || shown().len() == 1), "{:?}", shown());
    let mut tail = Reader::open(&collector.server(), "/tail?n=0");
    assert_eq!(tail.next().expect("a notice")["notice"], "live");
    append(&scene.path("logs/unknown/127.0.0.1.log"), "half");
    send(&collector, 1..2, "a");
    assert_eq!(messages(&tail.take(2)), ["half", "line 1 a"]);
    assert_eq!(shown(), ["line 0 a", "half", "line 1 a"]);
}

#[test]
fn a_tail_is_told_how_many_records_it_missed_when_others_cut_the_file() {
    // On a busy machine the tail may be disconnected before it is read.
    assert!(succeeds_once(|_| missed_and_shown_are_all()));
}

fn missed_and_shown_are_all() -> bool {
    const MANY: usize = 8000;
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    send(&collector, 0..1, "a");
    collector.wait_for(1);
    let mut tail = Reader::open(&collector.server(), "/tail?n=0");
    assert_eq!(tail.next().expect("a notice")["notice"], "live");
    // More than is under way to a client that does not read.
    send(&collector, 1..1 + MANY, &"x".repeat(1000));
    let written = || metric(&collector.server(), "records_written") == 1 + MANY as u64;
    assert!(wait_until(SOON, written));
    let file = OpenOptions::new().write(true).open(scene.path("app.log")).expect("it is there");
    file.set_len(0).expect("it can be cut");
    send(&collector, 1 + MANY..2 + MANY, "last");
    let mut shown = 0;
    let mut missed = 0;
    while let Some(value) = tail.next() {
        if value["notice"].is_null() {
            shown += 1;
            if message(&value).ends_with("last") {
                break;
            }
        } else if value["notice"] == "missed" && value["count"].is_u64() {
            missed += value["count"].as_u64().expect("a count") as usize;
        } else {
            return false;
        }
    }
    shown > 1 && missed > 1 && shown + missed == MANY + 1
}
