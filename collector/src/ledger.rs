//! The ledger: beside every file lies what is known of who sent what of it, so that after any death
//! the marks and the bytes agree.
//!
//! ```text
//!  app.log          …│ batch                          │ batch …
//!  app.log.ledger   …│ {"at":…,"runs":[[7,1043,20,4100],…]}   written before its batch
//! ```
//!
//! It is a file of JSON lines that begins with a snapshot of all marks, grows by an entry a batch,
//! and is written anew, short again, when it has grown by a hundredth of its file.
//!
//! Where there are many files, their ledgers also know the order in which all that is in them was
//! written: their batches make one stream, and each entry says where in it its batch begins, `"pos"`.
//! So a reader who has come to some place in the stream can go on behind it in every file.

mod account;
mod entry;
mod index;
mod names;
mod order;
pub(crate) mod rotation;
#[cfg(test)]
mod tests;

pub(crate) use account::{Account, Replayed};
pub(crate) use entry::{BatchEntry, Head, Known, RunEntry, Span};
pub(crate) use index::{Extent, Index, Share, Stretch};
pub(crate) use names::Names;

use crate::clock::seconds;
use crate::hub::line_run::{LineRun, Source};
use crate::hub::marks::{FORGET, MOST};
use crate::hub::progress::Stream;
use crate::layout::paths::{self, own};
use crate::layout::torn_tail::{self, Cut};
use crate::senders::identity::Sender;
use std::borrow::Cow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The least growth that is worth writing the ledger anew.
const GROWTH: u64 = 16 << 10;

/// The ledger of one file, open to be appended to.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    file: File,
    account: Account,
    size: u64,
    /// Its size when it was last written anew.
    base: u64,
    sync: bool,
}

/// A ledger as it was found.
pub(crate) struct Found {
    account: Account,
    /// Whether there was one at all: then half a record at the end of the file is ours to cut off.
    pub(crate) ours: bool,
    /// What must be cut off the file before anything is appended to it.
    pub(crate) cut: Option<Cut>,
    /// What whoever runs the collector should know.
    pub(crate) note: Option<String>,
}

/// A batch as a ledger sees it, and the line that says so.
#[derive(Debug)]
pub(crate) struct Announcement {
    text: String,
    pub(crate) entry: BatchEntry,
    written: bool,
}

/// The device and inode of an open file, and its length.
pub(crate) fn identify(file: &File) -> io::Result<((u64, u64), u64)> {
    let metadata = file.metadata()?;
    Ok(((metadata.dev(), metadata.ino()), metadata.len()))
}

impl Found {
    /// Reads the ledger of the file at `path`, which is open as `file`.
    pub(crate) fn read(path: &Path, file: &File) -> io::Result<Self> {
        let (inode, len) = identify(file)?;
        let text = match paths::read(&paths::ledger_of(path)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        if text.is_empty() {
            let note =
                (len > 0).then(|| "has no ledger, beginning one: a resend may repeat".into());
            return Ok(Self { account: Account::default(), ours: false, cut: None, note });
        }
        let replayed = Account::replay(&text, len, seconds());
        if !replayed.sound {
            let note = Some("has a damaged ledger, going on with what could be read of it".into());
            return Ok(Self { account: replayed.account, ours: true, cut: None, note });
        }
        let of = replayed.account.head.inode;
        if of == inode || of == (0, 0) {
            let Replayed { account, cut, .. } = replayed;
            return Ok(Self { account, ours: true, cut, note: None });
        }
        Self::of_another(path, &text, of)
    }

    /// The ledger of a file that is not at `path` any more. Wherever it was moved to, its end is
    /// what the last entry is to be read against; if it is gone, that entry is in doubt, and what
    /// is in doubt is asked for again.
    fn of_another(path: &Path, text: &[u8], inode: (u64, u64)) -> io::Result<Self> {
        let moved = paths::find(path, inode)
            .and_then(|moved| own(OpenOptions::new().read(true).append(true)).open(moved).ok());
        let len = moved.as_ref().map_or(Ok(0), |file| file.metadata().map(|file| file.len()))?;
        let replayed = Account::replay(text, len, seconds());
        if let (Some(cut), Some(file)) = (replayed.cut, &moved) {
            torn_tail::cut(file, cut)?;
        }
        Ok(Self { account: replayed.account, ours: false, cut: None, note: None })
    }
}

impl Ledger {
    /// Begins the ledger of the file at `path`, which is open as `file` and cut to its end, with
    /// all that was `found`.
    pub(crate) fn begin(path: &Path, file: &File, found: Found, sync: bool) -> io::Result<Self> {
        let (inode, at) = identify(file)?;
        let path = paths::ledger_of(path);
        let mut account = found.account;
        if account.head.inode != inode {
            account.begin(Head { at, inode, ..Head::default() });
        }
        let head = Head { at, inode, ..Head::default() };
        let (file, size) = write_anew(&path, &account.snapshot(&head), sync)?;
        Ok(Self { path, file, account, size, base: size, sync })
    }

