//! Peers of every kind on real sockets, and what of theirs ends up in the file.

use crate::bench::{self, Bench, HELLO, STAMP, record};
use netlog_collector::{Options, Period, Size};
use std::io::Write;
use std::net::{Shutdown, UdpSocket};
use std::time::Duration;

#[test]
fn what_nc_sends_is_in_the_file_line_by_line() {
    let bench = Bench::start(Options::default());
    let mut peer = bench.connect();
    peer.write_all(b"one\ntwo\r\nthree\0\n{\"msg\":\"four\",\"n\":4}\nfive").unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    let lines = bench.wait_for_lines(5);
    for (line, end) in lines.iter().zip([
        "\"msg\":\"one\"}",
        "\"msg\":\"two\"}",
        "\"msg\":\"three\"}",
        "\"msg\":\"four\",\"kv\":{\"n\":4}}",
        "\"msg\":\"five\"}",
    ]) {
        assert!(line.starts_with("{\"host\":\"127.0.0.1\",\"peer\":\"127.0.0.1:"), "{line}");
        assert!(line.ends_with(end), "{line}");
    }
    assert_eq!(bench.end(), 5);
}

#[test]
fn a_sender_is_welcomed_and_acked_in_these_bytes() {
    let bench = Bench::start(Options::default());
    let mut peer = bench.sender();
    peer.send(&format!("{HELLO}{}{}", record("a"), record("b")));
    peer.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":8}\n");
    peer.send("\n{\"next\":20}\n");
    peer.send(&record("c"));
    peer.expect("{\"ack\":20}\n");
    let lines = bench.wait_for_lines(3);
    let stamp = STAMP.replace("PEER", &peer.address());
    assert_eq!(lines[0], record("a").replacen('{', &stamp, 1).trim_end());
    peer.finish();
    peer.expect_end();
    assert_eq!(bench.end(), 3);
}

/// A record that is sent again is skipped.
#[test]
fn what_was_acked_is_skipped_when_it_comes_again() {
    let bench = Bench::start(Options::default());
    let mut first = bench.sender();
    first.send(&format!("{HELLO}{}{}", record("a"), record("b")));
    first.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":8}\n");
    // The first connection is still half-open when the sender comes back.
    let mut second = bench.sender();
    second.send(&format!("{HELLO}{}{}{}", record("a"), record("b"), record("c")));
    second.expect("{\"netlog\":1,\"ack\":8}\n{\"ack\":9}\n");
    first.send(&record("c"));
    first.send(&record("d"));
    second.send(&record("d"));
    second.expect("{\"ack\":10}\n");
    let lines = bench.wait_for_lines(4);
    let messages: Vec<&str> = lines.iter().map(|line| bench::message(line)).collect();
    assert_eq!(messages, ["a", "b", "c", "d"]);
    assert_eq!(bench.end(), 4);
}

#[test]
fn half_a_record_of_a_sender_is_no_record() {
    let bench = Bench::start(Options::default());
    let mut peer = bench.sender();
    let whole = record("b");
    peer.send(&format!("{HELLO}{}{}", record("a"), &whole[..whole.len() - 9]));
    peer.finish();
    peer.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":7}\n");
    peer.expect_end();
    assert_eq!(bench.end(), 1);
}

#[test]
fn a_bad_hello_is_told_why_and_closed() {
    let bench = Bench::start(Options::default());
    let mut peer = bench.sender();
    peer.send(&HELLO.replace("\"netlog\":1", "\"netlog\":9"));
    // What was sent behind it must not turn the close into a reset.
    peer.send(&"x".repeat(100_000));
    peer.expect("{\"error\":\"unknown version 9: this collector speaks 1\"}\n");
    peer.expect_end();
    assert_eq!((bench.stats.refused.get(), bench.end()), (1, 0));
}

/// The collector writes nothing to a peer that has not said hello.
#[test]
fn nothing_is_ever_said_to_a_peer_that_said_no_hello() {
    let bench = Bench::start(Options::default());
    let mut peer = bench.sender();
    peer.send("just a line\n");
    bench.wait_for_lines(1);
    peer.finish();
    peer.expect_end();
    assert_eq!(bench.end(), 1);
}

