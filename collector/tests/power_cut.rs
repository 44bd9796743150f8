//! Power cuts: all that a collector with `--sync` does to its files is recorded, and after every
//! step, everything that a disk may hold then is given to another collector.
//!
//! A disk holds what was synced; of the rest, any prefix of the writes of each file and of the names
//! of each directory, the last write whole or torn. `NETLOG_POWER_CUTS` is the number of states to
//! try, or `all`.

#![allow(clippy::print_stderr)]

mod disk;
mod trace;

use crate::bench::{self, Bench, wait_for};
use disk::{Cut, Disk};
use netlog_collector::{Options, Size};
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;
use trace::{Step, steps};

const RECORDS: u64 = 60;

/// States that are checked side by side.
const AT_ONCE: usize = 16;

/// Numbers of the second sender's records begin here, so that an ack tells whose it is.
const SECOND: u64 = 1000;

#[test]
fn with_sync_what_was_acknowledged_is_kept_exactly_once_whatever_a_power_cut_leaves() {
    try_cuts("app.log");
}

#[test]
fn with_sync_a_power_cut_loses_and_repeats_nothing_in_a_file_for_each_app_and_host() {
    try_cuts("{app}/{host}.log");
}

fn try_cuts(file: &str) {
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped: there is no strace");
        return;
    }
    let dir = TempDir::new().unwrap();
    let base = dir.path().join("logs");
    let trace = record(dir.path(), &base, file);
    let steps = steps(&trace, &base);
    let acks = steps.iter().filter(|step| matches!(step, Step::Ack(_))).count();
    assert!(acks > 10 && steps.len() > 100, "{acks} acks in {} steps", steps.len());
    let wanted = std::env::var("NETLOG_POWER_CUTS").unwrap_or_else(|_| "8000".into());
    let tries = wanted.parse().unwrap_or(usize::MAX);
    // Every cut of one step is as likely to be tried as any other.
    let rounds = (tries / steps.len()).clamp(2, 64);
    let tried = replay(&steps, &base, file, rounds);
    eprintln!("{tried} states after {} steps, {acks} acks", steps.len());
    assert!(tried > steps.len() / 4, "{tried} states");
}

/// Runs a collector and two senders. Returns what strace has seen.
fn record(dir: &Path, base: &Path, file: &str) -> String {
    fs::create_dir(base).unwrap();
    let output = dir.join("trace");
    let errors = dir.join("stderr");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-xx", "-s", "100000", "-e"]).arg(format!("trace={}", trace::CALLS));
    strace.arg("-o").arg(&output).arg(env!("CARGO_BIN_EXE_netlog-collector"));
    strace.args([
        "--sync",
        "--http",
        "off",
        "--rotate-size",
        "1500",
        "--listen",
        "tcp://127.0.0.1:0",
    ]);
    strace.arg("--file").arg(base.join(file)).stderr(fs::File::create(&errors).unwrap());
    let mut strace = strace.spawn().unwrap();
    let said = || fs::read_to_string(&errors).unwrap();
    wait_for(|| {
        said().lines().any(|line| line.starts_with("listening on ")) && said().ends_with('\n')
    });
    let address = said()
        .lines()
        .find_map(|line| line.strip_prefix("listening on tcp://").map(str::to_owned))
        .unwrap();
    let mut senders = [1, SECOND].map(|first| Sender::connect(&address, first));
    for sender in &mut senders {
        sender.jump(sender.first);
    }
    for at in 0..RECORDS / 3 {
        for sender in &mut senders {
            sender.send(sender.first + at * 3..sender.first + at * 3 + 3);
        }
        // Now and then both are waited for, so that there are batches of one and of both.
        for sender in senders.iter_mut().filter(|_| at % 3 != 0) {
            sender.wait_for(sender.first + at * 3 + 2);
        }
    }
    for sender in &mut senders {
        sender.wait_for(sender.first + RECORDS - 1);
    }
    // Only the collector is ended; strace ends with it.
    let children = format!("/proc/{0}/task/{0}/children", strace.id());
    let collector = fs::read_to_string(children).unwrap();
    assert!(Command::new("kill").arg(collector.trim()).status().unwrap().success());
    strace.wait().unwrap();
    fs::read_to_string(output).unwrap()
}

/// What a cut has left, for a collector to start on.
struct State {
    dir: Arc<TempDir>,
    acked: BTreeMap<u64, u64>,
    which: String,
}

/// Tries `rounds` cuts after each step. Returns the number of different states.
fn replay(steps: &[Step], base: &Path, file: &str, rounds: usize) -> usize {
    let mut disk = Disk::new(base);
    let mut acked = BTreeMap::new();
    let mut seen = HashSet::new();
    let mut states = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        disk.apply(step);
        if let Step::Ack(ack) = step {
            acked.insert(ack / SECOND, *ack);
        }
        let unsynced = disk.unsynced();
        for round in 0..rounds {
            let dir = Arc::new(TempDir::new_in(memory()).unwrap());
            let mut cut = Round { round, step: number, unsynced: &unsynced };
            let state = disk.write(&mut cut, dir.path());
            if seen.insert((state, acked.clone())) {
                let which = format!("{file}: after step {number}, {}, round {round}", step.name());
                states.push(State { dir, acked: acked.clone(), which });
            }
        }
        if states.len() >= AT_ONCE || number + 1 == steps.len() {
            check_all(std::mem::take(&mut states), file);
        }
    }
    seen.len()
}

