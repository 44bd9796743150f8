//! The ledger: beside every file lies what is known of who sent what of it, so that after any death
//! the marks and the bytes agree.
//!
//! ```text
//!  app.log          …│ batch                          │ batch …
//!  app.log.ledger   …│ {"batch":{"span":[…],"runs":[[7,1043,20,4100],…]}}   written before its batch
//! ```
//!
//! It is a file of JSON lines, each with a checksum, that begins with a snapshot of all marks, grows
//! by an entry a batch, and is written anew, short again, when it has grown by a hundredth of its
//! file. Its entries are also the index by which a search skips what cannot match.

mod compaction;
mod contents;
mod entry;
mod found;
mod index;
mod names;
pub(crate) mod rotation;
mod run_log;
mod sender_table;
mod state;
#[cfg(test)]
mod tests;
mod version_one;

pub(crate) use entry::{BatchEntry, KnownSender, LedgerHead, RunEntry, StretchSpan};
pub(crate) use found::FoundLedger;
pub(crate) use index::{FilePart, IndexStretch, LedgerIndex};
pub(crate) use names::SenderNames;
pub(crate) use run_log::{RunLog, RunOrigin, SourceRun, unsent_records};
#[cfg(any(test, fuzzing))]
pub(crate) use state::LedgerReplay;
pub(crate) use state::LedgerState;

use crate::clock::seconds;
use crate::hub::line_run::{LineRun, Source};
use crate::hub::marks::Marks;
use crate::layout::file_id::identify;
use crate::layout::forwarded::{ForwardPlace, Forwarded};
use crate::layout::paths::{self, own};
use crate::layout::segment_name::{SegmentName, next_generation};
use crate::senders::identity::Sender;
use compaction::{Compaction, write_beside};
use entry::LedgerEntry;
use std::borrow::Cow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// The least growth that is worth writing the ledger anew.
const GROWTH: u64 = 16 << 10;

/// The ledger of one file, open to be appended to.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    /// `None` until the disk has taken the first lines.
    file: Option<File>,
    state: LedgerState,
    size: u64,
    /// Its size when it was last written anew.
    base: u64,
    sync: bool,
    /// Lines that introduce senders, and that the file does not have yet.
    unwritten: Vec<u8>,
    compaction: Option<Compaction>,
    /// True if the ledger of the next file is at the path of this one.
    laid_out: bool,
    /// Which senders are remembered at all.
    marks: Arc<Marks>,
    /// Number of times that they had forgotten some, when this ledger last followed.
    rounds: u64,
    /// The relay, which needs the entries of what it has not sent.
    forwarded: Option<Arc<Forwarded>>,
}

impl Ledger {
    /// Begins the ledger of the file at `path`, which is open as `file` and cut to its end, with
    /// all that was `found`. It is written as soon as the disk has room for it.
    pub(crate) fn begin(
        path: &Path,
        file: &File,
        found: FoundLedger,
        options: LedgerOptions,
    ) -> io::Result<Self> {
        let (inode, at) = identify(file)?;
        let mut state = found.state;
        if state.head.generation == 0 {
            state.head.generation = next_generation(path)?;
        }
        let generation = state.head.generation;
        match state.head.inode == inode {
            true => state.head.at = at,
            false => state.begin(LedgerHead { at, inode, generation, ..LedgerHead::default() }),
        }
        let LedgerOptions { sync, marks, forwarded } = options;
        let whole = found.whole;
        let alone = found.alone;
        let mut ledger = Self {
            path: paths::ledger_of(path),
            file: None,
            state,
            size: 0,
            base: 0,
            sync,
            unwritten: Vec::new(),
            compaction: None,
            laid_out: false,
            marks,
            rounds: 0,
            forwarded,
        };
        if let Some(len) = whole.filter(|_| !ledger.is_sent()) {
            ledger.resume(len, alone)?;
        }
        match ledger.open() {
            Err(error) if is_full(&error) => {}
            opened => opened?,
        }
        Ok(ledger)
    }

    /// From now on, keeps the entries of what `forwarded` says was not sent.
    pub(crate) fn forward(&mut self, forwarded: Arc<Forwarded>) {
        self.forwarded = Some(forwarded);
    }

    /// Goes on in the ledger that is there, the first `len` bytes of which are whole lines.
    /// If it does not stand alone, it is replaced by what does.
    fn resume(&mut self, mut len: u64, alone: Option<Vec<u8>>) -> io::Result<()> {
        if let Some(text) = alone {
            write_beside(&self.path, self.sync, |out| out.write_all(&text))?;
            fs::rename(paths::next_of(&self.path), &self.path)?;
            self.state.head.after = None;
            len = text.len() as u64;
        }
        let file = own(OpenOptions::new().append(true)).open(&self.path)?;
        file.set_len(len)?;
        // The collector before this one may have been killed before the disk had its names.
        if self.sync {
            paths::sync_directory(&self.path)?;
        }
        self.size = len;
        self.base = len;
        self.file = Some(file);
        Ok(())
    }

