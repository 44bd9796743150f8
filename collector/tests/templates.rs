//! A file for each app and host: who goes where, nothing anywhere else, and every number once.

use crate::bench::{
    self, Bench, HELLO, Small, hello, message, numbers, records, wait_for, whole_lines,
};
use netlog_collector::{Collector, Format, Options, Size};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::net::UdpSocket;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::{TempDir, tempdir};

fn options(dir: &Path) -> Options {
    Options { file: Some(dir.join("{app}/{host}.log")), ..Options::default() }
}

fn start(change: impl FnOnce(&mut Options)) -> (Bench, Arc<TempDir>) {
    let dir = Arc::new(tempdir().unwrap());
    (again(&dir, change), dir)
}

fn again(dir: &Arc<TempDir>, change: impl FnOnce(&mut Options)) -> Bench {
    let mut options = options(dir.path());
    change(&mut options);
    Bench::start_in(dir.clone(), options)
}

/// The hello of `app`, whose records begin at 1.
fn hello_of(app: &str, id: u8) -> String {
    let hello = hello(1).replace("\"app\":\"orders\"", &format!("\"app\":\"{app}\""));
    hello.replace("0000ab\"", &format!("0000{id:02x}\""))
}

/// Every file of records below `dir`, and the messages in it.
fn files(dir: &Path) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        let kind = entry.file_type().unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        if kind.is_dir() {
            let below = files(&path).into_iter();
            found.extend(below.map(|(file, lines)| (format!("{name}/{file}"), lines)));
        } else if kind.is_file()
            && ![".ledger", ".new"].iter().any(|end| name.ends_with(end))
            && !name.starts_with(".order")
        {
            let text = fs::read_to_string(&path).unwrap();
            let messages = whole_lines(&text).map(|line| message(line).to_owned());
            found.insert(name, messages.collect());
        }
    }
    found
}

fn count(dir: &Path) -> usize {
    files(dir).values().map(Vec::len).sum()
}

#[test]
fn records_go_to_the_file_of_their_senders_app_and_host() {
    let (bench, dir) = start(|_| ());
    for (app, id) in [("orders", 1), ("prices", 2)] {
        let mut peer = bench.sender();
        peer.send(&format!("{}{}", hello_of(app, id), records(1, 3)));
        peer.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":3}\n");
    }
    bench.connect().write_all(b"plain\n").unwrap();
    wait_for(|| count(dir.path()) == 7);
    bench.end();
    let found = files(dir.path());
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(names, ["orders/web1.log", "prices/web1.log", "unknown/127.0.0.1.log"]);
    assert_eq!(found["orders/web1.log"], ["1", "2", "3"]);
    assert_eq!(found["unknown/127.0.0.1.log"], ["plain"]);
    let mode = fs::metadata(dir.path().join("orders")).unwrap().permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o027, 0, "not for everybody");
}

#[test]
fn a_mixed_syslog_run_is_split_in_order() {
    let (bench, dir) = start(|_| ());
    let lines: String = (0..900)
        .map(|n| format!("<14>1 2026-11-22T18:42:23Z web{} app{} 7 - - {n}\n", n % 2, n % 3))
        .collect();
    bench.connect().write_all(lines.as_bytes()).unwrap();
    wait_for(|| count(dir.path()) == 900);
    bench.end();
    let found = files(dir.path());
    assert_eq!(found.len(), 6);
    for n in 0..6 {
        let expected: Vec<String> = (n..900).step_by(6).map(|n| n.to_string()).collect();
        assert_eq!(found[&format!("app{}/web{}.log", n % 3, n % 2)], expected);
    }
}

