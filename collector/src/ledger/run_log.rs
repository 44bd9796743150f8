//! The runs of a ledger, in the order of their file, for a relay: who sent what stands where.

use super::entry::{BatchEntry, LedgerEntry, LedgerHead, RunEntry};
use crate::layout::file_id::FileId;
use crate::layout::paths::{self, ledger_of, own};
use crate::senders::identity::SenderId;
use std::collections::{HashMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Bytes read at once.
const BLOCK: usize = 256 << 10;

/// A ledger that is read while it grows.
#[derive(Debug)]
pub(crate) struct RunLog {
    path: PathBuf,
    file: File,
    /// Bytes of a line that has not ended.
    rest: Vec<u8>,
    head: LedgerHead,
    ids: HashMap<u32, SenderId>,
    entries: VecDeque<RunStretch>,
    runs: VecDeque<SourceRun>,
    /// Start of the part that is asked for.
    from: u64,
}

/// An entry, with the ids that its numbers stood for.
#[derive(Debug)]
struct RunStretch {
    batch: BatchEntry,
    ids: Vec<Option<SenderId>>,
}

/// A part of a file whose records come from one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceRun {
    pub(crate) range: Range<u64>,
    pub(crate) origin: RunOrigin,
}

/// The place where records come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunOrigin {
    /// A sender, which has numbered them.
    Numbered { sender: SenderId, first: u64, count: u64 },
    /// Plain peers, or the collector itself, or nobody knows.
    Unnumbered,
}

impl RunLog {
    /// Opens the ledger at `path`, to read what it says of the file from the offset `from` on.
    pub(crate) fn open(path: &Path, from: u64) -> io::Result<Self> {
        let file = own(OpenOptions::new().read(true)).open(path)?;
        let mut log = Self {
            path: path.to_owned(),
            file,
            rest: Vec::new(),
            head: LedgerHead::default(),
            ids: HashMap::new(),
            entries: VecDeque::new(),
            runs: VecDeque::new(),
            from,
        };
        log.fill()?;
        match log.head.inode {
            FileId(0, 0) => Err(io::ErrorKind::NotFound.into()),
            _ => Ok(log),
        }
    }

    /// First line.
    pub(crate) fn head(&self) -> &LedgerHead {
        &self.head
    }

    /// Tells whether it is still the file at `path`.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        let ours = self.file.metadata().map(|file| FileId::from(&file));
        let there = path.metadata().map(|file| FileId::from(&file));
        matches!((ours, there), (Ok(ours), Ok(there)) if ours == there)
    }

    /// The records that begin at `at`, none beyond `limit`; `None` if there are none yet. Entries
    /// of what is behind `limit` count once the file is `closed`, as far as it goes.
    pub(crate) fn next(
        &mut self,
        at: u64,
        limit: u64,
        closed: bool,
    ) -> io::Result<Option<SourceRun>> {
        loop {
            while self.entries.len() < 2 && self.fill()? {}
            while self.runs.front().is_some_and(|run| run.range.end <= at) {
                self.runs.pop_front();
            }
            let unknown = |to: u64| {
                let range = at..to.min(limit);
                let run = SourceRun { range, origin: RunOrigin::Unnumbered };
                (run.range.start < run.range.end).then_some(run)
            };
            if let Some(run) = self.runs.front() {
                return Ok(match run.range.start <= at {
                    true => Some(run.clone()),
                    false => unknown(run.range.start),
                });
            }
            let Some(first) = self.entries.front() else { return Ok(unknown(limit)) };
            let next = self.entries.get(1).map_or(u64::MAX, |next| next.batch.span.at);
            let end = first.batch.span.end().min(next);
            // Written after the limit was asked for: it counts the next time.
            if end > limit && !closed {
                return Ok(unknown(first.batch.span.at));
            }
            let Some(first) = self.entries.pop_front() else { return Ok(None) };
            self.runs.extend(first.up_to(end.min(limit)));
        }
    }

    /// Reads on; `false` at the end.
    fn fill(&mut self) -> io::Result<bool> {
        let mut block = vec![0; BLOCK];
        let len = self.file.read(&mut block)?;
        self.rest.extend_from_slice(&block[..len]);
        let whole = memchr::memrchr(b'\n', &self.rest).map_or(0, |end| end + 1);
        let rest = self.rest.split_off(whole);
        let lines = std::mem::replace(&mut self.rest, rest);
        lines.split_inclusive(|&byte| byte == b'\n').try_for_each(|line| self.take(line))?;
        Ok(len > 0)
    }

    fn take(&mut self, line: &[u8]) -> io::Result<()> {
        if let Some(head) = LedgerHead::parse(line) {
            // Until it stands alone, its senders are in the ledger of the file before.
            let before = head.after.as_ref().map(|name| ledger_of(&self.path.with_file_name(name)));
            let text = match before.map(|path| paths::read(&path)).transpose() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
                text => text?.unwrap_or_default(),
            };
            self.head = head;
            for line in text.split_inclusive(|&byte| byte == b'\n') {
                if let Some(LedgerEntry::Sender(known)) = LedgerEntry::parse(line) {
                    self.ids.insert(known.number, known.id);
                }
            }
            return Ok(());
        }
        match LedgerEntry::parse(line) {
            Some(LedgerEntry::Sender(known)) => drop(self.ids.insert(known.number, known.id)),
            // One without runs takes back the one before it.
            Some(LedgerEntry::Batch(batch))
                if batch.span.end() > self.from || batch.runs.is_empty() =>
            {
                let ids = batch.runs.iter().map(|run| self.ids.get(&run.sender).copied());
                let ids = ids.collect();
                self.entries.push_back(RunStretch { batch, ids });
            }
            _ => {}
        }
        Ok(())
    }
}

