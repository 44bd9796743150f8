//! What `info!` costs its caller: `cargo bench --bench log_call`.
//!
//! Every case runs beside the floor (`floor.rs`) in the same minute, a slice of each in turn, so
//! that a noisy machine is as noisy to both. `NETLOG_BENCH_SECONDS` is how long a case is called
//! for (2), `NETLOG_BENCH_RECORDS` how many records a flat-out case logs (500,000).
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its table")]

mod caller;
mod daemon;
mod floor;
mod peer;
mod phoenix;
mod run;

use caller::{Logger, Task};
use daemon::Daemon;
use phoenix::Phoenix;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

/// The bursts of one slice: few enough that a spool of the default size is not full at the end of
/// it when nobody takes what four threads log.
const SLICE: u64 = 300;

const DISABLED_CALLS: u64 = 50_000_000;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, logger, address, task, threads, count] = &args[..]
        && flag == "--child"
    {
        let (threads, count) = (number(threads), number(count));
        let task = match task.as_str() {
            "bursts" => Task::Bursts { threads, bursts: count },
            "flat" => Task::Flat { threads, records: count },
            _ => Task::Disabled { calls: count },
        };
        return caller::run(named(logger, address), task);
    }
    measure_all();
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

fn measure_all() {
    let seconds = run::setting("NETLOG_BENCH_SECONDS", 2.0);
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
    for threads in [1, 4] {
        bench.bursts(threads, seconds);
    }
    bench.flat_out(records);
    bench.disabled();
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

    fn bursts(&self, threads: u64, seconds: f64) {
        const CASES: [&str; 6] = ["floor", "up", "absent", "stalled", "dying", "full"];
        let slices = (seconds * 1000.0 / SLICE as f64).ceil() as u64;
        let mut taken: [Vec<u32>; CASES.len()] = Default::default();
        for _ in 0..slices {
            for (case, taken) in CASES.iter().zip(&mut taken) {
                let said = self.child(case, "bursts", threads, SLICE);
                let nanos =
                    said.chunks_exact(4).map(|ns| u32::from_ne_bytes([ns[0], ns[1], ns[2], ns[3]]));
                taken.extend(nanos);
            }
        }
        let heads = ["p50", "p90", "p99", "p99.9", "max"].map(|head| format!("{head:>16}"));
        println!("\none call in ns, 20 a millisecond, {threads} thread(s) (x of the floor)");
        println!("{:<18}{}", "", heads.concat());
        let rows = taken.map(percentiles);
        for (case, row) in CASES.iter().zip(&rows) {
            let cells = row.iter().zip(&rows[0]).map(|(ns, floor)| {
                format!("{ns:>9} {:>6}", format!("({:.2})", f64::from(*ns) / f64::from(*floor)))
            });
            println!("{:<18}{}", title(case), cells.collect::<String>());
        }
    }

    fn flat_out(&self, records: u64) {
        let heads = ["M calls/s", "M delivered/s", "CPU s per M", "x of the floor", "collector's"];
        println!("\n{records} records flat out, waiting when the spool is full, none lost");
        println!("{:<18}{}", "", heads.map(|head| format!("{head:>16}")).concat());
        for threads in [1, 4] {
            let mut floor = f64::NAN;
            for case in ["floor", "up"] {
                let before = self.collector.cpu();
                let figures = self.figures(case, "flat", threads, records);
                let collectors = self.collector.cpu() - before;
                let [called, delivered, cpu] = figures[..] else { panic!("three figures") };
                let millions = records as f64 / 1e6;
                let cpu = cpu / millions;
                floor = if case == "floor" { cpu } else { floor };
                let collectors = collectors / millions;
                let row = [millions / called, millions / delivered, cpu, cpu / floor, collectors];
                let row = row.map(|figure| format!("{figure:>16.2}")).concat();
                println!("{:<18}{row}", format!("{}, {threads} thr.", title(case)));
            }
        }
    }

    fn disabled(&self) {
        let cost = |logger| self.figures(logger, "disabled", 1, DISABLED_CALLS)[0];
        let (alone, under) = (cost("nobody"), cost("absent"));
        println!(
            "\na call below the level: {under:.2} ns; the macro without a logger: {alone:.2} ns"
        );
    }
}

fn title(case: &str) -> &str {
    match case {
        "up" => "collector up",
        "absent" => "collector absent",
        "stalled" => "collector stalled",
        "dying" => "collector killed",
        "full" => "spool full",
        floor => floor,
    }
}

fn percentiles(mut nanos: Vec<u32>) -> [u32; 5] {
    nanos.sort_unstable();
    [0.5, 0.9, 0.99, 0.999, 1.0].map(|share| {
        let rank = (nanos.len() as f64 * share).ceil() as usize;
        nanos[rank.clamp(1, nanos.len()) - 1]
    })
}
