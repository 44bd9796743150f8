//! Adoption: taking over the spools that dead programs left behind.

use super::directory::Directory;
use super::entry::{RingEntry, WaitingSpool};
use super::ring_file::{MAX_NUMBER, Spool, SpoolFile};
use crate::descriptor::Descriptor;
use crate::identity::{SenderIdentity, now};
use crate::ring::{CONTROL_AT, Owner, Ring, SpoolMemory, data_at};
use rustix::fs::{CWD, FileType, FlockOperation, Mode, OFlags, Stat, flock, fstat, openat};
use rustix::io::Errno;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

impl Directory {
    /// Lists the spools, the oldest first: of `app`, or of all. Each file that is not a spool of ours
    /// is reported to `complain`.
    pub(crate) fn rings(&self, app: Option<&str>, complain: impl Fn(String)) -> Vec<RingEntry> {
        let mut found = Vec::new();
        for name in self.ring_names() {
            match self.inspect(&name) {
                Ok(Some((identity, stat))) if app.is_none_or(|app| app == identity.app) => {
                    let allocated = stat.st_blocks as u64 * 512;
                    let len = stat.st_size as u64;
                    found.push((identity.age(), RingEntry { name, allocated, len }));
                }
                Ok(_) => {}
                Err(e) => complain(format!("left {} alone: {e}", self.path(&name).display())),
            }
        }
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        found.into_iter().map(|(_, entry)| entry).collect()
    }

    #[cfg(any(test, fuzzing))]
    /// Adopts all rings of dead senders. Those that cannot be are reported to `complain`.
    pub(crate) fn adopt_all(
        self: &Arc<Self>,
        app: Option<&str>,
        complain: impl Fn(String),
    ) -> Vec<Spool> {
        let entries = self.rings(app, &complain).into_iter();
        entries.filter_map(|entry| self.adopt_or(&entry.name, &complain)).collect()
    }

    /// Adopts a ring, or reports to `complain` why that is impossible.
    pub(crate) fn adopt_or(
        self: &Arc<Self>,
        name: &str,
        complain: impl Fn(String),
    ) -> Option<Spool> {
        self.adopt(name).unwrap_or_else(|e| {
            complain(format!("left {} alone: {e}", self.path(name).display()));
            None
        })
    }

    /// Reads the head of a spool file; `None` for a file that is gone or unfinished.
    fn inspect(&self, name: &str) -> io::Result<Option<(SenderIdentity, Stat)>> {
        let Some(file) = self.open_ring(name)? else { return Ok(None) };
        let stat = fstat(file.get()?)?;
        if name.ends_with(".new") {
            if is_abandoned(&stat) && lock(&file)? {
                self.remove(name);
            }
            return Ok(None);
        }
        Ok(Some((read_identity(&file)?, stat)))
    }

    /// `true` if nobody uses the ring of this name.
    pub(crate) fn is_of_the_dead(&self, name: &str) -> bool {
        let file = self.open_ring(name).ok().flatten();
        file.is_some_and(|file| lock(&file).unwrap_or(false))
    }

    /// Locks and maps the ring of a dead sender; `None` when it is in use, or gone.
    ///
    /// # Errors
    ///
    /// When it is not a spool of this version and machine, or damaged.
    pub(crate) fn adopt(self: &Arc<Self>, name: &str) -> io::Result<Option<Spool>> {
        let Some(file) = self.open_ring(name)? else { return Ok(None) };
        if !lock(&file)? {
            return Ok(None);
        }
        let stat = fstat(file.get()?)?;
        if stat.st_nlink == 0 {
            return Ok(None); // the last owner of the lock delivered and removed it
        }
        let identity = read_identity(&file)?;
        let ring = map(file.get()?, &stat, identity.capacity)?;
        let file = SpoolFile::new(Arc::clone(self), name.to_owned());
        Ok(Some(Spool::new(ring, identity.renamed_after_reboot(), Owner::Dead, file)))
    }

    /// Bytes of the records in a ring, of a dead sender or a living one, which is left as it is;
    /// `None` when it is gone. What is no spool is reported to `complain`.
    pub(crate) fn waiting(&self, name: &str, complain: impl Fn(String)) -> Option<WaitingSpool> {
        self.peek(name).unwrap_or_else(|e| {
            complain(format!("left {} alone: {e}", self.path(name).display()));
            None
        })
    }

    fn peek(&self, name: &str) -> io::Result<Option<WaitingSpool>> {
        let Some(file) = self.open_ring(name)? else { return Ok(None) };
        let stat = fstat(file.get()?)?;
        let identity = read_identity(&file)?;
        let ring = map_unchecked(file.get()?, &stat, identity.capacity)?;
        let running = !lock(&file)?;
        let SenderIdentity { app, pid, capacity, .. } = identity;
        let bytes = ring.held().min(capacity);
        Ok(Some(WaitingSpool { app, pid, bytes, capacity, running }))
    }

    /// Opens a regular file of this user; `None` when it is gone.
    fn open_ring(&self, name: &str) -> io::Result<Option<Descriptor>> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(CWD, self.path(name), flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return invalid("it is a symbolic link"),
            file => Descriptor::new(file?)?,
        };
        let stat = fstat(file.get()?)?;
        if stat.st_uid != rustix::process::geteuid().as_raw()
            || FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile
        {
            return invalid("it is not a regular file of this user");
        }
        Ok(Some(file))
    }
}

fn lock(file: &Descriptor) -> io::Result<bool> {
    match flock(file.get()?, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Ok(false),
        locked => Ok(locked.map(|()| true)?),
    }
}

fn read_identity(file: &Descriptor) -> io::Result<SenderIdentity> {
    let mut head = [0; CONTROL_AT];
    let len = rustix::io::pread(file.get()?, &mut head, 0)?;
    SenderIdentity::parse(&head[..len])
        .map_or_else(|| invalid("it is not a spool of this version and machine"), Ok)
}

/// Maps a ring, whose positions are not checked.
fn map_unchecked(
    file: BorrowedFd<'_>,
    stat: &Stat,
    capacity: u64,
) -> io::Result<Ring<SpoolMemory>> {
    let page = rustix::param::page_size() as u64;
    let valid = capacity.is_power_of_two() && capacity.is_multiple_of(page) && capacity <= 1 << 30;
    if !valid || stat.st_size as u64 != data_at() as u64 + capacity {
        return invalid("its length is wrong");
    }
    Ok(Ring::new(SpoolMemory::new(file, capacity)?))
}

/// Maps the ring of a dead sender, of which nothing can be trusted.
fn map(file: BorrowedFd<'_>, stat: &Stat, capacity: u64) -> io::Result<Ring<SpoolMemory>> {
    let ring = map_unchecked(file, stat, capacity)?;
    let first = ring.first();
    let held = ring.tail().checked_sub(first.position);
    if held.is_none_or(|held| held > capacity) || !(1..MAX_NUMBER).contains(&first.number) {
        return invalid("its positions are damaged");
    }
    Ok(ring)
}

fn invalid<T>(reason: &str) -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::InvalidData, reason))
}

/// `true` for an unfinished file whose creator must have died: creation takes milliseconds. A time
/// far in the future is one of a clock that was set back.
fn is_abandoned(file: &Stat) -> bool {
    (now() / 1_000_000).abs_diff(file.st_mtime) > 60
}
