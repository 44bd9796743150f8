//! OTLP over gRPC, and HTTP/2 on the ordinary port.

use super::EXPORT_PROTOBUF;
use crate::harness::{Child, Collector, SOON, Scene, messages, metric, wait_until};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

const METHOD: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A message behind its five bytes.
fn message(flag: u8, bytes: &[u8]) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).expect("it is short");
    [&[flag], &len.to_be_bytes()[..], bytes].concat()
}

/// What curl shows of the answer to a call, with its trailers.
fn call(scene: &Scene, url: &str, headers: &[&str], body: &[u8]) -> String {
    let file = scene.path("body");
    std::fs::write(&file, body).expect("the scene has room");
    let mut curl = Command::new("curl");
    curl.args(["-sv", "--http2-prior-knowledge", "-H", "content-type: application/grpc"]);
    curl.args(headers.iter().flat_map(|header| ["-H", header]));
    curl.arg("--data-binary").arg(format!("@{}", file.display())).args(["-o", "/dev/null"]);
    let mut child = Child::start(curl.arg(url));
    child.succeed();
    child.stderr()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(bytes).expect("memory does not fail");
    gzip.finish().expect("memory does not fail")
}

#[test]
fn logs_over_grpc_are_in_the_file_when_they_are_answered() {
    let scene = Scene::new();
    let collector =
        Collector::with(&scene, "--listen tcp://127.0.0.1:0 --listen http://127.0.0.1:0");
    for scheme in ["tcp", "http"] {
        let url = format!("http://{}{METHOD}", collector.at(scheme));
        let answer = call(&scene, &url, &[], &message(0, EXPORT_PROTOBUF));
        assert!(answer.contains("grpc-status: 0"), "{answer}");
        let packed = message(1, &gzip(EXPORT_PROTOBUF));
        let answer = call(&scene, &url, &["grpc-encoding: gzip"], &packed);
        assert!(answer.contains("grpc-status: 0"), "{answer}");
    }
    let records = collector.records();
    assert_eq!(messages(&records), ["late"; 4]);
    assert_eq!((&records.0[0]["app"], &records.0[0]["level"]), (&"shop".into(), &"WARN".into()));
}

#[test]
fn a_call_that_cannot_be_served_says_why_in_its_status() {
    let scene = Scene::new();
    std::fs::write(scene.path("tokens"), "correct-horse-7f2a\n").expect("the scene has room");
    let collector = Collector::serving(&scene, "--token-file tokens --max-body 64KiB");
    let url = format!("http://{}{METHOD}", collector.authority());
    let token = "authorization: Bearer correct-horse-7f2a";
    let good = message(0, EXPORT_PROTOBUF);
    let bomb = message(1, &gzip(&vec![0; 8 << 20]));
    let traces = url.replace("logs", "trace").replace("Logs", "Trace");
    for (what, url, headers, body, status) in [
        ("no token", &url, &[][..], &good, "16"),
        ("another method", &traces, &[token], &good, "12"),
        ("no message", &url, &[token], &b"x".to_vec(), "3"),
        ("not protobuf", &url, &[token], &message(0, b"\xff\xff"), "3"),
        ("two messages", &url, &[token], &good.repeat(2), "3"),
        ("too large", &url, &[token], &message(0, &[0; 65 << 10]), "3"),
        ("a bomb", &url, &[token, "grpc-encoding: gzip"], &bomb, "3"),
        ("an unknown encoding", &url, &[token, "grpc-encoding: br"], &message(1, b"x"), "12"),
        ("a token", &url, &[token], &good, "0"),
    ] {
        let answer = call(&scene, url, headers, body);
        assert!(answer.contains(&format!("grpc-status: {status}\r")), "{what}: {answer}");
    }
    assert_eq!(messages(&collector.records()), ["late"]);
}

#[test]
fn a_line_is_posted_over_http_2_too() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--http2-prior-knowledge", "-d", "disk full"]);
    let mut child = Child::start(curl.arg(format!("http://{}/backup", collector.authority())));
    child.succeed();
    assert_eq!(child.stdout().trim_end(), r#"{"taken":1}"#);
    assert_eq!(messages(&collector.records()), ["disk full"]);
}

#[test]
fn a_page_of_another_site_may_not_post_over_http_2_and_one_of_the_collector_may() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let authority = collector.authority();
    for (origin, status) in [(authority, "200"), ("evil.example", "403")] {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--http2-prior-knowledge", "-o", "/dev/null", "-w", "%{http_code}"]);
        curl.args(["-d", "disk full", "-H", &format!("Origin: http://{origin}")]);
        let mut child = Child::start(curl.arg(format!("http://{authority}")));
        child.succeed();
        assert_eq!(child.stdout(), status, "{origin}");
    }
    assert_eq!(messages(&collector.records()), ["disk full"]);
}

