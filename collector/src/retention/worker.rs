//! One worker through the old files of a log.

use super::{KeepLimits, RetentionHandle, RetentionPolicy};
use crate::archive::Archive;
use crate::clock::now;
use crate::layout::forwarded::Forwarded;
use crate::layout::paths::{directory, ledger_of, packed_of};
use crate::layout::segment_name::{RotatedFiles, SegmentName};
use crate::ledger::rotation;
use crate::seekable_zstd::{self, CompressedSizes};
use crate::stats::Stats;
use crate::stderr::{Chain, StderrLog};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Time without a change after which a directory is left alone.
const QUIET: Duration = Duration::from_secs(2);

/// Compresses and removes old files.
pub(super) struct RetentionWorker {
    handle: RetentionHandle,
    stats: Arc<Stats>,
    stderr: StderrLog,
    /// The relay that must be asked before something is removed.
    forwarded: Option<Arc<Forwarded>>,
    /// The archive that has to have a segment before it is removed.
    archive: Option<Arc<Archive>>,
    /// The files that something failed with, which has been said.
    reported: BTreeSet<PathBuf>,
    /// The newest segment of each log whose ledger is as short as it can be, as all before it.
    shrunk: BTreeMap<PathBuf, SegmentName>,
    /// Logs with which nothing remains to be done until their directory changes.
    settled: BTreeMap<PathBuf, (SystemTime, RetentionPolicy)>,
}

impl RetentionWorker {
    pub(super) fn new(handle: RetentionHandle, stats: Arc<Stats>, stderr: StderrLog) -> Self {
        Self {
            forwarded: handle.forwarded(),
            archive: handle.archived(),
            handle,
            stats,
            stderr,
            reported: BTreeSet::new(),
            shrunk: BTreeMap::new(),
            settled: BTreeMap::new(),
        }
    }

    /// Packs and removes what there is to be packed and removed of `log`: with one listing of the
    /// directory, and none if nothing has changed in it.
    pub(super) fn log(&mut self, log: &Path) {
        let policy = self.handle.policy();
        let changed = fs::metadata(directory(log)).and_then(|directory| directory.modified()).ok();
        let settled = changed.map(|changed| (changed, policy));
        if settled.is_some() && self.settled.get(log) == settled.as_ref() {
            return;
        }
        self.reported.retain(|path| path.exists() || packed_of(path).exists());
        let RotatedFiles { segments, ledgers } = match RotatedFiles::list(log) {
            Ok(files) => files,
            Err(error) => return self.tell_unlisted(log, &error),
        };
        self.reported.remove(log);
        // What is still to be packed will not be that large.
        let removed = self.remove(log, &segments, KeepLimits { size: None, ..policy.keep });
        let segments = &segments[removed..];
        self.remove_ledgers(log, &ledgers);
        let packed = self.pack_all(log, segments);
        let archived = self.offer(log, segments, policy.pack);
        let whole = self.shrink_ledgers(log, segments) && packed && archived;
        let over = removed + self.remove(log, segments, policy.keep);
        self.settled.remove(log);
        // A change in the tick of the last one would go unnoticed; so would time.
        let quiet = changed.and_then(|changed| changed.elapsed().ok()).is_some_and(|it| it > QUIET);
        if let Some(settled) =
            settled.filter(|_| whole && quiet && over == 0 && policy.keep.age.is_none())
        {
            self.settled.insert(log.to_owned(), settled);
        }
    }

    /// Packs `segments`, until there is something more urgent; `false` when there is more to do.
    fn pack_all(&mut self, log: &Path, segments: &[SegmentName]) -> bool {
        let mut whole = true;
        for segment in segments {
            if self.handle.ended() {
                return false;
            }
            let old = segment.path(log);
            match self.tidy(&old) {
                Ok(false) => {}
                // There are new ones, and perhaps some to be removed.
                Ok(true) if self.handle.is_due() => return false,
                Ok(true) => whole = false,
                Err(error) => {
                    whole = false;
                    self.stats.compressions_failed.add(1);
                    self.tell(&old, format_args!("failed to compress {}", old.display()), &error);
                    if error.kind() == io::ErrorKind::StorageFull {
                        break;
                    }
                }
            }
        }
        whole
    }

    /// Has those of `segments` archived that are not; `false` when there are some.
    fn offer(&self, log: &Path, segments: &[SegmentName], pack: bool) -> bool {
        let Some(archive) = &self.archive else { return true };
        // What is to be compressed is archived afterwards.
        let ready = |segment: SegmentName| !pack || packed_of(&segment.path(log)).exists();
        archive.offer(log, segments, ready)
    }

    /// Removes the ledgers of segments that others removed.
    fn remove_ledgers(&self, log: &Path, ledgers: &[SegmentName]) {
        for segment in ledgers {
            let path = segment.path(log);
            let gone = !path.exists() && !packed_of(&path).exists();
            if gone && rotation::stands_alone(log, &path).unwrap_or(false) {
                let _ = fs::remove_file(ledger_of(&path));
            }
        }
    }

    /// Shrinks the ledgers of `segments` to what searches need; `false` when there is more to do.
    fn shrink_ledgers(&mut self, log: &Path, segments: &[SegmentName]) -> bool {
        let done = self.shrunk.get(log).copied();
        let sent = self.forwarded.as_ref().map(|forwarded| forwarded.saved().generation);
        for segment in segments.iter().filter(|segment| Some(**segment) > done) {
            // The relay reads from it who sent what.
            let unsent = sent.is_some_and(|sent| segment.generation >= sent);
            let path = segment.path(log);
            if self.handle.ended() || unsent || !rotation::stands_alone(log, &path).unwrap_or(false)
            {
                return false;
            }
            if let Err(error) = rotation::shrink(&path) {
                self.tell(
                    &path,
                    format_args!("failed to shrink the ledger of {}", path.display()),
                    &error,
                );
                return false;
            }
            self.shrunk.insert(log.to_owned(), *segment);
        }
        true
    }

