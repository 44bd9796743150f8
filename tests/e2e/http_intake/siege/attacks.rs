//! Requests that mean harm: each kind is what one connection sends, again and again.

use crate::harness::caller;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Time for the collector to answer, after which the next attack begins all the same.
const ANSWER: Duration = Duration::from_millis(100);

/// One kind of attack.
pub(super) struct Attack {
    bytes: Vec<u8>,
    /// Bytes that are sent at once, each piece behind a pause; 0 for all.
    piece: usize,
}

impl Attack {
    fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), piece: 0 }
    }

    /// Makes it once, from an address of this machine. It is fine to be refused.
    pub(super) fn make(&self, from: [u8; 4], to: &str) {
        let mut stream = caller(from, to);
        for limit in [TcpStream::set_read_timeout, TcpStream::set_write_timeout] {
            limit(&stream, Some(ANSWER)).expect("a limit");
        }
        let pieces = match self.piece {
            0 => self.bytes.chunks(self.bytes.len()),
            piece => self.bytes.chunks(piece),
        };
        for piece in pieces {
            if stream.write_all(piece).is_err() {
                return;
            }
            let _ = stream.read(&mut [0; 4096]);
        }
    }
}

/// Smuggled requests, slow and cut bodies, bombs, huge heads, wrong lengths, and a pipeline.
pub(super) fn attacks() -> Vec<Attack> {
    let head = |path: &str, lines: &str| format!("POST {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n");
    let chunked = "Transfer-Encoding: chunked\r\n";
    let smuggled = format!("Content-Length: 6\r\n{chunked}");
    let slow = head("/v1/logs", "Content-Length: 1000000\r\n") + "slowly";
    let lengths = ["-1", "1e3", "99999999999999999999", "4, 5", "0x10", ""];
    let lengths = lengths.map(|len| head("/", &format!("Content-Length: {len}\r\n")) + "four");
    let two = head("/", "Content-Length: 4\r\nContent-Length: 5\r\n") + "fours";
    let chunks = head("/", chunked) + "ffffffffffffffffff\r\nfour\r\n0\r\n\r\n";
    let many: String = (0..5000).map(|n| format!("X-{n}: y\r\n")).collect();
    let pipeline = head("/nothing/here", "Content-Length: 1\r\n") + "x";
    let mut attacks = vec![
        Attack::new(head("/", &smuggled) + "0\r\n\r\nGET /admin HTTP/1.1\r\nHost: x\r\n\r\n"),
        Attack { bytes: slow.into(), piece: 30 },
        Attack::new(bomb("/", "text/plain", b"0")),
        Attack::new(bomb("/v1/logs", "application/json", b"[")),
        Attack::new(bomb("/loki/api/v1/push", "application/json", b"{},")),
        Attack::new(head("/", &format!("X: {}\r\n", "y".repeat(1 << 20)))),
        Attack::new(head("/", &many)),
        Attack::new(two),
        Attack::new(chunks),
        Attack::new(pipeline.repeat(500)),
    ];
    attacks.extend(lengths.map(Attack::new));
    attacks
}

/// Some kilobytes that become 16 MiB.
fn bomb(path: &str, kind: &str, what: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    let piece = what.repeat((1 << 20) / what.len());
    (0..16).for_each(|_| packed.write_all(&piece).expect("memory"));
    let body = packed.finish().expect("memory");
    let len = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Encoding: gzip\r\nContent-Length: {len}\r\n\r\n"
    );
    [head.into_bytes(), body].concat()
}
