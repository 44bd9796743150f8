//! The spool directory, with everything in it that may lie there.

use crate::harness::{
    Child, Collector, Port, SOON, Scene, assert_each_once, example, messages, wait_until,
};
use rustix::process::Signal;
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};

/// Leaves a ring of `records` records of `app` behind and answers its path.
fn left_behind(scene: &Scene, port: &Port, app: &str, records: u32) -> PathBuf {
    let before = scene.rings();
    let told = format!("to={} app={app} records={records} spool=65536 end=kill", port.address());
    scene.subject(&told).end();
    let mut rings = scene.rings();
    rings.retain(|ring| !before.contains(ring));
    rings.pop().expect("a killed program leaves its ring behind")
}

/// Writes `bytes` over the file's own at `offset`.
fn overwrite(path: &Path, offset: u64, bytes: &[u8]) {
    let mut file = fs::File::options().write(true).open(path).expect("the ring is ours");
    file.seek(SeekFrom::Start(offset)).expect("it is long enough");
    file.write_all(bytes).expect("it can be written");
}

#[test]
fn whatever_else_lies_in_the_spool_is_left_alone_with_one_line_each_and_the_good_is_delivered() {
    let scene = Scene::new();
    let port = Port::reserve();
    left_behind(&scene, &port, "app", 100);
    let damaged = |name: &str, change: &dyn Fn(&Path)| {
        let path = left_behind(&scene, &port, "app", 10);
        let new = path.with_file_name(format!("{name}.ring"));
        fs::rename(&path, &new).expect("the ring is ours");
        change(&new);
    };
    damaged("version", &|path| overwrite(path, 0, b"netlog spool 9"));
    damaged("short", &|path| {
        fs::File::options().write(true).open(path).unwrap().set_len(5000).unwrap()
    });
    damaged("tail", &|path| overwrite(path, 1024, &[0x7f; 8]));
    damaged("empty", &|path| fs::write(path, "").unwrap());
    fs::write(scene.spool().join("foreign.ring"), "these are not the bytes of a spool").unwrap();
    fs::write(scene.spool().join("notes.txt"), "not ours to read").unwrap();
    fs::create_dir(scene.spool().join("directory.ring")).unwrap();
    let outside = scene.path("outside");
    fs::rename(left_behind(&scene, &port, "app", 10), &outside).unwrap();
    symlink(&outside, scene.spool().join("link.ring")).unwrap();

    let collector = Collector::with(&scene, &format!("--listen tcp://{}", port.address()));
    let mut next = scene.subject(&format!("to={} app=app records=1 wait=1", port.address()));
    let good = || collector.records().of("app").0.len() >= 101;
    assert!(wait_until(SOON, good), "{}\n{}", collector.text(), next.stderr());
    next.succeed();
    for name in ["version", "short", "tail", "empty", "foreign", "directory", "link"] {
        let path = scene.spool().join(format!("{name}.ring"));
        let line = format!("left {} alone: ", path.display());
        assert_eq!(next.stderr().matches(&line).count(), 1, "{name}\n{}", next.stderr());
        assert!(path.symlink_metadata().is_ok(), "{name} is still there");
    }
    assert_eq!(next.stderr().matches("netlog: ").count(), 7, "{}", next.stderr());
    let mut records = collector.stop();
    records.0.retain(|record| record["target"] == "subject");
    assert_eq!(records.0.len(), 101, "nothing else was delivered");
}

/// A spool that somebody truncates under a running program kills it by SIGBUS, as docs say; the next
/// start leaves the rest alone.
#[test]
fn a_program_whose_spool_somebody_truncates_is_killed_and_its_next_start_says_so() {
    let scene = Scene::new();
    let port = Port::reserve();
    let told = format!("to={} app=app", port.address());
    let mut subject = scene.subject(&format!("{told} records=10 wait=1 more=10"));
    subject.says("logged");
    let ring = scene.rings().pop().expect("it has a spool");
    fs::File::options().write(true).open(&ring).unwrap().set_len(4096).unwrap();
    // Its worker reads the ring several times a second, also while nothing is logged.
    assert_eq!(subject.end().signal(), Some(Signal::BUS.as_raw()), "{}", subject.stderr());
    let collector = Collector::with(&scene, &format!("--listen tcp://{}", port.address()));
    let mut next = scene.subject(&format!("{told} records=7"));
    next.succeed();
    let line = format!("left {} alone: its length is wrong", ring.display());
    assert!(next.stderr().contains(&line), "{}", next.stderr());
    assert!(ring.exists());
    assert_each_once(&collector.records().of("app"), 1, 7);
}

