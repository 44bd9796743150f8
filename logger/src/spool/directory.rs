//! The directory of the spool files, for one user alone.

use super::SpoolError;
use crate::descriptor::Descriptor;
use crate::ring::data_at;
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, RawDir, fstat, lstat, mkdirat, mknodat, openat, statvfs,
    unlinkat,
};
use rustix::io::Errno;
use std::io;
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A directory of spool files. It is known by its path and not held open: a descriptor would be the
/// program's to close.
pub(crate) struct Directory {
    path: PathBuf,
}

impl Directory {
    /// Spool files are supported here.
    pub(crate) const SUPPORTED: bool = true;

    /// `$NETLOG_SPOOL`, else `/dev/shm/netlog-<uid>`, else the same in the directory for
    /// temporary files.
    pub(crate) fn default_path() -> PathBuf {
        if let Some(path) = std::env::var_os("NETLOG_SPOOL").filter(|p| !p.is_empty()) {
            return path.into();
        }
        let shm = Path::new("/dev/shm");
        if shm.is_dir() { shm.join(own_name()) } else { std::env::temp_dir().join(own_name()) }
    }

    /// Opens the directory, and creates it first if it is missing. In an existing directory that
    /// others may enter, such as `/tmp`, a private one is created below it.
    ///
    /// # Errors
    ///
    /// When it cannot be created or opened, is a symbolic link, or is not private.
    pub(crate) fn open_or_create(path: &Path) -> Result<Arc<Self>, SpoolError> {
        create(path)?;
        if is_private(path).map_err(|cause| failed(path, cause))? {
            return Self::at(path);
        }
        let own = path.join(own_name());
        create(&own)?;
        Self::open(&own)
    }

    /// Opens the directory, or the private one in it.
    ///
    /// # Errors
    ///
    /// When it cannot be opened, is a symbolic link, or is not private.
    pub(crate) fn open(path: &Path) -> Result<Arc<Self>, SpoolError> {
        if is_private(path).map_err(|cause| failed(path, cause))? {
            return Self::at(path);
        }
        let own = path.join(own_name());
        match is_private(&own) {
            Ok(true) => Self::at(&own),
            _ => Err(failed(path, io::Error::new(io::ErrorKind::PermissionDenied, NOT_PRIVATE))),
        }
    }

    fn at(path: &Path) -> Result<Arc<Self>, SpoolError> {
        // A program may change its directory.
        let path = std::path::absolute(path).map_err(|cause| failed(path, cause))?;
        Ok(Arc::new(Self { path }))
    }

    pub(super) fn as_path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// `true` if the directory has a file of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        lstat(self.path(name)).is_ok()
    }

    /// Bytes of memory or disk that the file of this name takes.
    pub(crate) fn allocated(&self, name: &str) -> u64 {
        lstat(self.path(name)).map_or(0, |stat| stat.st_blocks as u64 * 512)
    }

    /// Bytes that its file system has free.
    pub(crate) fn free(&self) -> u64 {
        statvfs(&self.path).map_or(0, |free| free.f_bavail.saturating_mul(free.f_frsize))
    }

    /// Bytes that the file of a ring of `capacity` takes.
    pub(crate) fn size_of_ring(capacity: u64) -> u64 {
        data_at() as u64 + capacity
    }

    /// Creates an empty file of this name, if possible.
    pub(crate) fn touch(&self, name: &str) {
        let mode = Mode::RUSR | Mode::WUSR;
        let _ = mknodat(CWD, self.path(name), FileType::RegularFile, mode, 0);
    }

    /// Removes the file of this name, if it exists.
    pub(super) fn remove(&self, name: &str) {
        let _ = unlinkat(CWD, self.path(name), AtFlags::empty());
    }

    /// Names of the finished and unfinished rings.
    pub(super) fn ring_names(&self) -> Vec<String> {
        self.names().unwrap_or_default()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let directory = Descriptor::new(openat(CWD, &self.path, FLAGS, Mode::empty())?)?;
        let mut buffer = [MaybeUninit::uninit(); 8192];
        let mut entries = RawDir::new(directory.get()?, &mut buffer);
        let mut names = Vec::new();
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_str().unwrap_or_default();
            if name.ends_with(".ring") || name.ends_with(".ring.new") {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }
}

const FLAGS: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);

const NOT_PRIVATE: &str = "it is not a directory for this user alone";

fn own_name() -> String {
    format!("netlog-{}", rustix::process::geteuid().as_raw())
}

fn failed(path: &Path, cause: io::Error) -> SpoolError {
    SpoolError { path: path.into(), action: "open the spool directory", cause }
}

/// Creates a private directory, if there is nothing of that name.
fn create(path: &Path) -> Result<(), SpoolError> {
    match mkdirat(CWD, path, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(e) => {
            let action = "create the spool directory";
            Err(SpoolError { path: path.into(), action, cause: e.into() })
        }
    }
}

/// `true` if the directory belongs to this user and nobody else may enter it. Its mode is never
/// changed: it may be the whole system's.
fn is_private(path: &Path) -> io::Result<bool> {
    let directory = Descriptor::new(openat(CWD, path, FLAGS, Mode::empty())?)?;
    let stat = fstat(directory.get()?)?;
    Ok(stat.st_uid == rustix::process::geteuid().as_raw() && stat.st_mode & 0o077 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_directory_that_others_may_enter_keeps_its_mode_and_gets_a_private_one_below() {
        for shared in [0o755, 0o1777, 0o750] {
            let dir = tempfile::tempdir().unwrap();
            fs::set_permissions(dir.path(), Permissions::from_mode(shared)).unwrap();
            assert!(Directory::open(dir.path()).is_err(), "there are no spools in it");
            let directory = Directory::open_or_create(dir.path()).unwrap();
            assert_eq!(mode(dir.path()), shared);
            assert_eq!(directory.path, dir.path().join(own_name()));
            assert_eq!(mode(&directory.path), 0o700);
            assert_eq!(Directory::open(dir.path()).unwrap().path, directory.path);
        }
    }

    #[test]
    fn a_private_directory_is_used_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let new = dir.path().join("new");
        for _ in 0..2 {
            assert_eq!(Directory::open_or_create(&new).unwrap().path, new);
            assert_eq!(mode(&new), 0o700);
        }
    }

    #[test]
    fn a_shared_directory_below_a_shared_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o1777)).unwrap();
        let own = dir.path().join(own_name());
        fs::create_dir(&own).unwrap();
        fs::set_permissions(&own, Permissions::from_mode(0o777)).unwrap();
        let error = Directory::open_or_create(dir.path()).map(drop).unwrap_err();
        assert_eq!(error.cause.to_string(), NOT_PRIVATE);
        assert_eq!(mode(&own), 0o777);
    }
}
