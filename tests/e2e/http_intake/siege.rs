//! HTTP under siege: requests that are slow, idle, huge or cut off, from many addresses, and a good
//! client beside them that is served.

use super::{post, request};
use crate::harness::{Collector, SOON, Scene, caller, messages, metric, wait_until};
use std::io::{Read, Write};
use std::time::Duration;

/// The address of the `nth` peer, so that none has more connections than it may.
fn home(nth: usize) -> [u8; 4] {
    [127, 0, 1, 1 + u8::try_from(nth / 30).expect("some thousand peers")]
}

/// Requests on one connection, each answered before the next.
fn served(collector: &Collector, what: &str) {
    let mut stream = caller([127, 0, 0, 9], collector.authority());
    stream.set_read_timeout(Some(SOON)).expect("a limit");
    for _ in 0..10 {
        let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length";
        let len = what.len();
        stream.write_all(format!("{head}: {len}\r\n\r\n{what}").as_bytes()).expect("it is read");
        let mut answer = Vec::new();
        while !answer.ends_with(b"{\"taken\":1}\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap_or_else(|error| panic!("{what}: {error}"));
            answer.extend(byte);
        }
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{what}: {}", answer.escape_ascii());
    }
}

/// One slow, dead or hostile peer never harms the others.
#[test]
fn a_good_client_is_served_beside_slow_idle_huge_and_unfinished_requests() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    let body =
        |sent: &str| format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n{sent}");
    let huge = format!("POST / HTTP/1.1\r\nHost: x\r\nX: {}", "y".repeat(30 << 10));
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for (what, bytes) in [
        ("idle connections", "GET /ready HTTP/1.1\r\nHost: x\r\n\r\n".to_owned()),
        ("slow bodies", body("half")),
        ("long bodies that stop", body(&"y".repeat(60 << 10))),
        ("huge headers without an end", huge),
        ("requests that stop in their first line", "POST /v1/lo".to_owned()),
        (
            "chunks that stop",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\nx".to_owned(),
        ),
        ("prefaces of HTTP/2 and nothing behind them", preface.to_owned()),
    ] {
        let mut peers: Vec<_> =
            (0..300).map(|nth| caller(home(nth), collector.authority())).collect();
        for peer in &mut peers {
            peer.set_write_timeout(Some(Duration::from_secs(5))).expect("a limit");
            // It is fine to be refused.
            let _ = peer.write_all(bytes.as_bytes());
        }
        served(&collector, what);
        for peer in peers.iter_mut().take(100) {
            let _ = peer.write_all(b"y");
        }
        served(&collector, what);
        let records = collector.records();
        let kept = messages(&records).into_iter().filter(|msg| *msg == what).count();
        assert_eq!(kept, 20, "{what}");
    }
    let closed = || {
        let count = |name| metric(&collector.server(), name);
        count("connections_opened") == count("connections_closed")
    };
    assert!(wait_until(SOON, closed), "all that went away are forgotten");
    let peak = collector.process.peak_memory();
    assert!(peak < 150 << 20, "{} MiB at the peak", peak >> 20);
    assert!(!collector.process.stderr().contains("panicked"));
}

/// At most three quarters of the memory for requests are for one address.
#[test]
fn an_address_that_fills_the_memory_for_bodies_leaves_room_for_others() {
    const MANY: usize = 7;
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "--max-body 8MiB");
    let to = collector.authority();
    let refused = || metric(&collector.server(), "http_requests_refused") > 0;
    let whole = request("/", "", &vec![b'y'; 6 << 20]);
    let cut = &whole[..whole.len() - 1];
    std::thread::scope(|scope| {
        let fill = || {
            let mut stream = caller([127, 0, 0, 2], to);
            stream.set_write_timeout(Some(SOON)).expect("a limit");
            // The last byte does not come: what is there is held until the collector gives up.
            let sent = stream.write_all(cut);
            (stream, sent.is_ok())
        };
        let fillers: Vec<_> = (0..MANY).map(|_| scope.spawn(fill)).collect();
        assert!(wait_until(SOON, refused), "the address had all that it asked for");
        let body = "a line of a good sender\n".repeat(100_000);
        assert_eq!(post(&collector, "/", "", body.as_bytes()).0, 200);
        drop(
            fillers.into_iter().map(|filler| filler.join().expect("it ended")).collect::<Vec<_>>(),
        );
    });
    assert_eq!(collector.records().0.len(), 100_000);
}
