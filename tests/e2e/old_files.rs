//! Old files: compressed behind everybody's back, read as before, and removed as was asked.
//!
//! A file is as long as `--rotate-size` and one batch, which is large on a busy machine: with
//! `--max-in-flight` there are as many files as are needed on each.

use crate::harness::{
    Collector, Port, Reader, Records, SOON, Scene, assert_each_once, found, message, metric, pause,
    speak, wait_until,
};
use rustix::process::Signal;
use std::fs;
use std::io::{Read, Write, stderr};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// The rotated files, the oldest first; ledgers and what is half done left out.
fn rotated(scene: &Scene) -> Vec<PathBuf> {
    let entries = fs::read_dir(scene.path("")).expect("a directory").flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    let name = |path: &PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
    paths.retain(|path| {
        let name = name(path);
        name.starts_with("app.log.2") && !name.ends_with(".ledger") && !name.ends_with(".new")
    });
    paths.sort_by_key(|path| {
        let name = name(path);
        let (time, more) = name.trim_end_matches(".zst").split_once('Z').expect("a time");
        (time.to_owned(), more.trim_start_matches('-').parse::<u64>().unwrap_or(0))
    });
    paths
}

/// Waits until every rotated file is compressed, of which there are more than `least`.
fn all_packed(scene: &Scene, least: usize) -> Vec<PathBuf> {
    let packed = || {
        let files = rotated(scene);
        let packed = files.iter().all(|path| path.extension().is_some_and(|end| end == "zst"));
        packed && files.len() > least
    };
    assert!(wait_until(SOON, packed), "{:?}", rotated(scene));
    rotated(scene)
}

/// Without what is no record.
fn records(found: Records) -> Records {
    Records(found.0.into_iter().filter(|value| value.get("notice").is_none()).collect())
}

/// Complaint tracing#2401: rotated files are not compressed.
#[test]
fn what_was_rotated_away_is_compressed_and_found_as_before_each_record_once_and_in_order() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "--rotate-size 1MiB --max-in-flight 1MiB");
    let told = format!("to={} threads=2 records=20000 block=600", collector.authority());
    scene.subject(&told).succeed();
    let server = collector.server();
    let packed = all_packed(&scene, 3);
    let mut text = String::new();
    let mut zstdcat = Command::new("zstdcat");
    let out = zstdcat.args(&packed).output().expect("zstd is installed");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    out.stdout.as_slice().read_to_string(&mut text).expect("records are text");
    text.push_str(&collector.text());
    assert_each_once(&Records::read(&text), 2, 20_000);
    for asked in ["/search?order=oldest", "/tail?n=all&follow=false"] {
        let all = records(found(&server, asked));
        assert_each_once(&all, 2, 20_000);
        assert_eq!(all.0.len(), 40_000, "{asked}");
    }
    let mut newest = records(found(&server, "/search")).0;
    newest.reverse();
    assert_each_once(&Records(newest), 2, 20_000);
    // From their ledgers it is known that nothing is to be found in them.
    // That of the file being written knows it within a second of the last rotation.
    let skipped = || found(&server, "/search?level=error").0.remove(0);
    assert!(wait_until(SOON, || skipped()["scanned"] == 0), "{}", skipped());
    assert_eq!(skipped()["skipped"], text.len());
    let count = |name: &str| metric(&server, name);
    assert_eq!(count("files_compressed"), packed.len() as u64);
    let before = count("bytes_compressed");
    let after = count("bytes_compressed_to");
    assert!(after > 0 && after * 4 < before, "{before} to {after} bytes");
    assert_eq!(count("pieces_unreadable"), 0);
}

#[test]
fn a_tail_resumes_without_a_gap_behind_a_record_in_a_file_that_was_compressed_meanwhile() {
    let scene = Scene::new();
    let port = Port::reserve();
    let http = Port::reserve();
    let port = port.address();
    let http = http.address();
    let line =
        format!("--listen tcp://{port} --http {http} --rotate-size 1MiB --max-in-flight 1MiB");
    let mut first = Collector::with(&scene, &format!("{line} --compress off"));
    let told = format!("to={port} threads=2 records=20000 block=600");
    scene.subject(&told).succeed();
    let mut seen = Reader::open(&first.server(), "/tail?n=all").take(5_000);
    let plain = rotated(&scene);
    assert!(plain.len() > 3 && plain.iter().all(|path| path.extension() != Some("zst".as_ref())));
    first.process.signal(Signal::KILL);
    first.process.end();
    let second = Collector::with(&scene, &line);
    all_packed(&scene, 3);
    let place = seen.0.last().expect("a record")["at"].as_str().expect("a place").to_owned();
    let tail = Reader::open(&second.server(), &format!("/tail?after={place}")).gather();
    seen.0.extend(tail.wait_for(35_000).0);
    assert_each_once(&seen, 2, 20_000);
}

#[test]
fn a_slow_tail_goes_on_through_files_that_were_compressed_under_it() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "--rotate-size 1MiB --max-in-flight 1MiB");
    let server = collector.server();
    let mut slow = Reader::open(&server, "/tail?n=all");
    assert_eq!(slow.next().expect("a notice")["notice"], "live");
    // Some 35 MB that nobody reads: far more than sockets hold.
    let told = format!("to={} threads=2 records=50000 block=600", collector.authority());
    scene.subject(&told).succeed();
    all_packed(&scene, 6);
    assert_each_once(&slow.gather().wait_for(100_000), 2, 50_000);
}

