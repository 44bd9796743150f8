//! Collectors that forward to a stream of NATS JetStream, with real servers.
//!
//! ```text
//! NETLOG_NATS_VERSIONS="2.9 2.10.26 2.12.1 2.15.1" \
//!   cargo test --test e2e -- --ignored clients::jetstream
//! ```

mod access;
mod killed;
mod reader;
mod retention;
pub(crate) mod server;

use crate::harness::{Collector, SOON, Scene, wait_until};
use async_nats::jetstream::stream::{Config, StorageType};
use rustix::process::Signal;
use server::{NatsServer, versions};
use std::collections::HashSet;
use std::io::Write;
use std::net::TcpStream;

/// A collector that forwards to `server`, with an address and a directory of its own.
fn publisher(scene: &Scene, server: &NatsServer) -> Collector {
    let line =
        format!("--listen tcp://127.0.0.1:0 --forward-to {} --nats-max-age 1h", server.url());
    Collector::with(scene, &line)
}

/// Sends plain lines, and waits until the collector has them.
fn send(collector: &Collector, lines: std::ops::Range<usize>) {
    let before = collector.records().0.len();
    let mut peer = TcpStream::connect(collector.authority()).expect("it listens");
    for number in lines.clone() {
        writeln!(peer, "plain {number}").expect("it reads");
    }
    drop(peer);
    collector.wait_for(before + lines.len());
}

/// Waits until all that the collector has kept is in the stream, whatever else is.
fn wait_for_all(collector: &Collector, server: &NatsServer) -> Vec<String> {
    let mut lines = Vec::new();
    let came = wait_until(SOON, || {
        lines = server.lines();
        let there: HashSet<&str> = lines.iter().map(String::as_str).collect();
        collector.text().lines().all(|line| there.contains(line))
    });
    assert!(came, "{} lines of {}", lines.len(), collector.records().0.len());
    lines
}

#[test]
#[ignore = "needs tests/clients/get"]
fn what_a_collector_keeps_is_in_the_stream_also_after_both_were_killed() {
    for version in versions() {
        let mut server = NatsServer::start(&version);
        let scene = Scene::new();
        let mut collector = publisher(&scene, &server);
        send(&collector, 0..100);
        assert_eq!(wait_for_all(&collector, &server).len(), 100, "{version}");
        server.kill();
        send(&collector, 100..200);
        collector.process.signal(Signal::KILL);
        collector.process.end();
        server.go_on();
        collector = publisher(&scene, &server);
        send(&collector, 200..300);
        // Nothing was on its way when it was killed, and so nothing is published twice.
        assert_eq!(wait_for_all(&collector, &server).len(), 300, "{version}");
        assert_eq!(server.lines(), collector.text().lines().collect::<Vec<_>>());
        collector.stop();
    }
}

/// > Records that a stream had acknowledged and then lost are published again from the file.
#[test]
#[ignore = "needs tests/clients/get"]
fn a_stream_that_lost_what_it_had_acknowledged_gets_it_again() {
    for version in versions() {
        let mut server = NatsServer::start(&version);
        let scene = Scene::new();
        let collector = publisher(&scene, &server);
        send(&collector, 0..100);
        wait_for_all(&collector, &server);
        let copied = scene.path("copied");
        server.copy_store(&copied);
        send(&collector, 100..200);
        assert_eq!(wait_for_all(&collector, &server).len(), 200, "{version}");
        server.go_back_to(&copied);
        collector.process.says("had acknowledged: they are published again");
        let lines = wait_for_all(&collector, &server);
        assert_eq!(lines, collector.text().lines().collect::<Vec<_>>(), "{version}");
        // And all of it, if the stream is gone.
        server.ask(async |context| context.delete_stream("NETLOG").await.expect("it is there"));
        send(&collector, 200..201);
        let lines = wait_for_all(&collector, &server);
        assert_eq!(lines, collector.text().lines().collect::<Vec<_>>(), "{version}");
        // Also while nothing is sent, and no connection is lost.
        server.ask(async |context| context.delete_stream("NETLOG").await.expect("it is there"));
        let lines = wait_for_all(&collector, &server);
        assert_eq!(lines, collector.text().lines().collect::<Vec<_>>(), "{version}");
        collector.stop();
    }
}

#[test]
#[ignore = "needs tests/clients/get"]
fn a_stream_in_memory_is_refused_until_it_is_replaced() {
    let server = NatsServer::start(&versions()[0]);
    let memory = Config {
        name: "NETLOG".into(),
        subjects: vec!["netlog.b.>".into()],
        storage: StorageType::Memory,
        ..Config::default()
    };
    server.ask(async |context| context.create_stream(memory).await.map(drop)).expect("it is new");
    let scene = Scene::new();
    let collector = publisher(&scene, &server);
    collector.process.says("stream NETLOG cannot be used: it is kept in memory, will go on trying");
    send(&collector, 0..10);
    server.ask(async |context| context.delete_stream("NETLOG").await.expect("it is there"));
    assert_eq!(wait_for_all(&collector, &server).len(), 10);
    collector.process.says("made stream NETLOG");
    collector.stop();
}
