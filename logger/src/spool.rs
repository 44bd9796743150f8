//! The spool: a ring with its file, and the directory where such files lie.

mod directory;

pub(crate) use directory::Directory;

use crate::loss;
use crate::origin::{Origin, now};
use crate::ring::{Cursor, Map, NoRoom, Owner, Ring, point};
use netlog_wire::{Level, Line};
use rustix::fs::{MemfdFlags, memfd_create};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

/// Set in the position of a report, which is a multiple of eight: the ring may begin with one.
const REPORT: u64 = 1;

/// A ring and the file it lies in, locked for as long as the process has it.
pub(crate) struct Spool {
    pub(crate) ring: Ring<Map>,
    pub(crate) origin: Origin,
    pub(crate) owner: Owner,
    home: Option<(Arc<Directory>, String)>,
    lock: Mutex<Option<OwnedFd>>,
}

impl Spool {
    /// A spool that dies with the process, for a machine that gives us no file.
    pub(crate) fn anonymous(origin: Origin) -> io::Result<Self> {
        let file = memfd_create("netlog", MemfdFlags::CLOEXEC)?;
        Map::reserve(&file, origin.capacity)?;
        let ring = Ring::new(Map::new(file.as_fd(), origin.capacity)?);
        Ok(Self { ring, origin, owner: Owner::Alive, home: None, lock: Mutex::new(Some(file)) })
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

    /// Appends the next record behind `next` to `out`, and moves on; `false` when there is none (yet).
    /// What a dead sender's ring holds is looked at closely: garbage is not delivered, but told of.
    pub(crate) fn read(&self, next: &mut Cursor, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        if !self.ring.read(next, self.owner, out) {
            return false;
        }
        if self.owner == Owner::Dead && Line::parse(&out[start..]).is_none() {
            let bytes = out.len() - start;
            out.truncate(start);
            out.extend_from_slice(&loss::damaged(bytes, self.origin.started));
        }
        true
    }

    /// How many records a dead sender left behind, by level.
    pub(crate) fn levels(&self) -> [u64; 5] {
        let (mut levels, mut line, mut cursor) = ([0; 5], Vec::new(), self.ring.first());
        while self.ring.read(&mut cursor, self.owner, &mut line) {
            let level = Line::parse(&line).map_or(Level::Error, |line| line.level);
            levels[level as usize - 1] += 1;
            line.clear();
        }
        levels
    }

    /// The losses that the stream of a dead sender has not told of, by level: the gravest were told
    /// of first, for all that is known.
    pub(crate) fn untold_levels(&self) -> [u64; 5] {
        let (mut untold, mut levels) = (self.unreported(), self.lost());
        for count in levels.iter_mut().rev() {
            *count = untold.min(*count);
            untold -= *count;
        }
        levels
    }

    /// The records lost so far, by level. What a damaged file says can be added up, too.
    pub(crate) fn lost(&self) -> [u64; 5] {
        self.ring.control().lost.each_ref().map(|n| n.load(Ordering::Relaxed).min(MAX_NUMBER / 8))
    }

    /// How many of the lost records the stream has not told of yet.
    pub(crate) fn unreported(&self) -> u64 {
        let total: u64 = self.lost().iter().sum();
        let reported = self.ring.control().reported.load(Ordering::Acquire);
        match self.owner {
            _ if total <= reported => 0,
            Owner::Alive => total - reported,
            Owner::Dead => total.saturating_sub(self.reported()),
        }
    }

    /// What `reported` says, or would say if its writer had not died after it committed a report.
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

    /// Tells the stream how many records found no room, as soon as there is room again, and so
    /// that whoever dies when, they are told of once. For the worker of a living sender.
    pub(crate) fn report_losses(&self) {
        let lost = self.unreported();
        if lost == 0 || self.owner == Owner::Dead {
            return;
        }
        let (by_level, control) = (self.lost(), self.ring.control());
        let (line, total) = (loss::no_room(lost, by_level, now()), by_level.iter().sum());
        let Ok((at, _)) = self.ring.claim(line.len() as u64, self.room(Level::Info)) else {
            return;
        };
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

    /// The last record of a dead sender: the losses it had no time to tell of, if any.
    pub(crate) fn untold(&self) -> Option<Vec<u8>> {
        let lost = self.unreported();
        (lost > 0).then(|| loss::no_room(lost, self.lost(), self.origin.started))
    }

    /// Whether its sender is gone without having come to its own end.
    pub(crate) fn crashed(&self) -> bool {
        self.owner == Owner::Dead && self.ring.control().ended.load(Ordering::Acquire) == 0
    }

    /// Whether what is appended survives the process.
    pub(crate) fn durable(&self) -> bool {
        self.home.is_some()
    }

    /// The directory of the ring's file.
    pub(crate) fn directory(&self) -> Option<&Arc<Directory>> {
        self.home.as_ref().map(|(directory, _)| directory)
    }

    /// Where the ring's file lies.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.home.as_ref().map(|(directory, name)| directory.path(name))
    }

    /// Lets go of a parent's lock in a forked child, so that the parent's ring can be adopted.
    pub(crate) fn disown(&self) {
        if let Ok(mut lock) = self.lock.try_lock() {
            *lock = None;
        }
    }

    /// Removes the ring's file: all it held has been delivered.
    pub(crate) fn remove(&self) {
        if let Some((directory, name)) = &self.home {
            directory.remove(name);
        }
    }
}

/// Far beyond any count of records, far below where counting on overflows.
const MAX_NUMBER: u64 = 1 << 62;
