//! Creation of a spool file.

use super::directory::{Directory, SpoolError};
use super::ring_file::{Spool, SpoolFile};
use crate::identity::SenderIdentity;
use crate::ring::{MappedFile, Owner, Ring};
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, flock, openat, renameat, unlinkat};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time for which another program may hold the lock of a new file, to see whose it is.
const LOCK_LIMIT: Duration = Duration::from_secs(1);

impl Directory {
    /// Creates the file of a new ring. It gets its name when it is locked and complete.
    pub(crate) fn create(self: &Arc<Self>, identity: SenderIdentity) -> Result<Spool, SpoolError> {
        let name = identity.file_name();
        let path = self.path(&name);
        let failed = |cause| SpoolError { path, action: "create the spool", cause };
        self.create_file(identity, name).map_err(failed)
    }

    fn create_file(self: &Arc<Self>, identity: SenderIdentity, name: String) -> io::Result<Spool> {
        let unfinished = format!("{name}.new");
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(self.fd(), &unfinished, flags, Mode::RUSR | Mode::WUSR)?;
        let ring = (|| {
            lock_new(&file)?;
            MappedFile::reserve(&file, identity.capacity)?;
            rustix::io::pwrite(&file, identity.header_text().as_bytes(), 0)?;
            let map = MappedFile::new(file.as_fd(), identity.capacity)?;
            renameat(self.fd(), &unfinished, self.fd(), &name)?;
            Ok(Ring::new(map))
        })();
        match ring {
            Ok(ring) => {
                let file = SpoolFile::new(Arc::clone(self), name, file);
                Ok(Spool::new(ring, identity, Owner::Alive, file))
            }
            Err(e) => {
                let _ = unlinkat(self.fd(), &unfinished, AtFlags::empty());
                Err(e)
            }
        }
    }
}

/// Locks a new file. A program that starts at the same moment may hold the lock for an instant.
fn lock_new(file: &OwnedFd) -> io::Result<()> {
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

    #[test]
    fn a_ring_is_created_even_while_a_starting_program_holds_the_lock_of_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new");
        let created = OwnedFd::from(std::fs::File::create(&path).unwrap());
        let other = OwnedFd::from(std::fs::File::open(&path).unwrap());
        flock(&other, FlockOperation::NonBlockingLockExclusive).unwrap();
        std::thread::scope(|scope| {
            let locked = scope.spawn(|| lock_new(&created));
            std::thread::sleep(Duration::from_millis(20));
            drop(other);
            locked.join().unwrap().unwrap();
        });
    }
}
