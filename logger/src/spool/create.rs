//! Creation of a spool file.

use super::SpoolError;
use super::directory::Directory;
use super::ring_file::{Spool, SpoolFile};
use crate::descriptor::Descriptor;
use crate::identity::SenderIdentity;
use crate::ring::{Owner, Ring, SpoolMemory, data_at};
use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags, flock, openat, renameat, unlinkat};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time for which another program may hold the lock of a new file, to see whose it is.
const LOCK_LIMIT: Duration = Duration::from_secs(1);

impl Directory {
    /// Creates the file of a new ring. It gets its name when it is locked and complete.
    pub(crate) fn create(self: &Arc<Self>, identity: SenderIdentity) -> Result<Spool, SpoolError> {
        self.create_filled(identity, |_| {})
    }

    /// The same, with what `fill` writes into the ring before the file gets its name.
    pub(super) fn create_filled(
        self: &Arc<Self>,
        identity: SenderIdentity,
        fill: impl FnOnce(&Ring<SpoolMemory>),
    ) -> Result<Spool, SpoolError> {
        let path = self.path(&identity.file_name());
        let failed = |cause| SpoolError { path, action: "create the spool", cause };
        self.create_file(identity, fill).map_err(failed)
    }

    fn create_file(
        self: &Arc<Self>,
        identity: SenderIdentity,
        fill: impl FnOnce(&Ring<SpoolMemory>),
    ) -> io::Result<Spool> {
        let name = identity.file_name();
        let unfinished = self.path(&format!("{name}.new"));
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = Descriptor::new(openat(CWD, &unfinished, flags, mode)?)?;
        let ring = (|| {
            check_size_limit(identity.capacity)?;
            lock_new(file.get()?)?;
            SpoolMemory::reserve(file.get()?, identity.capacity)?;
            rustix::io::pwrite(file.get()?, identity.header_text().as_bytes(), 0)?;
            let ring = Ring::new(SpoolMemory::new(file.get()?, identity.capacity)?);
            fill(&ring);
            renameat(CWD, &unfinished, CWD, self.path(&name))?;
            Ok(ring)
        })();
        match ring {
            Ok(ring) => {
                let file = SpoolFile::new(Arc::clone(self), name);
                Ok(Spool::new(ring, identity, Owner::Alive, file))
            }
            Err(e) => {
                let _ = unlinkat(CWD, &unfinished, AtFlags::empty());
                Err(e)
            }
        }
    }
}

/// Fails like a full disk where RLIMIT_FSIZE would have the system kill the program by SIGXFSZ.
fn check_size_limit(capacity: u64) -> io::Result<()> {
    let limit = getrlimit(Resource::Fsize).current;
    if limit.is_some_and(|limit| data_at() as u64 + capacity > limit) {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "file size limit exceeded"));
    }
    Ok(())
}

/// Locks a new file. A program that starts at the same moment may hold the lock for an instant.
fn lock_new(file: BorrowedFd<'_>) -> io::Result<()> {
    let until = Instant::now() + LOCK_LIMIT;
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) if Instant::now() < until => {
                std::thread::sleep(Duration::from_micros(100));
            }
            locked => return Ok(locked?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::{AsFd, OwnedFd};

    #[test]
    fn a_ring_is_created_even_while_a_starting_program_holds_the_lock_of_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new");
        let created = OwnedFd::from(std::fs::File::create(&path).unwrap());
        let other = OwnedFd::from(std::fs::File::open(&path).unwrap());
        flock(&other, FlockOperation::NonBlockingLockExclusive).unwrap();
        std::thread::scope(|scope| {
            let locked = scope.spawn(|| lock_new(created.as_fd()));
            std::thread::sleep(Duration::from_millis(20));
            drop(other);
            locked.join().unwrap().unwrap();
        });
    }
}
