//! State of a ledger: the marks of its senders, and the contents of its file. No I/O.

use super::contents::FileContents;
use super::entry::{BatchEntry, KnownSender, LedgerEntry, LedgerHead};
use super::sender_table::{MOST as MOST_SENDERS, SenderTable};
use crate::layout::torn_tail::TornTail;
use std::io::{self, BufRead, Write};

/// Sum of a ledger's lines.
#[derive(Debug, Default)]
pub(crate) struct LedgerState {
    pub(crate) head: LedgerHead,
    pub(super) senders: SenderTable,
    pub(crate) contents: FileContents,
    /// True if it is only read for the contents, so that the senders need not be kept.
    only_contents: bool,
    /// In seconds since 1970: senders whose runs are counted were heard of now.
    pub(crate) now: i64,
}

/// The state that a ledger leads to, and what has to be done about its file.
#[derive(Debug)]
pub(crate) struct LedgerReplay {
    pub(crate) state: LedgerState,
    pub(crate) cut: Option<TornTail>,
    /// True if every line could be read, but for a torn last one.
    pub(crate) sound: bool,
}

/// Everything that a ledger written anew says.
pub(super) struct LedgerSnapshot {
    head: LedgerHead,
    senders: Vec<KnownSender>,
    contents: FileContents,
}

impl LedgerState {
    /// An empty one, for senders heard of `now`.
    pub(crate) fn at(now: i64) -> Self {
        Self { now, ..Self::default() }
    }

    /// An empty one that will only know the contents of a file.
    pub(crate) fn of_contents() -> Self {
        Self { only_contents: true, ..Self::default() }
    }

    /// Reads a ledger against the length of its file, on top of the senders known already. An entry
    /// wholly in the file counts; of one partly in it the whole runs count; none counts beyond where
    /// the next entry begins.
    pub(crate) fn replay(mut self, mut ledger: impl BufRead, file_len: u64) -> LedgerReplay {
        let mut line = Vec::new();
        let opened = ledger.read_until(b'\n', &mut line);
        let Some(head) = LedgerHead::parse(&line).filter(|_| opened.is_ok()) else {
            return LedgerReplay { state: self, cut: None, sound: false };
        };
        self.head = head;
        let mut last: Option<BatchEntry> = None;
        let mut sound = true;
        // One line at a time: there may be millions. The last one may be torn.
        loop {
            line.clear();
            sound &= ledger.read_until(b'\n', &mut line).is_ok();
            if line.last() != Some(&b'\n') {
                break;
            }
            sound &= match LedgerEntry::parse(&line) {
                Some(LedgerEntry::Batch(batch)) if self.contents.knows(&batch) => {
                    let bound = batch.span.at;
                    if let Some(before) = last.replace(batch) {
                        self.count(&before.up_to(bound));
                    }
                    true
                }
                Some(LedgerEntry::Batch(_)) | None => false,
                Some(entry) => self.take(entry),
            };
            if !sound {
                break;
            }
        }
        let cut = last.as_ref().filter(|_| sound).and_then(|batch| batch.torn_tail(file_len));
        if let Some(last) = last {
            self.count(&last.up_to(file_len));
        }
        LedgerReplay { state: self, cut, sound }
    }

    fn take(&mut self, entry: LedgerEntry) -> bool {
        match entry {
            LedgerEntry::Names(names) => drop(self.contents.names.push(names)),
            LedgerEntry::Sender(known) => {
                let KnownSender { number, names, .. } = known;
                let taken =
                    number <= MOST_SENDERS && (self.only_contents || self.senders.insert(known));
                if taken {
                    self.contents.rename(number, names);
                }
                return taken;
            }
            LedgerEntry::Renamed(number, names) => {
                let known = self.contents.knows_number(number);
                if known {
                    self.contents.rename(number, names);
                }
                return known;
            }
            LedgerEntry::Returned(number) => {
                self.senders.came_back(number);
                return self.contents.knows_number(number);
            }
            LedgerEntry::Index(stretch) => self.contents.push_stretch(stretch),
            LedgerEntry::Batch(batch) => self.count(&batch),
        }
        true
    }

    /// Counts a batch that is in the file.
    pub(crate) fn count(&mut self, batch: &BatchEntry) {
        batch.runs.iter().for_each(|run| self.senders.count(run, self.now));
        self.contents.push(batch);
    }

    /// Senders, with their marks and names.
    pub(crate) fn senders(&self) -> impl Iterator<Item = &KnownSender> {
        self.senders.iter()
    }

    /// Goes on with another file: the contents are forgotten, the senders are not.
    pub(crate) fn begin(&mut self, head: LedgerHead) {
        self.head = head;
        self.contents.clear();
    }

    /// Lines of a ledger that begins with `head` and all senders, and stands alone.
    pub(super) fn introduction(&self, head: &LedgerHead) -> Vec<u8> {
        let mut lines = Vec::new();
        LedgerHead { after: None, ..head.clone() }.push(&mut lines);
        for known in self.senders.iter().cloned() {
            LedgerEntry::Sender(KnownSender { names: 0, ..known }).push(&mut lines);
        }
        lines
    }