    /// Brings to its end what was begun with an old file, and packs it unless it is packed;
    /// tells whether it did.
    fn tidy(&mut self, old: &Path) -> io::Result<bool> {
        seekable_zstd::finish(old)?;
        if !self.handle.policy().pack || !old.try_exists()? {
            return Ok(false);
        }
        let handle = self.handle.clone();
        let mut go_on = || match handle.ended() {
            true => Err(io::ErrorKind::Interrupted.into()),
            false => Ok(()),
        };
        let CompressedSizes { before, after } = match seekable_zstd::pack(old, &mut go_on) {
            Err(_) if self.handle.ended() => return Ok(true),
            packing => packing?,
        };
        self.stats.files_compressed.add(1);
        self.stats.bytes_compressed.add(before);
        self.stats.bytes_compressed_to.add(after);
        let packed = packed_of(old);
        let packed = packed.display();
        self.stderr.debug(format_args!("compressed {packed} from {before} to {after} bytes"));
        Ok(true)
    }

    /// Removes what is over the limits, and returns how many that were.
    fn remove(&mut self, log: &Path, segments: &[SegmentName], keep: KeepLimits) -> usize {
        let archive = self.archive.clone();
        let archived = |segment| archive.as_ref().is_none_or(|it| it.has(log, segment));
        let all = keep.over(log, segments, now(), &archived);
        for over in &all {
            let path = over.path.display();
            let bytes = over.bytes;
            let why = over.why;
            let given_up = self.forwarded.as_ref().map_or(Ok(0), |it| over.give_up(it));
            let unsent = match given_up {
                Ok(unsent) => unsent,
                Err(error) => {
                    self.tell(&over.path, format_args!("failed to give up {path}"), &error);
                    // Giving up a newer file would give up this one too, uncounted.
                    break;
                }
            };
            // They are lost even if the file stays.
            self.stats.records_not_forwarded.add(unsent);
            match over.remove() {
                Ok(()) => {
                    self.stats.files_removed.add(1);
                    self.stats.bytes_removed.add(bytes);
                    self.stats.segments_not_archived.add(u64::from(!over.archived));
                    self.stderr.log(format_args!("removed {path}, {bytes} bytes, by {why}"));
                }
                Err(error) => {
                    self.tell(&over.path, format_args!("failed to remove {path}"), &error)
                }
            }
        }
        all.len()
    }

    /// Says once what failed with a file.
    fn tell(&mut self, old: &Path, deed: std::fmt::Arguments<'_>, error: &io::Error) {
        if self.reported.insert(old.to_owned()) {
            let chain = Chain(error);
            self.stderr.log(format_args!("{deed}: {chain}; it stays, and is tried again"));
        }
    }

    fn tell_unlisted(&mut self, log: &Path, error: &io::Error) {
        if self.reported.insert(log.to_owned()) {
            let directory = directory(log).display();
            let chain = Chain(error);
            self.stderr.log(format_args!(
                "failed to list {directory}: {chain}; until that works, nothing in it is removed \
                 or compressed"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::sink::Sink;
    use crate::layout::rotation::RotationSchedule;
    use crate::options::Format;
    use crate::sink::file::{FileOptions, FileSink};

    /// A log with a ledger, and a worker.
    fn begun(dir: &Path) -> (PathBuf, RetentionWorker) {
        let log = dir.join("app.log");
        let options = FileOptions {
            path: log.clone(),
            confined: None,
            format: Format::Json,
            schedule: RotationSchedule::default(),
            sync: false,
            retention: RetentionHandle::default(),
            stats: Arc::default(),
            marks: Arc::default(),
            forwarded: None,
        };
        FileSink::open(options, StderrLog::default()).unwrap().close();
        let handle = RetentionHandle::default();
        (log, RetentionWorker::new(handle, Arc::default(), StderrLog::default()))
    }

    #[test]
    fn a_ledger_whose_file_others_removed_is_removed_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let (log, mut worker) = begun(dir.path());
        let names = ["Z-1.ledger", "Z-2.ledger", "Z-2", "Z-3.ledger", "Z-3.zst"];
        let path = |name: &str| dir.path().join(format!("app.log.20261122T184223{name}"));
        names.iter().for_each(|name| fs::write(path(name), "").unwrap());
        worker.log(&log);
        let left = names.map(|name| path(name).exists());
        assert_eq!(left, [false, true, true, true, true]);
        assert!(dir.path().join("app.log.ledger").exists());
    }

    #[test]
    fn a_directory_is_not_listed_again_until_something_changes_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let (log, mut worker) = begun(dir.path());
        let rotate = |number: u32| {
            let name = format!("app.log.20261122T184223Z-{number}");
            fs::write(dir.path().join(name), "{}\n").unwrap();
        };
        let directory = fs::File::open(dir.path()).unwrap();
        let long = SystemTime::now() - 2 * QUIET;
        let newest = |worker: &RetentionWorker| worker.shrunk.get(&log).map(|it| it.generation);
        rotate(1);
        directory.set_modified(long).unwrap();
        worker.log(&log);
        assert_eq!(newest(&worker), Some(1));
        rotate(2);
        // As if nothing had changed.
        directory.set_modified(long).unwrap();
        worker.log(&log);
        assert_eq!(newest(&worker), Some(1), "the directory was listed");
        directory.set_modified(SystemTime::now()).unwrap();
        worker.log(&log);
        assert_eq!(newest(&worker), Some(2));
    }
}
