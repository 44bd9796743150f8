//! A file for each app and host: with real senders, real names and real kills.

use crate::harness::{
    Child, Collector, Port, Records, SOON, Scene, assert_each_once, message, program, wait_until,
};
use rustix::process::Signal;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const TEMPLATE: &str = "logs/{app}/{host}.log";

pub(crate) fn start(scene: &Scene, line: &str) -> Collector {
    let _ = fs::create_dir(scene.path("logs"));
    let mut collector = Collector::launch(scene, scene.path(TEMPLATE), line);
    assert!(collector.listening(1), "{}", collector.process.stderr());
    collector
}

/// The files of records below `directory`, in the order in which they were written.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.retain(|path| {
        let name = path.to_string_lossy();
        !name.contains(".ledger") && !name.contains("/.order")
    });
    let changed = |path: &PathBuf| fs::metadata(path).and_then(|file| file.modified()).ok();
    found.sort_by_key(|path| (path.extension().is_some_and(|end| end == "log"), changed(path)));
    found
}

pub(crate) fn read(files: &[PathBuf]) -> Records {
    let text = |path: &PathBuf| fs::read_to_string(path).unwrap_or_default();
    Records(files.iter().flat_map(|path| Records::read(&text(path)).0).collect())
}

/// The records of `app`, all of which are in its directory.
fn of(scene: &Scene, app: &str) -> Records {
    let mut records = read(&files(&scene.path("logs").join(app)));
    assert!(records.0.iter().all(|record| record["app"] == app), "others in the file of {app}");
    records.0.retain(|record| record["target"] == "subject");
    records
}

#[test]
fn two_apps_are_in_two_files_once_each_in_order_over_a_collector_killed_six_times() {
    let scene = Scene::new();
    let port = Port::reserve();
    let line = format!("--listen tcp://{} --rotate-size 1MiB --compress off", port.address());
    let mut collector = start(&scene, &line);
    let subject = |app: &str| {
        let told = "threads=2 records=20000 block=600 spool=1000000 wait=1";
        scene.subject(&format!("to={} app={app} {told}", port.address()))
    };
    let mut subjects: Vec<Child> = ["alpha", "beta"].map(subject).into();
    let lines = || {
        let bytes = |path: &PathBuf| fs::read(path).unwrap_or_default();
        let lines = |path| bytes(path).iter().filter(|&&byte| byte == b'\n').count();
        files(&scene.path("logs")).iter().map(lines).sum::<usize>()
    };
    for round in 1..=6 {
        assert!(wait_until(SOON * 3, || lines() >= round * 10_000), "{} lines", lines());
        collector.process.signal(Signal::KILL);
        drop(collector);
        collector = start(&scene, &line);
    }
    assert!(wait_until(SOON * 3, || lines() >= 80_000), "{} lines", lines());
    subjects.iter_mut().for_each(Child::succeed);
    for app in ["alpha", "beta"] {
        assert_each_once(&of(&scene, app), 2, 20_000);
    }
    drop(collector);
}

#[test]
fn logger_cannot_write_anywhere_else_whatever_it_calls_itself() {
    let scene = Scene::new();
    let collector = start(&scene, "--listen tcp://127.0.0.1:0");
    let (host, port) = collector.authority().rsplit_once(':').expect("a port");
    let names = ["../../etc/passwd", "..", ".hidden", "a\u{202e}b"];
    for name in names {
        let mut logger = Command::new("logger");
        logger.args(["--server", host, "--port", port, "--tcp", "--rfc3164", "--tag", name]);
        assert!(logger.arg("here").status().expect("logger runs").success());
    }
    let logs = scene.path("logs");
    let came = || read(&files(&logs)).0.len() == names.len();
    assert!(wait_until(SOON, came), "{:?}", files(&logs));
    assert!(read(&files(&logs)).0.iter().all(|record| message(record).ends_with("here")));
    for path in files(&logs) {
        let below = path.strip_prefix(&logs).expect("it is below").to_string_lossy().into_owned();
        assert_eq!(below.split('/').count(), 2, "{below}");
        assert!(!below.split('/').any(|name| name.starts_with('.')), "{below}");
    }
    let beside: Vec<_> = fs::read_dir(scene.path("")).expect("it is there").flatten().collect();
    assert_eq!(beside.len(), 1, "{beside:?}");
    drop(collector);
}

#[test]
fn a_template_with_another_word_in_braces_is_a_usage_error_that_says_what_is_allowed() {
    let scene = Scene::new();
    let mut command = scene.command(&program("netlog-collector"));
    let output = command.args(["--file", "logs/{app}/{pid}.log"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("{pid} in a file's name: only {app} and {host} may stand"), "{said}");
}
