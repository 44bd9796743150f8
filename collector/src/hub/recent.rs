//! The last records in memory, for a collector that writes no file or many: bounded, and it knows
//! how many records are not in it any more.

use std::collections::VecDeque;

/// The latest parts of batches, up to a number of bytes.
#[derive(Debug)]
pub(crate) struct Recent {
    chunks: VecDeque<RecentChunk>,
    held: usize,
    limit: usize,
    end: StreamPlace,
}

/// A place in the stream of all records: bytes before it, and records before it since the collector
/// began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct StreamPlace {
    pub(crate) position: u64,
    pub(crate) records: u64,
}

/// Lines that stand together in one segment, known by its fingerprint.
#[derive(Debug)]
pub(crate) struct WrittenPart {
    pub(crate) fingerprint: u64,
    pub(crate) offset: u64,
    pub(crate) lines: Vec<u8>,
    pub(crate) records: u64,
}

/// Whole lines of one or more segments.
#[derive(Debug, Default)]
pub(crate) struct LinePiece {
    pub(crate) bytes: Vec<u8>,
    pub(crate) origins: Vec<LineOrigin>,
}

/// The place in its segment of what begins in the middle of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LineOrigin {
    /// Offset in the piece.
    pub(crate) begin: usize,
    pub(crate) fingerprint: u64,
    pub(crate) offset: u64,
    /// And in the stream.
    pub(crate) position: u64,
}

/// Lines from memory, and the range of the stream that they cover.
#[derive(Debug)]
pub(crate) struct RecentPiece {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) piece: LinePiece,
}

#[derive(Debug)]
struct RecentChunk {
    from: StreamPlace,
    fingerprint: u64,
    offset: u64,
    lines: Box<[u8]>,
}

impl RecentChunk {
    fn end(&self) -> u64 {
        self.from.position + self.lines.len() as u64
    }
}

impl LinePiece {
    /// Appends lines that stand at such a place.
    pub(crate) fn push(&mut self, origin: LineOrigin, lines: &[u8]) {
        let begin = self.bytes.len();
        let here = self.origins.last().map(|last| last.advance(begin));
        let origin = LineOrigin { begin, ..origin };
        if here != Some(origin) {
            self.origins.push(origin);
        }
        self.bytes.extend_from_slice(lines);
    }

    /// Origin of the byte at `index`.
    pub(crate) fn origin(&self, index: usize) -> Option<LineOrigin> {
        let behind = self.origins.partition_point(|origin| origin.begin <= index);
        Some(self.origins.get(behind.checked_sub(1)?)?.advance(index))
    }

    /// Number of lines.
    pub(crate) fn lines(&self) -> u64 {
        memchr::memchr_iter(b'\n', &self.bytes).count() as u64
    }
}

impl LineOrigin {
    /// The place of what stands at `index`, not before it.
    pub(crate) fn advance(self, index: usize) -> Self {
        let by = (index - self.begin) as u64;
        Self { begin: index, offset: self.offset + by, position: self.position + by, ..self }
    }
}

impl Recent {
    /// Nothing yet, in a limit of so many bytes; what is before it has come to `position`.
    pub(crate) fn new(limit: usize, position: u64) -> Self {
        let end = StreamPlace { position, records: 0 };
        Self { chunks: VecDeque::new(), held: 0, limit, end }
    }

    /// Adds whole lines, and forgets the oldest.
    pub(crate) fn push(&mut self, part: WrittenPart) {
        let WrittenPart { fingerprint, offset, lines, records } = part;
        let from = self.end;
        let position = from.position + lines.len() as u64;
        self.end = StreamPlace { position, records: from.records + records };
        self.held += lines.len();
        self.chunks.push_back(RecentChunk { from, fingerprint, offset, lines: lines.into() });
        while self.held > self.limit && self.chunks.len() > 1 {
            let gone = self.chunks.pop_front();
            self.held -= gone.map_or(0, |gone| gone.lines.len());
        }
    }

    /// Its beginning now.
    pub(crate) fn start(&self) -> StreamPlace {
        self.chunks.front().map_or(self.end, |chunk| chunk.from)
    }

    pub(crate) fn end(&self) -> StreamPlace {
        self.end
    }