/// Everything the collector creates is below the fixed directory, whatever peers call themselves.
#[test]
fn hostile_names_stay_below_the_directory() {
    let outer = tempdir().unwrap();
    let base = outer.path().join("logs");
    fs::create_dir(&base).unwrap();
    let dir = Arc::new(tempdir().unwrap());
    let bench = Bench::start_in(dir.clone(), options(&base));
    let long = "x".repeat(3000);
    let names = [
        "..",
        ".",
        "../../etc/passwd",
        "/etc/passwd",
        ".hidden",
        "a/b",
        "a\\\\b",
        "a\\u0000b",
        "\\u001b[2J",
        "größe",
        "\\u202egol",
        "{app}",
        "~",
        "",
        &long,
        "unknown.log.ledger",
    ];
    for (id, name) in names.iter().enumerate() {
        let mut peer = bench.sender();
        let hello = hello_of(name, u8::try_from(id).unwrap());
        let hello = hello.replace("\"host\":\"web1\"", &format!("\"host\":\"{name}\""));
        peer.send(&format!("{hello}{}", records(1, 1)));
        peer.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":1}\n");
    }
    let syslog = "<14>1 2026-11-22T18:42:23Z ../../up ../../etc/passwd 7 - - x\n";
    bench.connect().write_all(syslog.as_bytes()).unwrap();
    UdpSocket::bind("127.0.0.1:0")
        .and_then(|udp| udp.send_to("<14>Nov 22 18:42:23 .. ../x: y".as_bytes(), bench.udp))
        .unwrap();
    wait_for(|| count(&base) == names.len() + 2);
    bench.end();
    let outside: Vec<_> = fs::read_dir(outer.path()).unwrap().flatten().collect();
    assert_eq!(outside.len(), 1, "{outside:?}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    let found = files(&base);
    assert_eq!(found.len(), names.len() + 2, "each has its own: {:#?}", found.keys());
    for file in found.keys() {
        assert_eq!(file.split('/').count(), 2, "{file}");
        for part in file.split('/') {
            assert!(!part.starts_with('.') && part.len() <= 68, "{file}");
            assert!(!part.chars().any(|c| c.is_control() || c == '\u{202e}'), "{file}");
        }
    }
    assert!(found.contains_key("%2E.%2F..%2Fetc%2Fpasswd/%2E.%2F..%2Fup.log"));
}

#[test]
fn links_and_files_of_others_are_never_written_to() {
    let elsewhere = tempdir().unwrap();
    let dir = Arc::new(tempdir().unwrap());
    let target = elsewhere.path().join("target");
    let base = dir.path();
    fs::write(&target, "theirs\n").unwrap();
    symlink(elsewhere.path(), base.join("linked")).unwrap();
    for app in ["linkfile", "linkledger", "theirs", "pipe"] {
        fs::create_dir(base.join(app)).unwrap();
    }
    symlink(&target, base.join("linkfile/web1.log")).unwrap();
    symlink(&target, base.join("linkledger/web1.log.ledger")).unwrap();
    symlink(&target, base.join("linkledger/web1.log.ledger.new")).unwrap();
    fs::write(base.join("theirs/web1.log"), "theirs\n").unwrap();
    let made = std::process::Command::new("mkfifo").arg(base.join("pipe/web1.log")).status();
    assert!(made.unwrap().success());
    let bench = again(&dir, |_| ());
    let apps = ["linked", "linkfile", "linkledger", "theirs", "pipe"];
    for (id, app) in apps.iter().enumerate() {
        let mut peer = bench.sender();
        peer.send(&format!("{}{}", hello_of(app, u8::try_from(id).unwrap()), records(1, 2)));
        peer.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":2}\n");
    }
    let out_of_place = bench.stats.records_out_of_place.get();
    bench.end();
    assert_eq!(fs::read_to_string(&target).unwrap(), "theirs\n");
    assert_eq!(fs::read_to_string(base.join("theirs/web1.log")).unwrap(), "theirs\n");
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1);
    let other = fs::read_to_string(base.join("other/other.log")).unwrap();
    assert_eq!(other.lines().count(), 10, "nothing is lost");
    assert_eq!(out_of_place, 10);
}

