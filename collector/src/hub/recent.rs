//! The last records in memory, for a collector that writes no file or many: bounded, and it tells how
//! many records are not in it any more.

use std::collections::VecDeque;

/// The latest batches, up to a number of bytes.
#[derive(Debug)]
pub(crate) struct Ring {
    /// Told apart from those of other runs of the collector by this, or from other streams.
    pub(crate) print: u64,
    chunks: VecDeque<Chunk>,
    held: usize,
    limit: usize,
    /// Where the next batch begins: in bytes of the stream, and in records since the collector began.
    end: Place,
}

/// A place in the stream: bytes and records before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) at: u64,
    pub(crate) records: u64,
}

#[derive(Debug)]
struct Chunk {
    from: Place,
    lines: Box<[u8]>,
}

impl Chunk {
    fn end(&self) -> u64 {
        self.from.at + self.lines.len() as u64
    }
}

impl Ring {
    /// An empty ring of `limit` bytes, what is before it having come to `at`.
    pub(crate) fn new(print: u64, limit: usize, at: u64) -> Self {
        let end = Place { at, records: 0 };
        Self { print, chunks: VecDeque::new(), held: 0, limit, end }
    }

    /// Adds whole lines, and forgets the oldest.
    pub(crate) fn push(&mut self, lines: Vec<u8>, records: u64) {
        let from = self.end;
        self.end = Place { at: from.at + lines.len() as u64, records: from.records + records };
        self.held += lines.len();
        self.chunks.push_back(Chunk { from, lines: lines.into() });
        while self.held > self.limit && self.chunks.len() > 1 {
            let gone = self.chunks.pop_front();
            self.held -= gone.map_or(0, |gone| gone.lines.len());
        }
    }

    /// Where it begins now.
    pub(crate) fn start(&self) -> Place {
        self.chunks.front().map_or(self.end, |chunk| chunk.from)
    }

    pub(crate) fn end(&self) -> Place {
        self.end
    }

    /// How many records there were before `at`, if it is known still.
    pub(crate) fn records_before(&self, at: u64) -> Option<u64> {
        if at >= self.end.at {
            return Some(self.end.records);
        }
        let chunk = self.chunks.iter().rev().find(|chunk| chunk.from.at <= at)?;
        let len = usize::try_from(at - chunk.from.at).ok()?.min(chunk.lines.len());
        Some(chunk.from.records + memchr::memchr_iter(b'\n', &chunk.lines[..len]).count() as u64)
    }

    /// The lines held that begin between two places, and where they begin.
    pub(crate) fn read(&self, from: u64, to: u64) -> (u64, Vec<u8>) {
        let (from, to) = (self.line_at(from.min(to)), self.line_at(to));
        let mut out = Vec::new();
        let first = self.chunks.partition_point(|chunk| chunk.end() <= from);
        for chunk in self.chunks.range(first..).take_while(|chunk| chunk.from.at < to) {
            let place = |at: u64| usize::try_from(at.saturating_sub(chunk.from.at));
            let (low, high) = (place(from).unwrap_or(0), place(to).unwrap_or(usize::MAX));
            out.extend_from_slice(&chunk.lines[low..high.min(chunk.lines.len())]);
        }
        (from, out)
    }

    /// The first place at or behind `at` where a line begins.
    fn line_at(&self, at: u64) -> u64 {
        let Some(chunk) = self.chunks.get(self.chunks.partition_point(|c| c.end() <= at)) else {
            return at.min(self.end.at);
        };
        let Some(len) = at.checked_sub(chunk.from.at).and_then(|len| usize::try_from(len).ok())
        else {
            return chunk.from.at;
        };
        match len.checked_sub(1) {
            None => at,
            Some(before) => {
                let end = memchr::memchr(b'\n', &chunk.lines[before..]).map_or(0, |end| end as u64);
                at + end
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_holds_the_latest_lines_and_knows_how_many_it_does_not() {
        let mut ring = Ring::new(1, 8, 0);
        ring.push(b"a\nb\n".to_vec(), 2);
        ring.push(b"c\nd\n".to_vec(), 2);
        assert_eq!(ring.read(2, 6), (2, b"b\nc\n".to_vec()));
        assert_eq!(ring.read(1, 3), (2, b"b\n".to_vec()), "a line belongs to where it begins");
        assert_eq!(ring.read(3, 100), (4, b"c\nd\n".to_vec()));
        ring.push(b"e\n".to_vec(), 1);
        assert_eq!(ring.start(), Place { at: 4, records: 2 });
        assert_eq!(ring.read(0, 100), (4, b"c\nd\ne\n".to_vec()));
        assert_eq!((ring.records_before(6), ring.records_before(2)), (Some(3), None));
        assert_eq!(Ring::new(1, 8, 0).records_before(0), Some(0));
    }
}
