//! What becomes of the file: across restarts, moves, full disks and rotations, every number once.

use crate::bench::{Bench, HELLO, Small, hello, numbers, record, records, wait_for};
use netlog_collector::{Format, Options, Size};
use std::fs;
use std::io::Write;
use std::sync::Arc;
use tempfile::tempdir;

#[test]
fn a_restarted_collector_knows_what_it_has() {
    let bench = Bench::start(Options::default());
    let mut peer = bench.sender();
    peer.send(&format!("{}{}", hello(1), records(1, 50)));
    peer.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":50}\n");
    let dir = bench.dir();
    bench.end();
    let bench = Bench::start_in(dir.clone(), Options::default());
    let mut peer = bench.sender();
    peer.send(&format!("{}{}", hello(1), records(1, 60)));
    peer.expect("{\"netlog\":1,\"ack\":50}\n{\"ack\":60}\n");
    assert_eq!(numbers(dir.path()), (1..=60).collect::<Vec<_>>());
    assert_eq!(bench.stats.records_repeated.get(), 50);
}

#[test]
fn the_text_form_has_its_ledger_too() {
    let options = || Options { format: Format::Text, ..Options::default() };
    let bench = Bench::start(options());
    let mut peer = bench.sender();
    peer.send(&format!("{HELLO}{}", record("a\\nb")));
    peer.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":7}\n");
    let dir = bench.dir();
    bench.end();
    let bench = Bench::start_in(dir, options());
    let mut peer = bench.sender();
    peer.send(&format!("{HELLO}{}", record("a\\nb")));
    peer.expect("{\"netlog\":1,\"ack\":7}\n");
    let lines = bench.wait_for_lines(1);
    assert_eq!(lines, ["2026-11-22 18:42:23.123456 INFO  [orders] a\\nb"]);
}

#[test]
fn a_second_collector_does_not_write_into_the_same_file() {
    let bench = Bench::start(Options::default());
    let listen = vec!["tcp://127.0.0.1:0".parse().unwrap()];
    let options = Options { file: Some(bench.file.clone()), listen, ..Options::default() };
    let error = netlog_collector::Collector::bind(options).err().expect("an error");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "another collector writes to it");
}

#[test]
fn a_damaged_ledger_is_replaced_and_the_file_is_left_alone() {
    let dir = Arc::new(tempdir().unwrap());
    fs::write(dir.path().join("app.log"), "somebody's\n").unwrap();
    fs::write(dir.path().join("app.log.ledger"), "{\"other\":1}\n").unwrap();
    let bench = Bench::start_in(dir, Options::default());
    bench.connect().write_all(b"ours\n").unwrap();
    let lines = bench.wait_for_lines(2);
    assert_eq!(lines[0], "somebody's");
}

#[test]
fn a_full_file_makes_way_and_its_marks_go_on() {
    let bench = Bench::start(Options { rotate_size: Size(2000), ..Options::default() });
    let mut peer = bench.sender();
    peer.send(&hello(1));
    peer.expect("{\"netlog\":1,\"ack\":0}\n");
    for number in 1..=100 {
        peer.send(&records(number, 1));
        peer.expect(&format!("{{\"ack\":{number}}}\n"));
    }
    let dir = bench.dir();
    let rotated = fs::read_dir(dir.path()).unwrap().count();
    assert!(rotated > 6, "{rotated} files");
    bench.end();
    let bench =
        Bench::start_in(dir.clone(), Options { rotate_size: Size(2000), ..Options::default() });
    let mut peer = bench.sender();
    peer.send(&format!("{}{}", hello(1), records(1, 101)));
    peer.expect("{\"netlog\":1,\"ack\":100}\n{\"ack\":101}\n");
    assert_eq!(numbers(dir.path()), (1..=101).collect::<Vec<_>>());
}

#[test]
fn a_file_that_was_moved_or_deleted_is_begun_anew() {
    let bench = Bench::start(Options::default());
    let mut peer = bench.sender();
    peer.send(&format!("{}{}", hello(1), records(1, 10)));
    peer.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":10}\n");
    fs::rename(&bench.file, bench.file.with_extension("1")).unwrap();
    bench.reopen.ask();
    // The very next batch, for the moved file may be compressed and removed at once.
    peer.send(&records(11, 10));
    peer.expect("{\"ack\":20}\n");
    assert_eq!(bench.wait_for_lines(10).len(), 10);
    assert_eq!(numbers(bench.dir().path()), (1..=20).collect::<Vec<_>>());
    fs::remove_file(&bench.file).unwrap();
    // Without being asked.
    peer.send(&records(21, 1));
    peer.expect("{\"ack\":21}\n");
    assert_eq!(bench.wait_for_lines(1).len(), 1);
}

