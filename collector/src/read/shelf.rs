//! All files of records: the one being written, and those rotated away before it.

use super::cursor::Cursor;
use super::volume::{Held, Volume};
use crate::hub::progress::{End, Past, Progress};
use crate::layout::paths;
use crate::layout::segment_name::rotated;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Where the records are.
#[derive(Debug)]
pub(crate) struct Shelf {
    path: Option<PathBuf>,
    progress: Arc<Progress>,
    /// The files that tails have open, by their turns: ten thousand tails need one descriptor.
    open: Mutex<Vec<(u64, Weak<Held>)>>,
}

/// All that is held at one moment, the oldest first.
#[derive(Debug)]
pub(crate) struct Holding {
    /// By the names they have until they are packed.
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
    pub(crate) fn new(path: Option<PathBuf>, progress: Arc<Progress>) -> Self {
        Self { path, progress, open: Mutex::default() }
    }

    /// Whether there is no file.
    pub(crate) fn is_memory(&self) -> bool {
        self.path.is_none()
    }

    /// All that is held now. Whatever comes later is behind its end.
    pub(crate) fn holding(&self) -> Holding {
        let Some(path) = &self.path else { return Holding::of_ring(self.progress.clone()) };
        let end = self.progress.end();
        // First the file, which stays ours once it is open, then those with another name.
        let current = self.find(end.turn);
        let mut rotated: Vec<_> = rotated(path).iter().map(|stamp| stamp.path(path)).collect();
        let ours = current.as_ref().and_then(Volume::path);
        rotated.retain(|path| Some(path.as_path()) != ours);
        Holding { rotated, current, end }
    }

    /// The file that was begun at `turn`, wherever it is by now, and packed or not.
    pub(crate) fn find(&self, turn: u64) -> Option<Volume> {
        let path = self.path.as_deref()?;
        let past = self.progress.file(turn)?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(_, held)| held.strong_count() > 0);
        let same = open.iter().filter(|(of, _)| *of == turn).filter_map(|(_, held)| held.upgrade());
        let same = { same }.map(Volume::from).find(|volume| is_where_it_was(volume, path, past));
        let found = same.or_else(|| {
            let found = Self::open(path, past)?;
            open.push((turn, Arc::downgrade(found.held())));
            Some(found)
        });
        drop(open);
        found
    }

    fn open(path: &Path, Past { inode, stamp }: Past) -> Option<Volume> {
        if let Some(stamp) = stamp {
            return Volume::open_rotated(&stamp.path(path)).ok();
        }
        let there = Volume::open(path).ok().filter(|volume| volume.inode() == inode);
        there.or_else(|| {
            let found = Volume::open(&paths::find(path, inode)?).ok()?;
            (found.inode() == inode).then_some(found)
        })
    }
}

/// Whether a file that is open is still found by the name that it was opened by.
fn is_where_it_was(volume: &Volume, path: &Path, Past { inode, stamp }: Past) -> bool {
    if let Some(stamp) = stamp {
        return volume.path() == Some(&stamp.path(path));
    }
    let there = volume.path().and_then(|path| path.metadata().ok());
    there.is_some_and(|there| (there.dev(), there.ino()) == inode)
}

impl Holding {
    /// What is in memory.
    pub(crate) fn of_ring(progress: Arc<Progress>) -> Self {
        let end = progress.end();
        Self { rotated: Vec::new(), current: Some(Volume::ring(progress)), end }
    }

    /// How many volumes there are.
    pub(crate) fn volumes(&self) -> usize {
        self.rotated.len() + 1
    }

    /// The volume being written, and how far into it this holding goes.
    pub(crate) fn current(&self) -> Option<(Volume, u64)> {
        self.current.clone().map(|volume| (volume, self.end.len))
    }

    /// Opens a volume, and says how much of it is held. It may have been removed meanwhile.
    pub(crate) fn open(&self, volume: usize) -> io::Result<(Volume, u64)> {
        let Some(path) = self.rotated.get(volume) else {
            return self.current().ok_or_else(|| io::ErrorKind::NotFound.into());
        };
        let open = Volume::open_rotated(path)?;
        let len = open.len()?;
        Ok((open, len))
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
            self.open(*volume).is_ok_and(|(mut open, limit)| {
                open.print(limit) == Some(cursor.print) && cursor.at <= limit
            })
        };
        let volume = { newest_first }.find(of)?;
        Some(Spot { volume, at: cursor.at })
    }
}
