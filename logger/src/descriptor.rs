//! File descriptors that the program may close behind our back.
//!
//! Daemons close every descriptor they find, and the numbers are then used again for files of the
//! program's own. So a descriptor is used and closed only while it still is what was opened: its
//! device and inode are compared each time.

use crate::ring::close_if_open;
use rustix::fs::{Stat, fstat};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd};

/// Device and inode of a file or socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    pub(crate) fn of(stat: &Stat) -> Self {
        Self { device: stat.st_dev, inode: stat.st_ino }
    }

    /// Identity of the file that `fd` refers to now.
    pub(crate) fn at(fd: impl AsFd) -> Option<Self> {
        fstat(fd).ok().as_ref().map(Self::of)
    }
}

/// A descriptor that is checked before each use.
#[derive(Debug)]
pub(crate) struct Descriptor {
    fd: Option<OwnedFd>,
    id: FileId,
}

impl Descriptor {
    /// Takes a descriptor that was just opened.
    pub(crate) fn new(fd: OwnedFd) -> io::Result<Self> {
        match fstat(&fd) {
            Ok(stat) => Ok(Self { fd: Some(fd), id: FileId::of(&stat) }),
            Err(e) => {
                let _number = fd.into_raw_fd(); // closed already
                Err(e.into())
            }
        }
    }

    /// Borrows the descriptor.
    ///
    /// # Errors
    ///
    /// EBADF when the program has closed it, or when its number belongs to another file now.
    pub(crate) fn get(&self) -> io::Result<BorrowedFd<'_>> {
        let fd = self.fd.as_ref().filter(|fd| FileId::at(fd) == Some(self.id));
        fd.map(AsFd::as_fd).ok_or_else(|| Errno::BADF.into())
    }
}

/// `true` for the error of [`Descriptor::get`].
pub(crate) fn was_closed(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::BADF)
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        let Some(fd) = self.fd.take() else { return };
        if FileId::at(&fd) == Some(self.id) {
            close_if_open(fd);
        } else {
            let _number = fd.into_raw_fd(); // another file's now, which is not ours to close
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::dup2;
    use std::fs::File;

    #[test]
    fn a_descriptor_whose_number_belongs_to_another_file_is_neither_used_nor_closed() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let ours = File::create(path("ours")).unwrap();
        let number = ours.as_fd().try_clone_to_owned().unwrap();
        let descriptor = Descriptor::new(number).unwrap();
        assert!(descriptor.get().is_ok());
        let theirs = File::create(path("theirs")).unwrap();
        let expected = FileId::at(&theirs);
        let mut number = descriptor.fd.as_ref().unwrap().try_clone().unwrap();
        drop(ours);
        dup2(&theirs, &mut number).unwrap();
        let stolen = Descriptor { fd: Some(number), id: descriptor.id };
        assert!(was_closed(&stolen.get().unwrap_err()));
        let raw = std::os::fd::AsRawFd::as_raw_fd(stolen.fd.as_ref().unwrap());
        drop(stolen);
        let still_open = std::fs::metadata(format!("/proc/self/fd/{raw}")).unwrap();
        use std::os::unix::fs::MetadataExt;
        assert_eq!(expected.unwrap().inode, still_open.ino());
    }
}
