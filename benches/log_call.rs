//! What `info!` costs its caller: `cargo bench --bench log_call`.
//!
//! The cases take turns, a slice of each in a round, and are compared within a round, so that a
//! noisy machine is as noisy to all: a ratio is the median of the rounds', with the quartiles. How
//! far two are apart that do the same, says the collector that is up, again. `NETLOG_BENCH_ROUNDS`
//! is how many rounds there are (7), `NETLOG_BENCH_RECORDS` how many records a flat-out case logs
//! (500,000). Words behind `--` choose: `bursts`, `flat`, `disabled`,
//! `spans`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its table")]

mod caller;
mod daemon;
mod floor;
mod peer;
mod phoenix;
mod run;
mod spans;
mod spread;
mod table;

use caller::{Logger, Task};
use daemon::Daemon;
use phoenix::Phoenix;
use spread::Spread;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use table::{Table, figure};

/// The bursts of one slice: few enough that a spool of the default size is not full at the end of
/// it when nobody takes what four threads log.
const SLICE: u64 = 300;

const DISABLED_CALLS: u64 = 50_000_000;

/// The loggers of a round of calls, and their titles.
const CASES: [(&str, &str); 7] = [
    ("floor", "floor"),
    ("up", "collector up"),
    ("absent", "collector absent"),
    ("stalled", "collector stalled"),
    ("dying", "collector killed"),
    ("full", "spool full"),
    ("up", "collector up, again"),
];

/// A column: a ratio and its spread.
const WIDTH: usize = 18;

/// The figures of each round of a case.
type Rounds<const N: usize> = Vec<[f64; N]>;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, logger, address, task, threads, count] = &args[..]
        && flag == "--child"
    {
        let (threads, count) = (number(threads), number(count));
        if task == "spans" {
            return spans::run(address.parse().expect("an address"), count);
        }
        let task = match task.as_str() {
            "bursts" => Task::Bursts { threads, bursts: count },
            "flat" => Task::Flat { threads, records: count },
            _ => Task::Disabled { calls: count },
        };
        return caller::run(named(logger, address), task);
    }
    measure_all(&args);
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

fn named(logger: &str, address: &str) -> Logger {
    let address = || address.parse().expect("an address");
    match logger {
        "nobody" => Logger::Nobody,
        "floor" => Logger::Floor,
        "up" => Logger::Up(address()),
        "absent" => Logger::Absent(address()),
        "stalled" => Logger::Stalled(address()),
        "dying" => Logger::Dying(address()),
        _ => Logger::Full(address()),
    }
}

/// What the children need to know and where they may leave things.
struct Bench {
    spool: tempfile::TempDir,
    files: tempfile::TempDir,
    collector: Daemon,
    /// By the name of a logger: where it sends.
    endpoints: Vec<(&'static str, SocketAddr)>,
}

fn measure_all(args: &[String]) {
    let records = run::setting("NETLOG_BENCH_RECORDS", 500_000.0) as u64;
    let files = tempfile::tempdir().expect("a directory for the collector's file");
    let collector = Daemon::collector(&files.path().join("records.log"));
    let memory = Path::new("/dev/shm");
    let memory = if memory.is_dir() { memory.into() } else { std::env::temp_dir() };
    let bench = Bench {
        spool: tempfile::tempdir_in(memory).expect("a directory for spools"),
        endpoints: vec![
            ("up", collector.address),
            ("absent", peer::absent()),
            ("stalled", peer::stalled()),
            ("full", peer::absent()),
        ],
        files,
        collector,
    };
    println!("{}", run::machine());
    let rounds = run::setting("NETLOG_BENCH_ROUNDS", 7.0) as u64;
    let wants = |case: &str| args.iter().all(|arg| arg.starts_with("--") || arg == case);
    for threads in [1, 4].into_iter().filter(|_| wants("bursts")) {
        bench.bursts(threads, rounds);
    }
    if wants("flat") {
        bench.flat_out(records, rounds);
    }
    if wants("disabled") {
        bench.disabled(rounds);
    }
    if wants("spans") {
        bench.spans(rounds);
    }
}

impl Bench {
    /// Runs one child and answers what it says.
    fn child(&self, logger: &str, task: &str, threads: u64, count: u64) -> Vec<u8> {
        let dying = (logger == "dying").then(|| Phoenix::rise(self.files.path().join("dying.log")));
        let address = match &dying {
            Some(phoenix) => phoenix.address.to_string(),
            None => self.endpoint(logger),
        };
        let spool = tempfile::tempdir_in(self.spool.path()).expect("a directory for a spool");
        let output = Command::new(std::env::current_exe().expect("a bench has a path"))
            .args(["--child", logger, &address, task])
            .args([threads.to_string(), count.to_string()])
            .env("NETLOG_SPOOL", spool.path())
            .stdin(Stdio::null())
            .output()
            .expect("a bench can start itself");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{logger} {task}: {complaint}");
        output.stdout
    }

    fn endpoint(&self, logger: &str) -> String {
        let endpoint = self.endpoints.iter().find(|(name, _)| *name == logger);
        endpoint.map_or_else(String::new, |(_, address)| address.to_string())
    }

    fn figures(&self, logger: &str, task: &str, threads: u64, count: u64) -> Vec<f64> {
        let said = self.child(logger, task, threads, count);
        let said = String::from_utf8_lossy(&said);
        said.split_whitespace().map(|figure| figure.parse().expect("a figure")).collect()
    }

