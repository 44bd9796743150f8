//! The files that were rotated away, known by their names, whether packed by now or not.

use crate::layout::paths::{PACKED, beside, directory};
use netlog_wire::format_utc;
use std::fmt;
use std::path::{Path, PathBuf};

/// When a file was rotated away, as its name says: `20261122T184223Z`, or `20261122T184223Z-2` for
/// a later one of the same second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp {
    /// The digits of the time: an order is all that is asked of it.
    time: u64,
    more: u64,
}

impl Stamp {
    /// The stamp of a time in microseconds since 1970.
    pub(crate) fn at(micros: i64) -> Self {
        let time = format_utc(micros);
        let digits = time[..19].iter().filter(|byte| byte.is_ascii_digit());
        let time = digits.fold(0, |time, digit| time * 10 + u64::from(digit - b'0'));
        Self { time, more: 0 }
    }

    /// The next stamp of the same second.
    pub(crate) fn next(self) -> Self {
        Self { more: self.more + 1, ..self }
    }

    /// A stamp of the second of this one, behind `last` if that is of the same.
    pub(crate) fn behind(self, last: Option<Self>) -> Self {
        last.filter(|last| last.time == self.time).map_or(self, Self::next)
    }

    /// Reads what [`Display`](fmt::Display) writes, and nothing else.
    fn read(text: &str) -> Option<Self> {
        let (time, more) = text.split_once('Z')?;
        let (date, time) = time.split_once('T').filter(|(date, time)| {
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            date.len() == 8 && time.len() == 6 && digits(date) && digits(time)
        })?;
        let more = if more.is_empty() { 0 } else { more.strip_prefix('-')?.parse().ok()? };
        let stamp = Self { time: format!("{date}{time}").parse().ok()?, more };
        (stamp.to_string() == text).then_some(stamp)
    }

    /// What the file at `path` is called when it is rotated away, as long as it is not packed.
    pub(crate) fn name(self, path: &Path) -> PathBuf {
        beside(path, &format!(".{self}"))
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08}T{:06}Z", self.time / 1_000_000, self.time % 1_000_000)?;
        if self.more > 0 { write!(f, "-{}", self.more) } else { Ok(()) }
    }
}

/// What was rotated away as `name`, packed or not, and with which stamp.
pub(crate) fn read_name(name: &str) -> Option<(&str, Stamp)> {
    let (base, stamp) = name.strip_suffix(PACKED).unwrap_or(name).rsplit_once('.')?;
    Some((base, Stamp::read(stamp)?))
}

/// The files that were rotated away from `path`, the oldest first, each once.
pub(crate) fn rotated(path: &Path) -> Vec<Stamp> {
    let Some(base) = path.file_name().and_then(|name| name.to_str()) else { return Vec::new() };
    let Ok(entries) = std::fs::read_dir(directory(path)) else { return Vec::new() };
    let stamp = |name: &str| {
        let stamp = name.strip_prefix(base)?.strip_prefix('.')?;
        Stamp::read(stamp.strip_suffix(PACKED).unwrap_or(stamp))
    };
    let names = entries.flatten().map(|entry| entry.file_name());
    let mut found: Vec<_> = names.filter_map(|name| stamp(name.to_str()?)).collect();
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_files_are_found_in_their_order_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let names = [
            "20261122T184223Z",
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
        let found = rotated(&dir.path().join("app.log"));
        let found: Vec<_> = found.iter().map(Stamp::to_string).collect();
        let expected =
            ["20261121T184223Z", "20261122T184223Z", "20261122T184223Z-2", "20261122T184223Z-10"];
        assert_eq!(found, expected);
    }

    #[test]
    fn stamps_are_ordered_as_their_times_are() {
        let (now, second) = (1_795_372_943_000_000, 1_000_000);
        assert_eq!(Stamp::at(now).to_string(), "20261122T184223Z");
        assert!(Stamp::at(now - 60 * second) < Stamp::at(now));
        let later = Stamp::at(now).behind(Some(Stamp::at(now)));
        assert!(Stamp::at(now) < later && later.next() > later);
        assert_eq!(Stamp::at(now).behind(Some(Stamp::at(now - second))), Stamp::at(now));
        assert!(Stamp::at(now).next() < Stamp::at(now + second));
    }
}