#[test]
fn an_overlong_line_is_cut_and_marked_and_the_next_one_lives() {
    let bench = Bench::start(Options { max_line: Size(1024), ..Options::default() });
    let mut peer = bench.connect();
    for _ in 0..20 {
        peer.write_all(&[b'x'; 1 << 20]).unwrap();
    }
    peer.write_all(b"\nshort\n").unwrap();
    let lines = bench.wait_for_lines(2);
    assert_eq!(bench::message(&lines[0]).len(), 1024);
    assert!(lines[0].ends_with(&format!("\"truncated\":{}}}", (20 << 20) - 1024)));
    assert_eq!(bench::message(&lines[1]), "short");
    assert_eq!(bench.stats.lines_cut.get(), 1);
}

#[test]
fn bytes_that_are_no_text_are_made_visible() {
    let bench = Bench::start(Options::default());
    bench.connect().write_all(b"caf\xe9\n").unwrap();
    let lines = bench.wait_for_lines(1);
    assert!(lines[0].ends_with(r#""msg":"caf\\xe9","kv":{"invalid_utf8":1}}"#), "{}", lines[0]);
}

#[test]
fn a_silent_peer_is_closed_when_there_is_an_idle_timeout() {
    let idle_timeout = Period(Duration::from_secs(1));
    let bench = Bench::start(Options { idle_timeout, ..Options::default() });
    let mut peer = bench.sender();
    peer.send("half a line");
    peer.expect_end();
    bench.wait_for_lines(1);
    assert_eq!(bench.stats.connections_idle.get(), 1);
}

#[test]
fn a_connection_over_the_limit_is_closed_at_once_and_the_others_live() {
    let bench = Bench::start(Options { max_connections: 1, ..Options::default() });
    let mut first = bench.sender();
    first.send("a\n");
    bench.wait_for_lines(1);
    bench.sender().expect_end();
    first.send("b\n");
    bench.wait_for_lines(2);
    assert_eq!(bench.stats.connections_over_limit.get(), 1);
}

#[test]
fn a_datagram_is_one_record_or_as_many_as_it_has_lines() {
    let bench = Bench::start(Options::default());
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let send = |bytes: &str| socket.send_to(bytes.as_bytes(), bench.udp).unwrap();
    send("one\n");
    send("two\nthree");
    let id = "000000000000000000000000000000ff";
    for seq in [7, 9] {
        send(&format!(
            "{{\"sender\":\"{id}\",\"seq\":{seq},\"app\":\"a\",\"host\":\"h\",\"pid\":1,{}",
            &record("four")[1..]
        ));
    }
    let lines = bench.wait_for_lines(6);
    let messages: Vec<&str> = lines.iter().map(|line| bench::message(line)).collect();
    assert_eq!(messages, ["one", "two", "three", "four", "four", "1 datagrams never came"]);
    let from = format!(
        "{{\"app\":\"a\",\"host\":\"h\",\"pid\":1,\"peer\":\"{}\",",
        socket.local_addr().unwrap()
    );
    assert!(lines[3].starts_with(&from), "{}", lines[3]);
    assert!(lines[5].ends_with("\"lost\":1}"), "{}", lines[5]);
    assert_eq!(bench.stats.datagrams_lost.get(), 1);
}

#[test]
fn the_end_loses_nothing_that_the_kernel_had_received() {
    let bench = Bench::start(Options::default());
    let mut peers: Vec<_> = (0..20).map(|_| bench.connect()).collect();
    let mut sender = bench.sender();
    sender.send(HELLO);
    sender.expect("{\"netlog\":1,\"ack\":0}\n");
    for peer in &mut peers {
        peer.write_all("plain\n".repeat(500).as_bytes()).unwrap();
    }
    sender.send(&record("r").repeat(500));
    let written = bench.end();
    // In the tasks' order of things some may not have been accepted, but none is half read.
    assert_eq!(written, 20 * 500 + 500);
    sender.expect_last("{\"ack\":506}\n");
}
