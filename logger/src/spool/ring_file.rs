//! A ring with the file it is kept in.

use super::Directory;
use crate::identity::{SenderIdentity, now};
use crate::loss;
use crate::ring::{Cursor, NoRoom, Owner, Ring, SpoolMemory, point};
use netlog_wire::{Level, Line};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Flag in the position of a report, a multiple of eight that may be 0.
const REPORT: u64 = 1;

/// A ring with its sender's identity and its file.
///
/// No descriptor is kept: the lock of the file lasts as long as its mapping, which is the process'
/// own and not its forked children's.
pub(crate) struct Spool {
    pub(crate) ring: Ring<SpoolMemory>,
    pub(crate) identity: SenderIdentity,
    pub(crate) owner: Owner,
    /// `None` for a ring in memory.
    file: Option<SpoolFile>,
}

/// The file of a ring.
pub(super) struct SpoolFile {
    pub(super) directory: Arc<Directory>,
    pub(super) name: String,
}

impl SpoolFile {
    pub(super) fn new(directory: Arc<Directory>, name: String) -> Self {
        Self { directory, name }
    }
}

impl Spool {
    pub(super) fn new(
        ring: Ring<SpoolMemory>,
        identity: SenderIdentity,
        owner: Owner,
        file: SpoolFile,
    ) -> Self {
        Self { ring, identity, owner, file: Some(file) }
    }

    /// Creates a spool in memory, which dies with the process, where no file can be had.
    pub(crate) fn anonymous(identity: SenderIdentity) -> io::Result<Self> {
        let ring = Ring::new(SpoolMemory::anonymous(identity.capacity)?);
        Ok(Self { ring, identity, owner: Owner::Alive, file: None })
    }

    pub(super) fn file(&self) -> Option<&SpoolFile> {
        self.file.as_ref()
    }

    /// Appends a record. Above 7/8 of the ring only warnings and errors find room.
    #[inline]
    pub(crate) fn append(&self, level: Level, line: &[u8]) -> Result<u64, NoRoom> {
        self.ring.append(line, self.room(level))
    }

    fn room(&self, level: Level) -> u64 {
        let capacity = self.ring.capacity();
        if level <= Level::Warn { capacity } else { capacity / 8 * 7 }
    }

    /// Counts records that are lost.
    #[cold]
    pub(crate) fn lose(&self, level: Level, count: u64) {
        self.ring.control().lost[level as usize - 1].fetch_add(count, Ordering::Relaxed);
    }

    /// Appends the record at `next` to `out` and moves on; `false` when there is none (yet). A dead
    /// sender's records are checked: garbage is replaced by a record that reports it.
    pub(crate) fn read(&self, next: &mut Cursor, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        if !self.ring.read(next, self.owner, out) {
            return false;
        }
        if self.owner == Owner::Dead && Line::parse(&out[start..]).is_none() {
            let bytes = out.len() - start;
            out.truncate(start);
            out.extend_from_slice(&loss::damaged_record(bytes, self.identity.started));
        }
        true
    }

    /// Number of records that a dead sender left behind.
    pub(crate) fn records(&self) -> u64 {
        let first = self.ring.first();
        self.ring.behind(first, u64::MAX - 1, self.owner).number - first.number
    }

    /// The same with a report of losses that would follow them; `None` if the sender lives.
    pub(crate) fn left(&self) -> Option<u64> {
        let report = u64::from(self.unreported() > 0);
        (self.owner == Owner::Dead).then(|| self.records() + report)
    }

    /// Counts the records that a dead sender left behind, by level. In place of a report of losses,
    /// the losses count: nobody has heard of them.
    pub(crate) fn levels(&self) -> [u64; 5] {
        let mut levels = [0; 5];
        let mut line = Vec::new();
        let mut cursor = self.ring.first();
        while self.ring.read(&mut cursor, self.owner, &mut line) {
            let parsed = Line::parse(&line);
            let level = parsed.as_ref().map_or(Level::Error, |line| line.level);
            let lost = parsed.and_then(|line| line.lost).unwrap_or(1);
            let count: &mut u64 = &mut levels[level as usize - 1];
            *count = count.saturating_add(lost).min(MAX_NUMBER / 8);
            line.clear();
        }
        levels
    }

    /// Estimates the losses that a dead sender has not reported, by level: the most severe ones are
    /// assumed to have been reported first.
    pub(crate) fn unreported_by_level(&self) -> [u64; 5] {
        let mut unreported = self.unreported();
        let mut levels = self.lost();
        for count in levels.iter_mut().rev() {
            *count = unreported.min(*count);
            unreported -= *count;
        }
        levels
    }

