//! HTTP under siege: requests that are slow, idle, huge, cut off or made to deceive, from many
//! addresses, and a good client or sender beside them that is served.

mod attacks;

use super::{post, request};
use crate::harness::{
    Collector, SOON, Scene, assert_each_once, caller, messages, metric, wait_until,
};
use crate::siege::OnDrop;
use attacks::attacks;
use std::io::{Read, Write};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// All records of a good sender arrive, however many hostile requests come meanwhile.
#[test]
fn all_records_of_a_good_sender_arrive_beside_hostile_requests() {
    const RECORDS: u64 = 2000;
    let scene = Scene::new();
    let mut collector = Collector::serving(&scene, "");
    let to = collector.authority();
    let attacks = attacks();
    let begun = Barrier::new(attacks.len() + 1);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Also when the sender fails, or the attackers would go on for ever.
        let _over = OnDrop(|| over.store(true, Ordering::Release));
        for (nth, attack) in attacks.iter().enumerate() {
            let begun = &begun;
            let over = &over;
            scope.spawn(move || {
                attack.make(home(30 * nth), to);
                begun.wait();
                while !over.load(Ordering::Acquire) {
                    attack.make(home(30 * nth), to);
                }
            });
        }
        begun.wait();
        scene.subject(&format!("to={to} app=good records={RECORDS}")).succeed();
    });
    let peak = collector.process.peak_memory();
    assert!(peak < 150 << 20, "{} MiB at the peak", peak >> 20);
    assert!(collector.process.running(), "{}", collector.process.stderr());
    assert!(!collector.process.stderr().contains("panicked"));
    assert!(metric(&collector.server(), "http_requests_refused") > 0, "the attacks were harmless");
    assert_each_once(&collector.stop().of("good"), 1, RECORDS);
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
