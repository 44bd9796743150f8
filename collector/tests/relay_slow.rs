//! Relays that begin something and do not go on.

use crate::bench::{Bench, wait_for};
use netlog_collector::Options;
use std::io::{self, BufRead, BufReader, Write};

/// Beginning of a relay's first line.
const RELAY: &str = "{\"netlog\":1,\"relay\":\"";

#[test]
fn a_relay_is_not_slow_about_its_hello_a_header_or_a_batch() {
    let half_line_timeout = "200ms".parse().unwrap();
    let relay_from = vec!["127.0.0.1".parse().unwrap()];
    let bench = Bench::start(Options { half_line_timeout, relay_from, ..Options::default() });
    let hello = format!("{RELAY}{}\",\"host\":\"x\"}}\n", "ab".repeat(16));
    let header =
        "{\"batch\":1,\"bytes\":9,\"packed\":9,\"checksum\":0,\"senders\":[],\"runs\":[]}\n";
    let beginnings = [RELAY.to_owned(), format!("{hello}{{\"batch\""), format!("{hello}{header}x")];
    for (slow, beginning) in (1..).zip(&beginnings) {
        let mut relay = bench.connect();
        relay.write_all(beginning.as_bytes()).unwrap();
        wait_for(|| bench.stats.connections_half_line.get() == slow);
        let _ = io::read_to_string(&mut relay);
    }
    // One that has nothing to send may wait for as long as it likes.
    let mut idle = bench.connect();
    idle.write_all(hello.as_bytes()).unwrap();
    let mut welcome = String::new();
    BufReader::new(&mut idle).read_line(&mut welcome).unwrap();
    let mut slow = bench.connect();
    slow.write_all(RELAY.as_bytes()).unwrap();
    wait_for(|| bench.stats.connections_half_line.get() == 4);
    assert_eq!(bench.stats.connections_idle.get(), 0);
}
