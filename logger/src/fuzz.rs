//! What holds of any file that lies where spools lie. The target in `fuzz/` looks for bytes for
//! which it does not; the tests hold it against all the bytes that were found so far.

use crate::ring::{CONTROL_AT, Cursor, check};
use crate::spool::{Directory, Spool};
use netlog_wire::Line;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Where the control block has its two checkpoints, and how long they are.
const CHECKPOINTS: [usize; 2] = [CONTROL_AT + 256, CONTROL_AT + 280];

/// A ring's file of any bytes, in `directory`, is left alone, or only canonical lines come of it,
/// numbered without a gap and no more than find room in it; and once delivered nothing does.
///
/// # Panics
///
/// When that does not hold.
pub fn spool(directory: &Path, bytes: &[u8]) {
    let path = directory.join("any.ring");
    let directory = Directory::open(directory).expect("a directory");
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

/// Makes the checkpoint at `at` a whole one, which chance would hardly do.
fn seal(file: &mut [u8], at: usize) {
    let word = |file: &[u8], at: usize| {
        file.get(at..at + 8).and_then(|word| word.try_into().ok()).map(u64::from_le_bytes)
    };
    let (Some(position), Some(number)) = (word(file, at), word(file, at + 8)) else { return };
    let seal = check(Cursor { position, number });
    if let Some(place) = file.get_mut(at + 16..at + 24) {
        place.copy_from_slice(&seal.to_le_bytes());
    }
}

fn adopted(directory: &Arc<Directory>) -> Option<Spool> {
    directory.adopt(None, |_| {}).pop()
}

/// Reads everything and gives it back; answers what would come next.
fn deliver(spool: &Spool) -> Cursor {
    let first = spool.ring.first();
    let (mut next, mut line, mut count) = (first, Vec::new(), 0);
    while spool.read(&mut next, &mut line) {
        assert!(Line::parse(&line).is_some(), "{}", String::from_utf8_lossy(&line));
        line.clear();
        count += 1;
    }
    assert_eq!(next.number, first.number + count);
    assert!(count <= spool.ring.capacity() / 8, "{count} records");
    assert_eq!(spool.levels().iter().sum::<u64>(), count);
    assert!(spool.untold().is_none_or(|line| Line::parse(&line).is_some()));
    spool.ring.release_to(first, next);
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::tempdir;

    #[test]
    fn whatever_lies_where_spools_lie_is_left_alone_or_delivered_once() {
        let (home, mut count) = (tempdir().unwrap(), 0);
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/spool");
        for file in fs::read_dir(corpus).expect("there is a corpus").flatten() {
            spool(home.path(), &fs::read(file.path()).expect("a file"));
            count += 1;
        }
        assert!(count > 3, "only {count} files");
    }
}
