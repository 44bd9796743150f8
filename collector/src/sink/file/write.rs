//! Writing a batch, over as many attempts as it takes: what an attempt leaves in the file is gone on
//! from, entered as a batch of its own, or cut off.

use super::FileSink;
use super::append::{append, whole_lines};
use super::pending::{PendingWrite, SettledPart};
use crate::clock::now;
use crate::hub::batch::Batch;
use crate::hub::sink::SinkError;
use crate::layout::file_id::identify;
use crate::options::Format;
use crate::sink::shown;
use netlog_wire::Text;
use std::borrow::Cow;
use std::io;
use std::ops::Range;

impl FileSink {
    /// Goes on in another file before the next batch if this one is full, gone or cut. Returns the
    /// lines in front of `batch` that somebody else appended.
    ///
    /// # Errors
    ///
    /// Also when a part of the batch was settled: only the rest of it is to be written then.
    pub(crate) fn prepare(&mut self, batch: &Batch) -> io::Result<Range<u64>> {
        self.foreign = 0..0;
        // Perhaps it was moved to make room: what is not written there is written elsewhere.
        let moved = self.pending.is_some() && self.look_again() && self.was_moved();
        if moved || self.is_interrupted()? {
            self.settle(batch)?;
        }
        if self.settled.is_some() {
            return Err(io::Error::other("only a part of it was written"));
        }
        if moved {
            self.pending = None;
        }
        if self.pending.is_none() && !self.prepared {
            self.make_way()?;
            self.prepared = true;
        }
        Ok(std::mem::take(&mut self.foreign))
    }

    /// Appends a batch, all of it.
    ///
    /// # Errors
    ///
    /// When the system fails, or a part of the batch was settled and only its rest is to be written.
    pub(crate) fn append(&mut self, batch: &Batch) -> Result<(), SinkError> {
        self.try_append(batch).map_err(|cause| self.failed_to("write to", cause))
    }

    /// The part of the last batch that was settled, if that happened since this was asked.
    pub(crate) fn take_settled(&mut self) -> Option<SettledPart> {
        self.settled.take()
    }

    /// Gives up what is half written, for the rest of it to be written elsewhere.
    pub(crate) fn give_up(&mut self, batch: &Batch) -> io::Result<()> {
        self.settle(batch)?;
        self.pending = None;
        self.prepared = false;
        Ok(())
    }

    fn try_append(&mut self, batch: &Batch) -> io::Result<()> {
        let stats = self.options.stats.clone();
        self.prepare(batch)?;
        let pieces = self.pieces(batch);
        let mut pending = match self.pending.take() {
            Some(pending) => pending,
            None => {
                let begin = || self.ledger.begin_batch(self.end, &batch.runs, &pieces);
                PendingWrite::new(stats.ledger_nanoseconds.time(begin)?)
            }
        };
        let append = || self.write_pieces(&mut pending, &pieces);
        let result = stats.file_nanoseconds.time(append);
        if result.is_err() {
            self.pending = Some(pending);
            // At once: the next start would take for ours what somebody else appends behind it. If
            // the ledger has no room, the next attempt goes on here or settles it.
            let _ = self.settle(batch);
            return result;
        }
        self.end += pending.done as u64;
        self.lines += batch.records();
        self.prepared = false;
        self.written = now();
        stats.ledger_nanoseconds.time(|| self.ledger.commit(&pending.entry));
        Ok(())
    }

