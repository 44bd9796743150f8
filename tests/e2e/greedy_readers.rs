//! Readers that ask for as much work, memory or connections as they can, and others meanwhile.

use crate::harness::{Collector, Reader, SOON, Scene, get, messages, metric, speak, wait_until};
use crate::siege::OnDrop;
use std::fs;
use std::io::{ErrorKind, Read, Write, stderr};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Pause after which a reader looks whether it is to go on.
const GLANCE: Duration = Duration::from_millis(100);

/// A file of this many lines, none of which an expression of [`expressions`] matches.
fn fill(scene: &Scene, lines: usize) {
    let line = "{\"time\":\"2026-11-22T18:42:23.123456Z\",\"level\":\"INFO\",\"target\":\"t\",\"file\":\"f\",\"line\":1,\"thread\":\"main\",\"msg\":\"aaaaaaaa bbbbbbbb cccccccc dddddddd\",\"host\":\"h\"}\n";
    fs::write(scene.path("app.log"), line.repeat(lines)).expect("the disk has room");
}

/// As many as a request may have, and they are slow.
fn expressions(number: usize) -> String {
    (0..30).map(|n| format!("&grep=%5Ba-d%5D%2B.*%20%5Ba-c%5D{number}x{n}z$")).collect()
}

/// Asks for `target`, and reads none of the answer.
fn ask(server: &str, target: &str) -> TcpStream {
    let authority = server.strip_prefix("http://").expect("a scheme");
    let mut stream = TcpStream::connect(authority).expect("it serves");
    stream.set_read_timeout(Some(SOON)).expect("a limit");
    write!(stream, "GET {target} HTTP/1.0\r\nHost: localhost\r\n\r\n").expect("it reads");
    stream
}

/// Has `target` searched again and again until it is `over`.
fn keep_searching(server: &str, target: &str, over: &AtomicBool) {
    while !over.load(Ordering::Acquire) {
        let mut stream = ask(server, target);
        stream.set_read_timeout(Some(GLANCE)).expect("a limit");
        let mut buffer = [0; 4096];
        while !over.load(Ordering::Acquire) {
            match stream.read(&mut buffer) {
                Ok(1..) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Ok(0) | Err(_) => break,
            }
        }
    }
}

#[test]
fn health_and_metrics_are_answered_while_searches_of_many_expressions_are_at_work() {
    let scene = Scene::new();
    fill(&scene, 200_000);
    let collector = Collector::serving(&scene, "");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _over = OnDrop(|| over.store(true, Ordering::Release));
        for number in 0..9 {
            let target = format!("/search?n=all{}", expressions(number));
            let server = collector.server();
            let over = &over;
            scope.spawn(move || keep_searching(&server, &target, over));
        }
        let begun = Instant::now();
        // More than there are threads that search.
        assert!(wait_until(SOON, || metric(&collector.server(), "searches") >= 9));
        assert_eq!(get(&collector.server(), "/healthz").status, 200);
        let _ = writeln!(stderr(), "healthy after {} ms", begun.elapsed().as_millis());
        // A tail is not kept waiting either, though the searches have what threads there are.
        speak(collector.authority(), b"hello\n");
        let mut tail = Reader::open(&collector.server(), "/tail?n=1");
        assert_eq!(messages(&tail.take(1)), ["hello"]);
    });
}

#[test]
fn a_request_full_of_expressions_is_refused_and_takes_no_memory() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    let server = collector.server();
    assert_eq!(get(&server, "/search?grep=a").status, 200);
    let before = collector.process.memory();
    let query: String = (0..800).map(|_| "&grep=%5Cw%7B19%7D").collect();
    for _ in 0..3 {
        let answer = get(&server, &format!("/search?n=1{query}"));
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert!(answer.body.contains("expressions"), "{}", answer.body);
    }
    // A few that are as large as they may be.
    for width in 10..40 {
        let query = format!("/search?n=1&grep=(%5Cw%7B{width}%7D)%7B{width}%7D");
        assert!(matches!(get(&server, &query).status, 200 | 400));
    }
    let more = collector.process.memory().saturating_sub(before);
    let _ = writeln!(stderr(), "{} KiB more", more >> 10);
    assert!(more < 16 << 20, "{} KiB more", more >> 10);
}

#[test]
fn tails_of_one_expression_share_it() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    let open = || {
        let mut tail = Reader::open(&collector.server(), "/tail?n=0&grep=%5Cw%7B6%7D");
        assert_eq!(tail.next().expect("a notice")["notice"], "live");
        tail
    };
    let first: Vec<_> = (0..10).map(|_| open()).collect();
    let before = collector.process.memory();
    let more: Vec<_> = (0..100).map(|_| open()).collect();
    let each = collector.process.memory().saturating_sub(before) / more.len() as u64;
    let _ = writeln!(stderr(), "{} KiB for each tail", each >> 10);
    assert!(each < 200 << 10, "{} KiB for each tail", each >> 10);
    drop(first);
}

#[test]
fn one_address_cannot_take_all_connections_of_readers_and_health_needs_none() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    let server = collector.server();
    let held: Vec<_> = (0..946).map(|_| ask(&collector.server(), "/tail?n=0")).collect();
    assert!(wait_until(SOON, || metric(&server, "readers_over_limit") > 0));
    assert_eq!(get(&server, "/healthz").status, 200);
    assert_eq!(get(&server, "/search").status, 503, "as nothing else is");
    let other = [127, 0, 0, 9];
    let mut stream =
        crate::harness::caller(other, server.strip_prefix("http://").expect("a scheme"));
    stream.write_all(b"GET /search HTTP/1.0\r\nHost: localhost\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.0 200"), "another address is served: {answer}");
    drop(held);
}
