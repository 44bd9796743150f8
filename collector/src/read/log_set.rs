//! All logs that can be read back: one, one for each app and host, or none but the memory.

use super::segment::{OpenSegment, Segment};
use crate::hub::progress::{End, Past, Progress};
use crate::layout::file_id::FileId;
use crate::layout::fingerprint::of_file;
use crate::layout::paths;
use crate::layout::segment_name::{SegmentName, rotated};
use crate::layout::template::Template;
use crate::layout::tree;
use crate::ledger::LedgerIndex;
use crate::stats::Stats;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The kind of files that hold the records.
#[derive(Debug, Clone)]
pub(crate) enum LogFiles {
    /// In memory alone.
    None,
    One(PathBuf),
    /// In a file for each app and host.
    Many(Template),
}

/// Access to the logs while their files are rotated, compressed and removed.
#[derive(Debug)]
pub(crate) struct LogStore {
    pub(crate) files: LogFiles,
    /// Directories that could not be read at the start, such as `lost+found`.
    foreign: Vec<PathBuf>,
    progress: Arc<Progress>,
    stats: Arc<Stats>,
    /// The files that tails have open, by their turns: ten thousand tails need one descriptor.
    shared: Mutex<Vec<(u64, Weak<OpenSegment>)>>,
}

/// All logs as they are at one moment.
#[derive(Debug)]
pub(crate) struct LogSet {
    pub(crate) logs: Vec<Log>,
    /// End of the records before the logs were listed.
    pub(crate) end: End,
    /// Number of directories and files that could not be opened.
    pub(crate) unopened: u64,
}

/// One log: its rotated segments, and the one that is being written.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    /// The directory below which no link is followed.
    base: Option<Arc<Path>>,
    /// The active segment; below that directory if there is one.
    pub(crate) path: PathBuf,
    /// The rotated segments, the oldest first.
    pub(crate) rotated: Vec<SegmentName>,
    active: ActiveSegment,
}

#[derive(Debug, Clone)]
enum ActiveSegment {
    /// Open, and of this length.
    Open(Option<(Segment, u64)>),
    /// Still to be opened; listed when so many rotations were over.
    Listed { rotations: u64, stats: Arc<Stats> },
}

/// A segment of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SegmentId {
    Rotated(SegmentName),
    Active,
}

/// A segment that is open, and how much of it can be read.
pub(crate) struct LogSegment {
    pub(crate) segment: Segment,
    pub(crate) limit: u64,
    pub(crate) index: LedgerIndex,
}

/// A place in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LogPlace {
    pub(crate) segment: SegmentId,
    pub(crate) offset: u64,
}

impl LogStore {
    pub(crate) fn new(files: LogFiles, progress: Arc<Progress>, stats: Arc<Stats>) -> Self {
        let foreign = match &files {
            LogFiles::Many(template) => tree::kept(template).unwrap_or_default().closed,
            LogFiles::None | LogFiles::One(_) => Vec::new(),
        };
        Self { files, foreign, progress, stats, shared: Mutex::default() }
    }

    /// All logs now. What comes later is behind its end.
    pub(crate) fn snapshot(&self) -> LogSet {
        let end = self.progress.end();
        let mut unopened = 0;
        let logs = match &self.files {
            LogFiles::None => vec![self.memory()],
            LogFiles::One(path) => {
                // First the file, which stays ours once it is open, then those with another name.
                let active = self.active(end.turn);
                unopened += u64::from(active.is_none() && end.len > 0);
                let mut rotated = found(rotated(path), &mut unopened);
                let ours = active.as_ref().map(Segment::path);
                rotated.retain(|stamp| Some(stamp.path(path).as_path()) != ours);
                let active = ActiveSegment::Open(active.map(|segment| (segment, end.len)));
                vec![Log { base: None, path: path.clone(), rotated, active }]
            }
            LogFiles::Many(template) => self.list(template, &mut unopened),
        };
        LogSet { logs, end, unopened }
    }