    /// Begins anew for another file at the same path, or for the same one after others cut it.
    pub(crate) fn begin_anew(&mut self, file: &File) -> io::Result<()> {
        let (inode, at) = identify(file)?;
        let head = Head { at, inode, after: None, stream: self.account.stream() };
        let mut text = String::new();
        head.push_marks(&mut text, self.account.senders());
        (self.file, self.size) = write_anew(&self.path, &text, self.sync)?;
        self.base = self.size;
        self.account.begin(head);
        Ok(())
    }

    /// From now on it is that of the file at `path`, once it is begun anew for it.
    pub(crate) fn go_to(&mut self, path: &Path) {
        self.path = paths::ledger_of(path);
    }

    /// What is known of each sender.
    pub(crate) fn senders(&self) -> &[Known] {
        self.account.senders()
    }

    /// What the file is a part of.
    pub(crate) fn stream(&self) -> Option<Stream> {
        self.account.stream()
    }

    /// Makes the file a part of `stream`, unless it is one already.
    pub(crate) fn join(&mut self, stream: Stream) -> io::Result<()> {
        if self.account.stream().is_some_and(|ours| ours.print == stream.print) {
            return Ok(());
        }
        self.account.join(stream);
        // Nothing is said of places in it before it is said which one it is.
        let written = self.compact();
        if written.is_err() {
            self.account.leave();
        }
        written
    }

    /// Takes note of lines of plain peers that are in the file already, and that no entry knows.
    pub(crate) fn tell(&mut self, (at, len): (u64, u64), pos: u64) -> io::Result<()> {
        let span = Span { at, len, times: (i64::MIN, i64::MAX), levels: u8::MAX };
        let run = RunEntry { sender: 0, first: 1, count: 1, bytes: len };
        let entry = BatchEntry { span, pos: Some(pos), runs: vec![run] };
        let mut text = String::new();
        entry.push(&mut text);
        let mut announcement = Announcement { text, entry, written: false };
        self.write(&mut announcement)?;
        self.settle(&announcement.entry);
        Ok(())
    }

    /// How much memory is taken by what it knows of places in the stream.
    pub(crate) fn order_size(&self) -> usize {
        self.account.order_size()
    }

