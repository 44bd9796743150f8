//! Connections that a proxy passes on: the peer is the one that its PROXY header names.

use crate::bench::{Bench, wait_for};
use netlog_collector::Options;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

const V1: &[u8] = b"PROXY TCP4 192.0.2.7 127.0.0.1 4711 1902\r\n";

/// A version 2 header: the signature, the command, the family, and what is behind them.
fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let len = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &len, rest].concat()
}

/// An IPv6 peer at port 4711, with a TLV behind the addresses.
fn v2_of_ipv6() -> Vec<u8> {
    let mut source = [0; 16];
    source[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    source[15] = 9;
    let ports = [4711_u16.to_be_bytes(), 1902_u16.to_be_bytes()].concat();
    v2(0x21, 0x21, &[&source[..], &[0; 16], &ports, &[0x05, 0, 2, b'i', b'd']].concat())
}

fn start(options: Options) -> Bench {
    Bench::start_at(["tcp://127.0.0.1:0?proxy=on", "udp://127.0.0.1:0"], options)
}

/// Waits for the end of a connection, however it ends.
fn wait_for_end(peer: &mut TcpStream) {
    let _ = peer.read_to_end(&mut Vec::new());
}

/// The peer of such a connection is the one that the header names.
#[test]
fn the_peer_is_the_one_that_a_proxy_names() {
    let bench = start(Options { max_per_address: 2, ..Options::default() });
    let own = v2(0x20, 0, b"");
    let mut open = Vec::new();
    for header in [V1, &v2_of_ipv6(), b"PROXY UNKNOWN\r\n", &own] {
        let mut peer = bench.connect();
        // In two writes, which the collector may see as two reads.
        let (begun, rest) = header.split_at(header.len() / 2);
        peer.write_all(begun).unwrap();
        peer.write_all(&[rest, b"hello\n"].concat()).unwrap();
        open.push(peer);
        bench.wait_for_lines(open.len());
    }
    let lines = bench.wait_for_lines(4);
    let own = [2, 3].map(|at: usize| open[at].local_addr().unwrap().to_string());
    for (line, peer) in lines.iter().zip(["192.0.2.7:4711", "[2001:db8::9]:4711", &own[0], &own[1]])
    {
        assert!(line.contains(&format!("\"peer\":\"{peer}\"")), "{line}, not {peer}");
    }
    assert!(lines[0].contains("\"host\":\"192.0.2.7\""), "{}", lines[0]);
    assert_eq!(bench.stats.connections_over_limit_of_address.get(), 0);
}

/// Others are closed, and counted.
#[test]
fn only_the_proxies_of_proxy_from_are_believed() {
    let proxy_from = vec!["10.0.0.0/8".parse().unwrap()];
    let bench = start(Options { proxy_from, ..Options::default() });
    let mut peer = bench.connect();
    let _ = peer.write_all(&[V1, b"hello\n"].concat());
    wait_for_end(&mut peer);
    wait_for(|| bench.stats.proxies_untrusted.get() == 1);
    assert_eq!(bench.end(), 0);
}

#[test]
fn without_a_proper_header_a_connection_is_closed_and_counted() {
    let bench = start(Options::default());
    let long = v2(0x21, 0x11, &[0; 8 << 10]);
    let bad = [
        &b"hello\nthis is no header at all\n"[..],
        b"PROXY TCP4 192.0.2.7 127.0.0.1 4711\r\nhello\n",
        b"PROXY TCP4 192.0.2.700 127.0.0.1 4711 1902\r\nhello\n",
        &[b"PROXY UNKNOWN ", &[b'x'; 200][..]].concat(),
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\0hello\n",
        &v2(0x21, 0x11, &[0; 4]),
        &long,
        &V1[..V1.len() - 4],
    ];
    for (nth, header) in bad.iter().enumerate() {
        let mut peer = bench.connect();
        let _ = peer.write_all(header);
        let _ = peer.shutdown(Shutdown::Write);
        wait_for_end(&mut peer);
        wait_for(|| bench.stats.proxy_headers_malformed.get() == nth as u64 + 1);
    }
    assert_eq!(bench.stats.connections_closed.get(), bad.len() as u64);
    assert_eq!(bench.end(), 0);
}

/// Elsewhere, a header changes nothing.
#[test]
fn without_proxy_on_a_header_changes_nothing() {
    let bench = Bench::start(Options::default());
    let mut peer = bench.connect();
    peer.write_all(&[V1, b"hello\n"].concat()).unwrap();
    let lines = bench.wait_for_lines(1);
    assert!(lines[0].contains("\"host\":\"127.0.0.1\""), "{}", lines[0]);
    assert_eq!(bench.stats.proxy_headers_ignored.get(), 1);
}
