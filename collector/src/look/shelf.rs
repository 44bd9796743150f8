//! All files of records: the one being written, and those rotated away before it.

use super::cursor::Cursor;
use super::volume::Volume;
use crate::fresh::{End, Fresh};
use crate::paths;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the records are.
#[derive(Debug)]
pub(crate) struct Shelf {
    path: Option<PathBuf>,
    fresh: Arc<Fresh>,
}

/// All that is held at one moment, the oldest first.
#[derive(Debug)]
pub(crate) struct Holding {
    rotated: Vec<PathBuf>,
    /// The file that is being written; none when somebody took it away.
    current: Option<Volume>,
    pub(crate) end: End,
}

/// A place in a holding: which of its volumes, and how far into it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    pub(crate) volume: usize,
    pub(crate) at: u64,
}

impl Shelf {
    pub(crate) fn new(path: Option<PathBuf>, fresh: Arc<Fresh>) -> Self {
        Self { path, fresh }
    }

    /// All that is held now. Whatever comes later is behind its end.
    pub(crate) fn holding(&self) -> Holding {
        let end = self.fresh.end();
        let Some(path) = &self.path else {
            let current = Some(Volume::ring(self.fresh.clone()));
            return Holding { rotated: Vec::new(), current, end };
        };
        // First the file, which stays ours once it is open, then those with another name.
        let current = self.find(end.inode);
        let mut rotated = rotated(path);
        let ours = current.as_ref().and_then(Volume::path);
        rotated.retain(|path| Some(path.as_path()) != ours);
        Holding { rotated, current, end }
    }

    /// The file with `inode`, wherever it is by now.
    pub(crate) fn find(&self, inode: (u64, u64)) -> Option<Volume> {
        let path = self.path.as_deref()?;
        let there = Volume::open(path).ok().filter(|volume| volume.inode() == inode);
        there.or_else(|| {
            let found = Volume::open(&paths::find(path, inode)?).ok()?;
            (found.inode() == inode).then_some(found)
        })
    }
}

impl Holding {
    /// How many volumes there are.
    pub(crate) fn volumes(&self) -> usize {
        self.rotated.len() + 1
    }

    /// The volume being written, and how far into it this holding goes.
    pub(crate) fn current(&self) -> Option<(Volume, u64)> {
        self.current.clone().map(|volume| (volume, self.end.len))
    }

    /// Opens a volume, and says how much of it is held. None when it has been removed meanwhile.
    pub(crate) fn open(&self, volume: usize) -> Option<(Volume, u64)> {
        let Some(path) = self.rotated.get(volume) else { return self.current() };
        let open = Volume::open(path).ok()?;
        let len = open.len().ok()?;
        Some((open, len))
    }

    /// Where everything begins.
    pub(crate) fn start(&self) -> Spot {
        Spot::default()
    }

    /// Where everything ends.
    pub(crate) fn end(&self) -> Spot {
        Spot { volume: self.rotated.len(), at: self.end.len }
    }

    /// The place that `cursor` names, if what it names is held.
    pub(crate) fn find(&self, cursor: Cursor) -> Option<Spot> {
        let newest_first = (0..self.volumes()).rev();
        let of = |volume: &usize| {
            self.open(*volume).is_some_and(|(mut open, limit)| {
                open.print(limit) == Some(cursor.print) && cursor.at <= limit
            })
        };
        let volume = { newest_first }.find(of)?;
        Some(Spot { volume, at: cursor.at })
    }
}

/// The files that were rotated away from `path`, the oldest first.
fn rotated(path: &Path) -> Vec<PathBuf> {
    let Some(base) = path.file_name().and_then(|name| name.to_str()) else { return Vec::new() };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let Ok(entries) = std::fs::read_dir(directory.unwrap_or_else(|| Path::new("."))) else {
        return Vec::new();
    };
    let mut found: Vec<_> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let stamp = name.to_str()?.strip_prefix(base)?.strip_prefix('.')?;
            Some((age(stamp)?, path.with_file_name(&name)))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

/// What to sort a rotated file by: `20261122T184223Z`, or `20261122T184223Z-2` for a later one.
fn age(stamp: &str) -> Option<(String, u64)> {
    let (time, more) = stamp.split_once('Z')?;
    let count = if more.is_empty() { 0 } else { more.strip_prefix('-')?.parse().ok()? };
    let valid = time.len() == 15
        && time.bytes().enumerate().all(|(at, byte)| match at {
            8 => byte == b'T',
            _ => byte.is_ascii_digit(),
        });
    valid.then(|| (time.to_owned(), count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_files_are_found_in_their_order_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let names = [
            "20261122T184223Z",
            "20261122T184223Z-2",
            "20261122T184223Z-10",
            "20261122T184223Z.ledger",
            "20261121T184223Z",
            "ledger",
            "1",
        ];
        for name in names {
            std::fs::write(dir.path().join(format!("app.log.{name}")), "").unwrap();
        }
        let found = rotated(&dir.path().join("app.log"));
        let found: Vec<_> =
            found.iter().map(|path| path.extension().unwrap().to_str().unwrap()).collect();
        assert_eq!(found, [names[4], names[0], names[1], names[2]]);
    }
}
