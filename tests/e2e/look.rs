//! Looking at what a collector holds: tails without a gap, searches, and what is told of the rest.

use crate::harness::{
    Collector, Port, Reader, Records, SOON, Scene, assert_each_once, found, get, get_with, message,
    messages, nc, speak, wait_until,
};
use crate::methods::ask;
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::net::TcpStream;

/// Five records of three apps, a minute apart, as any client may send them.
const RECORDS: &str = concat!(
    r#"{"time":"2026-11-22T18:40:00.000000Z","level":"DEBUG","app":"orders","host":"web1","target":"orders::fill","msg":"order 7 comes","n":7}"#,
    "\n",
    r#"{"time":"2026-11-22T18:41:00.000000Z","level":"INFO","app":"orders","host":"web1","target":"orders::fill","msg":"order 7 filled","client":"acme"}"#,
    "\n",
    r#"{"time":"2026-11-22T18:42:00.000000Z","level":"WARN","app":"prices","host":"web2","target":"prices","msg":"Slow feed","client":"acme"}"#,
    "\n",
    r#"{"time":"2026-11-22T18:43:00.000000Z","level":"ERROR","app":"prices","host":"web2","target":"prices","msg":"feed lost\nretrying"}"#,
    "\n",
    r#"{"time":"2026-11-22T18:44:00.000000Z","level":"INFO","app":"gate","host":"10.0.0.7","msg":"knock knock"}"#,
    "\n",
);

/// A collector that holds [`RECORDS`].
fn filled(scene: &Scene, line: &str) -> Collector {
    let collector = Collector::serving(scene, line);
    speak(collector.authority(), RECORDS.as_bytes());
    collector.wait_for(5);
    collector
}

/// Without what is no record.
fn records(found: Records) -> Records {
    Records(found.0.into_iter().filter(|value| value.get("notice").is_none()).collect())
}

#[test]
fn a_tail_shows_the_last_records_and_then_each_one_as_it_comes() {
    let scene = Scene::new();
    let collector = filled(&scene, "");
    let mut tail = Reader::open(&collector.server(), "/tail?n=2");
    assert_eq!(messages(&tail.take(2)), ["feed lost\nretrying", "knock knock"]);
    assert_eq!(tail.next().expect("a notice")["notice"], "live");
    speak(collector.authority(), b"who is there\n");
    assert_eq!(messages(&tail.take(1)), ["who is there"]);
}

#[test]
fn tails_begun_in_the_middle_of_a_flood_have_no_gap_and_nothing_twice() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    let told = format!("to={} threads=2 records=50000 block=600", collector.authority());
    let mut subject = scene.subject(&told);
    let tails: Vec<_> = [1_000, 20_000, 60_000]
        .map(|count| {
            collector.wait_for(count);
            Reader::open(&collector.server(), "/tail?n=all").gather()
        })
        .into();
    subject.succeed();
    for tail in tails {
        let records = tail.wait_for(100_000);
        assert_each_once(&records, 2, 50_000);
        assert_eq!(records.0.len(), 100_000);
    }
}

#[test]
fn a_tail_follows_through_rotations() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "--rotate-size 500KiB");
    let tail = Reader::open(&collector.server(), "/tail?n=all").gather();
    for app in ["a", "b", "c", "d"] {
        let told = format!("to={} app={app} records=10000 block=600", collector.authority());
        scene.subject(&told).succeed();
    }
    let server = collector.server();
    for all in [
        tail.wait_for(40_000),
        records(found(&server, "/search?order=oldest")),
        records(found(&server, "/tail?n=all&follow=false")),
    ] {
        for app in ["a", "b", "c", "d"] {
            assert_each_once(&all.of(app), 1, 10_000);
        }
    }
    let apps = records(found(&server, "/search?app=b"));
    assert_eq!(apps.0.len(), 10_000);
    let rotated = fs::read_dir(scene.path("")).expect("a directory").flatten();
    let names = rotated.map(|file| file.file_name().to_string_lossy().into_owned());
    let rotated = names.filter(|name| name.contains('Z') && name.ends_with(".ledger")).count();
    assert!(rotated > 2, "{rotated} rotations");
}

