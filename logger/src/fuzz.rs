//! Properties of any file in a spool directory. The target in `fuzz/` searches for bytes that break
//! them; the tests check all bytes found so far.

use crate::ring::{CONTROL_AT, Cursor, check};
use crate::spool::{Directory, Spool};
use netlog_wire::Line;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Offsets of the two checkpoints.
const CHECKPOINTS: [usize; 2] = [CONTROL_AT + 256, CONTROL_AT + 280];

/// Checks that a ring's file of any bytes is left alone or yields only canonical lines, numbered
/// without a gap and no more than it has room for, and nothing once they are delivered.
///
/// # Panics
///
/// When that does not hold.
pub fn spool(directory: &Path, bytes: &[u8]) {
    let directory = Directory::open_or_create(directory).expect("a directory");
    let path = directory.path("any.ring");
    let mut sealed = bytes.to_vec();
    CHECKPOINTS.into_iter().for_each(|at| seal(&mut sealed, at));
    for bytes in [bytes, &sealed] {
        fs::write(&path, bytes).expect("a file can be written");
        let Some(spool) = adopted(&directory) else { continue };
        let last = deliver(&spool);
        drop(spool);
        if let Some(again) = adopted(&directory) {
            let first = again.ring.first();
            assert!(first.number == last.number, "the numbers go on");
            assert_eq!(again.levels(), [0; 5], "what was delivered is gone");
        }
    }
    let _ = fs::remove_file(path);
}

/// Gives the checkpoint at `at` a valid checksum, which chance would hardly find.
fn seal(file: &mut [u8], at: usize) {
    let word = |file: &[u8], at: usize| {
        file.get(at..at + 8).and_then(|word| word.try_into().ok()).map(u64::from_le_bytes)
    };
    let Some(position) = word(file, at) else { return };
    let Some(number) = word(file, at + 8) else { return };
    let seal = check(Cursor { position, number });
    if let Some(place) = file.get_mut(at + 16..at + 24) {
        place.copy_from_slice(&seal.to_le_bytes());
    }
}

fn adopted(directory: &Arc<Directory>) -> Option<Spool> {
    directory.adopt_all(None, |_| {}).pop()
}

/// Reads and releases everything; returns the cursor of the next record.
fn deliver(spool: &Spool) -> Cursor {
    let first = spool.ring.first();
    let mut next = first;
    let mut line = Vec::new();
    let mut count = 0;
    while spool.read(&mut next, &mut line) {
        assert!(Line::parse(&line).is_some(), "{}", String::from_utf8_lossy(&line));
        line.clear();
        count += 1;
    }
    assert_eq!(next.number, first.number + count);
    assert!(count <= spool.ring.capacity() / 8, "{count} records");
    assert_eq!(spool.levels().iter().sum::<u64>(), count);
    assert!(spool.unreported_losses().is_none_or(|line| Line::parse(&line).is_some()));
    spool.ring.release_to(first, next);
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::tempdir;

    #[test]
    fn any_file_in_a_spool_directory_is_left_alone_or_delivered_once() {
        let home = tempdir().unwrap();
        let mut count = 0;
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/spool");
        for file in fs::read_dir(corpus).expect("there is a corpus").flatten() {
            spool(home.path(), &fs::read(file.path()).expect("a file"));
            count += 1;
        }
        assert!(count > 3, "only {count} files");
    }
}