    /// The latest records.
    pub(crate) fn memory(&self) -> Log {
        let segment = Segment::memory(self.progress.clone());
        let active = ActiveSegment::Open(Some((segment, self.progress.end().len)));
        Log { base: None, path: PathBuf::new(), rotated: Vec::new(), active }
    }

    fn list(&self, template: &Template, unopened: &mut u64) -> Vec<Log> {
        let rotations = self.stats.files_rotated.get();
        let base: Arc<Path> = template.base.as_path().into();
        // Twice, because what is compressed in the middle of it may be found under neither of its
        // names.
        let mut all = found(tree::all(template), unopened);
        let again = found(tree::all(template), unopened);
        for (path, mut stamps) in again.files {
            let known = all.files.entry(path).or_default();
            known.append(&mut stamps);
            known.sort_unstable();
            known.dedup();
        }
        all.closed.retain(|directory| !self.foreign.contains(directory));
        *unopened += all.closed.len() as u64;
        let log = |(path, rotated)| {
            let active = ActiveSegment::Listed { rotations, stats: self.stats.clone() };
            Log { base: Some(base.clone()), path, rotated, active }
        };
        all.files.into_iter().map(log).collect()
    }

    /// The file that was begun at `turn`, wherever it is by now, and compressed or not.
    pub(crate) fn active(&self, turn: u64) -> Option<Segment> {
        let LogFiles::One(path) = &self.files else { return None };
        let past = self.progress.file(turn)?;
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.retain(|(_, open)| open.strong_count() > 0);
        let same = shared.iter().filter(|(of, _)| *of == turn);
        let same = same.filter_map(|(_, open)| open.upgrade()).map(Segment::from);
        if let Some(segment) = { same }.find(|segment| is_where_it_was(segment, path, past)) {
            return Some(segment);
        }
        let found = open_past(path, past)?;
        shared.push((turn, Arc::downgrade(found.shared())));
        Some(found)
    }
}

/// Counts a listing that failed, and takes it for an empty one.
fn found<T: Default>(listed: io::Result<T>, unopened: &mut u64) -> T {
    listed.unwrap_or_else(|error| {
        *unopened += u64::from(error.kind() != io::ErrorKind::NotFound);
        T::default()
    })
}

fn open_past(path: &Path, Past { inode, stamp, .. }: Past) -> Option<Segment> {
    if let Some(stamp) = stamp {
        return Segment::open(&stamp.path(path), true).ok();
    }
    let is = |segment: &Segment| segment.inode() == Some(inode);
    Segment::open(path, true)
        .ok()
        .filter(is)
        .or_else(|| Segment::open(&paths::find(path, inode).ok()??, true).ok().filter(is))
}

/// Tells whether a file that is open is still found by the name that it was opened by.
fn is_where_it_was(segment: &Segment, path: &Path, Past { inode, stamp, .. }: Past) -> bool {
    if let Some(stamp) = stamp {
        return segment.path() == stamp.path(path);
    }
    let there = segment.path().metadata();
    there.is_ok_and(|there| FileId::from(&there) == inode)
}

impl Log {
    /// Its segments, the oldest first.
    pub(crate) fn segments(&self) -> impl DoubleEndedIterator<Item = SegmentId> {
        let rotated = self.rotated.iter().copied().map(SegmentId::Rotated);
        rotated.chain([SegmentId::Active])
    }

    /// End of the log.
    pub(crate) fn end(&self) -> LogPlace {
        let offset = match &self.active {
            ActiveSegment::Open(Some((_, len))) => *len,
            _ => 0,
        };
        LogPlace { segment: SegmentId::Active, offset }
    }

    /// Start of the log.
    pub(crate) fn start(&self) -> LogPlace {
        let segment = self.segments().next().unwrap_or(SegmentId::Active);
        LogPlace { segment, offset: 0 }
    }

