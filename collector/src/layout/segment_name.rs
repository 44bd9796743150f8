//! Names of rotated segments, compressed or not, and the order of the segments in a log.

use crate::layout::paths::{LEDGER, PACKED, beside, directory};
use netlog_wire::format_utc;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Name that a file gets when it is rotated away: the time, for people, and the generation, which
/// grows by one with each file: `20261122T184223Z-42`. A clock that goes back changes the time only,
/// so that the generation alone decides the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SegmentName {
    pub(crate) generation: u64,
    /// The digits of the time.
    time: u64,
}

impl SegmentName {
    /// Name of the file with this `generation`, rotated away `micros` after 1970.
    pub(crate) fn new(generation: u64, micros: i64) -> Self {
        let time = format_utc(micros);
        let digits = time[..19].iter().filter(|byte| byte.is_ascii_digit());
        let time = digits.fold(0, |time, digit| time * 10 + u64::from(digit - b'0'));
        Self { generation, time }
    }

    /// Tells whether the clock showed an earlier time than that of `other`.
    pub(crate) fn is_earlier(self, other: Self) -> bool {
        self.time < other.time
    }

    /// Reads what [`Display`](fmt::Display) writes, and nothing else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (time, generation) = text.split_once('Z')?;
        let (date, time) = time.split_once('T').filter(|(date, time)| {
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            date.len() == 8 && time.len() == 6 && digits(date) && digits(time)
        })?;
        let generation = match generation.strip_prefix('-') {
            Some(generation) => generation.parse().ok()?,
            None => 0,
        };
        let name = Self { generation, time: format!("{date}{time}").parse().ok()? };
        (name.to_string() == text).then_some(name)
    }

    /// Path of the segment with this name in the log at `path`, as long as it is not compressed.
    pub(crate) fn path(self, path: &Path) -> PathBuf {
        beside(path, &format!(".{self}"))
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08}T{:06}Z", self.time / 1_000_000, self.time % 1_000_000)?;
        // Without a number, as files were named once, it is before all that have one.
        if self.generation > 0 { write!(f, "-{}", self.generation) } else { Ok(()) }
    }
}

/// Splits the name of a rotated segment, compressed or not, into that of its log and its own.
pub(crate) fn split_name(name: &str) -> Option<(&str, SegmentName)> {
    let (base, segment) = name.strip_suffix(PACKED).unwrap_or(name).rsplit_once('.')?;
    Some((base, SegmentName::parse(segment)?))
}

/// Rotated segments of a log, and ledgers of such segments, each in their order.
#[derive(Debug, Default)]
pub(crate) struct RotatedFiles {
    pub(crate) segments: Vec<SegmentName>,
    pub(crate) ledgers: Vec<SegmentName>,
}

impl RotatedFiles {
    /// Lists those of the log at `path`, each once; none where there is no directory.
    pub(crate) fn list(path: &Path) -> io::Result<Self> {
        let mut found = Self::default();
        let Some(base) = path.file_name().and_then(|name| name.to_str()) else { return Ok(found) };
        let entries = match std::fs::read_dir(directory(path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            entries => entries?,
        };
        for entry in entries {
            let name = entry?.file_name();
            let Some(name) = name.to_str() else { continue };
            let ledger = name.strip_suffix(LEDGER);
            let segment = split_name(ledger.unwrap_or(name)).filter(|(log, _)| *log == base);
            let Some((_, segment)) = segment else { continue };
            let list = if ledger.is_some() { &mut found.ledgers } else { &mut found.segments };
            list.push(segment);
        }
        found.segments.sort_unstable();
        found.segments.dedup();
        found.ledgers.sort_unstable();
        Ok(found)
    }
}

/// Rotated segments of the log at `path` in their order, each once.
pub(crate) fn rotated(path: &Path) -> io::Result<Vec<SegmentName>> {
    Ok(RotatedFiles::list(path)?.segments)
}

/// Generation of the file that follows all rotated segments of the log at `path`.
pub(crate) fn next_generation(path: &Path) -> io::Result<u64> {
    Ok(rotated(path)?.last().map_or(1, |last| last.generation + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_segments_are_found_in_the_order_of_their_generations_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let names = [
            "20361122T184223Z-3",
            "20261122T184223Z-2.zst",
            "20261122T184223Z-2",
            "20261122T184223Z-10.zst",
            "20261122T184223Z.ledger",
            "20261122T184223Z.zst.new",
            "20261121T184223Z",
            "20261121T184223Z-0",
            "20261121T184223Z-01",
            "20261121T18422Z",
            "+0261121T184223Z",
            "ledger",
            "1",
        ];
        for name in names {
            std::fs::write(dir.path().join(format!("app.log.{name}")), "").unwrap();
        }
        let path = dir.path().join("app.log");
        let found: Vec<_> = rotated(&path).unwrap().iter().map(SegmentName::to_string).collect();
        let expected =
            ["20261121T184223Z", "20261122T184223Z-2", "20361122T184223Z-3", "20261122T184223Z-10"];
        assert_eq!(found, expected);
        assert_eq!(next_generation(&path).unwrap(), 11);
    }

    #[test]
    fn a_clock_that_goes_back_does_not_change_the_order() {
        let now = 1_795_372_943_000_000;
        assert_eq!(SegmentName::new(42, now).to_string(), "20261122T184223Z-42");
        let earlier = SegmentName::new(43, now - 10 * 365 * 86_400_000_000);
        assert!(SegmentName::new(42, now) < earlier);
        assert!(earlier.is_earlier(SegmentName::new(42, now)));
    }
}
