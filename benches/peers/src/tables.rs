//! The loggers' tables: calls in bursts, flat out, and what arrives when the program ends.

use crate::loggers::NAMES;
use crate::process::Process;
use crate::run::setting;
use crate::sink::Sink;
use crate::spans;
use crate::spread::Spread;
use crate::table::Table;
use crate::turns::{Case, rounds, take_turns};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What is logged right before an end.
const LAST_WORDS: u64 = 1000;

/// How often each end is tried: what is left to a race comes out differently.
const TRIES: usize = 3;

/// Of the loggers, those that are no asynchronous peers: the floor, ours, and one that writes while
/// its caller waits.
const NOT_ASYNCHRONOUS: [&str; 3] = ["floor", "netlog", "env_logger"];

const ENDS: [&str; 6] = ["return", "exit", "panic", "abort", "SIGTERM", "SIGKILL"];

/// Measures and prints all of them.
pub(crate) fn loggers(wanted: &[String]) {
    let calls = Calls { table: "bursts", task: "bursts", names: &NAMES };
    for threads in [1, 4] {
        bursts(wanted, &calls, threads);
    }
    flat_out(wanted, &Calls { table: "flat", task: "flat", ..calls });
    ends(wanted);
}

/// Measures and prints events of `tracing` in a span.
pub(crate) fn spans(wanted: &[String]) {
    let calls = Calls { table: "spans", task: "bursts-in-a-span", names: &spans::NAMES };
    bursts(wanted, &calls, 1);
    flat_out(wanted, &Calls { task: "flat-in-a-span", ..calls });
}

/// A table of calls: its title, what its children do, and the loggers.
struct Calls<'a> {
    table: &'a str,
    task: &'a str,
    names: &'a [&'a str],
}

/// Those of `names` that are wanted of a table, behind the first of them, which is their floor.
pub(crate) fn chosen<'a>(wanted: &[String], table: &str, names: &[&'a str]) -> Vec<&'a str> {
    let wants = |name: &str| {
        let title = format!("{table} {name}");
        wanted.iter().all(|word| title.contains(word.as_str()))
    };
    let mut chosen: Vec<_> = names.iter().copied().filter(|name| wants(name)).collect();
    if chosen.first().is_some_and(|first| *first != names[0]) {
        chosen.insert(0, names[0]);
    }
    chosen
}

fn child(
    logger: &str,
    sink: &Sink,
    (task, threads, count): (&str, u64, u64),
    spool: &Path,
) -> Output {
    Command::new(std::env::current_exe().expect("a bench has a path"))
        .args(["--child", logger, &sink.address().to_string(), task])
        .args([threads.to_string(), count.to_string()])
        .env("NETLOG_SPOOL", spool)
        // A backtrace takes so long that others have the time to write meanwhile.
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::null())
        .output()
        .expect("a bench can start itself")
}

/// A place for one case: what is written to disk, and spools, which are in memory.
fn place() -> (tempfile::TempDir, tempfile::TempDir) {
    let spools = Path::new("/dev/shm");
    let spools = if spools.is_dir() { spools.into() } else { std::env::temp_dir() };
    let made = "a directory can be made";
    (tempfile::tempdir().expect(made), tempfile::tempdir_in(spools).expect(made))
}

fn bursts(wanted: &[String], calls: &Calls<'_>, threads: u64) {
    let bursts = (setting("NETLOG_BENCH_SECONDS", 2.0) * 1000.0) as u64 / rounds() as u64;
    let cases = take_turns(&chosen(wanted, calls.table, calls.names), |name| {
        let (files, spool) = place();
        let sink = Sink::of(name, files.path());
        let output = child(name, &sink, (calls.task, threads, bursts), spool.path());
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let nanos = output.stdout.as_chunks::<4>().0.iter().map(|ns| u32::from_ne_bytes(*ns));
        Ok(percentiles(nanos.collect()))
    });
    let caption = format!("{}: one call in ns, 20 a millisecond, {threads} thread(s)", calls.table);
    let mut table = Table::new(&caption, 23, &["p50", "x of the floor", "p99", "x", "p99.9", "x"]);
    let column = |case: &Case<'_, Percentiles>, at: usize| case.figures(|row| row[at]);
    for case in &cases {
        let cells = (0..3).flat_map(|at| {
            let (ours, floor) = (column(case, at), column(&cases[0], at));
            let times = Spread::ratio(&ours, &floor).to_string();
            [format!("{:.0}", Spread::of(ours).middle), times]
        });
        table.row(case.name, &cells.collect::<Vec<_>>());
    }
    let best = |case: &&Case<'_, Percentiles>| !NOT_ASYNCHRONOUS.contains(&case.name);
    let beside = |at: usize| beside_best(&cases, best, |row: &Percentiles| row[at]);
    if let [Some(p50), Some(p99), Some(p999)] = [0, 1, 2].map(beside) {
        table.row("netlog, x of the best asynchronous", &[p50, p99, p999].concat());
    }
}

