//! Every limit of the collector: what comes up against it, that it is counted, and that whoever
//! keeps within it does not notice.

use crate::harness::{
    Collector, SOON, Scene, assert_each_once, caller, messages, metric, wait_until,
};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, UdpSocket};

/// Waits until the collector has counted `count` under `name`.
#[track_caller]
fn counted(collector: &Collector, name: &str, count: u64) {
    let server = collector.server();
    let reached = wait_until(SOON, || metric(&server, name) >= count);
    assert!(reached, "{name} is {} instead of {count}", metric(&server, name));
}

/// Whether the collector has closed this connection, one way or the other.
#[track_caller]
fn assert_closed(mut peer: &TcpStream) {
    peer.set_read_timeout(Some(SOON)).expect("a limit");
    match peer.read(&mut [0; 64]) {
        Ok(0) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        other => panic!("still open: {other:?}"),
    }
}

fn say(mut peer: &TcpStream, words: &str) {
    peer.write_all(words.as_bytes()).expect("the collector reads");
}

/// A good netlog sender gets all its records in, once and in order.
#[track_caller]
fn assert_served(scene: &Scene, collector: &Collector) {
    scene.subject(&format!("to={} records=500", collector.authority())).succeed();
    assert_each_once(&collector.records().of("subject"), 1, 500);
}

#[test]
fn one_address_cannot_take_all_connections() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "--max-connections 20 --max-per-address 5");
    let at = |ip: [u8; 4]| caller(ip, collector.authority());
    let greedy: Vec<_> = (0..5).map(|_| at([127, 0, 0, 2])).collect();
    greedy.iter().for_each(|peer| say(peer, "in\n"));
    collector.wait_for(5);
    for _ in 0..20 {
        assert_closed(&at([127, 0, 0, 2]));
    }
    counted(&collector, "connections_over_limit_of_address", 20);
    assert_served(&scene, &collector);
    assert_eq!(metric(&collector.server(), "connections_over_limit"), 0);
    drop(greedy);
    let again = || {
        let peer = at([127, 0, 0, 2]);
        say(&peer, "again\n");
        messages(&collector.records()).contains(&"again")
    };
    assert!(wait_until(SOON, again), "places are free again when connections end");
}

#[test]
fn whoever_says_nothing_at_all_is_let_go() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "--first-byte-timeout 2s");
    let spoke = caller([127, 0, 0, 1], collector.authority());
    say(&spoke, "one\n");
    let mute: Vec<_> = (0..50).map(|_| caller([127, 0, 0, 1], collector.authority())).collect();
    mute.iter().for_each(assert_closed);
    counted(&collector, "connections_mute", 50);
    say(&spoke, "two\n");
    assert_eq!(messages(&collector.wait_for(2)), ["one", "two"], "who has spoken may be silent");
}

#[test]
fn whoever_never_ends_a_line_is_let_go_and_the_half_is_kept() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "--half-line-timeout 500ms");
    let whole = caller([127, 0, 0, 1], collector.authority());
    say(&whole, "whole\n");
    let mut dribbling = caller([127, 0, 0, 1], collector.authority());
    let closed = wait_until(SOON, || dribbling.write_all(b"x").is_err());
    assert!(closed, "a byte now and then is not a line");
    counted(&collector, "connections_half_line", 1);
    let records = collector.wait_for(2);
    let half = messages(&records)[1];
    assert!(!half.is_empty() && half.bytes().all(|byte| byte == b'x'), "{half}");
    say(&whole, "whole\n");
    collector.wait_for(3);
}

#[test]
fn long_lines_wait_for_one_another_and_short_ones_do_not() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "--max-half-lines 64KiB");
    let peers = [(); 5].map(|()| caller([127, 0, 0, 1], collector.authority()));
    let half = "x".repeat(20_000);
    for peer in &peers {
        say(peer, &half);
    }
    counted(&collector, "lines_delayed", 2);
    assert_served(&scene, &collector);
    for peer in &peers {
        say(peer, "\n");
    }
    collector.wait_for(500 + 5);
    let records = collector.stop();
    let long = messages(&records).iter().filter(|msg| **msg == half).count();
    assert_eq!(long, 5, "nobody is dropped and nothing is cut");
}

#[test]
fn while_nothing_can_be_written_sockets_are_read_no_further_and_nobody_is_dropped() {
    const LINES: usize = 40_000;
    let scene = Scene::new();
    let line = "--max-in-flight 1MiB --console=json";
    let collector = Collector::serving(&scene, line);
    let unheard = collector.process.unheard();
    let text: String = (0..LINES).map(|n| format!("line {n} {}\n", "x".repeat(100))).collect();
    let peers: Vec<_> = (0..4).map(|_| caller([127, 0, 0, 1], collector.authority())).collect();
    std::thread::scope(|scope| {
        for peer in &peers {
            scope.spawn(|| say(peer, &text));
        }
        counted(&collector, "reads_delayed", 1);
        let read = metric(&collector.server(), "bytes_in");
        let taken = peers.len() * text.len();
        assert!(read < taken as u64 / 2, "{read} of {taken} bytes were read");
        drop(unheard);
    });
    let records = collector.wait_for(peers.len() * LINES);
    assert_eq!(records.0.len(), peers.len() * LINES);
}

