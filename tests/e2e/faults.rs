//! Failing system calls: one call of a collector, or of a program that logs, fails with an error of
//! the system; then the next, and so on, for every call of a short run. Nothing panics or hangs,
//! nothing acknowledged is lost, nothing is stored twice, and what a program gives up is counted.
//!
//! ```text
//! NETLOG_FAULTS=all cargo test --test e2e faults -- --nocapture
//! ```
//! Without it, a sample of the calls fails: `NETLOG_FAULTS` is the number of runs.

mod collector;
mod program;
mod sender;
mod short_writes;
mod stored;
mod strace;

use crate::harness::Dice;
use std::collections::BTreeMap;
use std::io::Write;
use strace::{Fault, Outcome};

/// Runs of a plain `cargo test`, of each of the two programs.
const RUNS: usize = 14;

/// Prints a line for the person who runs the tests, also when all goes well.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
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
fn try_all(name: &str, all: Vec<Fault>, attempt: impl Fn(&Fault) -> Result<Outcome, String>) {
    let of = all.len();
    let faults = chosen(all, name);
    let mut counts = BTreeMap::<(&str, &str), [usize; 3]>::new();
    let mut problems = Vec::new();
    for fault in &faults {
        match attempt(fault) {
            Ok(outcome) => {
                counts.entry((fault.call, fault.error)).or_default()[outcome as usize] += 1;
            }
            Err(problem) => {
                let problem = format!("{fault}: {problem}");
                tell(&format!("faults: {name}: {problem}"));
                problems.push(problem);
            }
        }
    }
    tell(&format!("faults: {name}: {} of {of} calls and errors", faults.len()));
    tell("  call         error         survived  ended  outside netlog");
    for ((call, error), [survived, ended, outside]) in counts {
        tell(&format!("  {call:<12} {error:<12} {survived:>9} {ended:>6} {outside:>15}"));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
