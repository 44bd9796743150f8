//! Files that earlier collectors have written, kept in `tests/formats`: a newer one goes on in them.

use crate::bench::{self, Bench, record};
use netlog_collector::Options;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use tempfile::{TempDir, tempdir};

/// A copy of such files, whose ledgers name the inodes of the copies.
fn copy(name: &str) -> Arc<TempDir> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/formats").join(name);
    let dir = Arc::new(tempdir().unwrap());
    let status = Command::new("cp").arg("-R").arg(from.join(".")).arg(dir.path()).status();
    assert!(status.unwrap().success());
    for ledger in below(dir.path()).into_iter().filter(|path| ends_with(path, ".ledger")) {
        let Ok(file) = fs::metadata(ledger.with_extension("")) else { continue };
        let text = fs::read_to_string(&ledger).unwrap();
        let (head, rest) = text.split_once("\"inode\":[").unwrap();
        let rest = rest.split_once(']').unwrap().1;
        fs::write(&ledger, format!("{head}\"inode\":[{},{}]{rest}", file.dev(), file.ino()))
            .unwrap();
    }
    dir
}

fn below(dir: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] }).collect()
}

fn ends_with(path: &Path, end: &str) -> bool {
    path.to_string_lossy().ends_with(end)
}

/// Numbers of the records of all senders in all files, sorted, and of the plain lines.
fn numbers(dir: &Path) -> Vec<u64> {
    let mut numbers = Vec::new();
    for path in below(dir).into_iter().filter(|path| !ends_with(path, ".ledger")) {
        let bytes = fs::read(&path).unwrap();
        let bytes = match ends_with(&path, ".zst") {
            true => zstd::decode_all(&bytes[..]).unwrap(),
            false if path.to_string_lossy().contains(".log") => bytes,
            false => continue,
        };
        let text = String::from_utf8(bytes).unwrap();
        let words = text.lines().map(|line| bench::message(line).rsplit(' ').next().unwrap());
        numbers.extend(words.map(|word| word.parse::<u64>().unwrap_or_default()));
    }
    numbers.sort_unstable();
    numbers
}

/// Starts today's collector, and resends everything from two records before the mark on.
fn resend(dir: &Arc<TempDir>, file: &str, sender: Sender) {
    let file = Some(dir.path().join(file));
    let bench = Bench::start_in(dir.clone(), Options { file, ..Options::default() });
    let Sender { id, app, host, mark } = sender;
    let mut peer = bench.sender();
    let next = mark - 1;
    peer.send(&format!(
        "{{\"netlog\":1,\"sender\":\"9f3c{id:028x}\",\"app\":\"{app}\",\"host\":\"{host}\",\"pid\":1,\"next\":{next}}}\n"
    ));
    peer.expect(&format!("{{\"netlog\":1,\"ack\":{mark}}}\n"));
    let records: String = (next..mark + 3).map(|at| record(&format!("number {at}"))).collect();
    peer.send(&records);
    peer.expect(&format!("{{\"ack\":{}}}\n", mark + 2));
    bench.end();
}

struct Sender {
    id: u32,
    app: &'static str,
    host: &'static str,
    mark: u64,
}

const ORDERS: Sender = Sender { id: 1, app: "orders", host: "web1", mark: 18 };
const SHOP: Sender = Sender { id: 2, app: "shop", host: "web2", mark: 1009 };

/// Messages of both senders and a plain peer once both have gone on by two records.
fn all() -> Vec<u64> {
    [0].into_iter().chain(1..=20).chain(1001..=1011).collect()
}

fn assert_today(dir: &Path) {
    let paths = below(dir);
    assert!(!paths.iter().any(|path| path.to_string_lossy().contains("kept")), "{paths:?}");
    for file in paths.iter().filter(|path| ends_with(path, ".log")) {
        let text = fs::read_to_string(format!("{}.ledger", file.display())).unwrap();
        assert!(text.starts_with("{\"ledger\":2,"), "{text}");
    }
}

#[test]
fn a_collector_goes_on_in_a_file_with_a_ledger_of_version_1_each_record_once() {
    let dir = copy("ledger-1/one-file");
    resend(&dir, "app.log", ORDERS);
    resend(&dir, "app.log", SHOP);
    assert_eq!(numbers(dir.path()), all());
    assert_today(dir.path());
}

#[test]
fn a_collector_goes_on_in_a_file_for_each_app_with_ledgers_of_version_1_each_record_once() {
    let dir = copy("ledger-1/template");
    resend(&dir, "{app}/{host}.log", ORDERS);
    resend(&dir, "{app}/{host}.log", SHOP);
    assert_eq!(numbers(dir.path()), all());
    assert_today(dir.path());
}

#[test]
fn half_a_record_in_a_file_with_a_ledger_of_version_1_is_cut_off_and_comes_again() {
    let dir = copy("ledger-1/one-file");
    let path = dir.path().join("app.log");
    // Killed within the batch of numbers 1007 to 1009: the ledger has it, the file has none of it
    // whole. The plain line behind it was never written.
    let text = fs::read_to_string(&path).unwrap();
    let cut = text.find("number 1007").unwrap();
    fs::write(&path, &text[..cut]).unwrap();
    let ledger = dir.path().join("app.log.ledger");
    let entries = fs::read_to_string(&ledger).unwrap();
    let last = entries.trim_end().rfind('\n').unwrap();
    fs::write(&ledger, &entries[..=last]).unwrap();
    resend(&dir, "app.log", ORDERS);
    resend(&dir, "app.log", Sender { mark: 1006, ..SHOP });
    assert_eq!(numbers(dir.path()), (1..=20).chain(1001..=1008).collect::<Vec<_>>());
    assert_today(dir.path());
}

/// Every option that there was then is still accepted.
#[test]
fn the_command_line_of_an_earlier_version_is_still_understood() {
    let dir = tempdir().unwrap();
    let line = "--listen tcp://127.0.0.1:0 --max-files 9 --format json --rotate-size 1MiB \
        --rotate-every 1d --compress zstd --keep-age 7d --keep-files 3 --keep-size 1GiB --sync \
        --console=text --http off --max-tails 9 --max-line 64KiB --max-connections 9 \
        --max-per-address 9 --max-open-files 900 --max-in-flight 1MiB --max-half-lines 1MiB \
        --max-chunked 1MiB --first-byte-timeout 9s --half-line-timeout 9s --idle-timeout 9s \
        --verbose --check-config";
    let mut command = Command::new(env!("CARGO_BIN_EXE_netlog-collector"));
    command.arg("--file").arg(dir.path().join("app.log")).args(line.split_whitespace());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
