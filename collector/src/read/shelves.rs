//! All files of a template: those that are being written, and those rotated away before them. None
//! of them stays open; each is found again under whatever name it has by then.

use super::volume::Volume;
use crate::hub::progress::Progress;
use crate::layout::segment_name::{SegmentName, rotated};
use crate::layout::template::Template;
use crate::layout::tree;
use crate::ledger::{Extent, Index};
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the records of each app and host are.
#[derive(Debug)]
pub(crate) struct Shelves {
    template: Template,
    progress: Arc<Progress>,
}

/// All that is held at one moment.
#[derive(Debug)]
pub(crate) struct Stock {
    pub(crate) rows: Vec<Row>,
    /// By what the stream is known, and how far it had come.
    pub(crate) print: u64,
    pub(crate) end: u64,
}

/// The files of one app and host.
#[derive(Debug)]
pub(crate) struct Row {
    base: Arc<Path>,
    place: PathBuf,
    /// What had been rotated away, the oldest first.
    rotated: Vec<SegmentName>,
}

/// One file of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Book {
    Rotated(SegmentName),
    /// The one that was being written, when this was the latest that had been rotated away.
    Current(Option<SegmentName>),
}

/// A book that is open, what it is, and what is known of it.
pub(crate) struct Opened {
    pub(crate) book: Book,
    pub(crate) volume: Volume,
    pub(crate) len: u64,
    pub(crate) index: Index,
}

impl Shelves {
    pub(crate) fn new(template: Template, progress: Arc<Progress>) -> Self {
        Self { template, progress }
    }

    /// All that is held now. Whatever comes later is behind its end.
    pub(crate) fn stock(&self) -> Stock {
        // First the end: all that is before it is in the files by now.
        let end = self.progress.end().len;
        let print = self.progress.ring().map(|ring| ring.print).unwrap_or_default();
        let base: Arc<Path> = self.template.base.as_path().into();
        // Where nothing can be listed, nothing is held. Twice, because what is packed in the middle
        // of it may be found under neither of its names.
        let mut all = tree::all(&self.template).unwrap_or_default();
        for (place, mut stamps) in tree::all(&self.template).unwrap_or_default() {
            let known = all.entry(place).or_default();
            known.append(&mut stamps);
            known.sort_unstable();
            known.dedup();
        }
        let row = |(place, rotated)| Row { base: base.clone(), place, rotated };
        Stock { rows: all.into_iter().map(row).collect(), print, end }
    }
}

impl Stock {
    /// All of it, or what is behind `from` in the stream.
    pub(crate) fn extent(&self, from: Option<u64>) -> Extent {
        Extent { print: self.print, from, end: self.end }
    }
}

impl Row {
    /// Its books, the oldest first.
    pub(crate) fn books(&self) -> VecDeque<Book> {
        let rotated = self.rotated.iter().copied().map(Book::Rotated);
        rotated.chain([Book::Current(self.rotated.last().copied())]).collect()
    }

    /// Opens a book, and reads its ledger.
    pub(crate) fn open(&self, book: Book, extent: Extent) -> io::Result<Opened> {
        let (_directory, path) = tree::reach(&self.base, &self.place)?;
        let last = match book {
            Book::Rotated(stamp) => return opened(&path, Some(stamp)),
            Book::Current(last) => last,
        };
        // What no entry counts as yet is being written.
        let counted = |there: Opened| {
            let len = there.index.counted(extent).map_or(there.len, |end| end.min(there.len));
            Opened { book, len, ..there }
        };
        let there = opened(&path, None).map(counted);
        if there.as_ref().is_ok_and(|there| there.index.begins_before(extent)) {
            return there;
        }
        // All that was written before the end is in other files: if it was the one being written
        // then, it was the next that made way.
        match next(&path, last) {
            Some(stamp) => opened(&path, Some(stamp)),
            None => there,
        }
    }

