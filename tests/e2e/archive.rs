//! Rotated files in an S3 bucket: they are there before retention removes them, whichever
//! process is killed.

mod store;

use crate::harness::{Child, Collector, SOON, Scene, get, metric, program, wait_until};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
pub(crate) use store::Bucket;

/// Tells a collector where the store is.
pub(crate) fn environment(command: &mut Command, bucket: &Bucket) {
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ENDPOINT_URL", &bucket.url()),
    ] {
        command.env(name, value);
    }
}

/// A collector whose archive is in `bucket`.
fn archiving(scene: &Scene, bucket: &Bucket, file: &str, line: &str) -> Collector {
    let mut command = scene.command(&program("netlog-collector"));
    environment(&mut command, bucket);
    let line = format!(
        "--listen tcp://127.0.0.1:0 --http 127.0.0.1:0 --archive s3://logs/site --rotate-size 2000 {line}"
    );
    let mut collector = Collector::by(command, scene.path(file), &line);
    assert!(collector.listening(1), "{}", collector.process.stderr());
    collector
}

/// Sends plain lines, a batch of a few at a time, and waits until they are in files.
pub(crate) fn send(collector: &Collector, numbers: std::ops::Range<u32>) {
    for begin in numbers.clone().step_by(5) {
        let mut peer = TcpStream::connect(collector.authority()).expect("it listens");
        for number in begin..(begin + 5).min(numbers.end) {
            writeln!(peer, "number {number} {}", "x".repeat(100)).expect("it reads");
        }
        peer.shutdown(Shutdown::Write).expect("it is connected");
        peer.read_to_end(&mut Vec::new()).expect("it closes when all is written");
    }
}

/// Number of files that the collector knows to be archived.
pub(crate) fn archived(scene: &Scene) -> usize {
    let text = fs::read_to_string(scene.path("app.log.archived")).unwrap_or_default();
    let line = text.rsplit_once(' ').map_or("", |(line, _)| line);
    let value = serde_json::from_str::<serde_json::Value>(line).unwrap_or_default();
    value["archived"].as_array().map_or(0, Vec::len)
}

/// Rotated files below a directory, without their ledgers.
fn rotated(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(rotated(&path));
        } else if name.contains(".log.2") && !name.contains("ledger") && !name.ends_with(".new") {
            let compressed = path.with_file_name(format!("{name}.zst")).exists();
            found.extend(Some(path).filter(|_| !compressed));
        }
    }
    found
}

/// The count of each number in the bucket, and in the files that are not there.
fn counts(bucket: &Bucket, scene: &Scene) -> BTreeMap<u32, u32> {
    let objects = bucket.objects();
    let mut texts: Vec<_> = objects.content.values().map(|bytes| store::text(bytes)).collect();
    let mut files = rotated(&scene.path(""));
    files.retain(|path| !objects.has(path));
    files.push(scene.path("app.log"));
    texts.extend(
        files.iter().filter_map(|path| fs::read(path).ok()).map(|bytes| store::text(&bytes)),
    );
    let mut counts = BTreeMap::new();
    for line in texts.iter().flat_map(|text| text.lines()) {
        let number = line.split_once("number ").and_then(|(_, rest)| rest.split(' ').next());
        let number = number.and_then(|number| number.parse().ok()).expect("a record has a number");
        *counts.entry(number).or_default() += 1;
    }
    counts
}

/// True if each rotated file below a directory is in the bucket, and the collector waits for none.
fn all_archived(bucket: &Bucket, directory: &Path, collector: &Collector) -> bool {
    let files = rotated(directory);
    let all = files.iter().all(|path| bucket.objects().has(path));
    all && waits_for_none(collector)
}

fn waits_for_none(collector: &Collector) -> bool {
    get(&collector.server(), "/metrics").body.contains("\nnetlog_segments_to_archive 0\n")
}

fn assert_once(counts: &BTreeMap<u32, u32>, numbers: std::ops::Range<u32>) {
    let expected: BTreeMap<_, _> = numbers.map(|number| (number, 1)).collect();
    assert_eq!(*counts, expected);
}