/// To resume a tail, pass the last record's `at` as `after=`; this works across restarts and
/// rotations.
#[test]
fn a_tail_resumes_behind_the_last_record_though_the_collector_was_killed_and_has_rotated() {
    let scene = Scene::new();
    let (port, http) = (Port::reserve(), Port::reserve());
    let (port, http) = (port.address(), http.address());
    let line = format!("--listen tcp://{port} --http {http} --rotate-size 500KiB");
    let mut first = Collector::with(&scene, &line);
    let told = format!("to={port} threads=2 records=30000 block=600 wait=1");
    let mut subject = scene.subject(&told);
    let mut seen = Reader::open(&first.server(), "/tail?n=all").take(5_000);
    first.process.signal(Signal::KILL);
    first.process.end();
    let second = Collector::with(&scene, &line);
    let place = seen.0.last().expect("a record")["at"].as_str().expect("a place").to_owned();
    let mut tail = Reader::open(&second.server(), &format!("/tail?n=3&after={place}"));
    seen.0.extend(tail.take(55_000).0);
    assert_each_once(&seen, 2, 30_000);
    subject.succeed();
}

/// A tail reads from the files, so a slow client neither slows the collector nor misses anything
/// still on disk.
#[test]
fn a_reader_that_stops_reading_under_load_gets_everything_when_it_goes_on() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    let mut slow = Reader::open(&collector.server(), "/tail?n=all");
    assert_eq!(slow.next().expect("a notice")["notice"], "live");
    // Some 35 MB that nobody reads: far more than sockets hold.
    let told = format!("to={} threads=2 records=100000 block=600", collector.authority());
    scene.subject(&told).succeed();
    assert_each_once(&slow.take(200_000), 2, 100_000);
}

#[test]
fn where_no_file_holds_them_a_slow_reader_is_told_how_many_records_it_has_missed() {
    let scene = Scene::new();
    // A file for people cannot be read back.
    let collector = Collector::serving(&scene, "--format text");
    let mut slow = Reader::open(&collector.server(), "/tail");
    assert_eq!(slow.next().expect("a notice")["notice"], "live");
    let told = format!("to={} records=200000 block=600", collector.authority());
    scene.subject(&told).succeed();
    let (mut missed, mut came, mut last) = (0, 0, 0);
    while last < 200_000 {
        let value = slow.next().expect("more");
        if value["notice"] == "missed" {
            missed += value["count"].as_u64().expect("a count");
            continue;
        }
        last = message(&value).rsplit(' ').next().and_then(|n| n.parse().ok()).expect("a number");
        came += 1;
        assert_eq!(came + missed, last, "every gap is told, before what comes behind it");
    }
    assert!(missed > 0, "8 MiB hold no 200,000 records");
}

#[test]
fn every_filter_lets_through_what_it_says() {
    let scene = Scene::new();
    let collector = filled(&scene, "");
    let server = collector.server();
    for (query, expected) in [
        ("", "01234"),
        ("level=error", "3"),
        ("level=warn", "23"),
        ("level=INFO", "1234"),
        ("app=orders", "01"),
        ("app=orders&app=gate", "014"),
        ("app=*r*", "0123"),
        ("host=web2", "23"),
        ("target=orders", "01"),
        ("grep=slow", "2"),
        ("grep=Order", ""),
        ("grep=^order.*acme$", "1"),
        ("grep=retrying", "3"),
        ("v=feed", "014"),
        ("f=client=acme", "12"),
        ("f=client=acme&f=level=WARN", "2"),
        ("f=n=7", "0"),
        ("since=2026-11-22T18:42:00Z", "234"),
        ("until=2026-11-22T18:41:00Z", "01"),
        ("since=2026-11-22T19:41:00%2B01:00&until=2026-11-22T18:42:00Z", "12"),
        ("level=info&app=prices&grep=feed&n=1", "3"),
    ] {
        for path in ["/search?order=oldest", "/tail?n=all&follow=false"] {
            let asked = format!("{path}&{query}");
            if query.contains("n=1") && path.starts_with("/search") {
                continue;
            }
            let asked = if query.contains("n=1") { asked.replace("n=all&", "") } else { asked };
            let found = records(found(&server, &asked));
            let all: Vec<Value> = Records::read(&collector.text()).0;
            let number =
                |record: &Value| all.iter().position(|other| other["time"] == record["time"]);
            let numbers: String =
                found.0.iter().filter_map(number).map(|number| number.to_string()).collect();
            assert_eq!(numbers, expected, "{asked}");
        }
    }
}