    /// Opens a book again that had this inode and print.
    pub(crate) fn reopen(
        &self,
        book: Book,
        (inode, print): ((u64, u64), u64),
        len: u64,
    ) -> io::Result<Volume> {
        let (_directory, path) = tree::reach(&self.base, &self.place)?;
        let last = match book {
            Book::Rotated(stamp) => return Volume::open_own(&stamp.path(&path)),
            Book::Current(last) => last,
        };
        if let Ok(mut volume) = Volume::open_own(&path)
            && volume.inode() == inode
            && volume.print(len).unwrap_or_default() == print
        {
            return Ok(volume);
        }
        let stamp = next(&path, last).ok_or(io::ErrorKind::NotFound)?;
        Volume::open_own(&stamp.path(&path))
    }
}

/// What made way first after `last`.
fn next(path: &Path, last: Option<SegmentName>) -> Option<SegmentName> {
    rotated(path).into_iter().find(|stamp| Some(*stamp) > last)
}

/// Opens the file at `path`, or what was rotated away from it with a stamp.
fn opened(path: &Path, stamp: Option<SegmentName>) -> io::Result<Opened> {
    let name = stamp.map_or_else(|| path.to_owned(), |stamp| stamp.path(path));
    let volume = Volume::open_own(&name)?;
    // Before its ledger is read, which then knows all of that.
    let len = volume.len()?;
    let mut index = volume.index(len);
    // While it makes way, its ledger still has the old name, or has it no more.
    for path in [path, &name] {
        if index.is_empty() && volume.inode() != (0, 0) {
            index = Index::read(path, Some(volume.inode()), len);
        }
    }
    let book = stamp.map_or(Book::Current(None), Book::Rotated);
    Ok(Opened { book, volume, len, index })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::tempdir;

    #[test]
    fn what_was_being_written_is_found_again_though_another_file_has_its_inode_by_now() {
        let dir = tempdir().unwrap();
        let (path, place) = (dir.path().join("a.log"), PathBuf::from("a.log"));
        let row = Row { base: dir.path().into(), place, rotated: Vec::new() };
        let book = Book::Current(None);
        fs::write(&path, "old\n").unwrap();
        let mut old = row.open(book, Extent { print: 7, from: None, end: 9 }).unwrap().volume;
        let print = old.print(4).unwrap();
        let text = |inode| {
            let found = row.reopen(book, (inode, print), 4).unwrap();
            String::from_utf8(found.lines((0, 4), 4).unwrap().bytes).unwrap()
        };
        assert_eq!(text(old.inode()), "old\n");
        let rotated = SegmentName::new(1, 0).path(&path);
        fs::rename(&path, &rotated).unwrap();
        fs::write(&path, "new\n").unwrap();
        assert_eq!(text(old.inode()), "old\n");
        crate::seekable_zstd::pack(&rotated, &mut || Ok(())).unwrap();
        let new = Volume::open_own(&path).unwrap().inode();
        assert_eq!(text(new), "old\n");
    }

    #[test]
    fn a_file_that_no_collector_wrote_and_what_a_link_leads_to_are_not_looked_at() {
        let (dir, elsewhere) = (tempdir().unwrap(), tempdir().unwrap());
        let at = |name: &str| dir.path().join(name);
        for name in ["theirs.log", "ours.log", "ours.log.ledger", "l.log.ledger"] {
            fs::write(at(name), "x\n").unwrap();
        }
        fs::write(elsewhere.path().join("secret"), "secret\n").unwrap();
        std::os::unix::fs::symlink(elsewhere.path().join("secret"), at("l.log")).unwrap();
        let template = Template::parse(&at("{app}.log")).unwrap().unwrap();
        let stock = Shelves::new(template, Arc::new(Progress::new(None, None))).stock();
        let extent = stock.extent(None);
        let found = stock.rows.iter().map(|row| {
            let open = row.open(Book::Current(None), extent);
            (row.place.to_str().unwrap(), open.is_ok())
        });
        assert_eq!(found.collect::<Vec<_>>(), [("l.log", false), ("ours.log", true)]);
    }
}
