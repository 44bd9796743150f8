//! Requests of HTTP over connections that are kept alive, one record a request: how many a second, how
//! long each takes until its record is in the file, and what CPU time the collector spends on each.
//! `NETLOG_BENCH_REQUESTS` is how many each connection sends.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its table")]

mod daemon;
mod run;

use daemon::Daemon;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// An `ExportLogsServiceRequest` with one record of `shop`: a warning, `late`.
const EXPORT: &[u8] =
    b"\n(\n\x18\n\x16\n\x0cservice.name\x12\x06\n\x04shop\x12\x0c\x12\n\x10\x0d*\x06\n\x04late";

/// A request, and the path it is posted to.
struct Kind {
    title: &'static str,
    path: &'static str,
    content: &'static str,
    body: &'static [u8],
}

const KINDS: [Kind; 3] = [
    Kind { title: "a line of text", path: "/", content: "text/plain", body: b"disk full" },
    Kind {
        title: "OTLP in protobuf",
        path: "/v1/logs",
        content: "application/x-protobuf",
        body: EXPORT,
    },
    Kind {
        title: "Loki in JSON",
        path: "/loki/api/v1/push",
        content: "application/json",
        body:
            br#"{"streams":[{"stream":{"app":"shop"},"values":[["1795372943123456789","late"]]}]}"#,
    },
];

fn main() {
    let each = run::setting("NETLOG_BENCH_REQUESTS", 5000.0) as usize;
    println!("{}; {each} requests a connection, one record each", run::machine());
    let heads = ["requests/s", "p50 us", "p99 us", "max us", "CPU us each"];
    println!("{:<32}{}", "", heads.map(|head| format!("{head:>13}")).concat());
    for kind in KINDS {
        for connections in [1, 8, 64] {
            let row = measure(&kind, connections, each / connections.min(8)).concat();
            println!("{:<32}{row}", format!("{}, {connections} at once", kind.title));
        }
    }
}

fn measure(kind: &Kind, connections: usize, each: usize) -> [String; 5] {
    let place = tempfile::tempdir().expect("there is room for files");
    let collector = Daemon::collector(&place.path().join("log"));
    let address = collector.address;
    let before = collector.cpu();
    let begun = Instant::now();
    let mut taken: Vec<Duration> = std::thread::scope(|scope| {
        let clients: Vec<_> =
            (0..connections).map(|_| scope.spawn(|| send(kind, address, each))).collect();
        clients.into_iter().flat_map(|client| client.join().expect("all are answered")).collect()
    });
    let rate = taken.len() as f64 / begun.elapsed().as_secs_f64();
    let cpu = (collector.cpu() - before) * 1e6 / taken.len() as f64;
    taken.sort();
    let at = |share: f64| {
        let rank = ((taken.len() - 1) as f64 * share) as usize;
        taken[rank].as_secs_f64() * 1e6
    };
    [rate, at(0.5), at(0.99), at(1.0), cpu].map(|figure| format!("{figure:>13.0}"))
}

/// Sends requests one behind another; answers how long each took.
fn send(kind: &Kind, address: SocketAddr, each: usize) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).expect("the collector listens");
    stream.set_nodelay(true).expect("it is a TCP stream");
    let Kind { path, content, body, .. } = kind;
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {content}\r\n");
    let len = format!("Content-Length: {}\r\n\r\n", body.len());
    let request = [head.as_bytes(), len.as_bytes(), body].concat();
    let mut answer = [0; 4096];
    let mut one = || {
        let begun = Instant::now();
        stream.write_all(&request).expect("the collector reads");
        let mut len = 0;
        while !is_whole(&answer[..len]) {
            len += stream.read(&mut answer[len..]).expect("the collector answers");
        }
        assert!(answer.starts_with(b"HTTP/1.1 20"), "{}", answer[..len].escape_ascii());
        begun.elapsed()
    };
    (0..each).map(|_| one()).collect()
}

/// True if an answer has come with all of its body.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.and_then(|length| length.parse().ok()).unwrap_or(0) <= body.len()
}
