//! Files that a newer collector has written: an older one refuses them in one line, and leaves every
//! byte as it is.

use crate::bench::{Bench, HELLO, record, wait_for};
use netlog_collector::{Collector, Options};
use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tempfile::tempdir;

/// The whole chain of causes of a collector that does not start.
fn refused(options: Options) -> String {
    let listen = vec!["tcp://127.0.0.1:0".parse().unwrap()];
    let error = Collector::bind(Options { listen, ..options }).err().expect("an error");
    let mut text = error.to_string();
    let mut cause = Error::source(&error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// A `.order` of a newer version is refused and not overwritten.
#[test]
fn an_order_of_a_newer_version_is_refused_and_not_overwritten() {
    let dir = Arc::new(tempdir().unwrap());
    let file = Some(dir.path().join("{app}/{host}.log"));
    let bench = Bench::start_in(dir.clone(), Options { file: file.clone(), ..Options::default() });
    let mut peer = bench.sender();
    peer.send(&format!("{HELLO}{}", record("a")));
    peer.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":7}\n");
    bench.end();
    let path = dir.path().join(".order");
    let mut order = fs::read(&path).unwrap();
    assert_eq!(order[..8], *b"order\0\0\x01");
    order[7] = 2;
    fs::write(&path, &order).unwrap();
    let segments = fs::read(dir.path().join(".order.segments")).unwrap();
    let text = refused(Options { file: file.clone(), ..Options::default() });
    assert!(text.ends_with(".order is of version 2, of a newer collector"), "{text}");
    assert!(!text.contains('\n'), "{text}");
    assert_eq!(fs::read(&path).unwrap(), order);
    assert_eq!(fs::read(dir.path().join(".order.segments")).unwrap(), segments);
    // The same order of the right version is taken.
    order[7] = 1;
    fs::write(&path, &order).unwrap();
    let bench = Bench::start_in(dir, Options { file, ..Options::default() });
    let mut peer = bench.sender();
    peer.send(HELLO);
    peer.expect("{\"netlog\":1,\"ack\":7}\n");
}

/// A position of a newer version is refused and not overwritten.
#[test]
fn a_position_of_forwarding_of_a_newer_version_is_refused_and_not_overwritten() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("app.log");
    let value = "{\"version\":2,\"more\":true}";
    let text = format!("{value} {:08x}\n", crc(value.as_bytes()));
    let path = dir.path().join("app.log.forwarded");
    fs::write(&path, &text).unwrap();
    let forward_to = Some("tcp://127.0.0.1:1".parse().unwrap());
    let said = refused(Options { file: Some(file), forward_to, ..Options::default() });
    assert!(said.contains("another version") && !said.contains('\n'), "{said}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

/// A ledger of a newer version is kept aside, whole.
#[test]
fn a_ledger_of_a_newer_version_is_kept_whole_and_what_comes_is_stored() {
    let dir = Arc::new(tempdir().unwrap());
    let ledger = dir.path().join("app.log.ledger");
    let head = "{\"ledger\":3,\"generation\":1,\"at\":0,\"inode\":[0,0]}";
    let text = format!("{head} {:08x}\n", crc(head.as_bytes()));
    fs::write(dir.path().join("app.log"), record("before")).unwrap();
    fs::write(&ledger, &text).unwrap();
    let bench = Bench::start_in(dir.clone(), Options::default());
    let kept = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    wait_for(|| kept(&dir.path().join("app.log.ledger.kept-1")) == text);
    let mut peer = bench.sender();
    peer.send(&format!("{HELLO}{}", record("a")));
    peer.expect("{\"netlog\":1,\"ack\":0}\n{\"ack\":7}\n");
    assert_eq!(bench.wait_for_lines(2)[0], record("before").trim_end());
}

/// The checksum of a line: CRC-32, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}
