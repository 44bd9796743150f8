//! Programs that close all descriptors after they started the logger, as daemons do.

use crate::harness::{Collector, SOON, Scene, assert_each_once, wait_until};

/// Starts a program that becomes a daemon in some `way`; its files and its records must survive.
fn become_daemon(way: &str) {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let own = scene.path("own");
    let told = format!(
        "to={} records=1000 do=daemon way={way} own={}",
        collector.authority(),
        own.display()
    );
    let mut subject = scene.subject(&told);
    subject.says("own files are");
    subject.succeed();
    assert!(subject.stderr().contains("own files are intact"), "{}", subject.stderr());
    let arrived = wait_until(SOON, || collector.records().0.len() >= 1000);
    assert!(arrived, "{} records", collector.records().0.len());
    let mut records = collector.stop();
    records.0.retain(|record| record["target"] == "subject");
    records.0.sort_by_key(|record| {
        record["msg"].as_str().and_then(|text| text.rsplit(' ').next()?.parse::<u64>().ok())
    });
    assert_each_once(&records, 1, 1000);
}

#[test]
fn a_program_that_closes_all_descriptors_at_once_keeps_its_own_files_and_loses_nothing() {
    become_daemon("range");
}

#[test]
fn a_program_that_closes_descriptors_one_by_one_keeps_its_own_files_and_loses_nothing() {
    become_daemon("loop");
}

#[test]
fn a_program_that_forks_and_closes_all_descriptors_keeps_its_own_files_and_loses_nothing() {
    become_daemon("fork,range");
}
