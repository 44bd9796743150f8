//! Files are removed before the stream has what is in them.

use super::server::{NatsServer, versions};
use crate::harness::{Collector, SOON, Scene, wait_until};
use std::io::Write;
use std::net::TcpStream;

/// Lines that are sent at a time, which fill some files.
const LINES: usize = 200;

/// Sends that many lines, numbered from `first` on; returns the next number.
fn send_from(first: usize, peer: &mut TcpStream) -> usize {
    for number in first..first + LINES {
        writeln!(peer, "plain {number}").expect("it reads");
    }
    first + LINES
}

/// Number of a line, if it is one of those.
fn number(record: &serde_json::Value) -> Option<usize> {
    record["msg"].as_str()?.strip_prefix("plain ")?.parse().ok()
}

/// Records that retention removes before they were forwarded are counted and reported in the stream.
#[test]
#[ignore = "needs tests/clients/get"]
fn what_retention_removes_while_the_stream_is_away_is_counted_and_the_rest_is_read_once() {
    let version = versions().pop().expect("there is one");
    let mut server = NatsServer::start(&version);
    let site = Scene::new();
    let central = Scene::new();
    let retention = "--rotate-size 8KiB --keep-files 2";
    let url = server.url();
    let listen = "--listen tcp://127.0.0.1:0";
    let collector = Collector::with(&site, &format!("{listen} --forward-to {url} {retention}"));
    let reader = Collector::with(&central, &format!("{listen} --from {url}"));
    let read = |last: usize| {
        let word = format!("\"plain {}\"", last - 1);
        wait_until(SOON, || reader.text().contains(&word))
    };
    let mut peer = TcpStream::connect(collector.authority()).expect("it listens");
    let mut next = send_from(0, &mut peer);
    assert!(read(next), "{version}: {}", collector.process.stderr());
    server.kill();
    // A file is as large as what comes at once.
    let removed = wait_until(SOON, || {
        next = send_from(next, &mut peer);
        collector.process.stderr().contains("by --keep-files")
    });
    assert!(removed, "{version}");
    // From here on, files are removed while others are on their way.
    server.go_on();
    for _ in 0..6 {
        next = send_from(next, &mut peer);
    }
    let mut counted = 0;
    let mut missing = 0;
    let settled = wait_until(SOON, || {
        let records = reader.records().0;
        let numbers: Vec<usize> = records.iter().filter_map(number).collect();
        assert!(numbers.is_sorted_by(|one, next| one < next), "{version}: {numbers:?}");
        counted = records.iter().filter_map(|record| record["lost"].as_u64()).sum();
        missing = (next - numbers.len()) as u64;
        numbers.last() == Some(&(next - 1)) && missing == counted
    });
    assert!(settled, "{version}: {missing} are missing, {counted} are counted");
    assert!(counted > 0, "{version}");
    reader.stop();
    collector.stop();
}
