//! Senders that somebody makes up, one connection and one record each: what is remembered of them has
//! a limit, and nobody else is forgotten for them.
//!
//! `NETLOG_MADE_UP=5000000`, in a release build, is by hand, and prints what they cost.

use crate::harness::{Collector, SOON, Scene, get, metric, wait_until};
use rustix::process::Signal;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write, stderr};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Connections at the same time.
const THREADS: u64 = 8;

/// A sender that knows how far it was acknowledged.
struct Probe {
    stream: BufReader<UnixStream>,
    path: PathBuf,
}

impl Probe {
    /// The sender with the id 1, whose next record has the number `next`, and the mark that it is
    /// welcomed with.
    fn connect(path: &Path, next: u64) -> (Self, u64) {
        let stream = BufReader::new(UnixStream::connect(path).expect("the collector listens"));
        let mut probe = Self { stream, path: path.to_owned() };
        probe.write(hello(1, next).as_bytes());
        let mark = probe.acked();
        (probe, mark)
    }

    fn write(&self, bytes: &[u8]) {
        self.stream.get_ref().write_all(bytes).expect("the collector reads");
    }

    fn acked(&mut self) -> u64 {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("the collector answers");
        let (_, ack) = line.trim_end().split_once("\"ack\":").expect("an answer");
        ack.trim_end_matches('}').parse().expect("a number")
    }

    /// Logs the record with the number `number`, of `len` bytes, and returns the time to its ack.
    fn log(&mut self, number: u64, len: usize) -> Duration {
        let begun = Instant::now();
        self.write(record(&"p".repeat(len)).as_bytes());
        while self.acked() < number {}
        begun.elapsed()
    }
}

fn hello(id: u64, next: u64) -> String {
    format!(
        "{{\"netlog\":1,\"sender\":\"{id:032x}\",\"app\":\"made-up\",\"host\":\"h\",\"pid\":1,\"next\":{next}}}\n"
    )
}

fn record(msg: &str) -> String {
    format!(
        "{{\"time\":\"2026-11-22T18:42:23.123456Z\",\"level\":\"INFO\",\"target\":\"t\",\"file\":\"f\",\"line\":1,\"thread\":\"main\",\"msg\":\"{msg}\"}}\n"
    )
}

/// Each with an id, a connection and a record.
fn make_up(path: &Path, ids: std::ops::Range<u64>) {
    let record = record("m");
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let ids = ids.clone();
            let record = &record;
            scope.spawn(move || {
                for id in ids.skip(thread as usize).step_by(THREADS as usize) {
                    let mut stream = UnixStream::connect(path).expect("the collector listens");
                    let text = hello(id, 1) + record;
                    stream.write_all(text.as_bytes()).expect("the collector reads");
                    stream.shutdown(Shutdown::Write).expect("it is open");
                    stream.read_to_end(&mut Vec::new()).expect("the collector closes in order");
                }
            });
        }
    });
}

/// The gauge `name` of a collector.
fn gauge(server: &str, name: &str) -> u64 {
    let metrics = get(server, "/metrics").body;
    let name = format!("netlog_{name} ");
    let value = metrics.lines().find_map(|line| line.strip_prefix(&name));
    value.and_then(|value| value.parse().ok()).expect("a number")
}

fn listen(scene: &Scene, line: &str) -> (Collector, PathBuf) {
    let path = scene.path("in.sock");
    let address = format!("--listen unix://{} --max-per-address 10000", path.display());
    let collector = Collector::with(scene, &format!("{address} --http 127.0.0.1:0 {line}"));
    collector.process.says("serving http://127.0.0.1:");
    (collector, path)
}

/// Bytes of the ledgers in the directory of the scene, of all and of the longest.
fn ledgers(scene: &Scene) -> [u64; 2] {
    let entries = fs::read_dir(scene.path("")).expect("a directory").flatten();
    let ledgers = entries.filter(|file| file.file_name().to_string_lossy().contains(".ledger"));
    let sizes: Vec<u64> =
        ledgers.filter_map(|file| file.metadata().ok()).map(|file| file.len()).collect();
    [sizes.iter().sum(), sizes.iter().copied().max().unwrap_or(0)]
}