#[test]
fn a_search_finds_the_newest_or_the_oldest_first_and_ends_with_an_account() {
    let scene = Scene::new();
    let collector = filled(&scene, "");
    let server = collector.server();
    let found = |target: &str| found(&server, target);
    let newest = found("/search?app=orders&n=1");
    assert_eq!(message(&newest.0[0]), "order 7 filled");
    assert_eq!((&newest.0[1]["notice"], &newest.0[1]["matched"]), (&"end".into(), &1.into()));
    let oldest = found("/search?app=orders&order=oldest&n=1");
    assert_eq!(message(&oldest.0[0]), "order 7 comes");
    let times = records(found("/search"));
    let times: Vec<_> = times.0.iter().map(|record| record["time"].as_str()).collect();
    assert!(times.len() == 5 && times.is_sorted_by(|a, b| a >= b), "{times:?}");
    let none = found("/search?grep=nowhere");
    assert_eq!(none.0[0]["matched"], 0);
    assert_eq!(none.0[0]["scanned"], fs::metadata(scene.path("app.log")).expect("a file").len());
    let skipped = found("/search?since=2030-01-01T00:00:00Z");
    assert_eq!(
        (&skipped.0[0]["scanned"], &skipped.0[0]["skipped"]),
        (&0.into(), &none.0[0]["scanned"])
    );
}

#[test]
fn a_search_whose_reader_goes_away_ends_and_disturbs_nobody() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    let told = format!("to={} records=100000 block=600", collector.authority());
    scene.subject(&told).succeed();
    // More of them than may search at once, all of which stop reading and some of which leave.
    let stuck: Vec<_> = (0..10).map(|_| Reader::open(&collector.server(), "/search")).collect();
    let gone: Vec<_> = (0..10).map(|_| Reader::open(&collector.server(), "/search")).collect();
    drop(gone);
    let last = found(&collector.server(), "/search?n=1");
    assert_eq!(message(&last.0[0]), "thread 1 number 100000");
    drop(stuck);
}

#[test]
fn the_senders_are_told_with_what_they_sent_and_how_they_ended() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    let told = format!("to={} app=till records=100 wait=1", collector.authority());
    let mut subject = scene.subject(&told);
    collector.wait_for(100);
    let senders = || -> Vec<Value> {
        let answered = get(&collector.server(), "/senders");
        serde_json::from_str(&answered.body).expect("an array")
    };
    let acked = wait_until(SOON, || senders().iter().any(|sender| sender["acked"] == 100));
    let now = senders();
    assert!(acked && now.len() == 1, "{now:?}");
    for (key, value) in [
        ("app", Value::from("till")),
        ("pid", subject.pid().into()),
        ("kind", "netlog".into()),
        ("records", 100.into()),
        ("lost", 0.into()),
        ("truncated", 0.into()),
        ("state", "connected".into()),
    ] {
        assert_eq!(now[0][key], value, "{key}");
    }
    assert!(now[0]["peer"].as_str().is_some_and(|peer| peer.starts_with("127.0.0.1:")));
    assert!(now[0]["bytes"].as_u64().is_some_and(|bytes| bytes > 10_000));
    assert!(now[0]["since"].as_str() <= now[0]["last_seen"].as_str());
    subject.succeed();
    assert!(wait_until(SOON, || senders()[0]["state"] == "ended"), "{:?}", senders());
    nc(&["-N", "127.0.0.1", collector.authority().rsplit(':').next().expect("a port")], b"hi\n")
        .succeed();
    let lines = || senders().iter().any(|s| s["kind"] == "lines" && s["records"] == 1);
    assert!(wait_until(SOON, lines), "{:?}", senders());
}

#[test]
fn every_counter_can_be_read_by_prometheus() {
    let scene = Scene::new();
    let collector = filled(&scene, "");
    let answered = get(&collector.server(), "/metrics");
    assert!(answered.head.contains("text/plain; version=0.0.4"), "{}", answered.head);
    let text = answered.body;
    for line in [
        "netlog_records_written_total 5",
        "# TYPE netlog_records_written_total counter",
        "# HELP netlog_records_written_total Records written to all sinks.",
        "# TYPE netlog_tails gauge",
        "netlog_tails_over_limit_total 0",
        "netlog_healthy 1",
    ] {
        assert!(text.lines().any(|other| other == line), "{line:?} is not in\n{text}");
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        assert!(name.starts_with("netlog_") && value.parse::<f64>().is_ok(), "{line}");
    }
}

