//! Creation of a spool file.

use super::SpoolError;
use super::directory::Directory;
use super::ring_file::{Spool, SpoolFile};
use crate::descriptor::Descriptor;
use crate::identity::SenderIdentity;
use crate::ring::{Owner, Ring, SpoolMemory, data_at};
use rustix::fs::{
    AtFlags, CWD, FlockOperation, Mode, OFlags, flock, fstat, openat, renameat, unlinkat,
};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};
use std::io;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time for which another program may hold the lock of a new file, to see whose it is.
const LOCK_LIMIT: Duration = Duration::from_secs(1);

/// Files that are created until one of them is there and locked.
const ATTEMPTS: u32 = 5;

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
        check_size_limit(identity.capacity)?;
        let (unfinished, file) = self.create_locked(&name, lock_new)?;
        let ring = (|| {
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

    /// Creates the file of the ring `name`, not with this name yet, and locks it. Until it is locked,
    /// another program may take it for that of a dead creator, if the clock was set meanwhile, and
    /// remove it, or be stopped while it does so: then another file is created, with a name of its own.
    fn create_locked(
        &self,
        name: &str,
        mut lock: impl FnMut(BorrowedFd<'_>) -> Result<(), Errno>,
    ) -> io::Result<(PathBuf, Descriptor)> {
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let path = self.path(&format!("{attempt}.{name}.new"));
            let file = Descriptor::new(openat(CWD, &path, flags, Mode::RUSR | Mode::WUSR)?)?;
            let locked = lock(file.get()?);
            // Nobody removes it without its lock.
            if locked.is_ok() && fstat(file.get()?)?.st_nlink > 0 {
                return Ok((path, file));
            }
            let _ = unlinkat(CWD, &path, AtFlags::empty());
            match locked {
                Ok(()) | Err(Errno::WOULDBLOCK) if attempt < ATTEMPTS => {}
                locked => return Err(locked.err().unwrap_or(Errno::NOENT).into()),
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
fn lock_new(file: BorrowedFd<'_>) -> Result<(), Errno> {
    let until = Instant::now() + LOCK_LIMIT;
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) if Instant::now() < until => {
                std::thread::sleep(Duration::from_micros(100));
            }
            locked => return locked,
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

    /// Creates a file, of which `lock` is asked to get the lock, and says how often it was asked.
    fn created(
        directory: &Directory,
        lock: impl Fn(u32, BorrowedFd<'_>) -> Result<(), Errno>,
    ) -> u32 {
        let mut asked = 0;
        let (path, file) = directory
            .create_locked("app.1.ring", |file| {
                asked += 1;
                lock(asked, file)
            })
            .unwrap();
        assert!(path.exists() && fstat(file.get().unwrap()).unwrap().st_nlink == 1);
        assert_eq!(directory.ring_names(), [path.file_name().unwrap().to_str().unwrap()]);
        asked
    }

    #[test]
    fn a_new_file_that_was_removed_as_a_dead_ones_because_the_clock_was_set_is_created_again() {
        let dir = tempfile::tempdir().unwrap();
        let directory = Directory::open_or_create(dir.path()).unwrap();
        let asked = created(&directory, |asked, file| {
            if asked < ATTEMPTS {
                directory.ring_names().iter().for_each(|name| directory.remove(name));
            }
            lock_new(file)
        });
        assert_eq!(asked, ATTEMPTS);
    }

    #[test]
    fn a_program_that_is_stopped_while_it_locks_a_new_file_takes_no_other_away_when_it_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let directory = Directory::open_or_create(dir.path()).unwrap();
        let asked = created(&directory, |asked, file| {
            if asked == 1 {
                return Err(Errno::WOULDBLOCK);
            }
            directory.remove("1.app.1.ring.new");
            lock_new(file)
        });
        assert_eq!(asked, 2);
    }
}
