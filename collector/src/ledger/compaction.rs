//! Compaction of a ledger: a snapshot is written by a thread of its own, while entries go on into
//! the old one; then those are added to it, and it takes the place of the old one, as soon as no
//! relay needs the entries that are not in it.

use super::Ledger;
use super::state::LedgerState;
use crate::clock::seconds;
use crate::layout::paths::{self, ledger_of, next_of, own, sync_directory};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::thread::{self, JoinHandle};

/// The most bytes of entries that wait for a relay to send what the snapshot has no entries of.
const MOST_SINCE: usize = 1 << 20;

/// Gaps of a sender that are never worth forgetting.
const GAPS: usize = 8;

/// A snapshot that is being written.
#[derive(Debug)]
pub(super) struct Compaction {
    pub(super) thread: JoinHandle<io::Result<File>>,
    /// Entries written since it was taken.
    pub(super) since: Vec<u8>,
    /// Length of the part of the file that the snapshot describes.
    end: u64,
}

impl Ledger {
    /// Begins to write the ledger anew.
    pub(super) fn start_compaction(&mut self) -> io::Result<()> {
        self.forget();
        let snapshot = self.state.snapshot();
        let path = self.path.clone();
        let sync = self.sync;
        let write = move || write_beside(&path, sync, |out| snapshot.write(out));
        // Also after a failure: not again before it has grown as much once more.
        self.base = self.size;
        let thread = thread::Builder::new().name("ledger".into()).spawn(write)?;
        let end = self.state.contents.end();
        self.compaction = Some(Compaction { thread, since: Vec::new(), end });
        Ok(())
    }

    /// Takes a snapshot that is written by now, though no batch comes any more: until then, readers
    /// cannot tell who wrote to a file that was begun by a rotation.
    pub(crate) fn take_snapshot(&mut self) {
        // If it fails, the ledger before it says the same, and there will be another time.
        let _ = self.finish_compaction(false);
    }

    /// Puts the new ledger in the place of the old one, once it is written or if that is waited for.
    pub(super) fn finish_compaction(&mut self, wait: bool) -> io::Result<()> {
        let sent = self.compaction.as_ref().is_some_and(|it| self.is_sent_to(it.end));
        let due = |it: &mut Compaction| {
            wait || (it.thread.is_finished() && (sent || it.since.len() > MOST_SINCE))
        };
        let Some(compaction) = self.compaction.take_if(due) else { return Ok(()) };
        let written = compaction.thread.join().map_err(|_| io::ErrorKind::Other)?;
        if !sent {
            return fs::remove_file(next_of(&self.path));
        }
        // If it failed, there is still the old one, which says the same.
        let Ok(mut file) = written else { return Ok(()) };
        file.write_all(&compaction.since)?;
        if self.sync {
            file.sync_data()?;
        }
        self.replace(file)
    }

    /// Writes the ledger anew, at once.
    pub(super) fn compact(&mut self) -> io::Result<()> {
        let snapshot = self.state.snapshot();
        self.base = self.size;
        let file = write_beside(&self.path, self.sync, |out| snapshot.write(out))?;
        self.unwritten.clear();
        self.replace(file)
    }

    /// Makes it complete without the ledger before it, whatever became of earlier attempts.
    pub(super) fn stand_alone(&mut self, path: &Path) -> io::Result<()> {
        let head = self.state.head.clone();
        let Some(before) = &head.after else { return Ok(()) };
        if self.is_sent() {
            return self.compact();
        }
        // A relay needs the entries as they are.
        let before = paths::read(&ledger_of(&path.with_file_name(before)))?;
        let replayed = LedgerState::at(seconds()).replay(before.as_slice(), u64::MAX);
        if !replayed.sound {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut text = replayed.state.introduction(&head);
        let lines = paths::read(&self.path)?;
        let begun = memchr::memchr(b'\n', &lines).map_or(0, |end| end + 1);
        text.extend_from_slice(&lines[begun..]);
        let file = write_beside(&self.path, self.sync, |out| out.write_all(&text))?;
        self.replace(file)
    }

    fn replace(&mut self, file: File) -> io::Result<()> {
        self.size = file.metadata()?.len();
        self.base = self.size;
        fs::rename(next_of(&self.path), &self.path)?;
        self.file = Some(file);
        self.state.head.after = None;
        if self.sync { sync_directory(&self.path) } else { Ok(()) }
    }

    /// Forgets the senders that the marks have forgotten since the last time.
    pub(crate) fn forget(&mut self) {
        let rounds = self.marks.rounds();
        if std::mem::replace(&mut self.rounds, rounds) == rounds {
            return;
        }
        let marks = self.marks.lock();
        self.state.senders.retain(|known| {
            let mark = marks.get(known.id);
            // One that is in several files has gaps in each; those it has in all are in its mark.
            if let Some(mark) = mark {
                known.gaps.keep_highest(mark.gaps().len().max(GAPS));
            }
            mark.is_some()
        });
    }
}

impl Drop for Ledger {
    /// Waits for the thread: whoever opens the ledger next writes to the same place.
    fn drop(&mut self) {
        if let Some(compaction) = self.compaction.take() {
            let _ = compaction.thread.join();
        }
    }
}

/// Writes what is to become the ledger at `path` beside it; if that fails, nothing is left of it.
pub(super) fn write_beside(
    path: &Path,
    sync: bool,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<File> {
    let next = next_of(path);
    let file = own(OpenOptions::new().append(true).create(true)).open(&next)?;
    file.set_len(0)?;
    let mut out = BufWriter::new(file);
    let written = write(&mut out).and_then(|()| out.flush());
    let file = written.and_then(|()| out.into_inner().map_err(|error| error.into_error()));
    let synced =
        file.and_then(|file| if sync { file.sync_data().map(|()| file) } else { Ok(file) });
    if synced.is_err() {
        let _ = fs::remove_file(&next);
    }
    synced
}