    /// Tells whether a relay, if there is one, has sent all that the ledger describes.
    fn is_sent(&self) -> bool {
        self.is_sent_to(self.state.contents.end())
    }

    fn is_sent_to(&self, offset: u64) -> bool {
        let place = ForwardPlace { generation: self.state.head.generation, offset };
        offset == 0 || self.forwarded.as_ref().is_none_or(|it| it.saved() >= place)
    }

    /// Writes the ledger, unless the disk has it.
    pub(crate) fn open(&mut self) -> io::Result<()> {
        if self.file.is_none() { self.compact() } else { Ok(()) }
    }

    /// Number of the file in its log.
    pub(crate) fn generation(&self) -> u64 {
        self.state.head.generation
    }

    /// Begins anew for another file at the same path, or for the same one after others cut it.
    pub(crate) fn begin_anew(&mut self, file: &File) -> io::Result<()> {
        self.finish_compaction(true)?;
        let (inode, at) = identify(file)?;
        let generation = self.state.head.generation + 1;
        self.state.begin(LedgerHead { at, inode, generation, ..LedgerHead::default() });
        self.laid_out = false;
        self.compact()
    }

    /// Lays out the ledger of the file that will follow this one, which is to become `segment`.
    pub(crate) fn prepare_next(&mut self, path: &Path, segment: SegmentName) -> io::Result<()> {
        self.finish_compaction(true)?;
        // The next one will be read with this one only, and not with the one before it.
        self.stand_alone(path)?;
        self.write_next(&self.next_head(path, segment)).map(drop)
    }

    /// Goes with the file that was rotated away from `path`.
    pub(crate) fn move_behind(&mut self, path: &Path, rotated: &Path) -> io::Result<()> {
        rotation::move_ledgers(path, rotated)?;
        self.laid_out = true;
        Ok(())
    }

    /// Tells whether the ledger of the next file is there already.
    pub(crate) fn is_laid_out(&self) -> bool {
        self.laid_out
    }

    /// Begins the ledger that was laid out, and starts to make it complete without the one before.
    pub(crate) fn begin_next(&mut self, file: &File, segment: SegmentName) -> io::Result<()> {
        let path = self.path.with_extension("");
        let (inode, at) = identify(file)?;
        let head = LedgerHead { inode, at, ..self.next_head(&path, segment) };
        let written = self.write_next(&head)?;
        fs::rename(paths::next_of(&self.path), &self.path)?;
        // The names of the rotated file and of the new one: nothing in them counts without.
        if self.sync {
            paths::sync_directory(&self.path)?;
        }
        self.size = written.metadata()?.len();
        self.base = self.size;
        self.file = Some(written);
        self.laid_out = false;
        self.state.begin(head);
        self.start_compaction()
    }

    fn next_head(&self, path: &Path, segment: SegmentName) -> LedgerHead {
        let after = segment.path(path).file_name().map(|name| name.to_string_lossy().into_owned());
        LedgerHead { generation: segment.generation + 1, after, ..LedgerHead::default() }
    }

    fn write_next(&self, head: &LedgerHead) -> io::Result<File> {
        let mut line = Vec::new();
        head.push(&mut line);
        write_beside(&self.path, self.sync, |out| out.write_all(&line))
    }

    /// From now on it is that of the file at `path`, once it is begun anew for it.
    pub(crate) fn go_to(&mut self, path: &Path) {
        self.path = paths::ledger_of(path);
    }

    /// Senders, with their marks and names.
    pub(crate) fn senders(&self) -> impl Iterator<Item = &KnownSender> {
        self.state.senders()
    }

