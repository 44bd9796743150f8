//! Failing system calls: one call of a collector, or of a program that logs, fails with an error of
//! the system; then the next, and so on, for every call of a short run. Nothing panics or hangs,
//! nothing acknowledged is lost, nothing is stored twice, and what a program gives up is counted.
//!
//! ```text
//! NETLOG_FAULTS=all cargo test --test e2e faults -- --nocapture
//! ```
//! Without it, a sample of the calls fails: `NETLOG_FAULTS` is the number of runs. With
//! `NETLOG_FAULTS=sites`, each place in the program that makes a call has it fail once with each
//! error; the places are listed, and those that no failure has reached. `NETLOG_FAULTS_MINUTES` ends
//! that earlier.

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
mod unwindable;

use crate::harness::{Dice, Scene};
use call_sites::SeenCall;
use reached::Reached;
use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};
use strace::{Fault, Outcome, faults, seen_calls};

/// Runs of a plain `cargo test`, of each of the two programs.
const RUNS: usize = 14;

/// A run with a fault, and its calls, if faults are chosen by their places.
struct Attempt {
    outcome: Outcome,
    seen: Vec<SeenCall>,
}

/// The target of the faults.
struct Victim<'a> {
    /// The name of the test.
    test: &'a str,
    program: &'a str,
    /// Where a run without faults was traced.
    scene: &'a Scene,
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

/// Outcomes of runs by call and error, and what went wrong.
#[derive(Default)]
struct Outcomes {
    tried: usize,
    counts: BTreeMap<(&'static str, &'static str), [usize; 3]>,
    problems: Vec<String>,
}

impl Outcomes {
    /// Takes note of a run; its calls if it went well.
    fn note(
        &mut self,
        test: &str,
        fault: &Fault,
        result: Result<Attempt, String>,
    ) -> Vec<SeenCall> {
        self.tried += 1;
        match result {
            Ok(Attempt { outcome, seen }) => {
                self.counts.entry((fault.call, fault.error)).or_default()[outcome as usize] += 1;
                seen
            }
            Err(problem) => {
                let problem = format!("{fault}: {problem}");
                tell(&format!("faults: {test}: {problem}"));
                self.problems.push(problem);
                Vec::new()
            }
        }
    }

    fn tell(&self, test: &str, of: usize) {
        tell(&format!("faults: {test}: {} of {of} calls and errors", self.tried));
        tell("  call         error         survived  ended  outside netlog");
        for ((call, error), [survived, ended, outside]) in &self.counts {
            tell(&format!("  {call:<12} {error:<12} {survived:>9} {ended:>6} {outside:>15}"));
        }
    }
}

/// Tries each fault, and prints how many of each there were.
fn try_all(victim: &Victim<'_>, attempt: impl Fn(&Fault) -> Result<Attempt, String>) {
    let Victim { test, program, scene } = victim;
    let all = faults(scene);
    let of = all.len();
    let mut outcomes = Outcomes::default();
    if !of_sites() {
        for fault in chosen(all, test) {
            outcomes.note(test, &fault, attempt(&fault));
        }
        outcomes.tell(test, of);
    } else {
        let mut reached = Reached::default();
        reached.begin(&seen_calls(scene, program));
        assert!(reached.ours() > 10, "strace -k shows no functions of netlog");
        let until = time_limit().map(|limit| Instant::now() + limit);
        while let Some(fault) = reached.next() {
            if until.is_some_and(|until| Instant::now() > until) {
                break;
            }
            reached.note(&fault, &outcomes.note(test, &fault, attempt(&fault)));
        }
        outcomes.tell(test, of);
        reached.tell();
    }
    assert!(outcomes.problems.is_empty(), "{}", outcomes.problems.join("\n"));
}

/// The time for all places, if there is a limit.
fn time_limit() -> Option<Duration> {
    let minutes = std::env::var("NETLOG_FAULTS_MINUTES").ok()?;
    let minutes: u64 =
        minutes.parse().unwrap_or_else(|_| panic!("NETLOG_FAULTS_MINUTES={minutes}"));
    Some(Duration::from_secs(minutes * 60))
}
