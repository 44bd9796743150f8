//! The collector's own deaths, and the file's moves: each record is there once nevertheless.

use crate::harness::{
    Collector, Port, Records, SOON, Scene, assert_each_once, by_thread, message, messages, speak,
    wait_until,
};
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::PathBuf;

/// A collector that can be ended and started again at the same address, for the same file.
struct Phoenix<'a> {
    scene: &'a Scene,
    line: String,
    collector: Option<Collector>,
}

impl<'a> Phoenix<'a> {
    fn start(scene: &'a Scene, port: &Port, line: &str) -> Self {
        let line = format!("--listen tcp://{} {line}", port.address());
        let collector = Some(Collector::with(scene, &line));
        Self { scene, line, collector }
    }

    fn now(&self) -> &Collector {
        self.collector.as_ref().expect("it always rises again")
    }

    /// SIGKILL, and up again.
    fn die(&mut self) {
        self.now().process.signal(Signal::KILL);
        self.collector = None;
        self.collector = Some(Collector::with(self.scene, &self.line));
    }
}

/// The log files there are, the oldest first.
fn files(scene: &Scene) -> Vec<PathBuf> {
    let entries = fs::read_dir(scene.path("")).expect("the scene has a directory");
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| {
        let name = path.file_name().map_or_else(Default::default, |n| n.to_string_lossy());
        name.starts_with("app.log") && !name.contains("ledger")
    });
    let changed = |path: &PathBuf| fs::metadata(path).and_then(|m| m.modified()).ok();
    paths.sort_by_key(|path| (path.ends_with("app.log"), changed(path)));
    paths
}

/// What the subject logged, from all files.
fn everything(scene: &Scene) -> Records {
    let text = |path: &PathBuf| fs::read_to_string(path).unwrap_or_default();
    let mut records = Records(Vec::new());
    for path in files(scene) {
        records.0.extend(Records::read(&text(&path)).0);
    }
    records.0.retain(|record| record["target"] == "subject");
    records
}

/// How many lines all files have.
fn lines(scene: &Scene) -> usize {
    let bytes = |path: &PathBuf| fs::read(path).unwrap_or_default();
    let count = |path| bytes(path).iter().filter(|&&byte| byte == b'\n').count();
    files(scene).iter().map(count).sum()
}

/// The collector is killed.
#[test]
fn a_collector_killed_eight_times_under_four_threads_has_200_000_records_once_each_in_order() {
    let scene = Scene::new();
    let port = Port::reserve();
    let mut phoenix = Phoenix::start(&scene, &port, "");
    let told =
        format!("to={} threads=4 records=50000 block=600 spool=1000000 wait=1", port.address());
    let mut subject = scene.subject(&told);
    for round in 1..=8 {
        phoenix.now().wait_within(SOON * 3, round * 20_000);
        phoenix.die();
    }
    phoenix.now().wait_within(SOON * 3, 200_000);
    subject.succeed();
    assert_each_once(&everything(&scene), 4, 50_000);
}

#[test]
fn of_a_program_killed_together_with_its_collector_every_record_arrives_once_without_a_gap() {
    for round in 0..5 {
        let scene = Scene::new();
        let port = Port::reserve();
        let mut phoenix = Phoenix::start(&scene, &port, "");
        let told = format!("to={} threads=2 records=50000 block=600", port.address());
        let subject = scene.subject(&told);
        phoenix.now().wait_for(2000 + round * 1500);
        let pid = subject.pid();
        subject.signal(Signal::KILL);
        drop(subject);
        phoenix.die();
        scene.netlog(&format!("ship --to {}", port.address())).succeed();
        for (thread, numbers) in by_thread(&everything(&scene)) {
            let whole = (1..).zip(&numbers).all(|(n, &number)| n == number);
            assert!(whole, "pid {pid}, thread {thread}: {} records with gaps", numbers.len());
            assert!(numbers.len() > 500, "thread {thread}: {}", numbers.len());
        }
    }
}

/// Complaints tracing#858, #1940: there is no rotation by size.
#[test]
fn rotation_by_size_loses_and_repeats_nothing_also_when_the_collector_is_killed_over_it() {
    let scene = Scene::new();
    let port = Port::reserve();
    let mut phoenix = Phoenix::start(&scene, &port, "--rotate-size 500KiB --compress off");
    // A small spool: what is under way at once is less than a file, so that there are many files.
    let told = "threads=2 records=20000 block=600 spool=262144 wait=1";
    let mut subject = scene.subject(&format!("to={} {told}", port.address()));
    for round in 1..=5 {
        assert!(wait_until(SOON, || files(&scene).len() > round), "{:?}", files(&scene));
        phoenix.die();
    }
    assert!(wait_until(SOON * 2, || lines(&scene) >= 40_000), "{:?}", files(&scene));
    subject.succeed();
    let mut records = everything(&scene);
    records.0.sort_by_key(|record| {
        let number = message(record).rsplit(' ').next().and_then(|n| n.parse::<u64>().ok());
        number.expect("a number")
    });
    assert_each_once(&records, 2, 20_000);
}

#[test]
fn a_file_moved_away_and_told_of_by_sighup_is_followed_by_a_new_one_without_a_seam() {
    let scene = Scene::new();
    let port = Port::reserve();
    let phoenix = Phoenix::start(&scene, &port, "");
    let told =
        format!("to={} threads=2 records=60000 block=600 spool=65536 wait=1", port.address());
    let mut subject = scene.subject(&told);
    let file = scene.path("app.log");
    for round in 1..=3 {
        phoenix.now().wait_for(100);
        fs::rename(&file, scene.path(&format!("app.log.{round}"))).expect("it is there");
        phoenix.now().process.signal(Signal::HUP);
        assert!(wait_until(SOON, || file.exists()), "{}", phoenix.now().process.stderr());
    }
    assert!(wait_until(SOON * 2, || lines(&scene) >= 120_000), "{:?}", files(&scene));
    subject.succeed();
    assert_each_once(&everything(&scene), 2, 60_000);
}