/// The records of a call that cannot be read are counted in its answer.
#[test]
fn a_record_that_cannot_be_read_is_counted_in_the_answer_to_a_call() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    // A record with a body that would be longer than it.
    let bad = b"\n\x06\x12\x04\x12\x02\x2a\x7f";
    let body = message(0, &[EXPORT_PROTOBUF, bad, EXPORT_PROTOBUF].concat());
    let file = scene.path("body");
    let answer = scene.path("answer");
    std::fs::write(&file, body).expect("the scene has room");
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--http2-prior-knowledge", "-H", "content-type: application/grpc"]);
    curl.arg("--data-binary").arg(format!("@{}", file.display())).arg("-o").arg(&answer);
    Child::start(curl.arg(format!("http://{}{METHOD}", collector.authority()))).succeed();
    let answer = std::fs::read(answer).expect("it was answered");
    let said = String::from_utf8_lossy(&answer);
    assert!(said.contains("\x08\x01\x12") && said.contains("one record was not kept"), "{said}");
    assert_eq!(usize::from(answer[4]), answer.len() - 5);
    assert_eq!(messages(&collector.records()), ["late", "late"]);
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).expect("it is short").to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The headers of a POST to `/`, by indexes of HPACK's static table and literals.
fn headers(stream: u32) -> Vec<u8> {
    frame(1, 4, stream, b"\x83\x86\x84\x41\x01x")
}

/// A frame that comes next on a connection: its kind, flags and stream.
fn next_frame(stream: &mut TcpStream) -> [u8; 6] {
    let mut head = [0; 9];
    stream.read_exact(&mut head).expect("the connection stays open");
    let [a, b, c, shown @ ..] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
    stream.read_exact(&mut payload).expect("the connection stays open");
    shown
}

#[test]
fn a_refused_request_whose_body_is_on_its_way_is_answered_and_not_reset() {
    let scene = Scene::new();
    std::fs::write(scene.path("tokens"), "correct-horse-7f2a\n").expect("the scene has room");
    let collector = Collector::serving(&scene, "--token-file tokens");
    let mut stream = TcpStream::connect(collector.authority()).expect("somebody listens");
    stream.set_read_timeout(Some(SOON)).expect("a limit");
    let ping = frame(6, 0, 0, &[0; 8]);
    let opening = [PREFACE, &frame(4, 0, 0, b""), &headers(1), &ping].concat();
    stream.write_all(&opening).expect("the collector reads");
    let mut seen = Vec::new();
    while seen.last() != Some(&[6, 1, 0, 0, 0, 0]) {
        seen.push(next_frame(&mut stream));
    }
    stream.write_all(&[frame(0, 1, 1, b"x"), ping].concat()).expect("the collector reads");
    while seen.iter().filter(|frame| frame[..2] == [6, 1]).count() < 2
        || !seen.iter().any(|frame| frame[0] < 2 && frame[1] & 1 == 1)
    {
        seen.push(next_frame(&mut stream));
    }
    assert!(seen.iter().all(|frame| frame[0] != 3), "{seen:?}");
}

/// One slow, dead or hostile peer never harms the others.
#[test]
fn floods_of_http_2_end_their_connection_and_harm_nobody() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    let settings = frame(4, 0, 0, b"");
    let resets: Vec<u8> = (0..50_000_u32)
        .flat_map(|n| [headers(2 * n + 1), frame(3, 0, 2 * n + 1, &8_u32.to_be_bytes())].concat())
        .collect();
    let endless = [frame(1, 0, 1, b"\x83"), frame(9, 0, 1, &[0x40; 16 << 10]).repeat(200)].concat();
    let streams: Vec<u8> = (0..2000_u32).flat_map(|n| headers(2 * n + 1)).collect();
    let window = [headers(1), frame(0, 0, 1, &[0; 16 << 10]).repeat(64)].concat();
    for (what, bytes) in [
        ("requests that are reset at once", resets),
        ("headers without an end", endless),
        ("more requests than may be", streams),
        ("a body beyond the window", window),
        ("settings again and again", settings.repeat(100_000)),
        ("pings", frame(6, 0, 0, &[0; 8]).repeat(100_000)),
        ("a frame beyond all", vec![0xff; 9]),
        ("half a frame", vec![0, 0, 9, 1]),
    ] {
        let mut stream = TcpStream::connect(collector.authority()).expect("somebody listens");
        stream.set_read_timeout(Some(Duration::from_millis(200))).expect("a limit");
        stream.set_write_timeout(Some(Duration::from_millis(200))).expect("a limit");
        // The collector may close at any byte, or not read on.
        let _ = stream.write_all(&[PREFACE, &settings, &bytes].concat());
        let mut answer = Vec::new();
        let _ = stream.take(1 << 20).read_to_end(&mut answer);
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--http2-prior-knowledge", "-d", what]);
        Child::start(curl.arg(format!("http://{}", collector.authority()))).succeed();
    }
    assert_eq!(collector.records().0.len(), 8, "the good ones");
    let count = |name| metric(&collector.server(), name);
    let closed = || count("connections_opened") == count("connections_closed");
    assert!(wait_until(SOON, closed), "all are closed");
    let peak = collector.process.peak_memory();
    assert!(peak < 100 << 20, "{peak} bytes");
    assert!(!collector.process.stderr().contains("panicked"));
}