#[test]
fn beyond_what_is_to_be_kept_the_oldest_are_removed_which_is_counted_and_said() {
    let scene = Scene::new();
    let collector =
        Collector::serving(&scene, "--rotate-size 512KiB --max-in-flight 1MiB --keep-files 3");
    let told = format!("to={} records=30000 block=600", collector.authority());
    scene.subject(&told).succeed();
    let server = collector.server();
    let removed = || metric(&server, "files_removed");
    let kept = || all_packed(&scene, 2);
    assert!(wait_until(SOON, || removed() > 0 && kept().len() == 3), "{:?}", kept());
    let told = |said: &str| {
        let lines = said.lines().filter(|line| line.ends_with("bytes, by --keep-files"));
        lines.count() as u64
    };
    let all = collector.process.until_stderr(|output| told(&output.text()) == removed());
    assert!(all, "{}", collector.process.stderr());
    assert!(metric(&server, "bytes_removed") > removed() * 1000);
    let left = records(found(&server, "/search?order=oldest"));
    let last = left.0.last().expect("a record");
    assert!(message(last).ends_with("number 30000") && left.0.len() < 30_000);
    let missing = 30_000 - left.0.len();
    assert_eq!(message(&left.0[0]), format!("thread 1 number {}", missing + 1));
    let ledgers = fs::read_dir(scene.path("")).expect("a directory").flatten();
    let ledgers = ledgers.filter(|file| file.file_name().as_encoded_bytes().ends_with(b".ledger"));
    assert_eq!(ledgers.count(), 4, "they are removed with their files");
}

#[test]
fn a_damaged_compressed_file_harms_nobody_and_what_is_whole_of_it_is_found() {
    let scene = Scene::new();
    let collector = Collector::serving(&scene, "--rotate-size 2MiB --max-in-flight 1MiB");
    let told = format!("to={} records=30000 block=600", collector.authority());
    scene.subject(&told).succeed();
    let server = collector.server();
    let packed = all_packed(&scene, 1);
    // One is cut, which takes its table; another has other bytes in its last frame.
    let whole = fs::read(&packed[0]).expect("it is there");
    fs::write(&packed[0], &whole[..whole.len() / 2]).expect("it is ours");
    let mut bytes = fs::read(&packed[1]).expect("it is there");
    let at = bytes.len() - 200;
    bytes[at..at + 20].fill(0x55);
    fs::write(&packed[1], bytes).expect("it is ours");
    let searched = found(&server, "/search?order=oldest");
    let end = searched.0.last().expect("a notice");
    assert!(end["unreadable"].as_u64() > Some(1), "{end}");
    let left = records(searched);
    assert!(left.0.len() > 10_000 && left.0.len() < 30_000, "{} records", left.0.len());
    assert!(message(left.0.last().expect("a record")).ends_with("number 30000"));
    let unreadable = metric(&server, "pieces_unreadable");
    assert!(unreadable > 1, "the one that was cut, and where the other is damaged");
    let tailed = found(&server, "/tail?n=all&follow=false");
    assert!(tailed.0.iter().any(|value| value["notice"] == "missed"));
    let tail = records(tailed);
    // Some 16 KiB on both sides of the damage may be lost with it, or not.
    assert!(tail.0.len().abs_diff(left.0.len()) < 600, "{} records", tail.0.len());
    assert!(message(tail.0.last().expect("a record")).ends_with("number 30000"));
    assert!(metric(&server, "pieces_unreadable") > unreadable);
    let mut search = scene.netlog(&format!("search --at {server} -g 30000"));
    assert_eq!(search.end().code(), Some(2), "{}", search.stderr());
    assert!(search.stdout().contains("number 30000"), "{}", search.stdout());
    let said = search.stderr();
    assert!(said.contains("records may be missing: unreadable pieces of files: "), "{said}");
}

/// By hand: `cargo test --release --test e2e beside_ten_thousand -- --ignored --nocapture`.
#[test]
#[ignore = "takes some minutes"]
fn an_idle_collector_beside_ten_thousand_rotated_files_takes_hardly_any_processor_time() {
    const MANY: usize = 10_000;
    const IDLE: Duration = Duration::from_secs(150);
    let scene = Scene::new();
    let line = "--rotate-size 1KiB --compress off";
    let collector = Collector::serving(&scene, line);
    for number in 0..=MANY {
        speak(collector.authority(), format!("{number} {}\n", "x".repeat(1100)).as_bytes());
    }
    let all = rotated(&scene).len();
    assert!(all >= MANY, "{all} files");
    // One pass or two notice that nothing is left to be done.
    pause(IDLE);
    let time = || collector.process.processor_time().expect("it runs");
    let before = time();
    pause(IDLE);
    let taken = time() - before;
    let _ = writeln!(stderr(), "{taken:?} of processor time in {IDLE:?}, beside {all} files");
    assert!(taken < Duration::from_secs(2), "{taken:?}");
    drop(collector.stop());
    let collector = Collector::serving(&scene, "");
    let begun = Instant::now();
    let packed = || metric(&collector.server(), "files_compressed") >= all as u64;
    assert!(wait_until(Duration::from_secs(1800), packed));
    let taken = collector.process.processor_time().expect("it runs");
    let seconds = begun.elapsed().as_secs();
    let _ = writeln!(stderr(), "{all} files compressed in {seconds} s, with {taken:?}");
}