/// A file that `--keep-age` or `--keep-files` removes is in the archive, and was compared with it.
#[test]
fn rotated_files_are_in_the_bucket_before_retention_removes_them() {
    let scene = Scene::new();
    let bucket = Bucket::start();
    fs::create_dir(scene.path("logs")).expect("the scene has room");
    let template = "logs/{app}/{host}.log";
    let collector = archiving(&scene, &bucket, template, "--keep-files 1");
    send(&collector, 0..60);
    let kept = wait_until(SOON, || rotated(&scene.path("logs")).len() <= 1);
    assert!(kept, "{:?}\n{}", rotated(&scene.path("logs")), collector.process.stderr());
    let server = collector.server();
    assert!(wait_until(SOON, || all_archived(&bucket, &scene.path("logs"), &collector)));
    let objects = bucket.objects().content.len() as u64;
    assert!(objects > 2, "{objects} objects");
    assert_eq!(metric(&server, "segments_archived"), objects);
    assert_eq!(metric(&server, "segments_not_archived"), 0);
    assert_eq!(metric(&server, "archiving_failed"), 0);
    let keys: Vec<_> = bucket.objects().content.keys().cloned().collect();
    let beginning = "/logs/site/unknown/127.0.0.1.log.2";
    assert!(keys.iter().all(|key| key.starts_with(beginning) && key.ends_with(".zst")), "{keys:?}");
    let mut counts = counts(&bucket, &scene);
    let active = fs::read_to_string(scene.path("logs/unknown/127.0.0.1.log"));
    let rest = active.unwrap_or_default().matches("number ").count();
    counts.retain(|_, count| *count == 1);
    assert_eq!(counts.len() + rest, 60);
    collector.stop();
}

/// While the store is away, nothing is removed but by `--keep-size`, and the collector goes on.
#[test]
fn a_store_that_is_away_only_delays_also_over_a_kill() {
    let scene = Scene::new();
    let bucket = Bucket::start();
    bucket.objects().refuses = true;
    let mut collector = archiving(&scene, &bucket, "app.log", "--keep-files 1");
    send(&collector, 0..40);
    collector.process.says("failed to archive to s3://logs/site: 503 Service Unavailable");
    assert!(wait_until(SOON, || bucket.objects().refused > 3));
    assert!(rotated(&scene.path("")).len() > 2, "{}", collector.process.stderr());
    assert_eq!(collector.process.stderr().matches("failed to archive").count(), 1);
    collector.process.signal(Signal::KILL);
    collector.process.end();
    bucket.objects().refuses = false;
    let collector = archiving(&scene, &bucket, "app.log", "--keep-files 1");
    send(&collector, 40..60);
    let kept = wait_until(SOON, || rotated(&scene.path("")).len() <= 1);
    assert!(kept, "{:?}\n{}", rotated(&scene.path("")), collector.process.stderr());
    assert_once(&counts(&bucket, &scene), 0..60);
    assert!(wait_until(SOON, || all_archived(&bucket, &scene.path(""), &collector)));
    // What the bucket has is known to the next collector, which asks for nothing.
    let before = bucket.objects().content.len();
    collector.stop();
    bucket.objects().refuses = true;
    bucket.objects().refused = 0;
    let collector = archiving(&scene, &bucket, "app.log", "--keep-files 1");
    assert!(waits_for_none(&collector));
    collector.stop();
    let objects = bucket.objects();
    assert_eq!((objects.content.len(), objects.refused), (before, 0));
}