#[test]
fn a_file_moved_away_without_a_word_is_followed_by_a_new_one_too() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    speak(collector.authority(), b"one\n");
    collector.wait_for(1);
    let file = scene.path("app.log");
    fs::rename(&file, scene.path("app.log.1")).expect("it is there");
    let again = || {
        speak(collector.authority(), b"two\n");
        file.exists()
    };
    assert!(wait_until(SOON, again), "{:?}", files(&scene));
    collector.wait_for(1);
}

/// The program is killed.
#[test]
fn a_program_that_did_not_end_cleanly_has_a_record_that_says_so() {
    let scene = Scene::new();
    let port = Port::reserve();
    let told = format!("to={} app=orders records=37 end=kill", port.address());
    let mut subject = scene.subject(&told);
    let pid = subject.pid();
    subject.end();
    let collector = Collector::with(&scene, &format!("--listen tcp://{}", port.address()));
    scene.netlog(&format!("ship --to {}", port.address())).succeed();
    scene.subject(&format!("to={} app=clean records=10", port.address())).succeed();
    let records = collector.stop();
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let expected = format!("orders pid {pid} on {host} did not end cleanly; 37 records recovered");
    let told = records.0.iter().filter(|record| record["target"] == "netlog");
    assert_eq!(told.map(message).collect::<Vec<_>>(), [expected]);
}

#[test]
fn what_is_recovered_is_counted_in_full_though_collector_and_deliverer_are_killed_in_between() {
    const ALL: usize = 40_000;
    let scene = Scene::new();
    let port = Port::reserve();
    let told = format!("to={} app=orders records={ALL} end=kill", port.address());
    scene.subject(&told).end();
    let mut phoenix = Phoenix::start(&scene, &port, "");
    // From now on the collector is known: nothing is sent before its welcome.
    scene.subject(&format!("to={} app=before records=1", port.address())).succeed();
    let ship = scene.netlog(&format!("ship --to {}", port.address()));
    phoenix.now().wait_for(2);
    ship.signal(Signal::KILL);
    drop(ship);
    phoenix.die();
    scene.netlog(&format!("ship --to {}", port.address())).succeed();
    // The collector says so once the deliverer has gone.
    let end = format!(" did not end cleanly; {ALL} records recovered");
    let told = |record: &Value| record["target"] == "netlog" && message(record).ends_with(&end);
    let said = || phoenix.now().records().0.iter().any(told);
    assert!(wait_until(SOON, said), "no record ends with {end:?}");
    assert_each_once(&everything(&scene).of("orders"), 1, ALL as u64);
}

#[test]
fn a_damaged_ledger_is_told_of_and_the_file_is_kept() {
    let scene = Scene::new();
    let port = Port::reserve();
    let listen = format!("--listen tcp://{}", port.address());
    let first = Collector::with(&scene, &listen);
    scene.subject(&format!("to={} records=500", port.address())).succeed();
    first.stop();
    fs::write(scene.path("app.log.ledger"), b"\x00\xff this is no ledger\n{\n")
        .expect("it is ours");
    let second = Collector::with(&scene, &listen);
    scene.subject(&format!("to={} records=300 app=next", port.address())).succeed();
    assert!(second.process.stderr().contains("ledger"), "{}", second.process.stderr());
    let records = second.stop();
    assert_each_once(&records.of("subject"), 1, 500);
    assert_each_once(&records.of("next"), 1, 300);
}

#[test]
fn with_sync_the_collector_acks_and_keeps_the_same() {
    let scene = Scene::new();
    let port = Port::reserve();
    let mut phoenix = Phoenix::start(&scene, &port, "--sync");
    let told = format!("to={} threads=2 records=5000 block=600 wait=1", port.address());
    let mut subject = scene.subject(&told);
    phoenix.now().wait_for(3000);
    phoenix.die();
    phoenix.now().wait_for(10_000);
    subject.succeed();
    scene.subject(&format!("to={} app=next records=100", port.address())).succeed();
    assert!(scene.rings().is_empty(), "it was not acked: {:?}", scene.rings());
    assert_each_once(&everything(&scene).of("subject"), 2, 5000);
}

#[test]
fn whole_lines_of_a_plain_peer_are_kept_when_the_collector_is_killed() {
    let scene = Scene::new();
    let port = Port::reserve();
    let mut phoenix = Phoenix::start(&scene, &port, "");
    let lines: String = (1..=5000).map(|n| format!("line {n}\n")).collect();
    speak(&port.address(), lines.as_bytes());
    phoenix.now().wait_for(5000);
    phoenix.die();
    speak(&port.address(), b"after\n");
    let records = phoenix.now().wait_for(5001);
    let said = messages(&records);
    assert!((1..=5000).all(|n| said[n - 1] == format!("line {n}")));
    assert_eq!(said[5000], "after");
}

#[test]
fn sigterm_loses_nothing_that_a_plain_peer_had_sent_before_it() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let mut peer = TcpStream::connect(collector.authority()).expect("the collector listens");
    peer.write_all(b"line 0\n").expect("the collector reads");
    collector.wait_for(1);
    // As much as the kernel takes at once: a plain peer cannot send it again.
    let lines: String = (1..=20_000).map(|n| format!("line {n}\n")).collect();
    peer.write_all(lines.as_bytes()).expect("the kernel takes it");
    let records = collector.stop();
    let said = messages(&records);
    assert_eq!(said.len(), 20_001);
    assert!((0..=20_000).all(|n| said[n] == format!("line {n}")));
}
