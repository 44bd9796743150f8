//! Segments of an order, in a file of lines: the number of the first one, then one line for each.
//!
//! ```text
//!  first 7
//!  00000000000000ff 3 orders/web1.log
//! ```

use crate::layout::order::order_of;
use crate::layout::paths::{self, beside};
use std::io;
use std::path::{Path, PathBuf};

/// A segment as the order knows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SegmentKey {
    pub(crate) fingerprint: u64,
    /// The path of its log, below the directory.
    pub(crate) log: PathBuf,
}

/// A segment of an order, and the number of its file in its log when it was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderSegment {
    pub(crate) key: SegmentKey,
    pub(crate) generation: u64,
}

/// The segments of an order by their numbers.
#[derive(Debug, Default)]
pub(crate) struct SegmentTable {
    /// Number of the first one. Those before it are gone.
    first: u32,
    segments: Vec<OrderSegment>,
    /// Bytes of the file that are whole lines.
    pub(crate) bytes: u64,
}

/// Path of the file of segments beside an order at `path`.
pub(crate) fn segments_of(path: &Path) -> PathBuf {
    beside(path, ".segments")
}

/// First line of a file of segments.
pub(crate) fn opening(first: u32) -> String {
    format!("first {first}\n")
}

impl OrderSegment {
    /// Its line.
    pub(crate) fn line(&self) -> String {
        let SegmentKey { fingerprint, log } = &self.key;
        format!("{fingerprint:016x} {} {}\n", self.generation, log.display())
    }

    fn parse(line: &str) -> Option<Self> {
        let (fingerprint, rest) = line.split_once(' ')?;
        let (generation, log) = rest.split_once(' ')?;
        let fingerprint = u64::from_str_radix(fingerprint, 16).ok()?;
        let key = SegmentKey { fingerprint, log: log.into() };
        Some(Self { key, generation: generation.parse().ok()? })
    }
}

impl SegmentTable {
    /// Reads the segments of the order of the files below `base`.
    pub(crate) fn read(base: &Path) -> io::Result<Self> {
        match paths::read(&segments_of(&order_of(base))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            text => Ok(Self::parse(&text?).unwrap_or_default()),
        }
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let mut lines = text.split_inclusive(|byte| *byte == b'\n');
        let opening = lines.next()?;
        let first = str::from_utf8(opening.strip_suffix(b"\n")?).ok()?.strip_prefix("first ")?;
        let bytes = opening.len() as u64;
        let mut table = Self { first: first.parse().ok()?, segments: Vec::new(), bytes };
        for line in lines {
            let text = line.strip_suffix(b"\n").and_then(|line| str::from_utf8(line).ok());
            let Some(segment) = text.and_then(OrderSegment::parse) else { break };
            table.segments.push(segment);
            table.bytes += line.len() as u64;
        }
        Some(table)
    }

    pub(crate) fn get(&self, number: u32) -> Option<&SegmentKey> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.segments.get(at).map(|segment| &segment.key)
    }

    /// The segments with their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &OrderSegment)> {
        (self.first..).zip(&self.segments)
    }

    /// Number of the next one.
    pub(crate) fn next(&self) -> u32 {
        self.first.saturating_add(u32::try_from(self.segments.len()).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_keep_their_numbers_when_those_before_them_are_gone() {
        let key = SegmentKey { fingerprint: 255, log: "orders/web 1.log".into() };
        let segment = OrderSegment { key: key.clone(), generation: 3 };
        let text = opening(7) + &segment.line();
        assert_eq!(text, "first 7\n00000000000000ff 3 orders/web 1.log\n");
        let table = SegmentTable::parse((text.clone() + "00ff 4 to").as_bytes()).unwrap();
        assert_eq!((table.get(6), table.get(7), table.get(8)), (None, Some(&key), None));
        assert_eq!((table.next(), table.bytes), (8, text.len() as u64));
        assert!(SegmentTable::parse(b"00ff 4 a.log\n").is_none());
    }
}
