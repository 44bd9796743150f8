//! Failing system calls: one call of a collector, or of a program that logs, fails with an error of
//! the system; then the next, and so on, for every call of a short run. Nothing panics or hangs,
//! nothing acknowledged is lost, nothing is stored twice, and what a program gives up is counted.
//!
//! ```text
//! NETLOG_FAULTS=all cargo test --test e2e faults -- --nocapture
//! ```
//! Without it, a sample of the calls fails: `NETLOG_FAULTS` is the number of runs. With
//! `NETLOG_FAULTS=sites`, each place in the program that makes a call has it fail once with each
//! error; the places are listed, and those that no failure has reached.

mod call_sites;
mod collector;
mod program;
mod reached;
mod sender;
mod short_writes;
mod site;
mod stored;
mod strace;
mod stream;

use crate::harness::Dice;
use reached::Reached;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use strace::{Fault, Outcome};

/// Runs of a plain `cargo test`, of each of the two programs.
const RUNS: usize = 14;

/// A run with a fault, and the places at which it struck.
struct Attempt {
    outcome: Outcome,
    sites: BTreeSet<String>,
}

/// Prints a line for the person who runs the tests, also when all goes well.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// True if faults are chosen by the places that make the calls.
fn of_sites() -> bool {
    std::env::var("NETLOG_FAULTS").is_ok_and(|wanted| wanted == "sites")
}

/// The faults to try, of all there are.
fn chosen(mut all: Vec<Fault>, purpose: &str) -> Vec<Fault> {
    let wanted = std::env::var("NETLOG_FAULTS").unwrap_or_else(|_| RUNS.to_string());
    if wanted != "all" {
        let count = wanted.parse().unwrap_or_else(|_| panic!("NETLOG_FAULTS={wanted}"));
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let mut dice = Dice::new(u64::from(now.expect("it is late").subsec_nanos()), purpose);
        while all.len() > count {
            all.swap_remove(dice.of(0..all.len() as u64) as usize);
        }
    }
    all
}

/// Tries each fault, and prints how many of each there were.
fn try_all(name: &str, all: Vec<Fault>, attempt: impl Fn(&Fault) -> Result<Attempt, String>) {
    let of = all.len();
    let mut reached = Reached::of(&all);
    let faults = if of_sites() { all } else { chosen(all, name) };
    let mut counts = BTreeMap::<(&str, &str), [usize; 3]>::new();
    let mut problems = Vec::new();
    let mut tried = 0;
    for fault in &faults {
        // By its places, each fault is tried until it has reached them.
        if of_sites() && !reached.lacks(fault) {
            continue;
        }
        tried += 1;
        match attempt(fault) {
            Ok(Attempt { outcome, sites }) => {
                reached.note(fault, sites);
                counts.entry((fault.call, fault.error)).or_default()[outcome as usize] += 1;
            }
            Err(problem) => {
                let problem = format!("{fault}: {problem}");
                tell(&format!("faults: {name}: {problem}"));
                problems.push(problem);
            }
        }
    }
    tell(&format!("faults: {name}: {tried} of {of} calls and errors"));
    tell("  call         error         survived  ended  outside netlog");
    for ((call, error), [survived, ended, outside]) in counts {
        tell(&format!("  {call:<12} {error:<12} {survived:>9} {ended:>6} {outside:>15}"));
    }
    if of_sites() {
        reached.tell();
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
