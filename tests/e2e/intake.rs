//! What anything that can open a socket may send, and what it may not do to others.

use crate::harness::{
    Collector, SOON, Scene, assert_each_once, get, messages, nc, program, speak, wait_until,
};
use rustix::process::Signal;
use serde_json::Value;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

fn port(collector: &Collector) -> &str {
    collector.authority().rsplit_once(':').expect("an address has a port").1
}

#[test]
fn what_is_typed_into_nc_appears_line_by_line() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let mut nc = nc(&["-N", "127.0.0.1", port(&collector)], b"one\n");
    collector.wait_for(1);
    nc.feed(b"two\r\nthree without an end");
    nc.succeed();
    let records = collector.wait_for(3);
    assert_eq!(messages(&records), ["one", "two", "three without an end"]);
    assert!(records.0.iter().all(|record| record["host"] == "127.0.0.1"), "the peer is the host");
    assert!(nc.stdout().is_empty(), "a plain peer is told nothing: {}", nc.stdout());
}

#[test]
fn datagrams_of_one_address_are_of_one_sender_whichever_port_they_come_from() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "--listen udp://127.0.0.1:0");
    for text in ["one", "two", "three"] {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.send_to(text.as_bytes(), collector.at("udp")).expect("it is sent");
    }
    collector.wait_for(3);
    let answered = get(&collector.server(), "/senders");
    let senders: Vec<Value> = serde_json::from_str(&answered.body).expect("an array");
    assert_eq!(senders.len(), 1, "{senders:?}");
    let told = ["peer", "kind", "records", "state"].map(|key| senders[0][key].clone());
    let expected: [Value; 4] = ["127.0.0.1".into(), "udp".into(), 3.into(), "sending".into()];
    assert_eq!(told, expected);
}

#[test]
fn a_line_may_end_with_a_nul() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    speak(collector.authority(), b"one\0two\0\nthree\n");
    collector.wait_for(3);
    let records = collector.stop();
    assert_eq!(messages(&records), ["one", "two", "three"]);
}

#[test]
fn a_datagram_of_nc_is_a_record_and_one_of_several_lines_is_several() {
    let scene = Scene::new();
    let collector = Collector::with(&scene, "--listen udp://127.0.0.1:0");
    nc(&["-u", "-w1", "127.0.0.1", port(&collector)], b"one").succeed();
    collector.wait_for(1);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    socket.send_to(b"two\nthree\n", collector.authority()).expect("a datagram");
    let records = collector.wait_for(3);
    assert_eq!(messages(&records), ["one", "two", "three"]);
}

#[test]
fn a_json_line_of_any_program_is_a_record() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let line = "{\"msg\":\"order filled\",\"level\":\"warn\",\"order\":7,\"target\":\"orders\"}\n";
    speak(collector.authority(), line.as_bytes());
    let records = collector.wait_for(1);
    let record = &records.0[0];
    assert_eq!(messages(&records), ["order filled"]);
    assert_eq!((&record["level"], &record["target"]), (&"WARN".into(), &"orders".into()));
    assert_eq!(record["kv"]["order"], 7);
}

#[test]
fn one_connection_that_breaks_never_disturbs_another() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let mut quiet = TcpStream::connect(collector.authority()).expect("the collector listens");
    quiet.write_all(b"half a li").expect("the collector reads");
    for round in 0..50 {
        let mut bad = TcpStream::connect(collector.authority()).expect("the collector listens");
        let words: &[u8] = match round % 3 {
            0 => b"{\"netlog\":1,\"sender\":\"no id\"}\n",
            1 => b"\xff\xff\xff\xff",
            _ => b"{\"netlog\":99999}\n{{{{\n",
        };
        bad.write_all(words).expect("the collector reads");
        // Closed with an answer unread: the collector sees a reset.
        rustix::net::sockopt::set_socket_linger(&bad, Some(Duration::ZERO)).expect("an option");
    }
    scene.subject(&format!("to={} records=500", collector.authority())).succeed();
    assert_each_once(&collector.records().of("subject"), 1, 500);
    quiet.write_all(b"ne\n").expect("the collector still reads");
    let came = || messages(&collector.records()).contains(&"half a line");
    assert!(wait_until(SOON, came), "{}", collector.text());
}