#[test]
fn a_file_that_was_copied_and_cut_goes_on_from_its_start() {
    let bench = Bench::start(Options::default());
    let mut peer = bench.sender();
    peer.send(&format!("{}{}", hello(1), records(1, 10)));
    peer.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":10}\n");
    fs::copy(&bench.file, bench.file.with_extension("1")).unwrap();
    fs::File::create(&bench.file).unwrap();
    peer.send(&records(11, 10));
    peer.expect("{\"ack\":20}\n");
    let dir = bench.dir();
    bench.end();
    assert_eq!(numbers(dir.path()), (1..=20).collect::<Vec<_>>());
    let bench = Bench::start_in(dir, Options::default());
    let mut peer = bench.sender();
    peer.send(&hello(1));
    peer.expect("{\"netlog\":1,\"ack\":20}\n");
}

#[test]
fn whoever_dies_while_it_delivers_for_a_dead_sender_does_not_end_its_story() {
    let recovered = HELLO.replace("\"next\":7", "\"next\":7,\"recovered\":true");
    let bench = Bench::start(Options::default());
    let mut adopter = bench.sender();
    adopter.send(&format!("{recovered}{}", record("a").repeat(2)));
    adopter.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":8}\n");
    adopter.finish(); // as the kernel does for a program that is killed
    adopter.expect_end();
    let mut next = bench.sender();
    next.send(&format!("{}{}", recovered.replace("7,", "9,"), record("b")));
    next.expect("{\"netlog\":1,\"ack\":8}\n{\"ack\":9}\n");
    next.send("\n");
    next.finish();
    next.expect_end();
    let lines = bench.wait_for_lines(4);
    assert!(lines[3].contains("did not end cleanly; 3 records recovered"), "{lines:?}");
    bench.end();
}

#[test]
fn what_is_recovered_is_counted_across_a_restart_of_the_collector_between_two_who_deliver() {
    let recovered = HELLO.replace("\"next\":7", "\"next\":7,\"recovered\":true");
    let bench = Bench::start(Options::default());
    let mut adopter = bench.sender();
    adopter.send(&format!("{recovered}{}", record("a").repeat(2)));
    adopter.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":8}\n");
    let dir = bench.dir();
    bench.end();
    let bench = Bench::start_in(dir, Options::default());
    let mut next = bench.sender();
    let again = recovered.replace("true", "true,\"recovered_after\":6").replace("7,", "9,");
    next.send(&format!("{again}{}", record("b")));
    next.expect("{\"netlog\":1,\"ack\":8}\n{\"ack\":9}\n");
    next.send("\n");
    next.finish();
    next.expect_end();
    let lines = bench.wait_for_lines(4);
    assert!(lines[3].contains("did not end cleanly; 3 records recovered"), "{lines:?}");
    bench.end();
}

#[test]
fn what_a_dead_sender_left_ends_with_one_record_that_says_so() {
    let recovered = HELLO.replace("\"next\":7", "\"next\":7,\"recovered\":true");
    let bench = Bench::start(Options::default());
    let mut live = bench.sender();
    live.send(&format!("{HELLO}{}", record("a")));
    live.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":7}\n");
    let mut adopter = bench.sender();
    adopter.send(&format!("{recovered}{}{}{}", record("a"), record("b"), record("c")));
    adopter.expect("{\"netlog\":1,\"ack\":7}\n{\"ack\":9}\n");
    adopter.send("\n");
    adopter.finish();
    adopter.expect_end();
    let mut adopter = bench.sender();
    adopter.send(&format!("{recovered}\n"));
    adopter.expect("{\"netlog\":1,\"ack\":9}\n");
    adopter.finish();
    adopter.expect_end();
    let lines = bench.wait_for_lines(4);
    let start = "{\"app\":\"orders\",\"host\":\"web1\",\"pid\":4242,\"time\":";
    assert!(lines[3].starts_with(start), "{}", lines[3]);
    let end = "\"level\":\"WARN\",\"target\":\"netlog\",\"msg\":\"orders pid 4242 on web1 did not end cleanly; 2 records recovered\"}";
    assert!(lines[3].ends_with(end), "{}", lines[3]);
    let dir = bench.dir();
    bench.end();
    let bench = Bench::start_in(dir, Options::default());
    let mut adopter = bench.sender();
    adopter.send(&format!("{recovered}\n"));
    adopter.finish();
    adopter.expect("{\"netlog\":1,\"ack\":9}\n");
    adopter.expect_end();
    bench.end();
}

