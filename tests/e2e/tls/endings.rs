//! Ends of programs and of collectors, over TLS: each record arrives once nevertheless.

use super::authority::{Ca, collector};
use crate::harness::{Collector, Port, SOON, Scene, assert_each_once};
use rustix::process::Signal;

const ROUNDS: usize = 4;

/// Ends programs in one `way`; what they leave in their spools is shipped.
fn end(way: &str) {
    let scene = Scene::new();
    let collector = collector(&Ca::new(&scene));
    let to = collector.address();
    for round in 0..ROUNDS {
        let app = format!("{way}-{round}");
        scene.subject(&format!("to={to} app={app} threads=2 records=500 end={way}")).end();
        if !scene.rings().is_empty() {
            scene.netlog(&format!("ship --to {to}")).succeed();
        }
        assert!(scene.rings().is_empty(), "round {round}: a spool is still there");
        let mut records = collector.records().of(&app);
        records.0.retain(|record| record["target"] == "subject");
        assert_each_once(&records, 2, 500);
    }
}

#[test]
fn main_returns_and_nothing_is_lost_over_tls() {
    end("return");
}

#[test]
fn the_program_exits_and_nothing_is_lost_over_tls() {
    end("exit");
}

#[test]
fn main_panics_and_nothing_is_lost_over_tls() {
    end("panic");
}

#[test]
fn the_program_aborts_and_nothing_is_lost_over_tls() {
    end("abort");
}

#[test]
fn the_program_is_terminated_and_nothing_is_lost_over_tls() {
    end("term");
}

#[test]
fn the_program_reads_where_nothing_is_and_nothing_is_lost_over_tls() {
    end("segv");
}

#[test]
fn the_program_is_killed_and_nothing_is_lost_over_tls() {
    end("kill");
}

#[test]
fn a_collector_killed_four_times_has_every_record_once_over_tls() {
    let scene = Scene::new();
    let port = Port::reserve();
    Ca::new(&scene).issue("server", &["127.0.0.1"]);
    let tls = "--tls-cert server.pem --tls-key server.key";
    let line = format!("--listen tls://{} {tls}", port.address());
    let told = "threads=4 records=25000 block=600 spool=1000000 wait=1";
    let mut collector = Collector::with(&scene, &line);
    let mut subject = scene.subject(&format!("to=tls://{} {told}", port.address()));
    for round in 1..=4 {
        collector.wait_within(SOON * 3, round * 20_000);
        collector.process.signal(Signal::KILL);
        drop(collector);
        collector = Collector::with(&scene, &line);
    }
    collector.wait_within(SOON * 3, 100_000);
    subject.succeed();
    let mut records = collector.records();
    records.0.retain(|record| record["target"] == "subject");
    assert_each_once(&records, 4, 25_000);
}