    /// Writes the entry for `runs`, which will stand as `pieces` in the file from `at` on.
    pub(crate) fn begin_batch(
        &mut self,
        at: u64,
        runs: &[LineRun],
        pieces: &[Cow<'_, [u8]>],
    ) -> io::Result<BatchEntry> {
        let mut span = StretchSpan { at, len: 0, times: (i64::MAX, i64::MIN), levels: 0 };
        let mut entries: Vec<RunEntry> = Vec::with_capacity(runs.len());
        for (run, piece) in runs.iter().zip(pieces) {
            let bytes = piece.len() as u64;
            span.len += bytes;
            span.levels |= run.levels;
            span.times = (span.times.0.min(run.times.0), span.times.1.max(run.times.1));
            let entry = self.run_entry(run, bytes);
            match entries.last_mut().filter(|last| last.continues_in(&entry)) {
                Some(last) => {
                    last.count += entry.count;
                    last.bytes += bytes;
                }
                None => entries.push(entry),
            }
        }
        let batch = BatchEntry { span, runs: entries };
        self.write_entry(&batch)?;
        Ok(batch)
    }

    fn run_entry(&mut self, run: &LineRun, bytes: u64) -> RunEntry {
        let &LineRun { first, count, .. } = run;
        match &run.source {
            Source::Plain => RunEntry { sender: 0, first, count, bytes },
            Source::Netlog(sender) => {
                RunEntry { sender: self.introduce(sender), first, count, bytes }
            }
            Source::Ended(sender) => {
                RunEntry { sender: self.introduce(sender), first: 0, count: 0, bytes }
            }
        }
    }

    /// The number of a sender; what is new of it will be written with the next entry.
    fn introduce(&mut self, sender: &Sender) -> u32 {
        let known = self.state.senders.number_of(sender.id);
        let number = known.unwrap_or_else(|| self.state.senders.add(sender.id, sender.owner));
        let back = known.is_some() && sender.returned.load(Relaxed);
        if back && self.state.senders.came_back(number) {
            LedgerEntry::Returned(number).push(&mut self.unwritten);
        }
        let contents = &mut self.state.contents;
        if known.is_some() && contents.names.matches(contents.names_of(number), &sender.identity) {
            return number;
        }
        let before = contents.names.len();
        let names = contents.names.number(&sender.identity);
        if contents.names.len() > before
            && let Some(names) = contents.names.get(names)
        {
            LedgerEntry::Names(names.clone()).push(&mut self.unwritten);
        }
        let was = contents.names_of(number);
        contents.rename(number, names);
        if known.is_none() {
            let known =
                KnownSender { names, owner: sender.owner, ..KnownSender::new(number, sender.id) };
            LedgerEntry::Sender(known).push(&mut self.unwritten);
        } else if was != names {
            LedgerEntry::Renamed(number, names).push(&mut self.unwritten);
        }
        number
    }

    /// Writes an entry and whatever introduces its senders, all of it or nothing.
    fn write_entry(&mut self, batch: &BatchEntry) -> io::Result<()> {
        self.open()?;
        let introductions = self.unwritten.len();
        LedgerEntry::Batch(batch.clone()).push(&mut self.unwritten);
        let written = self.append();
        // What introduces senders has to be written all the same.
        self.unwritten.truncate(if written.is_ok() { 0 } else { introductions });
        written
    }

    /// Takes back the entry of a batch at `at`: none counts beyond where the next one begins.
    pub(crate) fn withdraw_batch(&mut self, at: u64) -> io::Result<()> {
        let span = StretchSpan { at, len: 0, times: (0, 0), levels: 0 };
        self.write_entry(&BatchEntry { span, runs: Vec::new() })
    }

    fn append(&mut self) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
        if file.metadata()?.len() != self.size {
            file.set_len(self.size)?;
        }
        let written = file.write_all(&self.unwritten);
        let written = if self.sync { written.and_then(|()| file.sync_data()) } else { written };
        if written.is_err() {
            // What is left of it would be damage, once more is written behind it.
            file.set_len(self.size)?;
            return written;
        }
        self.size += self.unwritten.len() as u64;
        if let Some(compaction) = &mut self.compaction {
            compaction.since.extend_from_slice(&self.unwritten);
        }
        Ok(())
    }

    /// Takes note that a batch is in the file.
    pub(crate) fn commit(&mut self, batch: &BatchEntry) {
        self.state.now = seconds();
        self.state.count(batch);
        self.forget();
        let growth = GROWTH.max(batch.span.end() / 100).max(self.base);
        // It only saves space: if it fails, there will be another time.
        let _ = match self.compaction {
            Some(_) => self.finish_compaction(false),
            None if self.size - self.base > growth => self.start_compaction(),
            None => Ok(()),
        };
    }

    /// Lays the ledger to rest, as short as it can be: the next start has no entry in doubt then.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        self.finish_compaction(true)?;
        if self.is_sent() { self.compact() } else { Ok(()) }
    }
}

/// Settings of a ledger.
#[derive(Debug, Clone)]
pub(crate) struct LedgerOptions {
    pub(crate) sync: bool,
    pub(crate) marks: Arc<Marks>,
    pub(crate) forwarded: Option<Arc<Forwarded>>,
}

/// Tells whether there is no room for anything: then it is worth waiting.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