#[test]
fn a_directory_that_becomes_a_link_is_left_and_nothing_is_repeated() {
    let elsewhere = tempdir().unwrap();
    let (bench, dir) = start(|_| ());
    let mut peer = bench.sender();
    peer.send(&format!("{}{}", hello(1), records(1, 5)));
    peer.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":5}\n");
    let [there, away, link] = ["orders", "away", "link"].map(|name| dir.path().join(name));
    fs::rename(&there, &away).unwrap();
    // It is found out within a second; until then the file that is open is written.
    let mut sent = 5;
    let mut send_until = |path: PathBuf| {
        wait_for(|| {
            sent += 1;
            peer.send(&records(sent, 1));
            peer.expect(&format!("{{\"ack\":{sent}}}\n"));
            path.exists()
        });
        sent
    };
    send_until(there.join("web1.log"));
    symlink(elsewhere.path(), &link).unwrap();
    renameat_with(CWD, &there, CWD, &link, RenameFlags::EXCHANGE).unwrap();
    let sent = send_until(dir.path().join("other/other.log"));
    bench.end();
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    let mut all: Vec<u64> =
        ["away", "link", "other"].iter().flat_map(|name| numbers(&dir.path().join(name))).collect();
    all.sort_unstable();
    assert_eq!(all, (1..=sent).collect::<Vec<_>>());
    let bench = again(&dir, |_| ());
    let mut peer = bench.sender();
    peer.send(&hello(1));
    peer.expect(&format!("{{\"netlog\":1,\"ack\":{sent}}}\n"));
}

#[test]
fn a_restarted_collector_knows_the_marks_of_all_files() {
    let (bench, dir) = start(|options| options.max_open_files = Some(40));
    let apps: Vec<String> = (0..20).map(|n| format!("app{n}")).collect();
    let ids = || apps.iter().zip(0..);
    for (app, id) in ids() {
        let mut peer = bench.sender();
        peer.send(&format!("{}{}", hello_of(app, id), records(1, 4)));
        peer.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":4}\n");
    }
    bench.end();
    let bench = again(&dir, |options| options.max_open_files = Some(40));
    for (app, id) in ids() {
        let mut peer = bench.sender();
        peer.send(&format!("{}{}", hello_of(app, id), records(1, 6)));
        peer.expect("{\"netlog\":1,\"ack\":4}\n{\"ack\":6}\n");
    }
    assert_eq!(bench.stats.records_repeated.get(), 80);
    bench.end();
    for (file, messages) in files(dir.path()) {
        assert_eq!(messages, ["1", "2", "3", "4", "5", "6"], "{file}");
    }
}

#[test]
fn what_belongs_to_more_files_than_allowed_is_kept_in_one() {
    let (bench, dir) = start(|options| options.max_files = 3);
    let lines = |from: usize, to: usize| -> String {
        let line = |n| format!("<14>1 2026-11-22T18:42:23Z h app{n} 7 - - {n}\n");
        (from..to).map(line).collect()
    };
    bench.connect().write_all(lines(0, 50).as_bytes()).unwrap();
    wait_for(|| count(dir.path()) == 50);
    wait_for(|| bench.stats.records_over_max_files.get() == 47);
    bench.end();
    let bench = again(&dir, |options| options.max_files = 3);
    bench.connect().write_all(lines(0, 5).as_bytes()).unwrap();
    wait_for(|| count(dir.path()) == 55);
    bench.end();
    let found = files(dir.path());
    let names: BTreeSet<&str> = found.keys().map(String::as_str).collect();
    let expected = ["app0/h.log", "app1/h.log", "app2/h.log", "other/other.log"];
    assert_eq!(names, BTreeSet::from(expected));
    assert_eq!(found["app0/h.log"], ["0", "0"]);
    assert_eq!(found["other/other.log"].len(), 47 + 2);
}

