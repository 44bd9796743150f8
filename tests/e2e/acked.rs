//! Protocols whose senders wait for answers: Fluent forward, RELP, Lumberjack. What is answered is
//! in the file, whoever is killed.

mod lumberjack;

use crate::harness::{
    Collector, Port, Records, SOON, Scene, caller, messages, metric, speak, wait_until,
};
use rustix::process::Signal;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// A text of up to 255 bytes in MessagePack.
fn text(text: &str) -> Vec<u8> {
    [&[0xd9, u8::try_from(text.len()).expect("a short text")], text.as_bytes()].concat()
}

/// A message of forward with one record, to be acknowledged by `chunk`.
fn forward(msg: &str, chunk: &str) -> Vec<u8> {
    let record = [&b"\x82"[..], &text("msg"), &text(msg), &text("level"), &text("warn")].concat();
    let time = b"\xd7\x00\x6b\x03\x37\x8f\x07\x5b\xcd\x15";
    let option = [&b"\x81"[..], &text("chunk"), &text(chunk)].concat();
    [&b"\x94"[..], &text("shop"), time, &record, &option].concat()
}

fn forward_ack(chunk: &str) -> Vec<u8> {
    let len = u8::try_from(chunk.len()).expect("a short id");
    [&b"\x81\xa3ack"[..], &[0xa0 | len], chunk.as_bytes()].concat()
}

/// Sends `bytes` and reads as many as `answer` has, which must be those.
#[track_caller]
fn exchange(stream: &mut TcpStream, bytes: &[u8], answer: &[u8]) {
    stream.write_all(bytes).expect("the collector reads");
    let mut came = vec![0; answer.len()];
    stream.read_exact(&mut came).expect("the collector answers");
    assert_eq!(came, answer, "{}", String::from_utf8_lossy(&came));
}

/// What the collector says to `bytes`, however the connection ends.
fn heard(authority: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(authority).expect("somebody listens");
    stream.set_read_timeout(Some(SOON)).expect("a limit");
    let mut answer = Vec::new();
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_chunk_of_fluent_forward_is_acknowledged_when_it_is_in_the_file_and_kept_once() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    let mut stream = TcpStream::connect(collector.authority()).expect("somebody listens");
    exchange(&mut stream, &forward("late", "one"), &forward_ack("one"));
    assert_eq!(messages(&collector.records()), ["late"]);
    let mut again = TcpStream::connect(collector.authority()).expect("somebody listens");
    exchange(&mut again, &forward("late", "one"), &forward_ack("one"));
    exchange(&mut again, &forward("later", "two"), &forward_ack("two"));
    let records = collector.records();
    assert_eq!(messages(&records), ["late", "later"]);
    let record = &records.0[0];
    assert_eq!((&record["app"], &record["level"]), (&"shop".into(), &"WARN".into()));
    assert_eq!(record["time"], "2026-11-22T18:42:23.123456Z");
    assert_eq!(metric(&collector.server(), "forward_chunks_repeated"), 1);
    assert_eq!(metric(&collector.server(), "records_forward"), 2);
}

#[test]
fn messages_of_fluent_bit_without_a_tag_are_taken() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let record = [&b"\x81"[..], &text("log"), &text("ERROR disk full")].concat();
    let entry = [&b"\x92\x92\xd7\x00\x6b\x03\x37\x8f\x07\x5b\xcd\x15\x80"[..], &record].concat();
    speak(collector.authority(), &entry.repeat(2));
    let records = collector.wait_for(2);
    assert_eq!(messages(&records), ["ERROR disk full"; 2]);
    assert_eq!(records.0[0]["level"], "ERROR");
}

/// One slow, dead or hostile peer never harms the others.
#[test]
fn hostile_messages_end_their_connection_and_harm_nobody() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "--max-body 1MiB");
    let bomb = {
        let mut zlib = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        zlib.write_all(&vec![0xc0; 64 << 20]).expect("memory does not fail");
        zlib.finish().expect("memory does not fail")
    };
    let len = u32::try_from(bomb.len()).expect("it is small").to_be_bytes();
    let option = [&b"\x81"[..], &text("compressed"), &text("gzip")].concat();
    let bomb = [&b"\x93\xa1t\xc6"[..], &len, &bomb, &option].concat();
    let deep = [&b"\x93\xa1t\x05\x81\xa1k"[..], &[0x91; 500_000], b"\xc0"].concat();
    for (what, bytes) in [
        ("a length beyond all", &b"\x93\xa1t\xdb\xff\xff\xff\xff"[..]),
        ("more elements than bytes", b"\x92\xa1t\xdd\xff\xff\xff\xff\x01"),
        ("no MessagePack", b"\x93\xa1t\xc1"),
        ("no message", b"\x92\xa1t\x81\x01\x02"),
        ("half a message", b"\x93\xa1t"),
        ("a bomb", &bomb),
        ("deep nesting", &deep),
    ] {
        assert_eq!(heard(collector.authority(), bytes), "", "{what}");
    }
    let mut stream = TcpStream::connect(collector.authority()).expect("somebody listens");
    exchange(&mut stream, &forward("still here", "id"), &forward_ack("id"));
    let records = collector.records();
    assert_eq!(messages(&records).last(), Some(&"still here"));
    let peak = collector.process.peak_memory();
    assert!(peak < 200 << 20, "{peak} bytes");
}

