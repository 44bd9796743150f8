//! Faults of the collector's calls.

use super::sender::deliver;
use super::stored::{messages, not_once};
use super::strace::{
    Fault, Outcome, ends_unheard, failing, happened, missing, outcome, outside, seen_calls, target,
    traced,
};
use super::{Attempt, Victim, tell, try_all};
use crate::harness::{Collector, Port, SOON, Scene, wait_until};
use rustix::process::Signal;
use std::process::Command;
use std::time::Duration;

/// Enough for some rotations.
const RECORDS: u64 = 40;

const OPTIONS: &str = "--sync --rotate-size 1500 --keep-files 6";

/// Whatever call of a collector fails, what it acknowledged is stored, once.
#[test]
fn whatever_call_of_a_collector_fails_what_it_acknowledged_is_stored_once() {
    if let Some(reason) = missing() {
        return tell(reason);
    }
    let scene = Scene::new();
    let ended = run(&scene, traced(&scene, &target("netlog-collector")));
    assert!(matches!(ended, Ok(Run { acked: RECORDS, .. })), "{ended:?}");
    let victim = Victim { test: "collector", program: "netlog-collector", scene: &scene };
    try_all(&victim, attempt);
}

/// Records that were acknowledged in a run, and its end.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) acked: u64,
    pub(super) outcome: Outcome,
}

impl Run {
    /// Fails where a call failed that the collector survived, and not all `records` were acknowledged.
    pub(super) fn check(&self, scene: &Scene, records: u64) -> Result<(), String> {
        match self.acked < records && self.outcome == Outcome::Survived && happened(scene) {
            true => Err(format!("only {} records were acknowledged", self.acked)),
            false => Ok(()),
        }
    }
}

fn attempt(fault: &Fault) -> Result<Attempt, String> {
    let scene = Scene::new();
    let run = run(&scene, failing(&scene, &target("netlog-collector"), fault))?;
    run.check(&scene, RECORDS)?;
    let Run { acked, outcome } = run;
    let seen = seen_calls(&scene, "netlog-collector");
    recover(&scene, acked).map(|()| Attempt { outcome, seen })
}

/// A collector's short life: records, a search, a reload, more records, the end.
fn run(scene: &Scene, command: Command) -> Result<Run, String> {
    // It may fail to print an address of the system's choice.
    let port = Port::reserve();
    let address = port.address();
    let options = format!("--listen tcp://{address} {OPTIONS}");
    let mut collector = Collector::by(command, scene.path("app.log"), &options);
    let mut acked = deliver(&address, RECORDS / 2, || collector.process.running());
    if collector.process.running() {
        collector.process.signal(Signal::HUP);
        acked = deliver(&address, RECORDS, || collector.process.running()).max(acked);
    }
    if collector.process.running() {
        collector.process.signal(Signal::TERM);
    }
    ended(scene, &mut collector).map(|outcome| Run { acked, outcome })
}

/// Outcome of a scene's collector; an error if it hangs, panics or gives no reason.
pub(super) fn ended(scene: &Scene, collector: &mut Collector) -> Result<Outcome, String> {
    let mut repeated = 0;
    let over = wait_until(SOON, || {
        // The system refuses what announces a signal only while the same is on its way.
        if ends_unheard(scene) > repeated {
            repeated += 1;
            collector.process.signal(Signal::TERM);
        }
        !collector.process.running()
    });
    if !over {
        // A thread of the runtime that cannot be woken.
        if outside(&collector.process.stderr()) {
            collector.process.signal(Signal::KILL);
            collector.process.end();
            return Ok(Outcome::Outside);
        }
        return Err(format!("it hangs:\n{}", collector.process.stderr()));
    }
    let status = collector.process.end_within(Duration::from_secs(1));
    let stderr = collector.process.stderr();
    // A configuration file that cannot be read is a fault of the command line.
    let explained = stderr.contains("netlog-collector: ") || stderr.starts_with("error: ");
    let outcome = outcome(status.success(), explained, &stderr);
    outcome.ok_or_else(|| format!("it ended with {status}:\n{stderr}"))
}

/// The next collector has what was acknowledged, takes the rest, and each record is there once.
fn recover(scene: &Scene, acked: u64) -> Result<(), String> {
    let collector = Collector::with(scene, "--listen tcp://127.0.0.1:0 --sync --keep-files 0");
    let address = collector.authority().to_owned();
    let mut collector = collector;
    let total = deliver(&address, RECORDS, || collector.process.running());
    if total < RECORDS {
        return Err(format!("the next collector acknowledged {total}"));
    }
    collector.process.signal(Signal::TERM);
    collector.process.succeed();
    let stored = messages(&scene.path(""));
    let wrong = not_once(&stored, RECORDS, |number| format!("number {number}"));
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(format!("acknowledged {acked}; {}", wrong.join(", "))),
    }
}
