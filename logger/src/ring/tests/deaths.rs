//! A child dies at every store of claim, commit, release and checkpoint in turn; whatever it had
//! committed by then and not released comes out of its file, once, in order, with its number.

use super::*;
use crate::identity::SenderIdentity;
use crate::spool::Directory;
use netlog_wire::Level;
use std::path::Path;
use std::process::Command;

const POINT: &str = "NETLOG_TEST_KILL_POINT";
const DIR: &str = "NETLOG_TEST_KILL_DIR";

/// What the child does, as a script: appends and releases that go once round the ring.
fn script() -> Vec<Step> {
    let mut steps = Vec::new();
    for round in 0..3 {
        steps.extend((0..4).map(|n| Step::Append(3000 + 1777 * n + round)));
        steps.push(Step::Release(2));
        steps.extend((0..2).map(|n| Step::Append(9 + n)));
        steps.push(Step::Release(4));
    }
    steps
}

enum Step {
    Append(usize),
    Release(u64),
}

fn text(number: u64, len: usize) -> String {
    let start = format!("{number} ");
    format!("{start}{}", "x".repeat(len.saturating_sub(start.len())))
}

/// Run in the child: performs the script and tells of each step, before and after, in a file.
#[test]
fn dies_at_its_point() {
    let (Ok(point), Ok(dir)) = (std::env::var(POINT), std::env::var(DIR)) else { return };
    let spool = Directory::open_or_create(Path::new(&dir)).unwrap();
    let spool = spool.create(SenderIdentity::current("child", "host", 65_536)).unwrap();
    let log = std::fs::File::create(Path::new(&dir).join("steps")).unwrap();
    let tell = |text: String| rustix::io::write(&log, text.as_bytes()).map(drop).unwrap();
    POINTS.set(Some(point.parse().unwrap()));
    let mut appended = 0;
    let mut released = spool.ring.first();
    for step in script() {
        match step {
            Step::Append(len) => {
                appended += 1;
                spool.append(Level::Error, text(appended, len).as_bytes()).unwrap();
                tell(format!("appended {appended}\n"));
            }
            Step::Release(count) => {
                let last = released.number + count - 1;
                tell(format!("releasing {last}\n"));
                released = spool.ring.release(released, last, Owner::Alive);
            }
        }
    }
    tell("done\n".into());
}

/// Run in the child: loses a record and tells the stream of it, again and again.
#[test]
fn dies_over_its_losses() {
    let (Ok(point), Ok(dir)) = (std::env::var(POINT), std::env::var(DIR)) else { return };
    let spool = Directory::open_or_create(Path::new(&dir)).unwrap();
    let spool = spool.create(SenderIdentity::current("child", "host", 65_536)).unwrap();
    POINTS.set(Some(point.parse().unwrap()));
    let mut released = spool.ring.first();
    for last in 1..=3 {
        spool.lose(Level::Info, 1);
        spool.report_losses();
        released = spool.ring.release(released, last, Owner::Alive);
    }
    std::fs::write(Path::new(&dir).join("steps"), "done\n").unwrap();
}

#[test]
fn every_loss_is_told_of_once_after_a_death_at_any_store() {
    for point in 0.. {
        let dir = tempfile::tempdir().unwrap();
        run_child("dies_over_its_losses", point, dir.path());
        let left =
            Directory::open_or_create(dir.path()).unwrap().adopt_all(None, |e| panic!("{e}"));
        let [spool] = &left[..] else { panic!("one ring was left behind") };
        let mut cursor = spool.ring.first();
        read_all(&spool.ring, &mut cursor, Owner::Dead);
        // Every record there ever was tells of one loss.
        let told = cursor.number - 1 + spool.unreported();
        assert_eq!(told, spool.lost().iter().sum::<u64>(), "point {point}");
        if dir.path().join("steps").exists() {
            assert!(point > 30, "it passes {point} points only");
            return;
        }
    }
}

fn run_child(test: &str, point: u64, dir: &Path) -> std::process::Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("ring::tests::deaths::{test}")])
        .env(POINT, point.to_string())
        .env(DIR, dir)
        .output()
        .unwrap()
}

/// What a child that dies at `point` told, and what is in its ring afterwards.
fn die_at(point: u64) -> (String, Vec<(u64, String)>) {
    let dir = tempfile::tempdir().unwrap();
    let child = run_child("dies_at_its_point", point, dir.path());
    let told = std::fs::read_to_string(dir.path().join("steps")).unwrap();
    assert_eq!(child.status.success(), told.ends_with("done\n"), "{child:?}");
    let left = Directory::open_or_create(dir.path()).unwrap().adopt_all(None, |e| panic!("{e}"));
    let [spool] = &left[..] else { panic!("one ring was left behind") };
    let mut first = spool.ring.first();
    (told, read_all(&spool.ring, &mut first, Owner::Dead))
}

#[test]
fn every_committed_record_survives_a_death_at_any_store() {
    let lengths: Vec<usize> = script()
        .iter()
        .filter_map(|step| if let Step::Append(len) = step { Some(*len) } else { None })
        .collect();
    for point in 0.. {
        let (told, found) = die_at(point);
        let last = |word: &str| {
            let line = told.lines().rev().find_map(|line| line.strip_prefix(word));
            line.map_or(0, |number| number.trim().parse::<u64>().unwrap())
        };
        let appended = last("appended");
        let releasing = last("releasing");
        let first = found.first().map_or(appended + 1, |(number, _)| *number);
        let end = found.last().map_or(appended, |(number, _)| *number);
        assert!(first <= releasing + 1, "point {point}: nothing is gone that was not released");
        assert!(end == appended || end == appended + 1, "point {point}: {end} of {appended}");
        for (at, (number, line)) in found.iter().enumerate() {
            assert_eq!(*number, first + at as u64, "point {point}");
            assert_eq!(*line, text(*number, lengths[*number as usize - 1]), "point {point}");
        }
        if told.ends_with("done\n") {
            assert!(point > 100, "the script passes {point} points only");
            return;
        }
    }
}