    /// Opens a segment, and reads what its ledger says of it.
    pub(crate) fn open(&self, name: SegmentId) -> io::Result<LogSegment> {
        let (_directory, path) = self.reach()?;
        let (segment, len) = match (name, &self.active) {
            (SegmentId::Active, ActiveSegment::Open(active)) => {
                active.clone().ok_or(io::ErrorKind::NotFound)?
            }
            _ => {
                let segment = self.open_at(&path, name)?;
                // Before its ledger is read, which then knows all of that.
                let len = segment.len()?;
                (segment, len)
            }
        };
        let index = segment.index(&path, len);
        Ok(LogSegment { segment, limit: len, index })
    }

    /// Opens a segment again that had this fingerprint: the active one may have been rotated.
    pub(crate) fn reopen(&self, name: SegmentId, fingerprint: u64) -> io::Result<Segment> {
        let (_directory, path) = self.reach()?;
        let is = |segment: &Segment| segment.fingerprint(u64::MAX) == Some(fingerprint);
        match self.open_at(&path, name) {
            Ok(segment) if name != SegmentId::Active || is(&segment) => return Ok(segment),
            Err(error) if name != SegmentId::Active => return Err(error),
            _ => {}
        }
        let last = self.rotated.last().copied();
        let newer = rotated(&path)?.into_iter().filter(|stamp| Some(*stamp) > last);
        let open = newer.filter_map(|stamp| Segment::open(&stamp.path(&path), false).ok());
        { open }.find(is).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Segments that were rotated since the log was listed, the oldest first.
    pub(crate) fn newer(&self) -> io::Result<Vec<SegmentName>> {
        let ActiveSegment::Listed { rotations, stats } = &self.active else {
            return Ok(Vec::new());
        };
        // One that had begun may have come after the log was listed.
        if stats.rotations_begun.get() == *rotations {
            return Ok(Vec::new());
        }
        let last = self.rotated.last().copied();
        let (_directory, path) = self.reach()?;
        Ok(rotated(&path)?.into_iter().filter(|stamp| Some(*stamp) > last).collect())
    }

    /// The segment with this fingerprint, the newest if there are several.
    pub(crate) fn find(&self, fingerprint: u64) -> Option<SegmentId> {
        self.segments().rev().find(|name| self.fingerprint(*name) == Some(fingerprint))
    }

    /// The fingerprint of a segment, unless it is empty or gone.
    pub(crate) fn fingerprint(&self, name: SegmentId) -> Option<u64> {
        if let (SegmentId::Active, ActiveSegment::Open(active)) = (name, &self.active) {
            let (segment, len) = active.as_ref()?;
            return segment.fingerprint(*len);
        }
        let (_directory, path) = self.reach().ok()?;
        self.open_at(&path, name).ok()?.fingerprint(u64::MAX)
    }

    /// The segment with this fingerprint, also if others gave it a name that begins like the log's.
    pub(crate) fn open_moved(&self, fingerprint: u64) -> io::Result<Segment> {
        let (_directory, path) = self.reach()?;
        let name = path.file_name().unwrap_or_default().as_encoded_bytes().to_owned();
        for file in std::fs::read_dir(paths::directory(&path))?.flatten() {
            let found = file.file_name();
            let path = path.with_file_name(&found);
            let alike = found.as_encoded_bytes().starts_with(&name);
            if alike
                && file.file_type().is_ok_and(|kind| kind.is_file())
                && File::open(&path).and_then(|file| of_file(&file)).ok() == Some(Some(fingerprint))
            {
                return Segment::open(&path, false);
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }

    fn open_at(&self, path: &Path, name: SegmentId) -> io::Result<Segment> {
        match name {
            SegmentId::Rotated(stamp) => Segment::open(&stamp.path(path), self.base.is_none()),
            SegmentId::Active => Segment::open(path, self.base.is_none()),
        }
    }

    fn reach(&self) -> io::Result<(Option<OwnedFd>, PathBuf)> {
        let Some(base) = &self.base else { return Ok((None, self.path.clone())) };
        let (directory, path) = tree::reach(base, &self.path)?;
        Ok((Some(directory), path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::tempdir;

    fn set(path: &Path) -> LogSet {
        let template = Template::parse(path).unwrap().unwrap();
        let progress = Arc::new(Progress::new(None, None));
        LogStore::new(LogFiles::Many(template), progress, Arc::default()).snapshot()
    }

    #[test]
    fn the_active_segment_is_found_again_though_another_file_has_its_inode_by_now() {
        let dir = tempdir().unwrap();
        let path = dir.path().join("a.log");
        fs::write(dir.path().join("a.log.ledger"), "").unwrap();
        fs::write(&path, "old\n").unwrap();
        let set = set(&dir.path().join("{app}.log"));
        let log = &set.logs[0];
        let old = log.open(SegmentId::Active).unwrap();
        let fingerprint = old.segment.fingerprint(4).unwrap();
        let text = || {
            let found = log.reopen(SegmentId::Active, fingerprint).unwrap();
            String::from_utf8(found.lines(0, 4, 4).unwrap().bytes).unwrap()
        };
        assert_eq!(text(), "old\n");
        let rotated = SegmentName::new(1, 0).path(&path);
        fs::rename(&path, &rotated).unwrap();
        fs::write(&path, "new\n").unwrap();
        assert_eq!(text(), "old\n");
        crate::seekable_zstd::pack(&rotated, &mut || Ok(())).unwrap();
        assert_eq!(text(), "old\n");
        fs::remove_file(paths::packed_of(&rotated)).unwrap();
        fs::write(dir.path().join("a.log.1"), "old\n").unwrap();
        assert!(log.reopen(SegmentId::Active, fingerprint).is_err());
        let moved = log.open_moved(fingerprint).unwrap();
        assert_eq!(moved.lines(0, 4, 4).unwrap().bytes, b"old\n", "others have renamed it");
    }

    #[test]
    fn a_segment_is_found_that_was_being_rotated_while_the_log_was_listed() {
        let dir = tempdir().unwrap();
        let path = dir.path().join("a.log");
        fs::write(dir.path().join("a.log.ledger"), "").unwrap();
        fs::write(&path, "old\n").unwrap();
        let template = Template::parse(&dir.path().join("{app}.log")).unwrap().unwrap();
        let stats = Arc::new(Stats::default());
        let progress = Arc::new(Progress::new(None, None));
        let store = LogStore::new(LogFiles::Many(template), progress, stats.clone());
        let newer = |set: &LogSet| set.logs[0].newer().unwrap();
        let before = store.snapshot();
        stats.rotations_begun.add(1);
        let meanwhile = store.snapshot();
        let name = SegmentName::new(1, 0);
        fs::rename(&path, name.path(&path)).unwrap();
        stats.files_rotated.add(1);
        fs::write(&path, "new\n").unwrap();
        assert_eq!([newer(&before), newer(&meanwhile)], [[name], [name]]);
        assert!(newer(&store.snapshot()).is_empty());
    }

    #[test]
    fn directories_that_cannot_be_listed_are_counted() {
        let dir = tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(set(&file.join("{app}.log")).unopened > 0);
        assert_eq!(set(&dir.path().join("none/{app}.log")).unopened, 0);
    }

    #[test]
    fn a_file_that_no_collector_wrote_and_what_a_link_leads_to_are_not_read() {
        let (dir, elsewhere) = (tempdir().unwrap(), tempdir().unwrap());
        let at = |name: &str| dir.path().join(name);
        for name in ["theirs.log", "ours.log", "ours.log.ledger", "l.log.ledger"] {
            fs::write(at(name), "x\n").unwrap();
        }
        fs::write(elsewhere.path().join("secret"), "secret\n").unwrap();
        std::os::unix::fs::symlink(elsewhere.path().join("secret"), at("l.log")).unwrap();
        let set = set(&at("{app}.log"));
        let found = set
            .logs
            .iter()
            .map(|log| (log.path.to_str().unwrap(), log.open(SegmentId::Active).is_ok()));
        assert_eq!(found.collect::<Vec<_>>(), [("l.log", false), ("ours.log", true)]);
    }
}
