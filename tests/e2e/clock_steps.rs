//! Programs whose wall clock is set ahead and back while they run.

use crate::harness::{Child, Clock, Collector, Port, SOON, Scene, example, message, wait_until};
use rustix::process::Signal;
use std::io::Write;

const YEAR: i64 = 365 * 86_400;

/// A clock to set; `None` where that is impossible, with the reason on stderr.
fn clock(scene: &Scene) -> Option<Clock> {
    let found = Clock::find(scene);
    found.inspect_err(|e| drop(writeln!(std::io::stderr(), "skipped: {e}"))).ok()
}

fn subject(scene: &Scene, clock: &Clock, told: &str) -> Child {
    let mut command = scene.command(&example("subject"));
    clock.govern(&mut command);
    Child::start(command.args(told.split_whitespace()))
}

/// The year in which the latest record was logged, as it says itself.
fn latest_year(collector: &Collector) -> i64 {
    let records = collector.records();
    let mut times = records.0.iter().filter_map(|record| record["time"].as_str());
    times.next_back().map_or(0, |time| time[..4].parse().expect("a year"))
}

#[test]
fn whoever_waits_for_a_collector_is_not_delayed_by_steps_of_the_clock_and_its_records_follow_them()
{
    let scene = Scene::new();
    let port = Port::reserve();
    let Some(clock) = clock(&scene) else { return };
    let told = format!(
        "to={} do=pace threads=1 rate=50 life=1 progress={}",
        port.address(),
        scene.path("progress").display()
    );
    std::fs::write(scene.path("progress"), [0; 8]).expect("the scene has room");
    let mut program = subject(&scene, &clock, &told);
    program.says("cannot be reached");
    // Ten years back while it waits for its next attempt.
    clock.set(-10 * YEAR);
    let collector = Collector::with(&scene, &format!("--listen tcp://{}", port.address()));
    program.says("is back");
    collector.wait_for(1);
    let here = latest_year(&collector).max(2026);
    let past = wait_until(SOON, || latest_year(&collector) < here - 8);
    assert!(past, "{}", latest_year(&collector));
    clock.set(0);
    assert!(wait_until(SOON, || latest_year(&collector) >= here), "{}", latest_year(&collector));
    // And back again, in the middle of a connection that has to be made anew.
    clock.set(-10 * YEAR);
    collector.process.signal(Signal::KILL);
    drop(collector);
    let collector = Collector::with(&scene, &format!("--listen tcp://{}", port.address()));
    program.succeed();
    let records = collector.stop();
    let numbers: Vec<u64> = records
        .0
        .iter()
        .filter_map(|record| {
            let said = message(record).strip_prefix("thread 1 number ")?;
            said.split(' ').next()?.parse().ok()
        })
        .collect();
    assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "{numbers:?}");
}

#[test]
fn the_run_that_is_given_up_first_is_the_oldest_one_even_if_the_clock_was_set_back_after_it() {
    let scene = Scene::new();
    let port = Port::reserve();
    let Some(clock) = clock(&scene) else { return };
    for (run, offset) in [(1, 0), (2, -YEAR), (3, -2 * YEAR)] {
        clock.set(offset);
        let told =
            format!("to={} app=app records={} spool=65536 end=kill", port.address(), run * 100);
        subject(&scene, &clock, &told).end();
    }
    let collector = Collector::with(&scene, &format!("--listen tcp://{}", port.address()));
    // Without their unused pages, the rings take 20, 36 and 52 KiB.
    let told = format!("to={} app=app records=1 keep=100000", port.address());
    let mut next = subject(&scene, &clock, &told);
    next.succeed();
    next.says("discarded 100 records in spools of earlier runs to make room (1 of them)");
    let _ = collector.stop();
}
