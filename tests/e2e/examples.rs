//! The examples do what their first line says.

use crate::harness::{
    Child, Collector, Peer, SOON, Scene, example, message, messages, udp_peer, wait_until,
};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

#[test]
fn hello_says_hello_and_one_order_is_late() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    scene.example("hello", collector.authority()).succeed();
    let records = collector.stop();
    assert_eq!(messages(&records), ["hello, world", "order 7 is late"]);
    assert_eq!(records.0[1]["level"], "WARN");
    assert_eq!(records.0[1]["kv"].to_string(), r#"{"client":"acme","retries":3}"#);
    assert_eq!(records.0[0]["app"], "hello");
}

#[test]
fn threads_logs_from_four_at_once() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    scene.example("threads", collector.authority()).succeed();
    let mut counts = BTreeMap::<_, Vec<_>>::new();
    for record in collector.stop().0 {
        let name = record["thread"].as_str().expect("the threads have names").to_owned();
        counts.entry(name).or_default().push(record["kv"]["n"].as_u64().expect("a number"));
    }
    assert_eq!(counts.keys().collect::<Vec<_>>(), ["alice", "bob", "carol", "dave"]);
    assert!(counts.values().all(|numbers| numbers.iter().copied().eq(1..=25)), "{counts:?}");
}

#[test]
fn panics_ends_its_stream_with_its_panic() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let mut panics = scene.example("panics", collector.authority());
    assert_eq!(panics.end().code(), Some(101));
    assert!(panics.stderr().contains("a divisor that is not zero"), "{}", panics.stderr());
    let records = collector.stop();
    let last = records.0.last().expect("records have arrived");
    assert_eq!(message(last), "panicked: a divisor that is not zero");
    assert_eq!((&last["level"], &last["thread"]), (&"ERROR".into(), &"main".into()));
    assert_eq!(last["file"], "examples/panics.rs");
    assert_eq!(records.0.len(), 2);
}

#[test]
fn netcat_writes_lines_for_people() {
    let scene = Scene::new();
    let peer = Peer::start();
    scene.example("netcat", &peer.address()).succeed();
    let text = peer.hears("retries=3\n");
    let tails = [
        " INFO  [netcat] examples/netcat.rs:8 hello, netcat",
        " WARN  [netcat] examples/netcat.rs:9 order 7 is late client=acme retries=3",
    ];
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), tails.len(), "{text}");
    for (line, tail) in lines.iter().zip(tails) {
        assert_eq!(&line[26..], tail);
    }
}

#[test]
fn udp_sends_one_record_a_datagram() {
    let scene = Scene::new();
    let (socket, address) = udp_peer("127.0.0.1:0");
    scene.example("udp", &format!("udp://{address}")).succeed();
    let mut buffer = [0; 2000];
    for expected in ["hello, whoever is there", "order 7 is late"] {
        let count = socket.recv(&mut buffer).expect("a datagram has come");
        let record: serde_json::Value =
            serde_json::from_slice(&buffer[..count]).expect("a datagram is one record");
        assert_eq!((message(&record), &record["app"]), (expected, &"udp".into()));
    }
}

#[test]
fn demo_shows_everything_and_ends_by_itself() {
    let scene = Scene::new();
    let mut command = scene.command(Path::new("prlimit"));
    command.arg("--nofile=1024:").arg(example("demo")).arg("127.0.0.1:0");
    let mut demo = Child::start(&mut command);
    demo.succeed();
    let said = demo.stderr();
    assert!(!said.contains("open files allow"), "as a shell starts it: {said}");
    let shown = demo.stdout();
    for words in [
        "[web] examples/demo.rs:",
        "[orders] examples/demo.rs:",
        "order 11 is refused: no such client order=11",
        "[billing] examples/demo.rs:",
        "panicked: index out of bounds: the len is 2 but the index is 2",
        "GET /report was slow ms=812",
    ] {
        assert!(shown.contains(words), "{words:?} is not in\n{shown}");
    }
    assert_eq!(shown.lines().count(), 15, "{shown}");
}

#[test]
fn tracing_logs_events_in_spans_and_a_log_record_among_them() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    scene.example("tracing", collector.authority()).succeed();
    let records = collector.stop();
    let request = ["slow query", "from a library that uses log", "done"];
    let expected = [&["hello, tracing"][..], &request, &request].concat();
    assert_eq!(messages(&records), expected);
    let names = |at: usize| records.0[at]["spans"].to_string();
    assert!(names(1).contains(r#""name":"request""#) && names(1).contains(r#""table":"orders""#));
    assert_eq!(records.0[6]["spans"][0]["kv"].to_string(), r#"{"id":2,"status":200}"#);
}

#[test]
fn axum_serves_requests_that_are_spans_and_stops_gracefully() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let mut axum = scene.start(&example("axum"), &[collector.authority(), "127.0.0.1:0"]);
    let mut address = None;
    let listening = wait_until(SOON, || {
        let records = collector.records();
        let said = records.0.iter().find_map(|r| message(r).strip_prefix("listening on http://"));
        address = said.map(str::to_owned);
        address.is_some()
    });
    assert!(listening, "it does not listen\n{}", axum.stderr());
    let ask = |path: &str| {
        let address = address.as_deref().expect("it listens");
        let mut stream = TcpStream::connect(address).expect("it accepts");
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nx-trace-id: 4bf9\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("it answers");
        response
    };
    assert!(ask("/orders/7").ends_with("order 7 of acme\n"));
    assert!(ask("/orders/8").starts_with("HTTP/1.1 404"));
    axum.signal(Signal::TERM);
    axum.succeed();
    let records = collector.stop();
    let said = messages(&records);
    assert_eq!(said[1..], ["loaded", "done", "there is no such order", "done", "stopped"]);
    for (record, status) in [(&records.0[2], 200), (&records.0[4], 404)] {
        assert_eq!((&record["trace"], &record["kv"]["status"]), (&"4bf9".into(), &status.into()));
        assert_eq!(record["spans"][0]["name"], "request");
    }
    assert_eq!(records.0[1]["spans"][1]["name"], "load");
    assert_ne!(records.0[2]["span"], records.0[4]["span"]);
}

#[test]
fn cli_delivers_its_records_although_it_ends_at_once() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let mut cli = scene.example("cli", collector.authority());
    cli.feed(b"one two three\n");
    cli.succeed();
    assert_eq!(cli.stdout(), "3\n");
    let mut cli = scene.example("cli", collector.authority());
    cli.feed(b"\xff");
    assert_eq!(cli.end().code(), Some(1));
    let records = collector.stop();
    assert_eq!(messages(&records), ["counted", "cannot read the text"]);
    assert_eq!(records.0[0]["kv"].to_string(), r#"{"bytes":14,"words":3}"#);
    assert_eq!(records.0[1]["kv"]["error"], "stream did not contain valid UTF-8");
}
