//! Rotations behind which no snapshot finds room.

use super::super::{FoundLedger, Ledger, LedgerOptions};
use super::{Model, SENDERS};
use crate::hub::marks::Marks;
use crate::layout::forwarded::{ForwardPlace, Forwarded};
use std::borrow::Cow;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::tempdir;

/// A file and its ledger, without a sink around them.
struct Log {
    path: PathBuf,
    file: fs::File,
    ledger: Ledger,
    end: u64,
}

impl Log {
    fn begin(path: PathBuf, marks: Arc<Marks>) -> Self {
        let file = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        let found = FoundLedger::read(&path, &file).unwrap();
        let options = LedgerOptions { sync: false, marks, forwarded: None };
        let ledger = Ledger::begin(&path, &file, found, options).unwrap();
        Self { path, file, ledger, end: 0 }
    }

    fn write(&mut self, model: &mut Model, who: usize) {
        let (batch, next, _) = model.batch(&[(who, 1)]);
        model.next = next;
        let pieces = batch.runs.iter().map(|run| Cow::Borrowed(&run.lines[..]));
        let pieces: Vec<_> = pieces.collect();
        let entry = self.ledger.begin_batch(self.end, &batch.runs, &pieces).unwrap();
        pieces.iter().for_each(|piece| self.file.write_all(piece).unwrap());
        self.end += batch.bytes();
        self.ledger.commit(&entry);
    }

    /// Rotates, and the snapshot behind it finds no room.
    fn rotate(&mut self) {
        let generation = self.ledger.generation();
        let segment = crate::layout::rotation::next_name(&self.path, generation, 0);
        let rotated = segment.path(&self.path);
        self.ledger.prepare_next(&self.path, segment).unwrap();
        fs::rename(&self.path, &rotated).unwrap();
        self.ledger.move_behind(&self.path, &rotated).unwrap();
        self.file = OpenOptions::new().create(true).append(true).open(&self.path).unwrap();
        self.ledger.begin_next(&self.file, segment).unwrap();
        self.end = 0;
        let compaction = self.ledger.compaction.take().unwrap();
        compaction.thread.join().unwrap().unwrap();
        fs::remove_file(crate::layout::paths::next_of(&self.ledger.path)).unwrap();
    }
}

/// The marks after three files and a restart, with a relay that sent nothing if it is `forwarded`.
fn marks_after_failed_snapshots(forwarded: bool) -> Vec<u64> {
    let (dir, mut model) = (tempdir().unwrap(), Model::new());
    let mut log = Log::begin(dir.path().join("app.log"), model.marks.clone());
    if forwarded {
        let place = ForwardPlace { generation: 1, offset: 0 };
        log.ledger.forward(Arc::new(Forwarded::begin(&log.path, place, 7).unwrap()));
    }
    for who in 0..SENDERS {
        log.write(&mut model, 0);
        log.write(&mut model, who);
        log.rotate();
    }
    drop(log.ledger);
    let found = FoundLedger::read(&log.path, &log.file).unwrap();
    let mut marks: Vec<_> = found.state.senders().map(|known| (known.id, known.mark)).collect();
    marks.sort_unstable_by_key(|&(id, _)| id.0);
    marks.into_iter().map(|(_, mark)| mark).collect()
}

#[test]
fn marks_outlive_rotations_whose_snapshots_fail() {
    assert_eq!(marks_after_failed_snapshots(false), [4, 1, 1]);
}

#[test]
fn marks_outlive_rotations_whose_snapshots_fail_while_a_relay_needs_the_entries() {
    assert_eq!(marks_after_failed_snapshots(true), [4, 1, 1]);
}
