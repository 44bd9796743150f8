//! The directory of the spool files, for one user alone.

use rustix::fs::{
    AtFlags, CWD, Dir, Mode, OFlags, fchmod, fstat, mkdirat, openat, statat, unlinkat,
};
use rustix::io::Errno;
use std::error::Error;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open directory of spool files.
pub(crate) struct Directory {
    fd: OwnedFd,
    path: PathBuf,
}

/// A failure to open or create a spool or its directory.
#[derive(Debug)]
pub(crate) struct SpoolError {
    pub(super) path: PathBuf,
    pub(super) action: &'static str,
    pub(super) cause: io::Error,
}

impl fmt::Display for SpoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to {} {}", self.action, self.path.display())
    }
}

impl Error for SpoolError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

impl Directory {
    /// `$NETLOG_SPOOL`, else `/dev/shm/netlog-<uid>`, else the same in the directory for
    /// temporary files.
    pub(crate) fn default_path() -> PathBuf {
        if let Some(path) = std::env::var_os("NETLOG_SPOOL").filter(|p| !p.is_empty()) {
            return path.into();
        }
        let name = format!("netlog-{}", rustix::process::geteuid().as_raw());
        let shm = Path::new("/dev/shm");
        if shm.is_dir() { shm.join(name) } else { std::env::temp_dir().join(name) }
    }

    /// Opens the directory, and creates it first if it is missing.
    ///
    /// # Errors
    ///
    /// When it cannot be created or opened, is a symbolic link, or belongs to another user.
    pub(crate) fn open_or_create(path: &Path) -> Result<Arc<Self>, SpoolError> {
        match mkdirat(CWD, path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => Self::open(path),
            Err(e) => {
                let action = "create the spool directory";
                Err(SpoolError { path: path.into(), action, cause: e.into() })
            }
        }
    }

    /// Opens the directory.
    ///
    /// # Errors
    ///
    /// When it cannot be opened, is a symbolic link, or belongs to another user.
    pub(crate) fn open(path: &Path) -> Result<Arc<Self>, SpoolError> {
        let failed = |action, cause: io::Error| SpoolError { path: path.into(), action, cause };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(CWD, path, flags, Mode::empty());
        let fd = fd.map_err(|e| failed("open the spool directory", e.into()))?;
        let stat = fstat(&fd).map_err(|e| failed("open the spool directory", e.into()))?;
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            let cause = io::Error::new(io::ErrorKind::PermissionDenied, "it is another user's");
            return Err(failed("use the spool directory", cause));
        }
        if stat.st_mode & 0o077 != 0 {
            fchmod(&fd, Mode::RWXU).map_err(|e| failed("close to others", e.into()))?;
        }
        Ok(Arc::new(Self { fd, path: path.into() }))
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// `true` if the directory has a file of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Creates an empty file of this name, if possible.
    pub(crate) fn touch(&self, name: &str) {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let _ = openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR);
    }

    /// Removes the file of this name, if it exists.
    pub(super) fn remove(&self, name: &str) {
        let _ = unlinkat(&self.fd, name, AtFlags::empty());
    }

    /// Names of the finished and unfinished rings.
    pub(super) fn ring_names(&self) -> Vec<String> {
        let entries = Dir::read_from(&self.fd).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().to_str().ok().map(str::to_owned));
        names.filter(|name| name.ends_with(".ring") || name.ends_with(".ring.new")).collect()
    }
}
