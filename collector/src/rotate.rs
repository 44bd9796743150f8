//! When a file is full, and how it makes way for the next, its ledger with it.
//!
//! ```text
//!  1  app.log.ledger.new   written: all marks, and the name that app.log is to get
//!  2  app.log              renamed to app.log.20261122T184223Z
//!  3  app.log.ledger       renamed to app.log.20261122T184223Z.ledger
//!  4  app.log.ledger.new   renamed to app.log.ledger
//! ```
//!
//! The second step decides: died before it, the rotation never was; died after it, [`finish`] does
//! the rest.

use crate::ledger::{Cut, Head};
use netlog_wire::utc;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

const DAY: i64 = 86_400_000_000;

/// When to rotate.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Schedule {
    /// A file this long is full.
    pub(crate) size: Option<u64>,
    /// A file is closed when a period of this many microseconds, counted from 1970, is over.
    pub(crate) every: Option<i64>,
}

impl Schedule {
    /// Whether a file of `len` bytes, last written at `then`, makes way before a write at `now`.
    pub(crate) fn due(self, len: u64, then: i64, now: i64) -> bool {
        let full = self.size.is_some_and(|size| len >= size);
        let over = self.every.is_some_and(|every| then.div_euclid(every) < now.div_euclid(every));
        len > 0 && (full || over)
    }
}

/// The ledger of the file at `path`.
pub(crate) fn ledger_of(path: &Path) -> PathBuf {
    beside(path, ".ledger")
}

/// The file that is to become the ledger at `path`.
pub(crate) fn next_of(ledger: &Path) -> PathBuf {
    beside(ledger, ".new")
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Where the file at `path` goes when it is rotated at `now`: a name not taken yet.
pub(crate) fn name(path: &Path, now: i64) -> PathBuf {
    let time = utc(now);
    let stamp = time[..19].iter().filter(|byte| !b"-:".contains(byte));
    let stamp: String = stamp.copied().map(char::from).collect();
    let free = |name: &PathBuf| !name.exists() && !ledger_of(name).exists();
    let first = beside(path, &format!(".{stamp}Z"));
    let more = (1..).map(|n| beside(path, &format!(".{stamp}Z-{n}")));
    std::iter::once(first.clone()).chain(more).find(free).unwrap_or(first)
}

/// Does what a rotation left undone when the collector died in the middle of it.
pub(crate) fn finish(path: &Path) -> io::Result<()> {
    let ledger = ledger_of(path);
    let next = next_of(&ledger);
    let Ok(file) = File::open(&next) else { return Ok(()) };
    let mut line = Vec::new();
    BufReader::new(file).read_until(b'\n', &mut line)?;
    let after = Head::read(&line).and_then(|head| head.after);
    let Some(rotated) = after.map(|name| path.with_file_name(name)).filter(|path| path.exists())
    else {
        return fs::remove_file(&next);
    };
    move_ledgers(path, &rotated)
}

/// Steps 3 and 4.
pub(crate) fn move_ledgers(path: &Path, rotated: &Path) -> io::Result<()> {
    let (ledger, kept) = (ledger_of(path), ledger_of(rotated));
    if ledger.exists() && !kept.exists() {
        fs::rename(&ledger, kept)?;
    }
    fs::rename(next_of(&ledger), ledger)
}

/// The file with `inode` in the directory of `path`: where it was moved to by others.
pub(crate) fn find(path: &Path, inode: (u64, u64)) -> Option<PathBuf> {
    let directory = directory(path);
    let mut files = fs::read_dir(directory).ok()?.filter_map(Result::ok);
    let same = |file: &fs::DirEntry| {
        file.metadata().is_ok_and(|file| file.is_file() && (file.dev(), file.ino()) == inode)
    };
    files.find(same).map(|file| file.path())
}

/// Makes renames in the directory of `path` outlive the machine.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(directory(path))?.sync_all()
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// Cuts `file` where a replay says.
pub(crate) fn cut(file: &File, cut: Cut) -> io::Result<()> {
    match cut {
        Cut::At(at) => file.set_len(at),
        Cut::BehindLastLine(from) => file.set_len(last_line_end(file, from)?.unwrap_or(from)),
    }
}

/// Behind the last line end at or after `from`, if there is one.
fn last_line_end(file: &File, from: u64) -> io::Result<Option<u64>> {
    let mut chunk = vec![0; 64 << 10];
    let mut end = file.metadata()?.len();
    while end > from {
        let start = end.saturating_sub(chunk.len() as u64).max(from);
        let part = &mut chunk[..usize::try_from(end - start).unwrap_or(0)];
        file.read_exact_at(part, start)?;
        if let Some(at) = memchr::memrchr(b'\n', part) {
            return Ok(Some(start + at as u64 + 1));
        }
        end = start;
    }
    Ok(None)
}

/// Sees to it that what is appended begins a line: half a record is cut off, and anything else
/// that has no line end, not being ours, gets one.
pub(crate) fn end_last_line(file: &File) -> io::Result<()> {
    let len = file.metadata()?.len();
    let start = last_line_end(file, 0)?.unwrap_or(0);
    if start == len {
        return Ok(());
    }
    let mut first = [0];
    file.read_exact_at(&mut first, start)?;
    if first == *b"{" { file.set_len(start) } else { file.write_all_at(b"\n", len) }
}

/// How many microseconds a `--rotate-every` has, if it ever comes round.
pub(crate) fn every(period: std::time::Duration) -> i64 {
    i64::try_from(period.as_micros()).unwrap_or(DAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::tempdir;

    #[test]
    fn a_file_makes_way_when_it_is_full_or_its_time_is_over() {
        let full = Schedule { size: Some(100), every: None };
        assert_eq!([99, 100].map(|len| full.due(len, 0, 0)), [false, true]);
        let daily = Schedule { size: None, every: Some(DAY) };
        assert_eq!([DAY - 1, DAY].map(|now| daily.due(1, 0, now)), [false, true]);
        assert!(!daily.due(0, 0, DAY), "an empty file stays");
        assert!(!Schedule::default().due(u64::MAX, 0, i64::MAX));
    }

    #[test]
    fn a_rotated_name_is_never_taken_twice() {
        let dir = tempdir().unwrap();
        let (path, now) = (dir.path().join("app.log"), 1_795_372_943_000_000);
        assert_eq!(name(&path, now), dir.path().join("app.log.20261122T184223Z"));
        fs::write(dir.path().join("app.log.20261122T184223Z"), "").unwrap();
        assert_eq!(name(&path, now), dir.path().join("app.log.20261122T184223Z-1"));
    }

    #[test]
    fn a_last_line_without_an_end_is_ended_or_cut_if_it_is_half_a_record() {
        let dir = tempdir().unwrap();
        let path = dir.path().join("app.log");
        for (text, expected) in
            [("", ""), ("a\n", "a\n"), ("a\nb", "a\nb\n"), ("a\n{\"b", "a\n"), ("{", "")]
        {
            fs::write(&path, text).unwrap();
            let file = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
            end_last_line(&file).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        }
    }
}