#[test]
fn with_sync_acks_come_as_well() {
    let bench = Bench::start(Options { sync: true, ..Options::default() });
    let mut peer = bench.sender();
    peer.send(&format!("{}{}", hello(1), records(1, 10)));
    peer.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":10}\n");
}

#[test]
fn a_directory_that_is_gone_is_waited_for() {
    let dir = Arc::new(tempdir().unwrap());
    let there = dir.path().join("logs");
    let away = dir.path().join("away");
    fs::create_dir(&there).unwrap();
    let bench =
        Bench::start_in(dir, Options { file: Some(there.join("app.log")), ..Options::default() });
    fs::rename(&there, &away).unwrap();
    bench.reopen.ask();
    let mut peer = bench.sender();
    wait_for(|| {
        // Its own look each second; after it, a write has to wait.
        bench.stats.writes_failed.get() > 0 || {
            let mut plain = bench.connect();
            plain.write_all(b"0\n").is_err()
        }
    });
    peer.send(&format!("{}{}", hello(1), records(1, 10)));
    peer.expect("{\"netlog\":1,\"ack\":0}\n");
    fs::create_dir(&there).unwrap();
    peer.expect("{\"ack\":10}\n");
    let mut kept = numbers(&there);
    kept.retain(|number| *number > 0);
    assert_eq!(kept, (1..=10).collect::<Vec<_>>());
}

/// The disk is full, or the file cannot be written.
#[test]
fn a_full_disk_is_waited_out_and_nothing_is_lost_or_repeated() {
    let Some(small) = Small::mount() else { return };
    let ballast = small.path().join("ballast.ledger");
    fs::write(&ballast, vec![0; 30 << 10]).unwrap();
    let file = small.path().join("app.log");
    let bench = Bench::start(Options { file: Some(file.clone()), ..Options::default() });
    let mut peer = bench.sender();
    peer.send(&hello(1));
    peer.expect("{\"netlog\":1,\"ack\":0}\n");
    // Some 48 KiB, in pieces, so that the end of the disk comes anywhere in a batch.
    for number in 1..=300 {
        peer.send(&records(number, 1));
    }
    wait_for(|| bench.stats.writes_failed.get() > 0);
    let text = fs::read(&file).unwrap();
    assert!(text.is_empty() || text.ends_with(b"\n"), "whole lines only");
    fs::remove_file(&ballast).unwrap();
    peer.finish();
    peer.expect_last("{\"ack\":300}\n");
    bench.end();
    assert_eq!(numbers(small.path()), (1..=300).collect::<Vec<_>>());
}

#[test]
fn a_collector_starts_on_a_full_disk_and_recovers_by_itself() {
    let Some(small) = Small::mount() else { return };
    let ballast = small.path().join("ballast");
    let mut full = fs::File::create(&ballast).unwrap();
    while full.write_all(&[0; 4096]).is_ok() {}
    let file = small.path().join("app.log");
    let bench = Bench::start(Options { file: Some(file), ..Options::default() });
    let mut peer = bench.sender();
    peer.send(&format!("{}{}", hello(1), records(1, 10)));
    peer.expect("{\"netlog\":1,\"ack\":0}\n");
    wait_for(|| bench.stats.writes_failed.get() > 0);
    fs::remove_file(&ballast).unwrap();
    drop(full);
    peer.expect("{\"ack\":10}\n");
    bench.end();
    assert_eq!(numbers(small.path()), (1..=10).collect::<Vec<_>>());
}

#[test]
fn a_ledger_stays_small_beside_its_file() {
    let bench = Bench::start(Options::default());
    let mut peers: Vec<_> = (0..100)
        .map(|id| {
            let mut peer = bench.sender();
            let id = format!("9f3c{id:028x}");
            peer.send(&hello(1).replace("9f3c00000000000000000000000000ab", &id));
            peer.expect("{\"netlog\":1,\"ack\":0}\n");
            peer
        })
        .collect();
    let long = record(&"x".repeat(110));
    for number in 1..=400 {
        for peer in &mut peers {
            peer.send(&long);
        }
        for peer in &mut peers {
            peer.expect(&format!("{{\"ack\":{number}}}\n"));
        }
    }
    let len = |end: &str| fs::metadata(bench.file.with_extension(end)).unwrap().len();
    let file = len("log");
    let ledger = len("log.ledger");
    assert!(ledger * 50 < file, "{ledger} bytes of ledger for {file} of file");
}