/// Begins four messages of RELP that take all the room for messages, but do not end. They are of
/// several addresses, since one does not get all of it.
fn fill_the_room(collector: &Collector) -> Vec<TcpStream> {
    let half = [&b"2 syslog 8388000 "[..], &vec![b'a'; (8 << 20) - (64 << 10) - 64]].concat();
    let half = &half[..(8 << 20) - (64 << 10) - 64];
    let open = |nth| {
        let mut stream = caller([127, 0, 2, nth], collector.authority());
        exchange(&mut stream, RELP_OPEN, RELP_OPENED);
        stream
    };
    let mut streams = [open(1), open(2), open(3), open(4)];
    let before = metric(&collector.server(), "bytes_in");
    for stream in &mut streams {
        stream.write_all(half).expect("the collector reads");
    }
    let all = before + 4 * half.len() as u64;
    assert!(wait_until(SOON, || metric(&collector.server(), "bytes_in") >= all));
    streams.into()
}

#[test]
fn compressed_entries_of_forward_wait_for_room_that_others_hold() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "--max-body 8MiB");
    let others = fill_the_room(&collector);
    let record = [&b"\x81"[..], &text("msg"), &text("late")].concat();
    let mut zlib = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    zlib.write_all(&[&b"\x92\x05"[..], &record].concat()).expect("memory does not fail");
    let packed = zlib.finish().expect("memory does not fail");
    let len = u8::try_from(packed.len()).expect("it is small");
    let option =
        [&b"\x82"[..], &text("compressed"), &text("gzip"), &text("chunk"), &text("one")].concat();
    let message = [&b"\x93\xa1t\xc4"[..], &[len], &packed, &option].concat();
    let mut stream = TcpStream::connect(collector.authority()).expect("somebody listens");
    stream.write_all(&message).expect("the collector reads");
    stream.set_read_timeout(Some(Duration::from_millis(300))).expect("a limit");
    match stream.peek(&mut [0]) {
        Ok(len) => assert_eq!(len, 1, "the connection was closed"),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
    }
    drop(others);
    stream.set_read_timeout(Some(SOON)).expect("a limit");
    exchange(&mut stream, b"", &forward_ack("one"));
    assert_eq!(messages(&collector.records()), ["late"]);
}

/// Delivers `count` numbered messages over connections as they come and go: each is sent again
/// until it is answered.
fn deliver(authority: &str, count: u64, wire: &Wire, done: &AtomicU64, over: &AtomicBool) {
    let mut stream: Option<TcpStream> = None;
    let mut n = 1;
    let until = Instant::now() + SOON;
    while n <= count && Instant::now() < until {
        let sent = match &mut stream {
            Some(stream) => attempt(stream, &(wire.message)(n), &(wire.answer)(n)),
            None => match TcpStream::connect(authority) {
                Ok(mut fresh) => {
                    let _ = fresh.set_read_timeout(Some(Duration::from_secs(5)));
                    if !wire.open.0.is_empty() && !attempt(&mut fresh, wire.open.0, wire.open.1) {
                        continue;
                    }
                    stream = Some(fresh);
                    continue;
                }
                Err(_) => continue,
            },
        };
        match sent {
            true => {
                done.store(n, Relaxed);
                n += 1;
            }
            false => stream = None,
        }
    }
    over.store(true, Relaxed);
}

/// One protocol as its bytes: what opens a connection, and what each message and its answer is.
struct Wire {
    open: (&'static [u8], &'static [u8]),
    message: fn(u64) -> Vec<u8>,
    answer: fn(u64) -> Vec<u8>,
}

fn attempt(stream: &mut TcpStream, bytes: &[u8], answer: &[u8]) -> bool {
    let mut came = vec![0; answer.len()];
    stream.write_all(bytes).and_then(|()| stream.read_exact(&mut came)).is_ok_and(|()| {
        assert_eq!(came, answer, "{}", String::from_utf8_lossy(&came));
        true
    })
}