impl RunStretch {
    /// The runs that end at or before `bound`.
    fn up_to(self, bound: u64) -> Vec<SourceRun> {
        let mut at = self.batch.span.at;
        let runs = self.batch.runs.iter().zip(self.ids).map(|(run, sender)| {
            let range = at..at + run.bytes;
            at = range.end;
            let &RunEntry { first, count, .. } = run;
            let origin = match sender.filter(|_| count > 0) {
                Some(sender) => RunOrigin::Numbered { sender, first, count },
                None => RunOrigin::Unnumbered,
            };
            SourceRun { range, origin }
        });
        runs.take_while(|run| run.range.end <= bound).collect()
    }
}

/// Count of the records that the ledger at `path` knows of, from the offset `from` of its file on.
pub(crate) fn unsent_records(path: &Path, from: u64) -> io::Result<u64> {
    let mut log = RunLog::open(path, from)?;
    let mut records = 0;
    loop {
        for RunStretch { batch, .. } in log.entries.drain(..) {
            let mut end = batch.span.at;
            for run in &batch.runs {
                end += run.bytes;
                records += if end > from { run.count.max(1) } else { 0 };
            }
        }
        if !log.fill()? {
            return Ok(records);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::{KnownSender, StretchSpan};
    use super::*;
    use std::fs;
    use tempfile::{TempDir, tempdir};

    /// A ledger with a sender and these entries of it: their places, lengths and first numbers.
    fn ledger(entries: &[[u64; 3]]) -> TempDir {
        let mut text = Vec::new();
        LedgerHead { generation: 1, inode: FileId(1, 2), ..LedgerHead::default() }.push(&mut text);
        LedgerEntry::Sender(KnownSender::new(1, SenderId(7))).push(&mut text);
        for &[at, len, first] in entries {
            let span = StretchSpan { at, len, times: (1, 2), levels: 4 };
            let runs = vec![RunEntry { sender: 1, first, count: 1, bytes: len }];
            LedgerEntry::Batch(BatchEntry { span, runs }).push(&mut text);
        }
        let dir = tempdir().unwrap();
        fs::write(dir.path().join("l"), text).unwrap();
        dir
    }

    /// Where the next run ends, and its first number, 0 if it has none.
    fn next(log: &mut RunLog, at: u64, limit: u64, closed: bool) -> Option<[u64; 2]> {
        let run = log.next(at, limit, closed).unwrap()?;
        assert_eq!(run.range.start, at);
        Some(match run.origin {
            RunOrigin::Numbered { first, .. } => [run.range.end, first],
            RunOrigin::Unnumbered => [run.range.end, 0],
        })
    }

    #[test]
    fn entries_written_after_the_limit_was_asked_for_count_the_next_time() {
        let dir = ledger(&[[0, 10, 1], [10, 10, 2], [20, 10, 3]]);
        let mut log = RunLog::open(&dir.path().join("l"), 0).unwrap();
        assert_eq!(next(&mut log, 0, 0, false), None);
        assert_eq!(next(&mut log, 0, 10, false), Some([10, 1]));
        assert_eq!(next(&mut log, 10, 10, false), None);
        assert_eq!(next(&mut log, 10, 30, false), Some([20, 2]));
        assert_eq!(next(&mut log, 20, 30, false), Some([30, 3]));
        assert_eq!(next(&mut log, 30, 30, false), None);
    }

    #[test]
    fn a_ledger_that_cannot_be_read_is_not_taken_for_one_that_is_gone() {
        let dir = tempdir().unwrap();
        let mut text = Vec::new();
        let after = Some("before".to_owned());
        LedgerHead { inode: FileId(1, 2), after, ..LedgerHead::default() }.push(&mut text);
        let path = dir.path().join("l");
        fs::write(&path, text).unwrap();
        assert!(RunLog::open(&path, 0).is_ok());
        fs::create_dir(ledger_of(&dir.path().join("before"))).unwrap();
        assert!(RunLog::open(&path, 0).is_err());
    }

    #[test]
    fn an_entry_counts_no_further_than_where_the_next_one_begins() {
        // Torn, cut off, and written again; and a line that no entry knows.
        let dir = ledger(&[[0, 10, 1], [10, 30, 2], [10, 20, 3], [40, 10, 4]]);
        let mut log = RunLog::open(&dir.path().join("l"), 0).unwrap();
        assert_eq!(next(&mut log, 0, 10, false), Some([10, 1]));
        assert_eq!(next(&mut log, 10, 10, false), None);
        assert_eq!(next(&mut log, 10, 30, false), Some([30, 3]));
        assert_eq!(next(&mut log, 30, 45, false), Some([40, 0]));
        assert_eq!(next(&mut log, 40, 45, false), None);
        assert_eq!(next(&mut log, 40, 45, true), Some([45, 0]), "torn in a file that was closed");
    }
}