    /// Number of records lost so far, by level, bounded so that a damaged file's can be summed up.
    pub(crate) fn lost(&self) -> [u64; 5] {
        self.ring.control().lost.each_ref().map(|n| n.load(Ordering::Relaxed).min(MAX_NUMBER / 8))
    }

    /// Number of lost records that no record in the stream has reported yet.
    pub(crate) fn unreported(&self) -> u64 {
        let total: u64 = self.lost().iter().sum();
        let reported = self.ring.control().reported.load(Ordering::Acquire);
        match self.owner {
            _ if total <= reported => 0,
            Owner::Alive => total - reported,
            Owner::Dead => total.saturating_sub(self.reported()),
        }
    }

    /// The counter `reported`, corrected if its writer died right after it committed a report.
    fn reported(&self) -> u64 {
        let control = self.ring.control();
        let reported = control.reported.load(Ordering::Acquire);
        let report = control.report_at.load(Ordering::Acquire);
        let at = report & !REPORT;
        if !at.is_multiple_of(8) {
            return reported; // a damaged file's: nothing begins there
        }
        let mut next = Cursor { position: at, number: 0 };
        let committed = at < self.ring.first().position
            || (self.ring.read(&mut next, self.owner, &mut Vec::new()) && next.number == 1);
        let total = control.report_total.load(Ordering::Acquire);
        if report > 0 && committed { reported.max(total) } else { reported }
    }

    /// Appends a record that reports how many found no room, once there is room again, in steps
    /// that report each loss once whenever the program dies. For the worker of a living sender.
    pub(crate) fn report_losses(&self) {
        let lost = self.unreported();
        if lost == 0 || self.owner == Owner::Dead {
            return;
        }
        let by_level = self.lost();
        let control = self.ring.control();
        let line = loss::no_room_record(lost, by_level, now());
        let total = by_level.iter().sum();
        let room = self.room(Level::Info);
        let Ok((at, _)) = self.ring.claim_as_reader(line.len() as u64, room) else { return };
        // In this order: an earlier report that was committed must never stand for this total.
        point();
        control.report_at.store(at | REPORT, Ordering::Release);
        point();
        control.report_total.store(total, Ordering::Release);
        point();
        self.ring.commit(at, &line);
        point();
        control.reported.store(total, Ordering::Release);
    }

    /// Appends a record of the logger's own. For the worker.
    pub(crate) fn notice(&self, msg: &str) {
        let line = loss::notice_record(msg, now());
        match self.ring.claim_as_reader(line.len() as u64, self.room(Level::Info)) {
            Ok((at, _)) => self.ring.commit(at, &line),
            Err(NoRoom) => self.lose(Level::Info, 1),
        }
    }

    /// The last record of a dead sender: the losses it had no time to report, if any.
    pub(crate) fn unreported_losses(&self) -> Option<Vec<u8>> {
        let lost = self.unreported();
        (lost > 0).then(|| loss::no_room_record(lost, self.lost(), self.identity.started))
    }

    /// `true` if its sender is dead and did not end by itself.
    pub(crate) fn crashed(&self) -> bool {
        self.owner == Owner::Dead && self.ring.control().ended.load(Ordering::Acquire) == 0
    }

    /// Notes that a collector has the records up to `delivered` before it gets any from another
    /// program than the dead one. Only the first note counts: whoever else delivers goes on from it.
    pub(crate) fn begin_recovery(&self, delivered: u64) {
        let from = &self.ring.control().recovered_from;
        if self.crashed() && from.load(Ordering::Acquire) == 0 {
            from.store(delivered + 1, Ordering::Release);
        }
    }

    /// Number of the last record that a collector had before the recovery began.
    pub(crate) fn recovered_after(&self) -> Option<u64> {
        let from = self.ring.control().recovered_from.load(Ordering::Acquire);
        from.checked_sub(1).filter(|_| self.crashed())
    }

    /// `true` if its records survive the process.
    pub(crate) fn durable(&self) -> bool {
        self.file.is_some()
    }

    /// The directory of the ring's file.
    pub(crate) fn directory(&self) -> Option<&Arc<Directory>> {
        self.file.as_ref().map(|file| &file.directory)
    }

    /// Path of the ring's file.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.file.as_ref().map(|file| file.directory.path(&file.name))
    }

    /// Removes the ring's file, of which everything is delivered.
    pub(crate) fn remove(&self) {
        if let Some(file) = &self.file {
            file.directory.remove(&file.name);
        }
    }
}

/// Upper limit of record numbers: far beyond any real one, far below an overflow.
pub(super) const MAX_NUMBER: u64 = 1 << 62;
