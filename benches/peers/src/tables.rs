//! The loggers' tables: calls in bursts, flat out, and what arrives when the program ends.

use crate::loggers::NAMES;
use crate::process::Process;
use crate::run::setting;
use crate::sink::Sink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What is logged right before an end.
const LAST_WORDS: u64 = 1000;

/// How often each end is tried: what is left to a race comes out differently.
const TRIES: usize = 3;

/// Into how many slices the calls of a case are cut. All cases take turns, so that a noisy machine
/// is as noisy to each.
const SLICES: u64 = 4;

const ENDS: [&str; 6] = ["return", "exit", "panic", "abort", "SIGTERM", "SIGKILL"];

/// Measures and prints all of them.
pub(crate) fn loggers(wanted: &[String]) {
    for threads in [1, 4] {
        bursts(wanted, threads);
    }
    flat_out(wanted);
    ends(wanted);
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

pub(crate) fn heads(heads: &[&str]) {
    let heads: String = heads.iter().map(|head| format!("{head:>17}")).collect();
    println!("{:<26}{heads}", "");
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

fn bursts(wanted: &[String], threads: u64) {
    let chosen = chosen(wanted, "bursts", &NAMES);
    if chosen.is_empty() {
        return;
    }
    let mut taken = vec![Ok(Vec::new()); chosen.len()];
    for _ in 0..SLICES {
        for (name, taken) in chosen.iter().zip(&mut taken) {
            if let Ok(nanos) = taken {
                match slice(name, threads) {
                    Ok(more) => nanos.extend(more),
                    Err(why) => *taken = Err(why),
                }
            }
        }
    }
    println!("\none call in ns, 20 a millisecond, {threads} thread(s) (x of the floor)");
    heads(&["p50", "p90", "p99", "p99.9", "max"]);
    let mut floor = [f64::NAN; 5];
    for (name, taken) in chosen.iter().zip(taken) {
        let row = match taken {
            Ok(nanos) => percentiles(nanos).map(f64::from),
            Err(why) => {
                println!("{name:<26}  failed: {why}");
                continue;
            }
        };
        floor = if *name == NAMES[0] { row } else { floor };
        let cells = row.iter().zip(&floor);
        let cells =
            cells.map(|(ns, floor)| format!("{ns:>9} {:>7}", format!("({:.1})", ns / floor)));
        println!("{name:<26}{}", cells.collect::<String>());
    }
}

/// The nanoseconds of each call of one slice.
fn slice(name: &str, threads: u64) -> Result<Vec<u32>, String> {
    let bursts = (setting("NETLOG_BENCH_SECONDS", 2.0) * 1000.0) as u64 / SLICES;
    let (files, spool) = place();
    let sink = Sink::of(name, files.path());
    let output = child(name, &sink, ("bursts", threads, bursts), spool.path());
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(output.stdout.as_chunks::<4>().0.iter().map(|ns| u32::from_ne_bytes(*ns)).collect())
}

fn percentiles(mut nanos: Vec<u32>) -> [u32; 5] {
    nanos.sort_unstable();
    [0.5, 0.9, 0.99, 0.999, 1.0].map(|share| {
        let rank = (nanos.len() as f64 * share).ceil() as usize;
        nanos[rank.clamp(1, nanos.len()) - 1]
    })
}

fn flat_out(wanted: &[String]) {
    let chosen = chosen(wanted, "flat", &NAMES);
    if chosen.is_empty() {
        return;
    }
    let records = setting("NETLOG_BENCH_RECORDS", 1e6) as u64;
    println!("\n{records} records flat out");
    heads(&["M calls/s", "CPU s per M", "x of the floor", "lost"]);
    for threads in [1, 4] {
        let mut floor = f64::NAN;
        for name in &chosen {
            let (files, spool) = place();
            let sink = Sink::of(name, files.path());
            let output = child(name, &sink, ("flat", threads, records), spool.path());
            let said = String::from_utf8_lossy(&output.stdout);
            let figures: Vec<f64> = said.split(' ').filter_map(|n| n.parse().ok()).collect();
            let title = format!("{name}, {threads} thr.");
            let &[called, cpu] = &figures[..] else {
                println!("{title:<26}  failed: {}", String::from_utf8_lossy(&output.stderr));
                continue;
            };
            let millions = records as f64 / 1e6;
            let (rate, cpu) = (millions / called, cpu / millions);
            floor = if *name == "floor" { cpu } else { floor };
            // One more was logged to begin with.
            let lost = match *name {
                "floor" => "-".into(),
                _ => (records + 1).saturating_sub(sink.settle(records + 1)).to_string(),
            };
            println!("{title:<26}{rate:>17.2}{cpu:>17.2}{:>17.2}{lost:>17}", cpu / floor);
        }
    }
}

fn ends(wanted: &[String]) {
    let chosen = chosen(wanted, "ends", &NAMES);
    if chosen.is_empty() {
        return;
    }
    println!(
        "\nof {LAST_WORDS} records logged right before the end, so many arrive, of {TRIES} tries"
    );
    heads(&ENDS);
    // The floor delivers nothing to anybody.
    for name in chosen.iter().filter(|name| **name != NAMES[0]) {
        let arrived = ENDS.map(|way| {
            let tries: Option<Vec<u64>> = (0..TRIES).map(|_| arrived(name, way)).collect();
            let cell =
                match tries.and_then(|tries| Some((*tries.iter().min()?, *tries.iter().max()?))) {
                    Some((least, most)) if least == most => most.to_string(),
                    Some((least, most)) => format!("{least}-{most}"),
                    None => "failed".into(),
                };
            format!("{cell:>17}")
        });
        println!("{name:<26}{}", arrived.concat());
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
