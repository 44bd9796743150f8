//! When the collector is away, late or slow.

use crate::harness::{Collector, Peer, Port, SOON, Scene, assert_each_once, wait_until};
use rustix::process::Signal;
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// The collector is away.
#[test]
fn when_nothing_listens_the_program_says_so_once_and_delivers_when_the_collector_appears() {
    let scene = Scene::new();
    let port = Port::reserve();
    let told = format!("to={} records=1000 wait=1", port.address());
    let mut subject = scene.subject(&told);
    subject.says("logged");
    subject.says("cannot be reached");
    // Several attempts fail before somebody listens.
    let tries = format!("netlog: tcp://{} cannot be reached (Connection refused", port.address());
    assert!(subject.stderr().contains(&tries), "{}", subject.stderr());
    let patience = Instant::now() + Duration::from_millis(600);
    wait_until(SOON, || Instant::now() > patience);
    let collector = Collector::with(&scene, &format!("--listen tcp://{}", port.address()));
    assert_each_once(&collector.wait_for(1000), 1, 1000);
    subject.says("is back");
    subject.succeed();
    assert_eq!(subject.stderr().matches("cannot be reached").count(), 1, "{}", subject.stderr());
    assert_eq!(subject.stderr().matches("is back\n").count(), 1, "{}", subject.stderr());
}

#[test]
fn when_nothing_listens_the_program_ends_at_once_and_its_next_start_delivers() {
    let scene = Scene::new();
    let port = Port::reserve();
    // Half of what it may take where somebody listens.
    let mut subject = scene.subject(&format!("to={} threads=2 records=500", port.address()));
    let began = Instant::now();
    subject.succeed();
    assert!(began.elapsed() < Duration::from_secs(30), "it took {:?}", began.elapsed());
    assert_eq!(scene.rings().len(), 1, "the spool keeps the records");
    let collector = Collector::with(&scene, &format!("--listen tcp://{}", port.address()));
    let mut next = scene.subject(&format!("to={} records=0 wait=1", port.address()));
    assert_each_once(&collector.wait_for(1000), 2, 500);
    next.succeed();
}

/// Nothing is lost silently. The spool is full. Complaints tracing#1941, #2865: losses are not
/// reported.
#[test]
fn a_storm_against_a_slow_reader_grows_nothing_and_every_record_is_delivered_or_counted_as_lost() {
    const ALL: u64 = 1_000_000;
    let scene = Scene::new();
    let start = |app: &str, peer: &Peer, each: u64| {
        let to = peer.address();
        scene.subject(&format!("to={to} app={app} threads=4 records={each} wait=1"))
    };
    let calm_peer = Peer::start();
    let calm = start("calm", &calm_peer, 100);
    calm.says("logged");
    calm_peer.hears("\"thread 4 number 100\"");
    let before = calm.peak_memory();
    drop(calm);
    let peer = Peer::slow();
    let mut storm = start("storm", &peer, ALL / 4);
    assert!(wait_until(SOON * 3, || storm.stderr().contains("logged")), "{}", storm.stderr());
    let grown = storm.peak_memory().saturating_sub(before);
    // The ring's pages may be counted in each of the two places where they are mapped.
    assert!(grown < 24 << 20, "the program grew by {grown} bytes");
    peer.hurry();
    let mut tally = Tally::default();
    wait_until(SOON, || {
        tally = Tally::of(&peer.text());
        tally.delivered.len() as u64 + tally.lost == ALL
    });
    assert!(storm.end_within(SOON).success(), "{}", storm.stderr());
    let Tally { delivered, twice, lost } = tally;
    assert_eq!(delivered.len() as u64 + lost, ALL, "{} delivered, {lost} lost", delivered.len());
    assert_eq!(twice, 0, "records delivered more than once");
    assert!(lost > 0, "the reader was not slow enough for this test to mean anything");
}

/// What a peer has heard of the subject's records.
#[derive(Default)]
struct Tally {
    /// Those that came, by what they say behind `thread `.
    delivered: HashSet<String>,
    /// How many of them had come before.
    twice: u64,
    /// How many are reported as lost.
    lost: u64,
}

impl Tally {
    fn of(text: &str) -> Self {
        let mut tally = Self::default();
        for line in text.lines() {
            if let Some((_, said)) = line.split_once("\"msg\":\"thread ") {
                tally.twice += u64::from(!tally.delivered.insert(said.to_owned()));
            } else if let Some((_, number)) = line.split_once("\"lost\":") {
                tally.lost += number.trim_end_matches('}').parse::<u64>().expect("a number");
            }
        }
        tally
    }
}

/// Complaint tracing#2865: a writer that must lose nothing still does.
#[test]
fn a_program_that_prefers_to_wait_loses_nothing_to_a_slow_reader() {
    let scene = Scene::new();
    let peer = Peer::slow();
    let told = format!("to={} threads=4 records=5000 spool=65536 block=600", peer.address());
    scene.subject(&told).succeed();
    let came = || Tally::of(&peer.text()).delivered.len();
    assert!(wait_until(SOON, || came() == 20_000), "{} records", came());
}

/// Complaints tracing-loki#40, #41, loki#915: after an outage, a background task has died, or has lost
/// what was logged meanwhile.
#[test]
fn a_collector_that_restarts_again_and_again_gets_each_record_once() {
    let scene = Scene::new();
    let port = Port::reserve();
    let listen = format!("--listen tcp://{}", port.address());
    let told =
        format!("to={} threads=2 records=40000 block=600 spool=262144 wait=1", port.address());
    let mut collector = Collector::with(&scene, &listen);
    let mut subject = scene.subject(&told);
    for round in 1..=4 {
        collector.wait_for(round * 5000);
        collector.stop();
        collector = Collector::with(&scene, &listen);
    }
    assert_each_once(&collector.wait_within(SOON * 2, 80_000), 2, 40_000);
    subject.succeed();
    collector.stop();
}

#[test]
fn a_collector_that_hangs_when_a_program_starts_is_still_a_collector_if_it_once_was_one() {
    let scene = Scene::new();
    let port = Port::reserve();
    let listen = format!("--listen tcp://{}", port.address());
    let mut collector = Collector::with(&scene, &listen);
    scene.subject(&format!("to={} app=before records=1", port.address())).succeed();
    collector.wait_for(1);
    collector.process.signal(Signal::STOP);
    let subject = scene.subject(&format!("to={} records=1000 wait=1", port.address()));
    subject.says("logged");
    // Longer than it takes to conclude that whoever does not answer never will.
    let patience = Instant::now() + Duration::from_millis(2500);
    wait_until(SOON, || Instant::now() > patience);
    collector.process.signal(Signal::KILL);
    collector.process.end();
    let collector = Collector::with(&scene, &listen);
    let come = || collector.records().of("subject").0.len() >= 1000;
    wait_until(SOON, come);
    assert_each_once(&collector.records().of("subject"), 1, 1000);
}
