//! Foreign clients on real sockets: each of its kind, all at once, and those that are sent away.

use crate::bench::{Bench, HELLO, record, wait_for};
use netlog_collector::Options;
use std::io::{Read, Write};
use std::net::{Shutdown, UdpSocket};
use std::thread;

/// What each of eight clients sends on a connection of its own, and what each record must contain.
const EIGHT: &[(&str, &[u8], &[&str])] = &[
    (
        "log4j2 PatternLayout",
        b"2026-11-22 19:04:43,266 WARN demo.T - java hello\nsecond line\n",
        &[r#""level":"WARN","msg":"2026-11-22 19:04:43,266 WARN demo.T - java hello"}"#, r#""level":"INFO","msg":"second line"}"#],
    ),
    (
        "Python SysLogHandler",
        b"<11>tcp hello\0<14>tcp two\0",
        &[r#""level":"ERROR","msg":"tcp hello""#, r#""level":"INFO","msg":"tcp two""#],
    ),
    (
        "winston-syslog",
        b"<132>Nov 22 19:01:11 localhost wapp[2353]: {\"level\":\"warning\",\"message\":\"w one\"}<134>Nov 22 19:01:11 localhost wapp[2353]: {\"level\":\"info\",\"message\":\"w two\"}",
        &[
            r#"{"app":"wapp","host":"localhost","pid":2353,"#,
            r#""level":"WARN","msg":"w one","kv":{"facility":"local0""#,
            r#""level":"INFO","msg":"w two","kv":{"facility":"local0""#,
        ],
    ),
    (
        "Go log/syslog",
        b"<14>2026-11-22T19:04:43Z vm tag[77]: go hello\n",
        &[r#"{"app":"tag","host":"vm","pid":77,"#, r#""time":"2026-11-22T19:04:43.000000Z","level":"INFO","msg":"go hello","kv":{"facility":"user"}}"#],
    ),
    (
        "loggen",
        b"<38>2026-11-22T19:02:31 localhost prg00000[1234]: seq: 0\n",
        &[r#"{"app":"prg00000","host":"localhost","pid":1234,"#, r#""time":"2026-11-22T19:02:31.000000Z","level":"INFO","msg":"seq: 0","kv":{"facility":"auth","zone":"assumed"}}"#],
    ),
    ("pino", b"{\"level\":30,\"msg\":\"pino\"}\n", &[r#""level":"INFO","msg":"pino"}"#]),
    (
        "two GELF messages",
        b"{\"version\":\"1.1\",\"host\":\"vm\",\"short_message\":\"g one\",\"level\":3,\"_k\":\"v\"}\0{\"version\":\"1.1\",\"host\":\"vm\",\"short_message\":\"g two\"}\0",
        &[r#"{"host":"vm","peer":"#, r#""level":"ERROR","msg":"g one","kv":{"k":"v"}}"#, r#""level":"INFO","msg":"g two"}"#],
    ),
    (
        "log4j2 octet-counted",
        b"58 <132>1 2026-11-22T19:04:43Z vm1 japp 5542 - - java hello 1",
        &[r#"{"app":"japp","host":"vm1","pid":5542,"#, r#""level":"WARN","msg":"java hello 1","kv":{"facility":"local0"}}"#],
    ),
];

#[test]
fn eight_clients_that_confuse_other_collectors_are_understood() {
    for (name, bytes, expected) in EIGHT {
        let bench = Bench::start(Options::default());
        let mut peer = bench.connect();
        peer.write_all(bytes).unwrap();
        peer.shutdown(Shutdown::Write).unwrap();
        let count = expected.iter().filter(|part| part.contains("\"msg\":")).count();
        let lines = bench.wait_for_lines(count).concat();
        for part in *expected {
            assert!(lines.contains(part), "{name}: {part} is not in {lines}");
        }
    }
}

#[test]
fn messages_without_an_end_arrive_while_the_connection_stays_open() {
    let bench = Bench::start(Options::default());
    let mut peer = bench.connect();
    peer.write_all(b"<132>Nov 22 19:04:43 vm java hello 1").unwrap();
    let lines = bench.wait_for_lines(1);
    assert!(lines[0].contains("\"msg\":\"java hello 1\""), "{}", lines[0]);
    assert!(lines[0].ends_with(",\"ended_by\":\"silence\"}}"), "{}", lines[0]);
    peer.write_all(b"<132>Nov 22 19:04:44 vm java hello 2<132>Nov 22 19:04:44 vm java").unwrap();
    assert!(bench.wait_for_lines(3)[1].ends_with("\"zone\":\"assumed\"}}"));
    assert_eq!(bench.stats.messages_ended_by_silence.get(), 2);
}

#[test]
fn what_is_not_taken_is_closed_and_counted_and_leaves_no_record() {
    let bench = Bench::start(Options::default());
    let foreign: [&[u8]; 5] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x1f\x8b\x08\0",
        b"\x28\xb5\x2f\xfd",
        b"\0\0\x01\xe7}q\0(X",
        b"\xac\xed\0\x05sr",
    ];
    for bytes in foreign {
        let mut peer = bench.connect();
        peer.write_all(bytes).unwrap();
        // The end of the stream or a reset: closed either way, and nothing was said.
        assert_eq!(peer.read(&mut [0; 64]).unwrap_or(0), 0, "{bytes:?}");
    }
    assert_eq!(bench.stats.foreign_refused.get(), 5);
    let mut peer = bench.connect();
    peer.write_all(b"GET /x 200\n").unwrap();
    assert!(bench.wait_for_lines(1)[0].ends_with("\"msg\":\"GET /x 200\"}"));
}

/// Ten senders of ten kinds: what each says before, around and after each of its numbered records.
const TEN: [(&str, &str, &str); 10] = [
    ("netlog", "", "\n"),
    ("text", "text-", "\n"),
    ("ndjson", "{\"level\":\"warn\",\"msg\":\"ndjson-", "\"}\n"),
    ("pretty", "{\n  \"level\": \"warn\",\n  \"msg\": \"pretty-", "\"\n}\n"),
    ("gelf", "{\"version\":\"1.1\",\"host\":\"g\",\"level\":4,\"short_message\":\"gelf-", "\"}\0"),
    ("rfc3164", "<12>Nov 22 19:00:00 vm app[7]: rfc3164-", "\n"),
    ("rfc5424", "<12>1 2026-11-22T19:00:00Z vm app 7 - - rfc5424-", "\n"),
    ("nul", "<12>nul-", "\0"),
    ("unended", "<12>Nov 22 19:00:00 vm app[7]: unended-", ""),
    ("counted", "<12>1 2026-11-22T19:00:00Z vm app 7 - - counted-", ""),
];

const EACH: usize = 2000;

/// Anything that can open a socket can send.
#[test]
fn ten_senders_of_ten_kinds_share_one_port() {
    let bench = Bench::start(Options::default());
    let senders = TEN.map(|(kind, before, after)| {
        let mut peer = bench.connect();
        thread::spawn(move || {
            let mut stream = if kind == "netlog" { HELLO.to_owned() } else { String::new() };
            for n in 0..EACH {
                let message = match kind {
                    "netlog" => record(&format!("netlog-{n};")).replace("INFO", "WARN"),
                    "text" => format!("WARN {before}{n};{after}"),
                    _ => format!("{before}{n};{after}"),
                };
                let count =
                    if kind == "counted" { format!("{} ", message.len()) } else { String::new() };
                stream += &format!("{count}{message}");
            }
            // In pieces of odd lengths, so that reads end anywhere.
            for piece in stream.as_bytes().chunks(997) {
                peer.write_all(piece).unwrap();
            }
            peer.shutdown(Shutdown::Write).unwrap();
            peer
        })
    });
    let _peers = senders.map(|sender| sender.join().unwrap());
    let lines = bench.wait_for_lines(TEN.len() * EACH);
    for (kind, ..) in TEN {
        let of_kind = lines.iter().filter(|line| line.contains(&format!("{kind}-")));
        let mut next = 0;
        for line in of_kind {
            assert!(line.contains(&format!("{kind}-{next};\"")), "{kind} {next}: {line}");
            assert!(line.contains("\"level\":\"WARN\""), "{line}");
            next += 1;
        }
        assert_eq!(next, EACH, "{kind}");
    }
    assert_eq!(bench.stats.records_unparsed.get(), 0);
    assert_eq!(bench.stats.counts_disbelieved.get(), 0);
}

#[test]
fn datagrams_of_many_kinds_share_one_port() {
    let bench = Bench::start(Options::default());
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let gelf = |n: u8, of: u8, part: &[u8]| [b"\x1e\x0f12345678", &[n, of][..], part].concat();
    let datagrams: [&[u8]; 9] = [
        b"plain",
        b"<11>udp hello\0",
        b"<13>Nov 22 19:04:33 vm app: short one\n",
        b"{\"level\":30,\"time\":1795374069622,\"pid\":2353,\"msg\":\"pino\"}\n",
        &gelf(1, 2, b"\"short_message\":\"in two parts\"}"),
        &gelf(0, 2, b"{\"version\":\"1.1\",\"host\":\"vm\","),
        &gelf(0, 1, b"{\"version\":\"1.1\",\"host\":\"vm\",\"short_message\":\"in one\"}"),
        &gelf(9, 2, b"out of range"),
        b"\0\0\x01\xe7}q\0(X",
    ];
    for datagram in datagrams {
        socket.send_to(datagram, bench.udp).unwrap();
    }
    let lines = bench.wait_for_lines(6).concat();
    for msg in ["plain", "udp hello", "short one", "pino", "in two parts", "in one"] {
        assert!(lines.contains(&format!("\"msg\":\"{msg}\"")), "{msg}: {lines}");
    }
    wait_for(|| bench.stats.chunks_malformed.get() == 1);
    wait_for(|| bench.stats.foreign_refused.get() == 1);
}

/// A client may send each part from a port of its own.
#[test]
fn the_parts_of_a_gelf_message_may_come_from_several_ports_of_one_address() {
    let bench = Bench::start(Options::default());
    let message = b"{\"version\":\"1.1\",\"host\":\"vm\",\"short_message\":\"in three parts\"}";
    let parts: Vec<&[u8]> = message.chunks(message.len().div_ceil(3)).collect();
    // The last one first, as a network may bring them.
    for (n, part) in parts.iter().enumerate().rev() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let head = [b"\x1e\x0f12345678", &[n as u8, parts.len() as u8][..]].concat();
        socket.send_to(&[&head, *part].concat(), bench.udp).unwrap();
    }
    let lines = bench.wait_for_lines(1);
    assert!(lines[0].contains("\"host\":\"vm\""), "{}", lines[0]);
    assert!(lines[0].contains("\"msg\":\"in three parts\""), "{}", lines[0]);
}