    pub(super) fn snapshot(&self) -> LedgerSnapshot {
        let names = |known: &KnownSender| KnownSender {
            names: self.contents.names_of(known.number),
            ..known.clone()
        };
        let head = LedgerHead { after: None, index_only: false, ..self.head.clone() };
        let senders = self.senders.iter().map(names).collect();
        LedgerSnapshot { head, senders, contents: self.contents.clone() }
    }

    /// A ledger without senders, for a file that was rotated away: the next one has their marks.
    pub(super) fn index(self) -> LedgerSnapshot {
        let head = LedgerHead { after: None, index_only: true, ..self.head };
        LedgerSnapshot { head, senders: Vec::new(), contents: self.contents }
    }

    /// The ledger that says the same in as few lines as there can be.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        let written = self.snapshot().write(&mut text);
        assert!(written.is_ok(), "memory takes everything");
        text
    }

    /// Length of the file that is accounted for.
    pub(crate) fn end(&self) -> u64 {
        self.head.at.max(self.contents.end())
    }
}

impl LedgerSnapshot {
    /// Writes the ledger that says it in as few lines as there can be.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut line = Vec::new();
        self.head.push(&mut line);
        let names = self.contents.names.iter().cloned().map(LedgerEntry::Names);
        let senders = self.senders.iter().cloned().map(LedgerEntry::Sender);
        let stretches = self.contents.stretches.iter().cloned().map(LedgerEntry::Index);
        for entry in names.chain(senders).chain(stretches) {
            out.write_all(&line)?;
            line.clear();
            entry.push(&mut line);
        }
        out.write_all(&line)
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::{RunEntry, StretchSpan};
    use super::super::names::SenderNames;
    use super::*;
    use crate::layout::file_id::FileId;
    use crate::senders::identity::SenderId;

    fn text(entries: &[LedgerEntry]) -> Vec<u8> {
        let mut text = Vec::new();
        LedgerHead { generation: 7, inode: FileId(1, 2), ..LedgerHead::default() }.push(&mut text);
        entries.iter().for_each(|entry| entry.push(&mut text));
        text
    }

    fn sender(number: u32, names: u32) -> LedgerEntry {
        let id = SenderId(0xa0 + u128::from(number));
        LedgerEntry::Sender(KnownSender { seen: 9, names, ..KnownSender::new(number, id) })
    }

    fn names(app: &str) -> LedgerEntry {
        LedgerEntry::Names(SenderNames { app: app.into(), host: "web1".into() })
    }

    fn batch(at: u64, len: u64, sender: u32, first: u64) -> LedgerEntry {
        let span = StretchSpan { at, len, times: (1, 2), levels: 4 };
        let run = RunEntry { sender, first, count: 2, bytes: len };
        LedgerEntry::Batch(BatchEntry { span, runs: vec![run] })
    }

    fn marks(state: &LedgerState) -> Vec<(u32, u64)> {
        state.senders().map(|known| (known.number, known.mark)).collect()
    }

    #[test]
    fn what_a_ledger_says_stays_the_same_when_it_is_written_anew() {
        let entries = [names("a"), sender(1, 1), batch(0, 20, 1, 1), sender(3, 0)];
        let more = [batch(20, 30, 3, 5), LedgerEntry::Renamed(1, 0), batch(50, 10, 1, 3)];
        let text = text(&[&entries[..], &more].concat());
        let LedgerReplay { state, cut, sound } = LedgerState::at(99).replay(text.as_slice(), 60);
        assert_eq!((marks(&state), cut, sound), (vec![(1, 4), (3, 6)], None, true));
        assert_eq!(state.contents.stretches.len(), 1);
        assert_eq!(state.contents.stretches[0].names, [0, 1]);
        let again = LedgerState::at(99).replay(state.text().as_slice(), 60).state;
        assert_eq!(again.text(), state.text());
        assert_eq!(marks(&again), marks(&state));
    }

    #[test]
    fn no_entry_counts_beyond_where_the_next_one_begins() {
        let text = text(&[sender(1, 0), batch(0, 20, 1, 1), batch(0, 30, 1, 3)]);
        let state = LedgerState::at(99).replay(text.as_slice(), 99).state;
        assert_eq!((marks(&state), state.end()), (vec![(1, 4)], 30));
    }

    #[test]
    fn everything_before_the_damage_counts_and_the_file_is_left_alone() {
        let mut text = text(&[sender(1, 0), batch(0, 20, 1, 1), batch(20, 20, 1, 3)]);
        let at = text.len() - 20;
        text[at] ^= 1;
        let LedgerReplay { state, cut, sound } = LedgerState::at(99).replay(text.as_slice(), 15);
        assert_eq!((marks(&state), cut, sound), (vec![(1, 0)], None, false));
    }

    #[test]
    fn a_sender_that_nobody_introduced_is_damage() {
        assert!(!LedgerState::at(99).replay(text(&[batch(0, 20, 1, 1)]).as_slice(), 20).sound);
        assert!(!LedgerState::at(99).replay(text(&[sender(u32::MAX, 0)]).as_slice(), 20).sound);
    }
}