/// A store that refuses is named in `/status` and by `netlog doctor`, and no more once it is back.
#[test]
fn a_store_that_is_away_is_named_with_what_waits_until_it_is_back() {
    let scene = Scene::new();
    let bucket = Bucket::start();
    bucket.objects().refuses = true;
    let collector = archiving(&scene, &bucket, "app.log", "");
    let server = collector.server();
    let status = || -> serde_json::Value {
        let status = get(&server, "/status").body;
        serde_json::from_str::<serde_json::Value>(&status).expect("it is JSON")["archive"].take()
    };
    let doctor = || {
        let mut doctor = scene.netlog(&format!("doctor --at {server}"));
        (doctor.end().code(), doctor.stdout())
    };
    assert_eq!(doctor().0, Some(0), "{:?}", doctor());
    send(&collector, 0..40);
    let failing = || status()["error"].is_string() && status()["waiting_files"].as_u64() > Some(1);
    assert!(wait_until(SOON, failing), "{}", status());
    let archive = status();
    assert_eq!([&archive["to"], &archive["error"]], ["s3://logs/site", "503 Service Unavailable"]);
    assert!(archive["waiting_bytes"].as_u64() > Some(100) && archive["waiting_since"].is_string());
    let (code, said) = doctor();
    let problem = format!("problem  {server}: cannot archive to s3://logs/site since 20");
    assert!(code == Some(1) && said.contains(&problem), "{said}");
    assert!(!said.contains("secret") && !status().to_string().contains("secret"));
    bucket.objects().refuses = false;
    let clean = || status()["error"].is_null() && status()["waiting_files"] == 0;
    assert!(wait_until(SOON, clean), "{}", status());
    assert!(status()["since"].as_str() > archive["since"].as_str());
    let (code, said) = doctor();
    assert!(
        code == Some(0) && said.contains("archives to s3://logs/site: nothing waits"),
        "{said}"
    );
    collector.stop();
}

/// `--keep-size` removes files that are not archived, counts them and reports each.
#[test]
fn the_limit_of_size_does_not_wait_for_the_archive_and_is_counted() {
    let scene = Scene::new();
    let bucket = Bucket::start();
    bucket.objects().refuses = true;
    let line = "--compress off --keep-size 5000";
    let collector = archiving(&scene, &bucket, "app.log", line);
    send(&collector, 0..60);
    let server = collector.server();
    assert!(wait_until(SOON, || metric(&server, "segments_not_archived") > 2));
    collector.process.says("by --keep-size, before it was archived");
    collector.stop();
}

#[test]
fn an_archive_needs_a_file_and_variables_that_fit_together() {
    let scene = Scene::new();
    let run = |args: &[&str], key: &str| -> String {
        let mut command = scene.command(&program("netlog-collector"));
        command.args(args).env("AWS_ACCESS_KEY_ID", key).env_remove("AWS_SECRET_ACCESS_KEY");
        let mut child = Child::start(&mut command);
        assert_eq!(child.end().code(), Some(1), "{}", child.stderr());
        child.stderr()
    };
    let stderr = run(&["--archive", "s3://logs"], "id");
    assert!(stderr.contains("--archive needs --file"), "{stderr}");
    let check = &["--archive", "s3://logs", "--file", "app.log", "--check-config"];
    let mut command = scene.command(&program("netlog-collector"));
    command.args(check).env("AWS_ENDPOINT_URL", "s3.example.com");
    let mut child = Child::start(&mut command);
    assert_eq!(child.end().code(), Some(1), "{}", child.stderr());
    assert!(child.stderr().contains("invalid AWS_ENDPOINT_URL: expected https://HOST"));
    for check in ["--check-config", "--verbose"] {
        let stderr = run(&["--archive", "s3://logs", "--file", "app.log", check], "id");
        let expected = "failed to set up the archive: invalid AWS_ variables: ";
        assert!(stderr.contains(expected), "{stderr}");
    }
}

/// A library that panics over credentials does not end the archive, nor keep the collector from
/// ending.
#[test]
fn a_panic_over_credentials_is_reported_and_the_collector_goes_on() {
    let scene = Scene::new();
    let bucket = Bucket::start();
    let mut command = scene.command(&program("netlog-collector"));
    environment(&mut command, &bucket);
    command.env("AWS_SESSION_TOKEN", "no\nheader");
    let line = "--listen tcp://127.0.0.1:0 --archive s3://logs --rotate-size 2000";
    let mut collector = Collector::by(command, scene.path("app.log"), line);
    assert!(collector.listening(1), "{}", collector.process.stderr());
    send(&collector, 0..30);
    collector.process.says("failed to archive to s3://logs: an internal error, will go on trying");
    send(&collector, 30..40);
    collector.process.signal(Signal::TERM);
    collector.process.succeed();
    assert_once(&counts(&bucket, &scene), 0..40);
}