    /// The bytes of each of a batch's runs in the file.
    fn pieces<'a>(&self, batch: &'a Batch) -> Vec<Cow<'a, [u8]>> {
        let text = (self.options.format == Format::Text).then_some(Text::PLAIN);
        batch.runs.iter().map(|run| shown(run, text)).collect()
    }

    fn write_pieces(
        &mut self,
        pending: &mut PendingWrite,
        pieces: &[Cow<'_, [u8]>],
    ) -> io::Result<()> {
        let appended = append(&mut self.file, self.end, &mut pending.done, pieces);
        match appended {
            Ok(None) => {}
            Ok(misplaced) => {
                pending.misplaced = misplaced;
                return Err(io::Error::other("somebody else appended at the same moment"));
            }
            Err(error) => {
                // Whoever reads the file meanwhile finds whole lines only.
                let whole = whole_lines(pending.done, pieces);
                let half = self.end + whole as u64..pending.range(self.end).end;
                if self.cut_back(half).is_ok_and(|cut| cut) {
                    pending.done = whole;
                }
                return Err(error);
            }
        }
        self.sync(pending)
    }

    /// Makes the disk have what is in the file of a batch, if it has to.
    fn sync(&self, pending: &mut PendingWrite) -> io::Result<()> {
        if !self.options.sync {
            return Ok(());
        }
        let synced = self.file.sync_data();
        self.options.stats.file_syncs.add(1);
        if synced.is_err() {
            // The kernel forgets what it failed to write: all of it has to be written again.
            let there = pending.range(self.end);
            pending.done = 0;
            if !self.cut_back(there.clone())? {
                pending.misplaced = Some(there);
            }
        }
        synced
    }

    /// Tells whether the batch cannot be gone on with where it stopped.
    fn is_interrupted(&self) -> io::Result<bool> {
        let Some(pending) = &self.pending else { return Ok(false) };
        let (_, end) = identify(&self.file)?;
        let behind = pending.range(self.end).end;
        Ok(pending.misplaced.is_some() || (pending.done > 0 && end != behind))
    }

    /// Ends an attempt for good: the whole lines that are in the file count as a batch of their own,
    /// and what is not where the ledger says is cut off, to be written anew.
    fn settle(&mut self, batch: &Batch) -> io::Result<()> {
        let Some(mut pending) = self.pending.take() else { return Ok(()) };
        let nothing = pending.done == 0 && pending.misplaced.is_none();
        let half = if nothing { Ok(0..0) } else { self.enter_settled(&mut pending, batch) };
        if nothing || half.is_err() {
            self.pending = Some(pending);
            return half.map(drop);
        }
        self.prepared = false;
        if let Some(misplaced) = pending.misplaced {
            self.cut_back(misplaced)?;
        }
        self.cut_back(half?).map(drop)
    }

    /// Enters in the ledger what of a batch is in the file, where it has to be. Returns the place of
    /// half a line behind that.
    fn enter_settled(
        &mut self,
        pending: &mut PendingWrite,
        batch: &Batch,
    ) -> io::Result<Range<u64>> {
        if pending.done > 0 {
            self.sync(pending)?;
        }
        let pieces = self.pieces(batch);
        let whole = whole_lines(pending.done, &pieces);
        let half = self.end + whole as u64..pending.range(self.end).end;
        // Before they are gone, since the entry would count what comes in place of its bytes.
        if whole == 0 {
            return self.ledger.withdraw_batch(self.end).map(|()| half);
        }
        let lines = count_lines(whole, &pieces);
        let front = batch.part(0..lines);
        let entry = self.ledger.begin_batch(self.end, &front.runs, &self.pieces(&front))?;
        self.ledger.commit(&entry);
        let range = self.end..half.start;
        self.end = half.start;
        self.lines += front.records();
        self.written = now();
        self.settled = Some(SettledPart { range, front, rest: batch.part(lines..u64::MAX) });
        Ok(half)
    }
}

/// Number of lines in the first `len` bytes of `pieces`.
fn count_lines(len: usize, pieces: &[Cow<'_, [u8]>]) -> u64 {
    let mut left = len;
    let lines = pieces.iter().map(|piece| {
        let taken = left.min(piece.len());
        left -= taken;
        memchr::memchr_iter(b'\n', &piece[..taken]).count() as u64
    });
    lines.sum()
}

#[cfg(test)]
impl FileSink {
    /// Begins to write a batch, and fails behind its first `len` bytes.
    pub(crate) fn stop_within(&mut self, batch: &Batch, len: usize) -> io::Result<()> {
        use std::io::Write;
        self.prepare(batch)?;
        let entry = self.ledger.begin_batch(self.end, &batch.runs, &self.pieces(batch))?;
        self.file.write_all(&batch.lines()[..len])?;
        self.pending = Some(PendingWrite { done: len, ..PendingWrite::new(entry) });
        Ok(())
    }
}
