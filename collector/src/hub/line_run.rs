//! The unit that travels from an intake to the hub: finished lines of one source.

use super::buffer_pool;
use crate::senders::identity::Sender;
use crate::senders::registry::Received;
use netlog_wire::{Identity, Level, LineMeta, Record, TextRecord};
use std::sync::Arc;

/// Source of a run's records.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// A peer without numbers, which gets no acks.
    Plain,
    /// A netlog sender: its records are numbered and acked.
    Netlog(Arc<Sender>),
    /// The collector itself, on the end of a sender: one record, never acked.
    Ended(Arc<Sender>),
}

/// Records of one source in their order, as the lines that will stand in the sinks.
#[derive(Debug)]
pub(crate) struct LineRun {
    pub(crate) source: Source,
    /// The number of the first record; plain runs count from 1 and it means nothing.
    pub(crate) first: u64,
    pub(crate) count: u64,
    pub(crate) lines: Vec<u8>,
    /// The earliest and the latest time of a record.
    pub(crate) times: (i64, i64),
    /// A bit for each level that occurs.
    pub(crate) levels: u8,
    /// Records that these report as lost, and records of these that are cut.
    pub(crate) lost: u64,
    pub(crate) truncated: u64,
}

impl LineRun {
    pub(crate) fn new(source: Source, first: u64, capacity: usize) -> Self {
        let lines = buffer_pool::take(capacity);
        let times = (i64::MAX, i64::MIN);
        Self { source, first, count: 0, lines, times, levels: 0, lost: 0, truncated: 0 }
    }

    /// Adds a canonical line made of `parts`.
    pub(crate) fn splice<const N: usize>(&mut self, parts: [&[u8]; N], gist: LineMeta) {
        self.lines.reserve(parts.iter().map(|part| part.len()).sum::<usize>() + 1);
        parts.iter().for_each(|part| self.lines.extend_from_slice(part));
        self.lost = self.lost.saturating_add(gist.lost);
        self.truncated += u64::from(gist.truncated);
        self.end(gist.time, gist.level);
    }

    /// Adds a line of text as a record that says no more, encoded now; `false` when it is not UTF-8.
    pub(crate) fn text(&mut self, time: i64, record: &TextRecord<'_>) -> bool {
        let taken = record.push(&mut self.lines);
        if taken {
            self.end(time, record.level);
        }
        taken
    }

    /// Adds a record, encoded now.
    pub(crate) fn record(&mut self, record: &Record<'_>, identity: &Identity) {
        record.encode(identity, &mut self.lines);
        self.lost = self.lost.saturating_add(record.lost.unwrap_or(0));
        self.truncated += u64::from(record.truncated.is_some());
        self.end(record.time, record.level);
    }

    /// Adds the canonical line that `write` appends.
    pub(crate) fn write(&mut self, meta: LineMeta, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.lines);
        self.lost = self.lost.saturating_add(meta.lost);
        self.truncated += u64::from(meta.truncated);
        self.end(meta.time, meta.level);
    }

    fn end(&mut self, time: i64, level: Level) {
        self.lines.push(b'\n');
        self.count += 1;
        self.times = (self.times.0.min(time), self.times.1.max(time));
        self.levels |= level.bit();
    }

    /// Done with: its buffer is for the next.
    pub(crate) fn recycle(self) {
        buffer_pool::give_back(self.lines);
    }

    /// Counts of its records, for the registry of senders.
    pub(crate) fn received(&self) -> Received {
        Received {
            records: self.count,
            bytes: self.lines.len() as u64,
            lost: self.lost,
            truncated: self.truncated,
        }
    }

    /// The number of the last record.
    pub(crate) fn last(&self) -> u64 {
        self.first + self.count.saturating_sub(1)
    }

    /// A copy of the records numbered from `first` to `last`. What it says of their times and levels
    /// holds for a part of them too.
    pub(crate) fn part(&self, first: u64, last: u64) -> Self {
        let mut at = 0;
        let mut part = Self::new(self.source.clone(), first, 0);
        (part.times, part.levels) = (self.times, self.levels);
        for (number, end) in (self.first..).zip(memchr::memchr_iter(b'\n', &self.lines)) {
            if (first..=last).contains(&number) {
                part.lines.extend_from_slice(&self.lines[at..=end]);
                part.count += 1;
            }
            at = end + 1;
        }
        // The report of an end has no number.
        part.count = part.count.min(self.count);
        part
    }

    /// Forgets the records numbered up to `mark`, and says how many that were.
    pub(crate) fn skip_to(&mut self, mark: u64) -> u64 {
        let skipped = (mark + 1).saturating_sub(self.first).min(self.count);
        if skipped == 0 {
            return 0;
        }
        let nth = usize::try_from(skipped - 1).unwrap_or(usize::MAX);
        let end = memchr::memchr_iter(b'\n', &self.lines).nth(nth);
        self.lines.drain(..end.map_or(self.lines.len(), |end| end + 1));
        self.first += skipped;
        self.count -= skipped;
        skipped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(first: u64, lines: &[&str]) -> LineRun {
        let mut run = LineRun::new(Source::Plain, first, 0);
        for line in lines {
            run.lines.extend_from_slice(line.as_bytes());
            run.end(0, Level::Info);
        }
        run
    }

    #[test]
    fn losses_that_peers_report_add_up_to_the_greatest_number_at_most() {
        let mut all = run(1, &[]);
        for lost in [7, u64::MAX, 1] {
            let mut record = Record::new(0, Level::Warn, "m");
            record.lost = Some(lost);
            all.record(&record, &Identity::default());
        }
        assert_eq!(all.received().lost, u64::MAX);
    }

    #[test]
    fn a_part_of_a_run_has_the_lines_of_its_numbers() {
        let part = run(10, &["a", "bb", "c", "d"]).part(11, 12);
        assert_eq!((part.first, part.count, part.lines.as_slice()), (11, 2, b"bb\nc\n".as_slice()));
    }

    #[test]
    fn records_at_or_below_the_mark_are_skipped_at_line_bounds() {
        for (mark, skipped, rest) in
            [(0, 0, "a\nbb\nc\n"), (9, 0, "a\nbb\nc\n"), (11, 2, "c\n"), (12, 3, ""), (99, 3, "")]
        {
            let mut run = run(10, &["a", "bb", "c"]);
            assert_eq!(run.skip_to(mark), skipped, "mark {mark}");
            assert_eq!(run.lines, rest.as_bytes());
            assert_eq!((run.first, run.count), (10 + skipped, 3 - skipped));
        }
    }
}