    /// The entry for `runs`, which will stand as `pieces` in the file from `at` on, and in the
    /// stream, if there is one, from `pos` on.
    pub(crate) fn announce(
        &mut self,
        (at, pos): (u64, Option<u64>),
        runs: &[LineRun],
        pieces: &[Cow<'_, [u8]>],
    ) -> Announcement {
        let mut text = String::new();
        let mut span = Span { at, len: 0, times: (i64::MAX, i64::MIN), levels: 0 };
        let mut entries: Vec<RunEntry> = Vec::with_capacity(runs.len());
        for (run, piece) in runs.iter().zip(pieces) {
            let bytes = piece.len() as u64;
            span.len += bytes;
            span.levels |= run.levels;
            span.times = (span.times.0.min(run.times.0), span.times.1.max(run.times.1));
            let mut entry = RunEntry { sender: 0, first: run.first, count: run.count, bytes };
            if let Source::Netlog(sender) | Source::Ended(sender) = &run.source {
                entry.sender = self.introduce(sender, &mut text);
            }
            if let Source::Ended(_) = &run.source {
                (entry.first, entry.count) = (0, 0);
            }
            match entries.last_mut().filter(|last| last.goes_on_with(&entry)) {
                Some(last) => {
                    (last.count, last.bytes) = (last.count + entry.count, last.bytes + bytes)
                }
                None => entries.push(entry),
            }
        }
        let entry = BatchEntry { span, pos, runs: entries };
        entry.push(&mut text);
        Announcement { text, entry, written: false }
    }

    /// The number of a sender; what is new of it is appended to `text`.
    fn introduce(&mut self, sender: &Sender, text: &mut String) -> u32 {
        let names = || Names::of(&sender.identity).map(Arc::new);
        let (number, new) = self.account.number(sender.id, names);
        let Some(known) = self.account.senders().get(number as usize - 1) else { return number };
        if new {
            known.push(text);
        } else if known.names.as_ref().is_some_and(|names| names.differ(&sender.identity)) {
            entry::push_renamed(number, text);
            self.account.rename(number);
        }
        number
    }

    /// Writes an announcement, all of it or nothing, unless it is written already.
    pub(crate) fn write(&mut self, announcement: &mut Announcement) -> io::Result<()> {
        if announcement.written {
            return Ok(());
        }
        if let Err(error) = self.append(announcement.text.as_bytes()) {
            // What is left of it would be damage, once more is written behind it.
            self.file.set_len(self.size)?;
            return Err(error);
        }
        self.size += announcement.text.len() as u64;
        announcement.written = true;
        Ok(())
    }

    fn append(&mut self, text: &[u8]) -> io::Result<()> {
        if self.file.metadata()?.len() != self.size {
            self.file.set_len(self.size)?;
        }
        self.file.write_all(text)?;
        if self.sync { self.file.sync_data() } else { Ok(()) }
    }

    /// Takes note that a batch is in the file.
    pub(crate) fn settle(&mut self, entry: &BatchEntry) {
        self.account.now = seconds();
        let known = self.account.count(entry, u64::MAX);
        debug_assert_eq!(known, Some(None), "every sender has been introduced");
        let growth = GROWTH.max(entry.span.end() / 100).max(self.base);
        if self.size - self.base > growth {
            // It only saves space: if it fails, there will be another time.
            let _ = self.compact();
        }
    }

    /// Writes the ledger anew, as short as it can be.
    pub(crate) fn compact(&mut self) -> io::Result<()> {
        let account = self.account.remembering(seconds() - FORGET, MOST);
        let snapshot = account.snapshot(&account.head);
        let written = write_anew(&self.path, &snapshot, self.sync);
        // Also after a failure: not again before it has grown as much once more.
        self.base = self.size;
        (self.file, self.size) = written?;
        (self.base, self.account) = (self.size, account);
        Ok(())
    }

    /// Lays out the ledger of the file that will follow this one, which is to become `name`.
    pub(crate) fn prepare_next(&self, next: &Path, name: String) -> io::Result<()> {
        let stream = self.account.stream();
        let head = Head { after: Some(name), stream, ..Head::default() };
        let mut text = String::new();
        head.push_marks(&mut text, self.account.senders());
        let mut file =
            own(OpenOptions::new().write(true).create(true).truncate(true)).open(next)?;
        file.write_all(text.as_bytes())?;
        if self.sync { file.sync_data() } else { Ok(()) }
    }
}

impl RunEntry {
    /// Whether `next`, right behind it, can be told as one run with it.
    fn goes_on_with(&self, next: &Self) -> bool {
        let plain = self.sender == 0 && next.sender == 0;
        let same = self.sender == next.sender && self.count > 0 && next.count > 0;
        plain || (same && self.first + self.count == next.first)
    }
}

impl Head {
    fn push_marks(&self, out: &mut String, senders: &[Known]) {
        self.push(out);
        senders.iter().for_each(|known| known.push(out));
    }
}

/// Writes `text` beside the ledger at `path` and puts it in its place in one step.
fn write_anew(path: &Path, text: &str, sync: bool) -> io::Result<(File, u64)> {
    let next = paths::next_of(path);
    let mut file = own(OpenOptions::new().write(true).create(true).truncate(true)).open(&next)?;
    file.write_all(text.as_bytes())?;
    if sync {
        file.sync_data()?;
    }
    fs::rename(&next, path)?;
    if sync {
        paths::sync_directory(path)?;
    }
    Ok((own(OpenOptions::new().append(true)).open(path)?, text.len() as u64))
}