#[test]
fn a_hello_that_is_none_is_answered_in_words() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let answer = speak(collector.authority(), b"{\"netlog\":2,\"sender\":\"9f3c00000000000000000000000000ab\",\"app\":\"a\",\"host\":\"h\",\"pid\":1,\"next\":1}\n");
    assert!(answer.starts_with("{\"error\":\"") && answer.ends_with("\"}\n"), "{answer:?}");
    assert!(answer.contains("version 2"), "{answer}");
}

#[test]
fn a_line_of_a_hundred_megabytes_is_cut_marked_and_skipped_and_the_next_one_lives() {
    const LONG: u64 = 100 << 20;
    let scene = Scene::new();
    let collector = Collector::with(&scene, "--listen tcp://127.0.0.1:0 --max-line 1KiB");
    speak(collector.authority(), b"before\n");
    collector.wait_for(1);
    let before = collector.process.peak_memory();
    let mut stream = TcpStream::connect(collector.authority()).expect("the collector listens");
    let block = vec![b'x'; 1 << 20];
    for _ in 0..LONG >> 20 {
        stream.write_all(&block).expect("the connection lives");
    }
    stream.write_all(b"\nafter\n").expect("the connection lives");
    let records = collector.wait_for(3);
    let long = &records.0[1];
    assert_eq!(long["msg"].as_str().map(str::len), Some(1024));
    assert_eq!(long["truncated"].as_u64(), Some(LONG - 1024));
    assert_eq!(messages(&records)[2], "after");
    // The kernel's figure is not exact.
    let grown = collector.process.peak_memory().saturating_sub(before);
    assert!(grown < 16 << 20, "the collector grew by {grown} bytes");
}

#[test]
fn a_silent_peer_is_let_go_after_the_idle_timeout_and_its_half_line_is_kept() {
    let scene = Scene::new();
    let line = "--listen tcp://127.0.0.1:0 --idle-timeout 300ms -v";
    let collector = Collector::with(&scene, line);
    let began = Instant::now();
    let mut peer = TcpStream::connect(collector.authority()).expect("the collector listens");
    peer.write_all(b"one\nhalf").expect("the collector reads");
    peer.set_read_timeout(Some(SOON)).expect("a limit");
    assert_eq!(peer.read(&mut [0; 1]).expect("a close, not a reset"), 0);
    assert!(began.elapsed() > Duration::from_millis(250), "after {:?}", began.elapsed());
    assert_eq!(messages(&collector.wait_for(2)), ["one", "half"]);
    let address = peer.local_addr().expect("a connected socket has an address");
    collector.process.says(&format!("connection from {address} opened"));
    collector.process.says(&format!("connection from {address} closed"));
}

#[test]
fn connections_beyond_the_limit_are_closed_and_there_is_room_again_when_one_ends() {
    let scene = Scene::new();
    let collector = Collector::with(&scene, "--listen tcp://127.0.0.1:0 --max-connections 2");
    let connect = || {
        let stream = TcpStream::connect(collector.authority()).expect("the kernel accepts");
        stream.set_read_timeout(Some(SOON)).expect("a limit");
        stream
    };
    let mut one = connect();
    let mut two = connect();
    one.write_all(b"one\n").expect("the collector reads");
    two.write_all(b"two\n").expect("the collector reads");
    collector.wait_for(2);
    let refused = connect().read(&mut [0; 1]);
    let closed = refused
        .as_ref()
        .map_or_else(|e| e.kind() == ErrorKind::ConnectionReset, |&count| count == 0);
    assert!(closed, "{refused:?}");
    drop(one);
    let served = || {
        let mut three = connect();
        let _ = three.write_all(b"three\n");
        messages(&collector.records()).contains(&"three")
    };
    assert!(wait_until(SOON, served), "{}", collector.text());
}

#[test]
fn a_peer_that_reads_nothing_holds_up_neither_the_others_nor_the_end() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let mut deaf = TcpStream::connect(collector.authority()).expect("the collector listens");
    let hello = b"{\"netlog\":1,\"sender\":\"9f3c00000000000000000000000000ab\",\"app\":\"deaf\",\"host\":\"h\",\"pid\":1,\"next\":1}\nrecord\n";
    deaf.write_all(hello).expect("the collector reads");
    scene.subject(&format!("to={} records=500", collector.authority())).succeed();
    assert_each_once(&collector.records().of("subject"), 1, 500);
    let records = collector.stop();
    assert!(messages(&records).contains(&"record"));
}