    /// Number of records before `position`, if that is still known.
    pub(crate) fn records_before(&self, position: u64) -> Option<u64> {
        if position >= self.end.position {
            return Some(self.end.records);
        }
        let chunk = self.chunks.iter().rev().find(|chunk| chunk.from.position <= position)?;
        let len = usize::try_from(position - chunk.from.position).ok()?.min(chunk.lines.len());
        Some(chunk.from.records + memchr::memchr_iter(b'\n', &chunk.lines[..len]).count() as u64)
    }

    /// The lines held that begin between two places of the stream.
    pub(crate) fn read(&self, from: u64, to: u64) -> RecentPiece {
        let mut found = RecentPiece {
            from: self.line_at(from.min(to)),
            to: self.line_at(to),
            piece: LinePiece::default(),
        };
        let first = self.chunks.partition_point(|chunk| chunk.end() <= found.from);
        let chunks = self.chunks.range(first..);
        for chunk in chunks.take_while(|chunk| chunk.from.position < found.to) {
            let within = |at: u64| usize::try_from(at.saturating_sub(chunk.from.position));
            let low = within(found.from).unwrap_or(0);
            let high = within(found.to).unwrap_or(usize::MAX).min(chunk.lines.len());
            let RecentChunk { fingerprint, offset, from: StreamPlace { position, .. }, .. } =
                *chunk;
            let origin = LineOrigin { begin: 0, fingerprint, offset, position }.advance(low);
            found.piece.push(origin, &chunk.lines[low..high]);
        }
        found
    }

    /// The place in the stream of what stands at `offset` of a segment, or behind the last of it.
    pub(crate) fn find(&self, fingerprint: u64, offset: u64) -> Option<u64> {
        let held = |chunk: &&RecentChunk| {
            chunk.fingerprint == fingerprint
                && (chunk.offset + 1..=chunk.offset + chunk.lines.len() as u64).contains(&offset)
        };
        let chunk = self.chunks.iter().rev().find(held)?;
        Some(chunk.from.position + (offset - chunk.offset))
    }

    /// The first place at or behind `at` where a line begins.
    fn line_at(&self, at: u64) -> u64 {
        let Some(chunk) = self.chunks.get(self.chunks.partition_point(|c| c.end() <= at)) else {
            return at.min(self.end.position);
        };
        let Some(len) =
            at.checked_sub(chunk.from.position).and_then(|len| usize::try_from(len).ok())
        else {
            return chunk.from.position;
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

    fn part(offset: u64, lines: &str) -> WrittenPart {
        let records = lines.lines().count() as u64;
        WrittenPart { fingerprint: 7, offset, lines: lines.into(), records }
    }

    fn read(recent: &Recent, from: u64, to: u64) -> (u64, String) {
        let found = recent.read(from, to);
        (found.from, String::from_utf8(found.piece.bytes).unwrap())
    }

    #[test]
    fn the_latest_lines_are_held_and_how_many_are_not_is_known() {
        let mut recent = Recent::new(8, 0);
        recent.push(part(0, "a\nb\n"));
        recent.push(part(90, "c\nd\n"));
        assert_eq!(read(&recent, 2, 6), (2, "b\nc\n".into()));
        let origins = recent.read(2, 6).piece.origins;
        let origin =
            |begin, offset, position| LineOrigin { begin, fingerprint: 7, offset, position };
        assert_eq!(origins, [origin(0, 2, 2), origin(2, 90, 4)]);
        assert_eq!(read(&recent, 1, 3), (2, "b\n".into()), "a line belongs to where it begins");
        assert_eq!(read(&recent, 3, 100), (4, "c\nd\n".into()));
        assert_eq!(
            [(7, 92), (7, 4), (7, 90), (8, 92)].map(|(of, at)| recent.find(of, at)),
            [Some(6), Some(4), None, None]
        );
        recent.push(part(94, "e\n"));
        assert_eq!(recent.start(), StreamPlace { position: 4, records: 2 });
        assert_eq!(read(&recent, 0, 100), (4, "c\nd\ne\n".into()));
        assert_eq!((recent.records_before(6), recent.records_before(2)), (Some(3), None));
        assert_eq!(Recent::new(8, 0).records_before(0), Some(0));
    }
}
