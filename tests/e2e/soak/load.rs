//! Everything else that a collector has to do: plain peers that come and go, datagrams, HTTP,
//! searches, tails that leave.

use crate::harness::{Collector, Reader, get, speak};
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};

/// Counts of what was done.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) peers: u64,
    pub(super) searches: u64,
    pub(super) tails: u64,
}

/// One connection of each kind.
pub(super) fn speak_once(collector: &Collector, done: &mut Done) {
    let authority = collector.at("tcp");
    let number = done.peers;
    speak(authority, format!("plain line {number}\n").as_bytes());
    speak(authority, format!("<14>Nov 22 18:42:23 h app[7]: syslog {number}\n").as_bytes());
    speak(authority, b"{\"msg\":\"half a line, ");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    socket
        .send_to(format!("datagram {number}").as_bytes(), collector.at("udp"))
        .expect("it is sent");
    post(authority, &format!("{{\"msg\":\"posted {number}\"}}\n"));
    // One that leaves without reading its answer.
    if let Ok(mut stream) = TcpStream::connect(authority) {
        let _ = stream.write_all(b"GET /");
    }
    done.peers += 6;
}

fn post(authority: &str, body: &str) {
    let mut stream = TcpStream::connect(authority).expect("it listens");
    let length = body.len();
    let request = format!(
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
}

/// A search by index, one of every record, and a tail that leaves after some records.
pub(super) fn read_once(collector: &Collector, done: &mut Done) {
    let server = collector.server();
    for target in [
        "/search?since=30s&n=50&level=warn",
        "/search?n=20&order=newest&grep=number+7",
        "/senders",
        "/",
    ] {
        let answered = get(&server, target);
        assert_eq!(answered.status, 200, "{target}: {}", answered.body);
        done.searches += 1;
    }
    let mut tail = Reader::open(&server, "/tail?n=5&level=info");
    tail.take(8);
    done.tails += 1;
}

/// A search through everything that is kept.
pub(super) fn search_all(collector: &Collector, done: &mut Done) {
    let answered = get(&collector.server(), "/search?grep=no+such+words&n=10");
    assert_eq!(answered.status, 200, "{}", answered.body);
    done.searches += 1;
}