#[test]
fn each_file_is_rotated_reopened_and_written_as_text() {
    let (bench, dir) = start(|options| {
        (options.rotate_size, options.format) = (Size(500), Format::Text);
    });
    let mut peer = bench.sender();
    peer.send(&hello(1));
    peer.expect("{\"netlog\":1,\"ack\":0}\n");
    for number in 1..=30 {
        peer.send(&records(number, 1));
        peer.expect(&format!("{{\"ack\":{number}}}\n"));
    }
    let directory = dir.path().join("orders");
    let rotated = fs::read_dir(&directory).unwrap().count();
    assert!(rotated > 4, "{rotated} files");
    let file = directory.join("web1.log");
    fs::rename(&file, directory.join("moved")).unwrap();
    bench.reopen.ask();
    wait_for(|| file.exists());
    peer.send(&records(31, 1));
    peer.expect("{\"ack\":31}\n");
    bench.end();
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text, "2026-11-22 18:42:23.123456 INFO  [orders] 31\n");
    let bench = again(&dir, |options| options.format = Format::Text);
    let mut peer = bench.sender();
    peer.send(&hello(1));
    peer.expect("{\"netlog\":1,\"ack\":31}\n");
}

#[test]
fn a_disk_that_fills_up_between_two_files_is_waited_out_and_nothing_is_lost_or_repeated() {
    let Some(small) = Small::mount() else { return };
    let ballast = small.path().join("ballast");
    fs::write(&ballast, vec![0; 24 << 10]).unwrap();
    let bench = Bench::start(options(small.path()));
    let mut peer = bench.sender();
    peer.send(&hello(1));
    peer.expect("{\"netlog\":1,\"ack\":0}\n");
    let of = |app: &str, number| format!("<14>1 2026-11-22T18:42:23Z h {app} 7 - - {number}\n");
    let lines = (1..=200).map(|number| ["a", "b", "c"].map(|app| of(app, number)).concat());
    // More than the disk has room for, at once: some files of a batch are written, some are not.
    bench.connect().write_all(lines.collect::<String>().as_bytes()).unwrap();
    for number in 1..=200 {
        peer.send(&records(number, 1));
    }
    wait_for(|| bench.stats.writes_failed.get() > 0);
    fs::remove_file(&ballast).unwrap();
    small.grow();
    peer.finish();
    peer.expect_last("{\"ack\":200}\n");
    wait_for(|| count(small.path()) == 800);
    bench.end();
    let expected: Vec<u64> = (1..=200).collect();
    for directory in ["orders", "a", "b", "c"] {
        assert_eq!(numbers(&small.path().join(directory)), expected, "{directory}");
    }
}

#[test]
fn the_report_of_a_senders_end_is_in_its_file() {
    let recovered = HELLO.replace("\"next\":7", "\"next\":7,\"recovered\":true");
    let (bench, dir) = start(|_| ());
    let mut adopter = bench.sender();
    adopter.send(&format!("{recovered}{}", bench::record("a")));
    adopter.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":7}\n");
    // An empty line behind the last ack: that was all it left.
    adopter.send("\n");
    adopter.finish();
    adopter.expect_end();
    wait_for(|| count(dir.path()) == 2);
    bench.end();
    let found = files(dir.path());
    assert_eq!(found.len(), 1);
    assert!(found["orders/web1.log"][1].contains("did not end cleanly"));
}

#[test]
fn a_path_with_other_braces_is_refused_with_what_is_allowed() {
    for path in ["/tmp/{pid}.log", "/tmp/{app}/../x.log", "/tmp/{app}"] {
        let options = Options { file: Some(PathBuf::from(path)), ..Options::default() };
        let listen = vec!["tcp://127.0.0.1:0".parse().unwrap()];
        let error = Collector::bind(Options { listen, ..options }).err().expect("an error");
        assert!(std::error::Error::source(&error).is_some(), "{path}");
    }
}