#[test]
fn made_up_senders_have_a_budget_and_one_that_came_back_outlives_them() {
    let scene = Scene::new();
    let line = "--max-marks-memory 1MiB";
    let (mut first, path) = listen(&scene, line);
    for number in 1..=2 {
        let (mut probe, mark) = Probe::connect(&path, number);
        assert_eq!(mark, number - 1);
        probe.log(number, 1);
    }
    make_up(&path, 1000..7000);
    let server = first.server();
    let bytes = || gauge(&server, "marks_bytes");
    assert!(wait_until(SOON, || bytes() <= 1 << 20), "{} bytes", bytes());
    let forgotten = metric(&server, "senders_forgotten");
    let left = gauge(&server, "senders");
    assert_eq!(forgotten + left, 6001, "all but those are remembered");
    assert!(left > 2000, "{left} are remembered");
    // What a snapshot of 2,700 senders takes, and as much again until it is written anew.
    let [_, longest] = ledgers(&scene);
    assert!(longest < 1 << 20, "a ledger of {longest} bytes");
    let (probe, mark) = Probe::connect(&path, 3);
    assert_eq!(mark, 2, "it is not forgotten");
    first.process.signal(Signal::KILL);
    first.process.end();
    drop(probe);
    let (second, path) = listen(&scene, line);
    assert_eq!(Probe::connect(&path, 3).1, 2, "nor by a collector that starts");
    assert!(gauge(&second.server(), "marks_bytes") <= 1 << 20);
}

/// What millions cost: printed by hand.
#[test]
fn made_up_senders_cost_no_more_memory_however_many_there_are() {
    let wanted = std::env::var("NETLOG_MADE_UP").ok().and_then(|count| count.parse().ok());
    let all: u64 = wanted.unwrap_or(3000);
    let scene = Scene::new();
    let rotate = if all > 1_000_000 { "32MiB" } else { "200KiB" };
    let (mut collector, path) = listen(&scene, &format!("--rotate-size {rotate}"));
    let server = collector.server();
    let mut out = stderr();
    let mut from = 1000;
    for part in [5, 2, 1] {
        let to = 1000 + all / part;
        let begun = Instant::now();
        make_up(&path, from..to);
        let [ledgers, longest] = ledgers(&scene);
        let _ = writeln!(
            out,
            "{} senders ({} s): {} MiB at the peak, {} now; {} remembered; ledgers {} KiB, longest {}",
            to - 1000,
            begun.elapsed().as_secs(),
            collector.process.peak_memory() >> 20,
            collector.process.memory() >> 20,
            gauge(&server, "senders"),
            ledgers >> 10,
            longest >> 10
        );
        from = to;
    }
    // Records of one sender until there were three more rotations.
    let (mut probe, _) = Probe::connect(&path, 1);
    let mut times = Vec::new();
    let mut number = 0;
    let rotations = metric(&server, "files_rotated");
    while metric(&server, "files_rotated") < rotations + 3 {
        for _ in 0..20 {
            number += 1;
            times.push(probe.log(number, 50_000));
        }
    }
    times.sort_unstable();
    let longest = times.iter().rev().take(4).map(Duration::as_millis).collect::<Vec<_>>();
    let _ = writeln!(out, "longest waits for acks, with three rotations: {longest:?} ms");
    let search = || {
        let begun = Instant::now();
        assert_eq!(get(&server, "/search?grep=nothing+like+this").status, 200);
        begun.elapsed().as_millis()
    };
    let one = search();
    std::thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(search))));
    let _ = writeln!(
        out,
        "one search {one} ms; {} MiB at the peak after eight at once",
        collector.process.peak_memory() >> 20
    );
    let [sum, longest] = ledgers(&scene);
    let _ = writeln!(out, "ledgers {} KiB, the longest {}", sum >> 10, longest >> 10);
    assert!(probe.path.exists());
    assert!(collector.process.peak_memory() < 256 << 20);
    collector.process.signal(Signal::TERM);
    collector.process.succeed();
}