/// The best of those that count, and what netlog comes to beside it, where there are both.
fn beside_best<T>(
    cases: &[Case<'_, T>],
    counts: impl Fn(&&Case<'_, T>) -> bool,
    of: impl Fn(&T) -> f64,
) -> Option<[String; 2]> {
    let middle = |case: &Case<'_, T>| Spread::of(case.figures(&of)).middle;
    let best = cases.iter().filter(counts).min_by(|a, b| middle(a).total_cmp(&middle(b)));
    let ours = cases.iter().find(|case| case.name == "netlog");
    let (best, ours) = (best?, ours?);
    let times = Spread::ratio(&ours.figures(&of), &best.figures(&of));
    Some([best.name.into(), times.to_string()])
}

/// p50, p99 and p99.9.
type Percentiles = [f64; 3];

fn percentiles(mut nanos: Vec<u32>) -> Percentiles {
    nanos.sort_unstable();
    [0.5, 0.99, 0.999].map(|share| {
        let rank = (nanos.len() as f64 * share).ceil() as usize;
        nanos[rank.clamp(1, nanos.len()) - 1].into()
    })
}

/// Millions of calls a second, CPU seconds of the process per million, and how many were lost.
struct Flat {
    rate: f64,
    cpu: f64,
    lost: u64,
}

fn flat_out(wanted: &[String], calls: &Calls<'_>) {
    let chosen = chosen(wanted, calls.table, calls.names);
    let records = setting("NETLOG_BENCH_RECORDS", 5e5) as u64;
    let caption =
        format!("{}: {records} records as fast as they go, {} rounds", calls.table, rounds());
    let heads = ["M calls/s", "CPU s per M", "lost", "x of the floor"];
    let mut table = Table::new(&caption, 23, &heads);
    for threads in [1, 4] {
        let cases = take_turns(&chosen, |name| flat(name, calls.task, threads, records));
        for case in &cases {
            let middle =
                |of: fn(&Flat) -> f64| format!("{:.2}", Spread::of(case.figures(of)).middle);
            let cpu = |case: &Case<'_, Flat>| case.figures(|flat| flat.cpu);
            let lost: u64 = case.taken.iter().map(|flat| flat.lost).sum();
            let times = Spread::ratio(&cpu(case), &cpu(&cases[0])).to_string();
            let row = [middle(|flat| flat.rate), middle(|flat| flat.cpu), lost.to_string(), times];
            table.row(&format!("{}, {threads} thr.", case.name), &row);
        }
        let counts = |case: &&Case<'_, Flat>| {
            !["floor", "netlog"].contains(&case.name)
                && case.taken.iter().all(|flat| flat.lost == 0)
        };
        if let Some(beside) = beside_best(&cases, counts, |flat: &Flat| flat.cpu) {
            table.row("netlog, CPU x of the best lossless", &beside);
        }
    }
}

fn flat(name: &str, task: &str, threads: u64, records: u64) -> Result<Flat, String> {
    let (files, spool) = place();
    let sink = Sink::of(name, files.path());
    let output = child(name, &sink, (task, threads, records), spool.path());
    let said = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<f64> = said.split(' ').filter_map(|n| n.parse().ok()).collect();
    let &[called, cpu] = &figures[..] else {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    };
    let millions = records as f64 / 1e6;
    // One more was logged to begin with; the floor delivers nothing to anybody.
    let lost = match name {
        "floor" => 0,
        _ => (records + 1).saturating_sub(sink.settle(records + 1)),
    };
    Ok(Flat { rate: millions / called, cpu: cpu / millions, lost })
}

fn ends(wanted: &[String]) {
    let chosen = chosen(wanted, "ends", &NAMES);
    let caption =
        format!("ends: of {LAST_WORDS} records logged right before, so many arrive, {TRIES} tries");
    let mut table = Table::new(&caption, 17, &ENDS);
    // The floor delivers nothing to anybody.
    for name in chosen.iter().filter(|name| **name != NAMES[0]) {
        let arrived = ENDS.map(|way| {
            let tries: Option<Vec<u64>> = (0..TRIES).map(|_| arrived(name, way)).collect();
            match tries.and_then(|tries| Some((*tries.iter().min()?, *tries.iter().max()?))) {
                Some((least, most)) if least == most => most.to_string(),
                Some((least, most)) => format!("{least}-{most}"),
                None => "failed".into(),
            }
        });
        table.row(name, &arrived);
    }
}

/// How many of the last words arrived, unless nothing was logged at all.
fn arrived(name: &str, way: &str) -> Option<u64> {
    let (files, spool) = place();
    let sink = Sink::of(name, files.path());
    let output = child(name, &sink, (way, 1, LAST_WORDS), spool.path());
    if output.stdout.is_empty() {
        eprintln!("{name}: {}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    if name == "netlog" {
        ship(&sink, spool.path());
    }
    // One more was logged to begin with.
    Some(sink.settle(LAST_WORDS + 1).saturating_sub(1))
}

/// What the program's next start does, or somebody by hand.
fn ship(sink: &Sink, spool: &Path) {
    let address = sink.address().to_string();
    let mut ship = Command::new(Process::built("netlog"));
    let shipped = ship.args(["ship", "--to", &address]).env("NETLOG_SPOOL", spool).output();
    let shipped = shipped.expect("netlog ship can be run");
    assert!(shipped.status.success(), "{}", String::from_utf8_lossy(&shipped.stderr));
}