/// Kills the collector again and again under `wire`: each message is in the file, and twice at most
/// as often as there were kills.
fn outlives_kills(wire: &Wire) {
    const KILLS: u64 = 3;
    let scene = Scene::new();
    let port = Port::reserve();
    let listen = format!("--listen tcp://{}", port.address());
    let done = AtomicU64::new(0);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| deliver(&port.address(), 400, wire, &done, &over));
        for kill in 1..=KILLS {
            let mut collector = Collector::with(&scene, &listen);
            while done.load(Relaxed) < kill * 100 && !over.load(Relaxed) {
                std::thread::yield_now();
            }
            collector.process.signal(Signal::KILL);
            collector.process.end();
        }
        let collector = Collector::with(&scene, &listen);
        while !over.load(Relaxed) {
            std::thread::yield_now();
        }
        collector.stop();
    });
    assert_eq!(done.load(Relaxed), 400, "it was not all delivered");
    let records = Records::read(&std::fs::read_to_string(scene.path("app.log")).expect("a file"));
    let mut all = messages(&records);
    let came = all.len() as u64;
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 400, "each is there");
    assert!(came <= 400 + KILLS, "{came} records");
}

#[test]
fn what_fluent_forward_was_told_is_kept_outlives_kills_of_the_collector() {
    outlives_kills(&Wire {
        open: (b"", b""),
        message: |n| forward(&format!("number {n}"), &format!("chunk {n}")),
        answer: |n| forward_ack(&format!("chunk {n}")),
    });
}

#[test]
fn a_listener_with_a_key_takes_nothing_from_those_who_do_not_know_it() {
    let scene = Scene::new();
    std::fs::write(scene.path("key"), "correct-horse\n").expect("the scene has room");
    let listen = "--listen tcp://127.0.0.1:0?as=forward&key-file=key";
    let collector = Collector::with(&scene, listen);
    let mut stream = TcpStream::connect(collector.authority()).expect("somebody listens");
    let mut hello = [0; 6];
    stream.read_exact(&mut hello).expect("the collector speaks first");
    assert_eq!(&hello, b"\x92\xa4HELO");
    let ping: Vec<u8> =
        ["PING", "web1", "salt", "wrong", "", ""].iter().flat_map(|t| text(t)).collect();
    let answer = heard(collector.authority(), &[&b"\x96"[..], &ping].concat());
    assert!(answer.contains("PONG") && answer.contains("shared key mismatch"), "{answer}");
    heard(collector.authority(), &forward("no", "id"));
    assert_eq!(messages(&collector.stop()), [""; 0]);
}

/// A message of RELP, and its answer.
fn relp(number: u64, msg: &str) -> Vec<u8> {
    let message = format!("<12>Nov 22 18:42:23 web1 shop[77]: {msg}");
    format!("{number} syslog {} {message}\n", message.len()).into_bytes()
}

fn relp_answer(number: u64) -> Vec<u8> {
    format!("{number} rsp 6 200 OK\n").into_bytes()
}

const RELP_OPEN: &[u8] = b"1 open 50 relp_version=0\nrelp_software=test\ncommands=syslog\n\n";
const RELP_OPENED: &[u8] =
    b"1 rsp 58 200 OK\nrelp_version=0\nrelp_software=netlog\ncommands=syslog\n";

#[test]
fn a_message_of_relp_is_answered_when_it_is_in_the_file() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "");
    let mut stream = TcpStream::connect(collector.authority()).expect("somebody listens");
    exchange(&mut stream, RELP_OPEN, RELP_OPENED);
    exchange(&mut stream, &relp(2, "late"), &relp_answer(2));
    assert_eq!(messages(&collector.records()), ["late"]);
    let window = [relp(3, "three"), relp(4, "two lines\nin one")].concat();
    exchange(&mut stream, &window, &[relp_answer(3), relp_answer(4)].concat());
    exchange(&mut stream, b"5 close 0\n", b"5 rsp 0\n0 serverclose 0\n");
    assert_eq!(stream.read(&mut [0]).expect("it is closed in order"), 0);
    let records = collector.records();
    assert_eq!(messages(&records), ["late", "three", "two lines\nin one"]);
    let record = &records.0[0];
    assert_eq!((&record["app"], &record["host"]), (&"shop".into(), &"web1".into()));
    assert_eq!(metric(&collector.server(), "records_relp"), 3);
    for hostile in [
        &b"1 open 3 relp_version=0\n"[..],
        b"1 open 99999999 relp_version=",
        b"1 open 13 relp_version=\n2 syslog 999999999 x",
    ] {
        heard(collector.authority(), hostile);
    }
    assert_eq!(collector.stop().0.len(), 3);
}

#[test]
fn what_relp_was_told_is_kept_outlives_kills_of_the_collector() {
    outlives_kills(&Wire {
        open: (RELP_OPEN, RELP_OPENED),
        message: |n| relp(n + 1, &format!("number {n}")),
        answer: |n| relp_answer(n + 1),
    });
}

#[test]
fn a_collector_that_ends_tells_the_senders_of_relp() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let mut stream = TcpStream::connect(collector.authority()).expect("somebody listens");
    exchange(&mut stream, RELP_OPEN, RELP_OPENED);
    exchange(&mut stream, &relp(2, "late"), &relp_answer(2));
    assert_eq!(collector.stop().0.len(), 1);
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("it is closed in order");
    assert_eq!(rest, "0 serverclose 0\n");
}