#[test]
fn a_damaged_record_is_reported_as_lost_and_those_around_it_are_delivered() {
    let scene = Scene::new();
    let port = Port::reserve();
    let ring = left_behind(&scene, &port, "app", 100);
    let mut bytes = Vec::new();
    fs::File::open(&ring).unwrap().read_to_end(&mut bytes).unwrap();
    let words = b"\"msg\":\"thread 1 number 50\"";
    let at = bytes.windows(words.len()).position(|window| window == words).expect("it is there");
    overwrite(&ring, at as u64, b"\x00\xff\"{garbage");

    let collector = Collector::with(&scene, &format!("--listen tcp://{}", port.address()));
    scene.netlog(&format!("ship --to {}", port.address())).succeed();
    let records = collector.stop();
    let said = messages(&records);
    assert_eq!(said.iter().filter(|m| m.starts_with("thread 1 number ")).count(), 99);
    let told: Vec<_> = records.0.iter().filter(|record| record["lost"] == 1).collect();
    assert_eq!(told.len(), 1, "{said:?}");
    assert!(!collector_text_has_garbage(&said), "{said:?}");
}

fn collector_text_has_garbage(said: &[&str]) -> bool {
    said.iter().any(|message| message.contains("garbage"))
}

#[test]
fn noise_in_every_place_of_a_ring_never_stops_the_next_start() {
    let scene = Scene::new();
    let port = Port::reserve();
    for seed in 0..12_u64 {
        let ring = left_behind(&scene, &port, "app", 200);
        let mut random = seed + 1;
        for _ in 0..40 {
            // xorshift64: the same noise in every run.
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let offset = 1024 + random % 60_000;
            overwrite(&ring, offset, &random.to_le_bytes()[..(seed % 8 + 1) as usize]);
        }
    }
    let collector = Collector::with(&scene, &format!("--listen tcp://{}", port.address()));
    let mut ship = scene.netlog(&format!("ship --to {}", port.address()));
    assert!(ship.end().code().is_some_and(|code| code < 2), "{}", ship.stderr());
    let mut next = scene.subject(&format!("to={} app=app records=10", port.address()));
    next.succeed();
    assert!(!ship.stderr().contains("panicked") && !next.stderr().contains("panicked"));
    // Every line that came of it is a record: reading them asserts it.
    assert!(collector.stop().0.len() > 10);
}

#[test]
fn several_programs_of_one_app_live_side_by_side_and_a_new_one_adopts_only_the_dead() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let told =
        |records: u32| format!("to={} app=app records={records} wait=1", collector.authority());
    let mut first = scene.subject(&told(500));
    let dead = scene.subject(&told(700));
    first.says("logged");
    dead.says("logged");
    dead.signal(Signal::STOP);
    let mut third = scene.subject(&told(0));
    third.says("logged");
    assert_eq!(scene.rings().len(), 3, "the spool of one that is stopped is its own");
    dead.signal(Signal::KILL);
    drop(dead);
    let mut fourth = scene.subject(&told(300));
    fourth.says("logged");
    assert!(wait_until(SOON, || scene.rings().len() == 3), "{:?}", scene.rings());
    first.succeed();
    third.succeed();
    fourth.succeed();
    let mut records = collector.stop();
    records.0.retain(|record| record["target"] == "subject");
    assert_eq!(records.0.len(), 1500);
    assert!(scene.rings().is_empty(), "{:?}", scene.rings());
}

#[test]
fn the_spool_is_for_its_user_alone() {
    let scene = Scene::new();
    let port = Port::reserve();
    let ring = left_behind(&scene, &port, "app", 10);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&scene.spool()), mode(&ring)), (0o700, 0o600));
}

#[test]
fn a_spool_directory_that_cannot_be_used_is_said_once_and_the_program_runs_on() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let elsewhere = scene.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, scene.spool()).unwrap();
    let mut subject = scene.subject(&format!("to={} records=500", collector.authority()));
    subject.succeed();
    assert_each_once(&collector.stop(), 1, 500);
    let said = subject.stderr();
    assert_eq!(said.matches("records wait in memory").count(), 1, "{said}");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0, "no symbolic link is followed");
}

#[test]
fn what_was_lost_is_told_even_when_the_program_dies_before_it_could_tell() {
    let scene = Scene::new();
    let port = Port::reserve();
    let told = format!("to={} records=5000 spool=65536 end=kill", port.address());
    scene.subject(&told).end();
    let collector = Collector::with(&scene, &format!("--listen tcp://{}", port.address()));
    scene.netlog(&format!("ship --to {}", port.address())).succeed();
    let records = collector.stop();
    let delivered = records.0.iter().filter(|record| record["target"] == "subject").count() as u64;
    let lost: u64 = records.0.iter().filter_map(|record| record["lost"].as_u64()).sum();
    assert_eq!(delivered + lost, 5000, "{delivered} delivered, {lost} lost");
    assert!(lost > 0);
}