    fn bursts(&self, threads: u64, rounds: u64) {
        let mut taken: [(Vec<u32>, Rounds<5>); CASES.len()] = Default::default();
        for _ in 0..rounds {
            for ((logger, _), (all, rows)) in CASES.iter().zip(&mut taken) {
                let said = self.child(logger, "bursts", threads, SLICE);
                let nanos = said.as_chunks::<4>().0.iter().map(|ns| u32::from_ne_bytes(*ns));
                let nanos: Vec<u32> = nanos.collect();
                all.extend_from_slice(&nanos);
                rows.push(percentiles(nanos));
            }
        }
        let caption = format!("one call in ns, 20 a millisecond, {threads} thread(s)");
        let mut table = Table::new(&caption, WIDTH, &["p50", "p90", "p99", "p99.9", "max"]);
        for ((_, title), (all, _)) in CASES.iter().zip(&taken) {
            table.row(title, &percentiles(all.clone()).map(|ns| ns.to_string()));
        }
        for (least, cases) in [(0, 1..2), (1, 2..CASES.len())] {
            let caption = format!("x of the {}, {rounds} rounds", CASES[least].1);
            let mut table = Table::new(&caption, WIDTH, &["p50", "p90", "p99", "p99.9"]);
            for case in cases {
                let times = |at| ratio(&taken[case].1, &taken[least].1, at);
                table.row(CASES[case].1, &[0, 1, 2, 3].map(times));
            }
        }
    }

    fn flat_out(&self, records: u64, rounds: u64) {
        let mut taken: [[Rounds<4>; 2]; 2] = Default::default();
        for _ in 0..rounds {
            for (threads, taken) in [1, 4].into_iter().zip(&mut taken) {
                for (case, rounds) in ["floor", "up"].iter().zip(taken) {
                    rounds.push(self.flat(case, threads, records));
                }
            }
        }
        let caption = format!(
            "{records} records flat out, waiting when the spool is full, none lost; {rounds} rounds"
        );
        let heads = ["M calls/s", "M delivered/s", "CPU s per M", "collector's", "x of the floor"];
        let mut table = Table::new(&caption, WIDTH, &heads);
        for (threads, [floor, up]) in [1, 4].iter().zip(&taken) {
            for (title, rounds) in [("floor", floor), ("collector up", up)] {
                let middle = |at| figure(Spread::of(rounds.iter().map(|row| row[at])).middle);
                let times = ratio(rounds, floor, 2);
                let row = [&[0, 1, 2, 3].map(middle)[..], &[times]].concat();
                table.row(&format!("{title}, {threads} thr."), &row);
            }
        }
        let [[_, one], [_, four]] = &taken;
        let times = [0, 1].map(|at| ratio(four, one, at));
        table.row("4 threads' rate, x of 1's", &times);
    }

    /// Millions of calls and of deliveries a second, CPU seconds per million of the program and of
    /// the collector.
    fn flat(&self, case: &str, threads: u64, records: u64) -> [f64; 4] {
        let before = self.collector.cpu();
        let figures = self.figures(case, "flat", threads, records);
        let collectors = self.collector.cpu() - before;
        let [called, delivered, cpu] = figures[..] else { panic!("three figures") };
        let millions = records as f64 / 1e6;
        [millions / called, millions / delivered, cpu / millions, collectors / millions]
    }

    fn disabled(&self, rounds: u64) {
        let cost = |logger| self.figures(logger, "disabled", 1, DISABLED_CALLS)[0];
        let taken: Rounds<2> = (0..rounds).map(|_| [cost("nobody"), cost("absent")]).collect();
        let mut table = Table::new(
            "a call below the level, in ns",
            WIDTH,
            &["macro alone", "with netlog", "more"],
        );
        let of = |cost: fn(&[f64; 2]) -> f64| Spread::of(taken.iter().map(cost)).to_string();
        let more = of(|[alone, with]| with - alone);
        table.row("disabled", &[of(|row| row[0]), of(|row| row[1]), more]);
    }

    fn spans(&self, rounds: u64) {
        let taken: Vec<Vec<f64>> =
            (0..rounds).map(|_| self.figures("up", "spans", 1, SLICE)).collect();
        let caption = format!("an event of tracing and its spans, in ns, {rounds} rounds");
        let mut table = Table::new(&caption, WIDTH, &["p50", "x of log::info!"]);
        let column = |way: usize| taken.iter().map(|row| row[way]).collect::<Vec<_>>();
        for (way, title) in spans::WAYS.iter().enumerate() {
            let times = Spread::ratio(&column(way), &column(0)).to_string();
            table.row(title, &[Spread::of(column(way)).to_string(), times]);
        }
        let disabled = Spread::of(column(spans::WAYS.len())).to_string();
        table.row("tracing::debug!, disabled", &[disabled]);
    }
}

/// Of one figure, round by round, as a multiple of the other case's.
fn ratio<const N: usize>(rounds: &Rounds<N>, others: &Rounds<N>, at: usize) -> String {
    let column = |rounds: &Rounds<N>| rounds.iter().map(|row| row[at]).collect::<Vec<_>>();
    Spread::ratio(&column(rounds), &column(others)).to_string()
}

fn percentiles(mut nanos: Vec<u32>) -> [f64; 5] {
    nanos.sort_unstable();
    [0.5, 0.9, 0.99, 0.999, 1.0].map(|share| {
        let rank = (nanos.len() as f64 * share).ceil() as usize;
        nanos[rank.clamp(1, nanos.len()) - 1].into()
    })
}
