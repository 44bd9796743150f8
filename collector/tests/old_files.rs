//! What becomes of files that were rotated away, by the options and by what an earlier run has left.

use crate::bench::{Bench, HELLO, kept, message, record, wait_for};
use netlog_collector::{Compress, Format, Options, Period, Size};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::{TempDir, tempdir};

/// A file of 100 lines that an earlier run has rotated away, with its ledger.
fn leave(dir: &TempDir, stamp: &str) -> (PathBuf, String) {
    let path = dir.path().join(format!("app.log.{stamp}"));
    let text: String = (1..=100).map(|number| record(&format!("{stamp} {number}"))).collect();
    fs::write(&path, &text).unwrap();
    fs::write(beside(&path, ".ledger"), "").unwrap();
    (path, text)
}

fn beside(path: &Path, end: &str) -> PathBuf {
    PathBuf::from(format!("{}{end}", path.display()))
}

fn unpack(path: &Path) -> String {
    let bytes = zstd::decode_all(fs::File::open(beside(path, ".zst")).unwrap()).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn rotating() -> Options {
    Options { rotate_size: Size(1000), ..Options::default() }
}

/// Sends 100 records, each of which is a batch of its own.
fn fill(bench: &Bench) {
    let mut peer = bench.sender();
    peer.send(HELLO);
    peer.expect("{\"netlog\":1,\"ack\":0}\n");
    for number in 7..107 {
        peer.send(&record(&number.to_string()));
        peer.expect(&format!("{{\"ack\":{number}}}\n"));
    }
}

/// How many files of `dir` end like this.
fn count(dir: &TempDir, end: &str) -> usize {
    let names = fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().ends_with(end)).count()
}

#[test]
fn every_rotated_file_is_compressed_and_holds_what_it_held() {
    for format in [Format::Json, Format::Text] {
        let bench = Bench::start(Options { format, ..rotating() });
        fill(&bench);
        let dir = bench.dir();
        let rotated = kept(dir.path()).len() as u64 - 1;
        assert!(rotated > 3, "{rotated} files");
        wait_for(|| bench.stats.files_compressed.get() == rotated);
        bench.end();
        assert_eq!(count(&dir, ".zst") as u64, rotated);
        let mut files = kept(dir.path());
        let last = files.remove(&dir.path().join("app.log")).unwrap();
        let text: String = files.into_values().chain([last]).collect();
        let numbers = text.lines().map(|line| match format {
            Format::Json => message(line).parse().unwrap(),
            Format::Text => line.rsplit(' ').next().unwrap().parse().unwrap(),
        });
        let mut numbers: Vec<u64> = numbers.collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (7..107).collect::<Vec<_>>());
    }
}

#[test]
fn what_an_earlier_run_has_left_is_finished() {
    let dir = Arc::new(tempdir().unwrap());
    let (begun, first) = leave(&dir, "20261122T184223Z");
    fs::write(beside(&begun, ".zst.new"), "half").unwrap();
    let (both, second) = leave(&dir, "20261122T184223Z-1");
    let bench = Bench::start_in(dir.clone(), Options::default());
    wait_for(|| !begun.exists() && !both.exists());
    bench.end();
    // As one that died before its last step has left it.
    fs::write(&both, &second).unwrap();
    let _bench = Bench::start_in(dir.clone(), Options::default());
    wait_for(|| !both.exists());
    wait_for(|| count(&dir, ".zst") == 2 && count(&dir, ".new") == 0);
    assert_eq!((unpack(&begun), unpack(&both)), (first, second));
}

#[test]
fn files_stay_as_they_are_where_compression_is_off() {
    let bench = Bench::start(Options { compress: Compress::Off, keep_files: 2, ..rotating() });
    fill(&bench);
    // It has been there: this is what else it does.
    wait_for(|| bench.stats.files_removed.get() > 0);
    let dir = bench.dir();
    bench.end();
    assert_eq!((count(&dir, ".zst"), count(&dir, ".new")), (0, 0));
}

#[test]
fn files_with_names_that_no_rotation_makes_are_left_alone() {
    let dir = Arc::new(tempdir().unwrap());
    let ours = leave(&dir, "20261122T184223Z").0;
    let others = ["app.log.1", "app.log.2.gz", "app.log-20261122", "app.log.20261122T184223"];
    for name in others {
        fs::write(dir.path().join(name), "somebody's\n").unwrap();
    }
    let options = Options { keep_files: 1, keep_age: Period(Duration::from_secs(1)), ..rotating() };
    let bench = Bench::start_in(dir.clone(), options);
    wait_for(|| bench.stats.files_removed.get() == 1);
    bench.end();
    assert!(
        !ours.exists() && !beside(&ours, ".zst").exists() && !beside(&ours, ".ledger").exists()
    );
    for name in others {
        assert_eq!(fs::read_to_string(dir.path().join(name)).unwrap(), "somebody's\n");
    }
}

#[test]
fn what_cannot_be_compressed_stays_is_counted_and_disturbs_nobody() {
    let dir = Arc::new(tempdir().unwrap());
    let (old, text) = leave(&dir, "20261122T184223Z");
    let foreign = zstd::encode_all(&b"somebody's\n"[..], 3).unwrap();
    fs::write(beside(&old, ".zst"), &foreign).unwrap();
    let bench = Bench::start_in(dir.clone(), rotating());
    fill(&bench);
    wait_for(|| bench.stats.files_compressed.get() > 3);
    assert!(bench.stats.compressions_failed.get() > 0);
    bench.end();
    assert_eq!(fs::read_to_string(&old).unwrap(), text);
    assert_eq!(fs::read(beside(&old, ".zst")).unwrap(), foreign);
}

#[test]
fn the_oldest_are_removed_when_all_together_are_too_large() {
    let dir = Arc::new(tempdir().unwrap());
    let stamps = ["20261122T184223Z", "20261122T184223Z-1", "20261123T000000Z"];
    let [first, second, third] = stamps.map(|stamp| leave(&dir, stamp).0);
    let len = fs::metadata(&first).unwrap().len();
    let keep_size = Size(len * 5 / 2);
    let options = Options { compress: Compress::Off, keep_size, ..Options::default() };
    let bench = Bench::start_in(dir, options);
    wait_for(|| bench.stats.files_removed.get() == 1);
    assert!(!first.exists() && second.exists() && third.exists());
    assert_eq!(bench.stats.bytes_removed.get(), len);
}