#[test]
fn of_what_dead_programs_left_the_oldest_is_given_up_beyond_the_limit_and_counted_as_lost() {
    let scene = Scene::new();
    let port = Port::reserve();
    for records in [100, 200, 300] {
        left_behind(&scene, &port, "app", records);
    }
    let collector = Collector::with(&scene, &format!("--listen tcp://{}", port.address()));
    // Without their unused pages, the rings take 20, 36 and 52 KiB.
    let told = format!("to={} app=app records=1 keep=100000 wait=1", port.address());
    let mut next = scene.subject(&told);
    let lost = || collector.records().0.iter().filter_map(|r| r["lost"].as_u64()).sum::<u64>();
    let came = || messages(&collector.records()).iter().filter(|m| m.contains("number")).count();
    assert!(wait_until(SOON, || came() == 501 && lost() == 100), "{}", collector.text());
    next.says("discarded 100 records in spools of earlier runs to make room (1 of them)");
    next.succeed();
}

/// Runs the subject under a limit of the sizes of its files.
fn run_limited(scene: &Scene, bytes: u32, told: &str) -> Child {
    let mut command = scene.command(Path::new("prlimit"));
    command.arg(format!("--fsize={bytes}")).arg(example("subject")).args(told.split_whitespace());
    let mut subject = Child::start(&mut command);
    subject.succeed(); // and was not killed by SIGXFSZ
    subject
}

#[test]
fn a_limit_of_file_sizes_halves_the_spool_or_moves_it_to_memory_and_kills_nobody() {
    let scene = Scene::new();
    let port = Port::reserve();
    left_behind(&scene, &port, "app", 50);
    let collector = Collector::with(&scene, &format!("--listen tcp://{}", port.address()));
    let told = |app: &str| format!("to={} app={app} records=100", port.address());
    let halved = run_limited(&scene, 1_000_000, &told("halved"));
    halved.says("there is room for a spool of 512 KiB only");
    // Earlier runs are not discarded for it: that would be in vain.
    let moved = run_limited(&scene, 100_000, &told("app"));
    moved.says("records wait in memory");
    assert!(!moved.stderr().contains("discarded"), "{}", moved.stderr());
    scene.netlog(&format!("ship --to {}", port.address())).succeed();
    let mut records = collector.stop();
    records.0.retain(|record| record["target"] == "subject");
    assert_eq!(records.of("app").0.len(), 150);
    assert_each_once(&records.of("halved"), 1, 100);
}

/// A program whose spool directory is removed while its records wait, as at the end of a session
/// (RemoveIPC=), and which then logs more.
fn removed(scene: &Scene, port: &Port) -> Child {
    let told = format!("to={} records=20 more=20 wait=1", port.address());
    let mut subject = scene.subject(&told);
    subject.says("logged");
    fs::remove_dir_all(scene.spool()).expect("it is ours");
    subject.says("was removed; a new spool takes its place");
    // One for what follows, one for what is not delivered.
    assert!(wait_until(SOON, || scene.rings().len() == 2), "{:?}", scene.rings());
    subject.feed(b"\n");
    subject.says("logged more");
    assert_eq!(subject.stderr().matches("was removed").count(), 1, "{}", subject.stderr());
    subject
}

#[test]
fn a_program_whose_spool_directory_was_removed_is_killed_and_nothing_is_lost() {
    let scene = Scene::new();
    let port = Port::reserve();
    let subject = removed(&scene, &port);
    subject.signal(Signal::KILL);
    drop(subject);
    let collector = Collector::with(&scene, &format!("--listen tcp://{}", port.address()));
    scene.netlog(&format!("ship --to {}", port.address())).succeed();
    let mut records = collector.stop();
    records.0.retain(|record| record["target"] == "subject");
    assert_each_once(&records, 2, 20);
    assert!(scene.rings().is_empty(), "{:?}", scene.rings());
}

#[test]
fn a_program_whose_spool_directory_was_removed_delivers_everything_once_and_cleans_up() {
    let scene = Scene::new();
    let port = Port::reserve();
    let mut subject = removed(&scene, &port);
    let collector = Collector::with(&scene, &format!("--listen tcp://{}", port.address()));
    let all = collector.wait_for(40);
    assert_each_once(&all, 2, 20);
    subject.succeed();
    assert!(scene.rings().is_empty(), "{:?}", scene.rings());
    let mut records = collector.stop();
    records.0.retain(|record| record["target"] == "subject");
    assert_each_once(&records, 2, 20);
}