#[test]
fn parts_of_messages_that_never_become_whole_are_given_up() {
    let scene = Scene::new();
    let line = "--listen udp://127.0.0.1:0 --http 127.0.0.1:0 --max-chunked 8KiB";
    let collector = Collector::with(&scene, line);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    for id in 0..40_u64 {
        let mut part = b"\x1e\x0f".to_vec();
        part.extend_from_slice(&id.to_be_bytes());
        part.extend_from_slice(&[0, 2]);
        part.resize(1000, b'x');
        socket.send_to(&part, collector.authority()).expect("a datagram");
    }
    counted(&collector, "chunked_crowded_out", 32);
    socket.send_to(b"well", collector.authority()).expect("a datagram");
    assert_eq!(messages(&collector.wait_for(1)), ["well"]);
}

#[test]
fn connections_never_take_the_descriptors_that_files_need() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "--max-open-files 64 --rotate-size 10KiB");
    let warning = "warning: 64 open files allow 24 connections instead of 10000";
    collector.process.says(warning);
    let readers = "64 open files allow 4 connections of tails and other readers instead of 1256";
    collector.process.says(readers);
    let all: Vec<_> = (0..80).map(|_| caller([127, 0, 0, 1], collector.authority())).collect();
    counted(&collector, "connections_over_limit", 56);
    say(&all[0], &format!("{}\n", "x".repeat(1000)).repeat(20));
    collector.wait_for(20);
    say(&all[0], "the next file\n");
    let kept = || {
        let files = std::fs::read_dir(scene.path("")).expect("the scene has a directory");
        let names = files.flatten().map(|file| file.file_name().into_string().expect("a name"));
        names.filter(|name| name.starts_with("app.log.2") && !name.ends_with(".ledger")).count()
    };
    assert!(wait_until(SOON, || kept() > 0), "it rotates\n{}", collector.process.stderr());
    assert_eq!(metric(&collector.server(), "writes_failed"), 0);
    assert_eq!(metric(&collector.server(), "accepts_failed"), 0);
}

#[test]
fn half_lines_of_two_addresses_keep_no_other_sender_waiting() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "--max-half-lines 1MiB");
    let half = "x".repeat(6000);
    let greedy: Vec<_> = (0..400)
        .map(|n| {
            let peer = caller([127, 0, 0, 2 + (n % 2) as u8], collector.authority());
            say(&peer, &half);
            peer
        })
        .collect();
    counted(&collector, "lines_delayed", 1);
    let good = caller([127, 0, 0, 1], collector.authority());
    let whole = "y".repeat(60_000);
    for _ in 0..20 {
        say(&good, &format!("{whole}\n"));
    }
    let records = collector.wait_for(20);
    assert!(messages(&records).iter().all(|msg| *msg == whole));
    assert_eq!(greedy.len(), 400);
}

/// Each holds what came of it and no more.
#[test]
fn with_the_default_limits_eleven_hundred_half_lines_of_two_addresses_delay_nobody() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    let half = "x".repeat(6000);
    let greedy: Vec<_> = (0..1100)
        .map(|n| {
            let peer = caller([127, 0, 0, 2 + (n % 2) as u8], collector.authority());
            say(&peer, &half);
            peer
        })
        .collect();
    let came = || metric(&collector.server(), "bytes_in") >= 1100 * 6000;
    assert!(wait_until(SOON, came), "{}", metric(&collector.server(), "bytes_in"));
    let good = caller([127, 0, 0, 1], collector.authority());
    for _ in 0..20 {
        say(&good, &format!("{}\n", "y".repeat(6000)));
    }
    collector.wait_for(20);
    assert_eq!(metric(&collector.server(), "lines_delayed"), 0);
    drop(greedy);
}

/// Compressed datagrams that become a hundred times as much, senders with names of control
/// characters, and names as long as a datagram: none of it makes the collector hold more than it
/// may.
#[test]
fn memory_stays_within_its_limits_whatever_senders_send_while_nothing_can_be_written() {
    let scene = Scene::new();
    let line = "--listen udp://127.0.0.1:0 --max-in-flight 8MiB --console=json";
    let collector = Collector::serving(&scene, line);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    for id in 0..2000_u32 {
        let app = "a".repeat(60_000);
        let datagram = format!(
            r#"{{"sender":"{id:032x}","seq":1,"app":"{app}","host":"h","pid":1,"time":"2026-11-22T18:42:23.123456Z","level":"INFO","msg":"m"}}"#
        );
        socket.send_to(datagram.as_bytes(), collector.at("udp")).expect("a datagram");
        counted(&collector, "datagrams", u64::from(id / 50 * 50));
    }
    let unheard = collector.process.unheard();
    let packed = zlib(&b"a\n".repeat(8 << 10));
    for _ in 0..80 {
        socket.send_to(&packed, collector.at("udp")).expect("a datagram");
    }
    let hello = |id: u32| {
        let name = "\\u0001".repeat(128);
        format!(
            r#"{{"netlog":1,"sender":"{id:032x}","app":"{name}","host":"{name}","pid":1,"next":1}}"#
        )
    };
    let peers: Vec<_> = (0..40)
        .map(|id| {
            let peer = caller([127, 0, 0, 1], collector.authority());
            let text = format!("{}\n{}", hello(id), "a\n".repeat(32 << 10));
            peer.set_nonblocking(true).expect("a socket");
            let _ = (&peer).write(text.as_bytes());
            peer
        })
        .collect();
    counted(&collector, "reads_delayed", 1);
    let memory = collector.process.memory();
    assert!(memory < 100 << 20, "{} MiB", memory >> 20);
    drop((unheard, peers));
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let level = flate2::Compression::best();
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), level);
    packed.write_all(bytes).expect("memory");
    packed.finish().expect("memory")
}
