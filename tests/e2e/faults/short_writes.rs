//! Short writes: a preloaded library lets every write take only a part of its bytes.

use super::sender::deliver;
use super::stored::{messages, not_once};
use super::tell;
use crate::harness::{Collector, Scene, program};
use rustix::process::Signal;
use std::path::PathBuf;
use std::process::Command;

const RECORDS: u64 = 200;

/// Writes that take only a part of their bytes, or are interrupted, change nothing.
#[test]
fn a_collector_whose_writes_are_all_short_stores_each_record_once() {
    let scene = Scene::new();
    let Some(library) = library(&scene) else {
        return tell("skipped: there is no C compiler");
    };
    let mut command = scene.command(&program("netlog-collector"));
    command.env("LD_PRELOAD", library);
    let options = "--listen tcp://127.0.0.1:0 --rotate-size 4000";
    let mut collector = Collector::by(command, scene.path("app.log"), options);
    assert!(collector.listening(1), "{}", collector.process.stderr());
    let address = collector.authority().to_owned();
    let acked = deliver(&address, RECORDS, || collector.process.running());
    assert_eq!(acked, RECORDS, "{}", collector.process.stderr());
    collector.process.signal(Signal::TERM);
    collector.process.succeed();
    let wrong = not_once(&messages(&scene.path("")), RECORDS, |number| format!("number {number}"));
    assert!(wrong.is_empty(), "{wrong:?}");
}

fn library(scene: &Scene) -> Option<PathBuf> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/faults/short_writes.c");
    let library = scene.path("short_writes.so");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).args([source, "-ldl"]);
    let output = cc.output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(library)
}