#[test]
fn the_collector_is_not_healthy_while_a_sink_fails_and_says_why() {
    let scene = Scene::new();
    let (place, away) = (scene.path("logs"), scene.path("away"));
    fs::create_dir(&place).expect("room for a directory");
    let line = "--listen tcp://127.0.0.1:0 --http 127.0.0.1:0";
    let mut collector = Collector::launch(&scene, place.join("app.log"), line);
    assert!(collector.listening(1));
    let server = collector.server();
    assert_eq!(get(&server, "/healthz").status, 200);
    fs::rename(&place, &away).expect("both are ours");
    let health = || get(&server, "/healthz");
    // It looks where its file is once a second, and writes to the old one until then.
    let mut sender = TcpStream::connect(collector.authority()).expect("somebody listens");
    let failing = wait_until(SOON, || {
        sender.write_all(b"is anybody there\n").expect("the connection is open");
        health().status == 503
    });
    assert!(failing, "{}", health().body);
    let why: Value = serde_json::from_str(&health().body).expect("an object");
    let why = why["error"].as_str().unwrap_or_default();
    assert!(why.contains("app.log") && why.contains("no such file"), "{why}");
    assert!(get(&server, "/metrics").body.contains("netlog_healthy 0"));
    fs::create_dir(&place).expect("room for a directory");
    assert!(wait_until(SOON, || health().status == 200), "{}", health().body);
}

#[test]
fn what_cannot_be_answered_is_refused_with_what_could_be() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "--max-tails 1");
    let server = collector.server();
    let refused = |target: &str, status: u16, what: &str, allowed: &str| {
        let answered = get(&server, target);
        assert_eq!(answered.status, status, "{target}");
        assert!(answered.head.contains("application/json"), "{}", answered.head);
        let said: Value = serde_json::from_str(&answered.body).expect("an object");
        assert!(said["error"].as_str().is_some_and(|said| said.contains(what)), "{said}");
        let words = said["allowed"].as_array().expect("a list");
        assert!(allowed.is_empty() || words.iter().any(|word| word == allowed), "{said}");
    };
    refused("/nothing", 404, "nothing at /nothing", "/tail");
    refused("/tail?levle=warn", 400, "unknown parameter \"levle\"", "level");
    refused("/search?level=loud", 400, "invalid level: \"loud\"", "warn");
    refused("/search?grep=(", 400, "unclosed group", "");
    refused("/search?n=-1", 400, "invalid n: \"-1\"", "all");
    refused("/tail?after=nowhere", 400, "invalid after", "");
    let mut only = Reader::open(&server, "/tail");
    assert_eq!(only.next().expect("a notice")["notice"], "live");
    refused("/tail", 503, "1 tails are running", "");
    drop(only);
    assert!(wait_until(SOON, || get(&server, "/tail?follow=false").status == 200));
    let said = ask(&collector, "POST /tail HTTP/1.0\r\nHost: localhost");
    assert!(said.starts_with("http/1.0 405") && said.contains("allow: get"), "{said}");
}

/// A web page from elsewhere cannot read your records by DNS rebinding.
#[test]
fn on_loopback_only_requests_to_this_machine_by_name_are_answered() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    for (host, status) in [
        ("localhost", 200),
        ("localhost:1903", 200),
        ("LOCALHOST:9", 200),
        ("127.0.0.1:80", 200),
        ("[::1]:80", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example:1903", 403),
        ("", 403),
    ] {
        let answered = get_with(&collector.server(), "/senders", &format!("Host: {host}\r\n"));
        assert_eq!(answered.status, status, "{host}: {}", answered.body);
        assert!(!answered.head.to_lowercase().contains("access-control"), "{}", answered.head);
    }
}

#[test]
fn a_browser_gets_events_that_it_can_go_on_behind_and_people_get_text() {
    let scene = Scene::new();
    let collector = filled(&scene, "");
    let server = collector.server();
    let accept = "Accept: text/event-stream\r\n";
    let events = get_with(&server, "/tail?follow=false&n=2", accept).body;
    let ids: Vec<&str> = events.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    assert_eq!((ids.len(), events.matches("\ndata: {").count()), (2, 2), "{events}");
    let headers = format!("{accept}Last-Event-ID: {}\r\n", ids[0]);
    let rest = get_with(&server, "/tail?follow=false&n=2", &headers).body;
    assert!(rest.contains("knock knock") && !rest.contains("feed lost"), "{rest}");
    let text = get_with(&server, "/tail?follow=false&n=2", "Accept: text/plain\r\n").body;
    let expected = "2026-11-22 18:43:00.000000 ERROR [prices] prices feed lost\\nretrying\n2026-11-22 18:44:00.000000 INFO  [gate] knock knock\n";
    assert_eq!(text, expected);
}
