//! Programs and collectors whose wall clock is set ahead and back while they run.

use crate::harness::{
    Child, Clock, Collector, Port, Records, SOON, Scene, example, found, message, messages, pause,
    program, speak, wait_until,
};
use rustix::process::Signal;
use std::fs;
use std::io::Write;
use std::time::Duration;

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
    fs::write(scene.path("progress"), [0; 8]).expect("the scene has room");
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

/// A collector that lives by the clock, and rotates after some ten lines.
fn collector(scene: &Scene, clock: &Clock, line: &str) -> Collector {
    let mut command = scene.command(&program("netlog-collector"));
    clock.govern(&mut command);
    let line = format!(
        "--listen tcp://127.0.0.1:0 --http 127.0.0.1:0 --rotate-size 10KiB --compress off {line}"
    );
    let mut collector = Collector::by(command, scene.path("app.log"), &line);
    assert!(collector.listening(1), "{}", collector.process.stderr());
    collector
}

/// Names of the rotated files.
fn rotated(scene: &Scene) -> Vec<String> {
    let entries = fs::read_dir(scene.path("")).expect("a directory").flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("app.log.2") && !name.ends_with(".ledger")).collect()
}

/// Sends a few numbered lines of a kilobyte, enough for a rotation.
fn send(collector: &Collector, next: &mut usize) {
    let lines = *next..*next + 12;
    *next = lines.end;
    let text: String = lines.map(|n| format!("{n} {}\n", "x".repeat(1000))).collect();
    speak(collector.authority(), text.as_bytes());
    // A clock that was set is followed within a second.
    pause(Duration::from_millis(50));
}

/// Tells whether the times in the names of rotated files go back where their numbers grow.
fn go_back(names: &[String]) -> bool {
    let mut names: Vec<_> = names.iter().filter_map(|name| name.split_once("Z-")).collect();
    names.sort_by_key(|(_, number)| number.parse::<u64>().unwrap_or(0));
    !names.is_sorted_by(|(one, _), (other, _)| one <= other)
}

fn numbers(records: &Records) -> Vec<usize> {
    let records = records.0.iter().filter(|value| value.get("notice").is_none()).cloned();
    let records = Records(records.collect());
    let number = |text: &&str| text.split(' ').next().and_then(|number| number.parse().ok());
    messages(&records).iter().map(|text| number(text).expect("a number")).collect()
}

#[test]
fn of_files_rotated_before_the_clock_was_set_back_by_years_the_oldest_go_first() {
    for [before, after] in [[10 * YEAR, 0], [0, -YEAR]] {
        let scene = Scene::new();
        let Some(clock) = clock(&scene) else { return };
        let year = |offset: i64| (2026 + offset / YEAR).to_string();
        clock.set(before);
        let collector = collector(&scene, &clock, "--keep-files 3");
        let server = collector.server();
        let mut next = 1;
        for _ in 0..5 {
            send(&collector, &mut next);
        }
        clock.set(after);
        let is_set = || {
            send(&collector, &mut next);
            let year = format!("app.log.{}", year(after));
            rotated(&scene).iter().any(|name| name.starts_with(&year))
        };
        assert!(wait_until(SOON, is_set), "{:?}", rotated(&scene));
        let kept = || rotated(&scene).len() <= 3;
        assert!(wait_until(SOON, kept), "{:?}", rotated(&scene));
        let left = numbers(&found(&server, "/tail?n=all&follow=false"));
        let newest: Vec<_> = (next - left.len()..next).collect();
        assert_eq!(left, newest, "the newest are kept");
        assert!(left.len() >= 20, "{left:?}");
    }
}

#[test]
fn a_tail_is_in_order_and_resumes_behind_each_record_though_the_clock_was_set_back() {
    for back in [-2, -3600] {
        let scene = Scene::new();
        let Some(clock) = clock(&scene) else { return };
        let collector = collector(&scene, &clock, "");
        let server = collector.server();
        let mut next = 1;
        (0..3).for_each(|_| send(&collector, &mut next));
        let mut offset = 0;
        let is_set_back = || {
            // Two seconds are over before it shows where the machine is busy.
            offset += back;
            clock.set(offset);
            (0..40).any(|_| {
                send(&collector, &mut next);
                go_back(&rotated(&scene))
            })
        };
        assert!(wait_until(SOON, is_set_back), "{:?}", rotated(&scene));
        (0..3).for_each(|_| send(&collector, &mut next));
        let all = found(&server, "/tail?n=all&follow=false");
        let expected: Vec<_> = (1..next).collect();
        assert_eq!(numbers(&all), expected, "{back} s");
        let found_all = found(&server, "/search?order=oldest");
        assert_eq!(numbers(&found_all), expected, "{back} s");
        for record in all.0.iter().step_by(all.0.len() / 6) {
            let at = record["at"].as_str().expect("a position");
            let rest = found(&server, &format!("/tail?after={at}&follow=false"));
            let last = numbers(&Records(vec![record.clone()]))[0];
            assert_eq!(numbers(&rest), expected[last..], "{back} s, after {last}");
        }
    }
}