#[test]
fn five_hundred_peers_at_once_are_all_heard() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let mut peers = Vec::new();
    for number in 0..500 {
        let mut peer = TcpStream::connect(collector.authority()).expect("the collector listens");
        peer.write_all(format!("peer {number}\n").as_bytes()).expect("the collector reads");
        peers.push(peer);
    }
    let records = collector.wait_for(500);
    let mut said = messages(&records);
    said.sort_unstable();
    said.dedup();
    assert_eq!(said.len(), 500);
}

/// When a plain client half-closes its connection and the collector closes it too, all its lines
/// are in the file; a reset means that they may not be.
#[test]
fn a_plain_connection_is_closed_in_order_once_its_lines_are_kept_and_ends_in_a_reset_if_not() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    assert_eq!(speak(collector.authority(), b"kept\n"), "");
    assert!(collector.text().contains("kept"), "they were in the file before the close");

    // Its files cannot grow beyond a kilobyte.
    let mut limited = scene.command(Path::new("sh"));
    limited.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\""]);
    limited.arg(program("netlog-collector"));
    let mut full = Collector::by(limited, scene.path("small.log"), "--listen tcp://127.0.0.1:0");
    assert!(full.listening(1), "{}", full.process.stderr());
    let mut stream = TcpStream::connect(full.authority()).expect("it listens");
    stream.write_all("not kept\n".repeat(500).as_bytes()).expect("it reads");
    stream.shutdown(Shutdown::Write).expect("the connection is open");
    full.process.says("will go on trying");
    stream.set_read_timeout(Some(Duration::from_millis(300))).expect("a limit");
    let waits = stream.read(&mut [0]).expect_err("it does not close");
    assert_eq!(waits.kind(), ErrorKind::WouldBlock);
    full.process.signal(Signal::KILL);
    stream.set_read_timeout(Some(SOON)).expect("a limit");
    let reset = stream.read(&mut [0]).expect_err("the system does not close in order for it");
    assert_eq!(reset.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn the_parts_of_a_gelf_message_may_come_from_several_ports() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "--listen udp://127.0.0.1:0");
    let message = br#"{"version":"1.1","host":"vm1","short_message":"in parts","level":3}"#;
    let parts = message.chunks(20).collect::<Vec<_>>();
    for (at, part) in parts.iter().enumerate().rev() {
        let head = [&[0x1e, 0x0f][..], b"12345678", &[at as u8, parts.len() as u8]].concat();
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.send_to(&[&head, *part].concat(), collector.at("udp")).expect("it is sent");
    }
    let records = collector.wait_for(1);
    assert_eq!(messages(&records), ["in parts"]);
    assert_eq!(records.0[0]["host"], "vm1");
    assert_eq!(records.0[0]["level"], "ERROR");
}

#[test]
fn a_proxy_header_names_the_peer_where_the_listener_asks_for_one() {
    let scene = Scene::new();
    let line = "--listen tcp://127.0.0.1:0?proxy=on --proxy-from 127.0.0.1";
    let collector = Collector::with(&scene, line);
    let v1 = b"PROXY TCP4 192.0.2.9 192.0.2.1 4711 1902\r\nbehind v1\n".to_vec();
    // An address of IPv6: 2001:db8::9 to 2001:db8::1, ports 4711 and 1902.
    let mut v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24".to_vec();
    for last in [9, 1] {
        v2.extend([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    }
    v2.extend([0x12, 0x67, 0x07, 0x6e]);
    v2.extend(b"behind v2\n");
    for (bytes, host, peer) in
        [(v1, "192.0.2.9", "192.0.2.9:4711"), (v2, "2001:db8::9", "[2001:db8::9]:4711")]
    {
        speak(collector.at("tcp"), &bytes);
        let records = collector.wait_for(if host == "192.0.2.9" { 1 } else { 2 });
        let record = records.0.last().expect("a record");
        assert_eq!(record["host"], host);
        assert_eq!(record["peer"], peer);
    }
    // Without a header nothing is taken.
    let mut stream = TcpStream::connect(collector.at("tcp")).expect("somebody listens");
    stream.set_read_timeout(Some(SOON)).expect("a limit");
    stream.write_all(b"no header, but more bytes than one of version 2 has\n").expect("it is sent");
    let ended = stream.read(&mut [0; 16]);
    let closed = |error: &std::io::Error| error.kind() == ErrorKind::ConnectionReset;
    assert!(ended.as_ref().is_ok_and(|&len| len == 0) || ended.is_err_and(|e| closed(&e)));
    assert_eq!(messages(&collector.stop()), ["behind v1", "behind v2"]);
}
