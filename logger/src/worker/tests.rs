//! A dead sender's ring, delivered by datagrams, and a living one's that waits.

use super::*;
use crate::builder::Format;
use crate::endpoints::Endpoints;
use crate::identity::SenderIdentity;
use crate::spool::{Directory, Spool};
use crate::token::Token;
use netlog_wire::Level;
use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;

/// Datagrams sent from a ring left behind by a sender that did `before` it died.
fn delivered(before: impl FnOnce(&Spool)) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let directory = Directory::open_or_create(dir.path()).unwrap();
    before(&directory.create(SenderIdentity::current("app", "host", 1 << 20)).unwrap());
    let there = UdpSocket::bind("127.0.0.1:0").unwrap();
    there.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let endpoints = Endpoints::parse(&format!("udp://{}", there.local_addr().unwrap())).unwrap();
    for spool in left_behind(&directory) {
        Worker { context: context(spool, &endpoints) }.run().unwrap();
    }
    let mut came = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    while let Ok(len) = there.recv(&mut buffer) {
        came.push(String::from_utf8(buffer[..len].to_vec()).unwrap());
    }
    came
}

fn context(spool: Spool, endpoints: &Endpoints) -> Context {
    let destination = Destination {
        collectors: Destination::collectors(endpoints, None),
        token: Token::default(),
        remote: false,
        format: Format::Json,
        #[cfg(feature = "tls")]
        tls: crate::tls::TlsSettings::default(),
    };
    Context::new(Arc::new(spool), Arc::new(destination), RetryPolicy::Once)
}

/// The one ring in `directory`. A child of another test may hold its lock between fork and exec.
pub(crate) fn left_behind(directory: &Arc<Directory>) -> Vec<Spool> {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let found = directory.adopt_all(None, |e| panic!("{e}"));
        if !found.is_empty() || Instant::now() > until {
            return found;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn record(len: usize) -> String {
    let text = "x".repeat(len);
    format!(r#"{{"time":"2026-11-22T18:42:23.123456Z","level":"INFO","msg":"{text}"}}"#)
}

#[test]
fn losses_that_a_dead_sender_had_no_time_to_report_are_reported_by_datagram_too() {
    let came = delivered(|spool| {
        spool.append(Level::Info, record(1).as_bytes()).unwrap();
        spool.lose(Level::Warn, 3);
    });
    assert_eq!(came.len(), 2, "{came:?}");
    assert!(came[1].contains("\"seq\":2,") && came[1].ends_with("\"lost\":3}"), "{}", came[1]);
}

#[test]
fn a_record_too_long_for_a_datagram_is_reported_and_those_behind_it_arrive() {
    let came = delivered(|spool| {
        spool.append(Level::Info, record(65_500).as_bytes()).unwrap();
        spool.append(Level::Info, record(1).as_bytes()).unwrap();
    });
    assert_eq!(came.len(), 2, "{came:?}");
    assert!(came[0].contains("\"seq\":1,") && came[0].ends_with("\"lost\":1}"), "{}", came[0]);
    assert!(came[1].contains("\"seq\":2,"), "{}", came[1]);
}

#[test]
fn records_that_wait_because_the_collector_reads_nothing_are_counted_as_accepted() {
    const RECORDS: u64 = 700; // more than the system's buffers hold
    let spool = Spool::anonymous(SenderIdentity::current("app", "host", 16 << 20)).unwrap();
    for _ in 0..RECORDS {
        spool.append(Level::Info, record(20_000).as_bytes()).unwrap();
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoints = Endpoints::parse(&listener.local_addr().unwrap().to_string()).unwrap();
    let context = context(spool, &endpoints);
    let status = Arc::clone(&context.status);
    let worker = std::thread::spawn(|| Worker { context }.run());
    let stream = listener.accept().unwrap().0;
    let until = Instant::now() + Duration::from_secs(30);
    while status.accepted.load(Ordering::Acquire) < RECORDS && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(status.accepted.load(Ordering::Acquire), RECORDS);
    drop((stream, listener));
    worker.join().unwrap().unwrap_err();
}

#[test]
fn records_behind_those_that_a_slow_collector_has_taken_are_counted_a_second_later() {
    let spool = Spool::anonymous(SenderIdentity::current("app", "host", 64 << 10)).unwrap();
    spool.append(Level::Info, record(1).as_bytes()).unwrap();
    let context = context(spool, &Endpoints::parse("127.0.0.1:1").unwrap());
    let taken = context.spool.ring.first();
    context.count_read(taken, false);
    let until = Instant::now() + Duration::from_secs(30);
    while context.status.accepted.load(Ordering::Acquire) < 1 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
        context.count_read(taken, false);
    }
    assert_eq!(context.status.accepted.load(Ordering::Acquire), 1);
}