/// Checks states side by side: each waits more than it works.
fn check_all(states: Vec<State>, file: &str) {
    thread::scope(|scope| {
        for state in states {
            scope.spawn(move || check(state, file));
        }
    });
}

fn memory() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.into() } else { std::env::temp_dir() }
}

/// One of the cuts after a step: nothing left, everything, one file's changes more or less than the
/// others', then at random.
struct Round<'a> {
    round: usize,
    step: usize,
    unsynced: &'a [usize],
}

impl Cut for Round<'_> {
    fn left(&mut self, index: usize, changes: usize) -> (usize, bool) {
        let place = self.unsynced.iter().position(|node| *node == index);
        let Some(place) = place else { return (changes, false) };
        match self.round {
            0 => (0, false),
            1 => (changes, false),
            2 => (changes - 1, true),
            3 => (0, true),
            round if round < 4 + self.unsynced.len() && round % 2 == 0 => {
                if (round - 4) == place {
                    (0, false)
                } else {
                    (changes, false)
                }
            }
            round if round < 4 + self.unsynced.len() => {
                if (round - 4) == place {
                    (changes, false)
                } else {
                    (0, false)
                }
            }
            round => {
                let dice = mix(round as u64, self.step as u64, index as u64);
                let left = dice as usize % (changes + 1);
                (left, left < changes && dice & (1 << 40) != 0)
            }
        }
    }
}

/// A number that looks random and is the same each time.
fn mix(round: u64, step: u64, index: u64) -> u64 {
    let mut dice = round << 40 ^ step << 16 ^ index;
    for _ in 0..2 {
        dice = (dice ^ (dice >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        dice = (dice ^ (dice >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    }
    dice ^ (dice >> 31)
}

/// Starts a collector on what a cut has left, lets the senders resend, and looks for every record.
fn check(state: State, file: &str) {
    let State { dir, acked, which } = state;
    let path = dir.path().join(file);
    let options =
        Options { sync: true, rotate_size: Size(1500), file: Some(path), ..Options::default() };
    let bench = Bench::start_in(dir.clone(), options);
    for first in [1, SECOND] {
        let mut sender = Sender::connect(&bench.tcp.to_string(), first);
        let promised = acked.get(&(first / SECOND)).copied().unwrap_or_default();
        let next = (sender.mark + 1).max(first);
        assert!(sender.mark >= promised, "{which}: {} of {promised} acknowledged", sender.mark);
        if next < first + RECORDS {
            sender.jump(next);
            sender.send(next..first + RECORDS);
            sender.wait_for(first + RECORDS - 1);
        }
    }
    bench.end();
    let mut found = numbers_below(dir.path());
    found.sort_unstable();
    let expected: Vec<u64> = (1..=RECORDS).chain(SECOND..SECOND + RECORDS).collect();
    if found != expected {
        let dir = Arc::try_unwrap(dir).unwrap().keep();
        panic!("{which}: {found:?} in {}", dir.display());
    }
}

/// The numbers in all records of all logs.
fn numbers_below(dir: &Path) -> Vec<u64> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            numbers.extend(numbers_below(&path));
        } else if name.contains(".log") && !name.contains(".ledger") && !name.ends_with(".new") {
            // One that is about to be removed is there twice.
            let packed = path.with_file_name(format!("{name}.zst"));
            if packed.exists() {
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            let bytes =
                if name.ends_with(".zst") { zstd::decode_all(&bytes[..]).unwrap() } else { bytes };
            let text = String::from_utf8(bytes).unwrap();
            let messages =
                text.lines().filter_map(|line| bench::message(line).strip_prefix("number "));
            numbers.extend(messages.map(|number| number.parse::<u64>().unwrap()));
        }
    }
    numbers
}

/// A sender that resends what was not acknowledged.
struct Sender {
    stream: BufReader<TcpStream>,
    first: u64,
    /// The collector's word in answer to the hello.
    mark: u64,
}

impl Sender {
    fn connect(address: &str, first: u64) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut sender = Self { stream: BufReader::new(stream), first, mark: 0 };
        let hello = format!(
            "{{\"netlog\":1,\"sender\":\"9f3c0000000000000000{first:012x}\",\"app\":\"app{first}\",\"host\":\"web\",\"pid\":1,\"next\":1}}\n"
        );
        sender.write(&hello);
        sender.mark = sender.read();
        sender
    }

    fn write(&mut self, text: &str) {
        self.stream.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn jump(&mut self, next: u64) {
        self.write(&format!("{{\"next\":{next}}}\n"));
    }

    fn send(&mut self, numbers: std::ops::Range<u64>) {
        let records: String =
            numbers.map(|number| bench::record(&format!("number {number}"))).collect();
        self.write(&records);
    }

    fn wait_for(&mut self, number: u64) {
        while self.mark < number {
            self.mark = self.read();
        }
    }

    fn read(&mut self) -> u64 {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        let (_, number) = line.rsplit_once("\"ack\":").unwrap_or_else(|| panic!("{line:?}"));
        number.trim_end().trim_end_matches('}').parse().unwrap()
    }
}
