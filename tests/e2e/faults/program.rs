//! Faults of the calls of a program that logs.

use super::stored::messages;
use super::strace::{Fault, Outcome, failing, missing, outcome, seen_calls, target, traced};
use super::{Attempt, Victim, tell, try_all};
use crate::harness::{Child, Collector, SOON, Scene, wait_until};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::process::Command;

const RECORDS: u64 = 60;

/// Whatever call of a program that logs fails, it ends as it would have, and each of its records is
/// stored once or counted as lost.
#[test]
fn whatever_call_of_a_program_fails_each_of_its_records_is_stored_once_or_counted() {
    if let Some(reason) = missing() {
        return tell(reason);
    }
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    run(traced(&scene, &target("subject")), &collector).expect("nothing fails");
    drop(collector);
    let victim = Victim { test: "program", program: "subject", scene: &scene };
    try_all(&victim, attempt);
}

fn attempt(fault: &Fault) -> Result<Attempt, String> {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let outcome = run(failing(&scene, &target("subject"), fault), &collector)?;
    let shipped = wait_until(SOON, || {
        let mut ship = scene.netlog(&format!("ship --to {}", collector.authority()));
        ship.end();
        scene.rings().is_empty()
    });
    if !shipped {
        return Err(format!("spools are left: {:?}", scene.rings()));
    }
    let mut collector = collector;
    collector.process.signal(Signal::TERM);
    collector.process.succeed();
    let seen = seen_calls(&scene, "subject");
    check(&scene, outcome).map(|()| Attempt { outcome, seen })
}

/// A short life of a program.
fn run(mut command: Command, to: &Collector) -> Result<Outcome, String> {
    command.args([format!("to={}", to.authority()), format!("records={RECORDS}")]);
    command.args(["app=x", "spool=65536", "end=return"]);
    let mut child = Child::start(&mut command);
    if !wait_until(SOON, || !child.running()) {
        return Err(format!("it hangs:\n{}", child.stderr()));
    }
    let status = child.end();
    let stderr = child.stderr();
    let outcome = outcome(status.success(), stderr.contains("init failed"), &stderr);
    outcome.ok_or_else(|| format!("it ended with {status}:\n{stderr}"))
}

fn check(scene: &Scene, outcome: Outcome) -> Result<(), String> {
    let mut counts = BTreeMap::new();
    for message in messages(&scene.path("")) {
        *counts.entry(message).or_insert(0) += 1;
    }
    let twice: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
    if !twice.is_empty() {
        return Err(format!("stored more than once: {twice:?}"));
    }
    let text = std::fs::read_to_string(scene.path("app.log")).unwrap_or_default();
    let counted = text.contains("\"lost\":");
    let stored = counts.len() as u64;
    match stored == RECORDS || outcome != Outcome::Survived || counted {
        true => Ok(()),
        false => Err(format!("{stored} of {RECORDS} records, and none counted as lost")),
    }
}
