//! Adoption: taking over the spools that dead programs left behind.

use super::directory::Directory;
use super::ring_file::{MAX_NUMBER, Spool, SpoolFile};
use crate::identity::{SenderIdentity, now};
use crate::ring::{CONTROL_AT, MappedFile, Owner, Ring, data_at};
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, Stat, flock, fstat, openat, unlinkat};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

impl Directory {
    /// Locks and opens the rings of dead senders, the oldest first: of `app`, or of all. Each `.ring`
    /// file that is not a spool of ours is reported to `complain` and left alone.
    pub(crate) fn adopt(
        self: &Arc<Self>,
        app: Option<&str>,
        complain: impl Fn(String),
    ) -> Vec<Spool> {
        let mut found = Vec::new();
        for name in self.ring_names() {
            match self.adopt_one(&name, app) {
                Ok(spool) => found.extend(spool),
                Err(e) => complain(format!("left {} alone: {e}", self.path(&name).display())),
            }
        }
        found.sort_by_key(|spool| spool.identity.started);
        found
    }

    /// Returns `None` when the ring is in use, or another app's.
    fn adopt_one(self: &Arc<Self>, name: &str, app: Option<&str>) -> io::Result<Option<Spool>> {
        let Some((file, stat)) = self.open_ring(name)? else { return Ok(None) };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => return Ok(None),
            locked => locked?,
        }
        if fstat(&file)?.st_nlink == 0 {
            return Ok(None); // the last owner of the lock delivered and removed it
        }
        if name.ends_with(".new") {
            if is_abandoned(&stat) {
                let _ = unlinkat(self.fd(), name, AtFlags::empty());
            }
            return Ok(None);
        }
        let mut head = [0; CONTROL_AT];
        let len = rustix::io::pread(&file, &mut head, 0)?;
        let Some(identity) = SenderIdentity::parse(&head[..len]) else {
            return invalid("it is not a spool of this version and machine");
        };
        if app.is_some_and(|app| app != identity.app) {
            return Ok(None);
        }
        let ring = map(&file, &stat, identity.capacity)?;
        let file = SpoolFile::new(Arc::clone(self), name.to_owned(), file);
        Ok(Some(Spool::new(ring, identity.renamed_after_reboot(), Owner::Dead, file)))
    }

    /// Opens a regular file of this user; `None` when it is gone.
    fn open_ring(&self, name: &str) -> io::Result<Option<(OwnedFd, Stat)>> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(self.fd(), name, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return invalid("it is a symbolic link"),
            file => file?,
        };
        let stat = fstat(&file)?;
        if stat.st_uid != rustix::process::geteuid().as_raw()
            || stat.st_mode & 0o170_000 != 0o100_000
        {
            return invalid("it is not a regular file of this user");
        }
        Ok(Some((file, stat)))
    }
}

/// Maps the ring of a dead sender, of which nothing can be trusted.
fn map(file: &OwnedFd, stat: &Stat, capacity: u64) -> io::Result<Ring<MappedFile>> {
    let page = rustix::param::page_size() as u64;
    let valid = capacity.is_power_of_two() && capacity.is_multiple_of(page) && capacity <= 1 << 30;
    if !valid || stat.st_size as u64 != data_at() as u64 + capacity {
        return invalid("its length is wrong");
    }
    let ring = Ring::new(MappedFile::new(file.as_fd(), capacity)?);
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

/// `true` for an unfinished file whose creator must have died: creation takes milliseconds.
fn is_abandoned(file: &Stat) -> bool {
    now() / 1_000_000 - file.st_mtime > 60
}
