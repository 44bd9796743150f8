//! The directory where spool files lie: made, looked through for what the dead left, kept from
//! others.

#[cfg(test)]
mod tests;

use super::{MAX_NUMBER, Spool};
use crate::origin::{Origin, now};
use crate::ring::{CONTROL_AT, Map, Owner, Ring, data_at};
use rustix::fs::{
    AtFlags, CWD, Dir, FlockOperation, Mode, OFlags, Stat, fchmod, flock, fstat, mkdirat, openat,
    renameat, statat, unlinkat,
};
use rustix::io::Errno;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long others may look at a file just made.
const LOOKED_AT: Duration = Duration::from_secs(1);

/// Where spool files lie.
pub(crate) struct Directory {
    fd: OwnedFd,
    path: PathBuf,
}

/// Why there is no spool file.
#[derive(Debug)]
pub(crate) struct SpoolError {
    path: PathBuf,
    deed: &'static str,
    cause: io::Error,
}

impl fmt::Display for SpoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to {} {}: {}", self.deed, self.path.display(), self.cause)
    }
}

impl From<SpoolError> for io::Error {
    fn from(e: SpoolError) -> Self {
        Self::new(e.cause.kind(), e.to_string())
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

    /// Opens the directory, made if it is not there, for this user alone.
    ///
    /// # Errors
    ///
    /// When it cannot be made or opened, is a symbolic link, or is another user's.
    pub(crate) fn open(path: &Path) -> Result<Arc<Self>, SpoolError> {
        let failed = |deed, cause: io::Error| SpoolError { path: path.into(), deed, cause };
        match mkdirat(CWD, path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(e) => return Err(failed("create the spool directory", e.into())),
        }
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

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Whether a file of this name lies here.
    pub(crate) fn has(&self, name: &str) -> bool {
        statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Leaves an empty file of this name, if it can.
    pub(crate) fn note(&self, name: &str) {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let _ = openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR);
    }

    /// Removes the file of this name, if it is there.
    pub(super) fn remove(&self, name: &str) {
        let _ = unlinkat(&self.fd, name, AtFlags::empty());
    }

    /// Makes the file of a new ring. It gets its name when it is locked and whole.
    pub(crate) fn create(self: &Arc<Self>, origin: Origin) -> Result<Spool, SpoolError> {
        let name = origin.file_name();
        let path = self.path.join(&name);
        let failed = |cause: io::Error| SpoolError { path, deed: "create the spool", cause };
        self.make(origin, name).map_err(failed)
    }

    fn make(self: &Arc<Self>, origin: Origin, name: String) -> io::Result<Spool> {
        let unfinished = format!("{name}.new");
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&self.fd, &unfinished, flags, Mode::RUSR | Mode::WUSR)?;
        let made = (|| {
            lock_new(&file)?;
            Map::reserve(&file, origin.capacity)?;
            rustix::io::pwrite(&file, origin.text().as_bytes(), 0)?;
            let map = Map::new(file.as_fd(), origin.capacity)?;
            renameat(&self.fd, &unfinished, &self.fd, &name)?;
            Ok(Ring::new(map))
        })();
        match made {
            Ok(ring) => {
                let home = Some((Arc::clone(self), name));
                Ok(Spool { ring, origin, owner: Owner::Alive, home, lock: Mutex::new(Some(file)) })
            }
            Err(e) => {
                let _ = unlinkat(&self.fd, &unfinished, AtFlags::empty());
                Err(e)
            }
        }
    }

    /// The rings that dead senders left behind, oldest first: of `app`, or of all. Each is locked
    /// and so nobody else's from now on. What is no ring is told to `complain` and left alone.
    pub(crate) fn adopt(
        self: &Arc<Self>,
        app: Option<&str>,
        complain: impl Fn(String),
    ) -> Vec<Spool> {
        let mut found = Vec::new();
        for name in self.names() {
            match self.adopt_one(&name, app) {
                Ok(spool) => found.extend(spool),
                Err(e) => complain(format!("left {} alone: {e}", self.path.join(&name).display())),
            }
        }
        found.sort_by_key(|spool| spool.origin.started);
        found
    }

    fn names(&self) -> Vec<String> {
        let entries = Dir::read_from(&self.fd).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().to_str().ok().map(str::to_owned));
        names.filter(|name| name.ends_with(".ring") || name.ends_with(".ring.new")).collect()
    }

    /// `None` when the ring is in use, or another app's.
    fn adopt_one(self: &Arc<Self>, name: &str, app: Option<&str>) -> io::Result<Option<Spool>> {
        let foreign = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidData, why));
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(&self.fd, name, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return foreign("it is a symbolic link"),
            file => file?,
        };
        let stat = fstat(&file)?;
        if stat.st_uid != rustix::process::geteuid().as_raw()
            || stat.st_mode & 0o170_000 != 0o100_000
        {
            return foreign("it is no file of this user");
        }
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => return Ok(None),
            locked => locked?,
        }
        if fstat(&file)?.st_nlink == 0 {
            return Ok(None); // whoever had the lock before us delivered and removed it
        }
        if name.ends_with(".new") {
            if old(&stat) {
                let _ = unlinkat(&self.fd, name, AtFlags::empty()); // its maker died over it
            }
            return Ok(None);
        }
        let mut head = [0; CONTROL_AT];
        let len = rustix::io::pread(&file, &mut head, 0)?;
        let Some(origin) = Origin::parse(&head[..len]) else {
            return foreign("it is no spool of this version and machine");
        };
        if app.is_some_and(|app| app != origin.app) {
            return Ok(None);
        }
        let capacity = origin.capacity;
        let pages = rustix::param::page_size() as u64;
        let sound = capacity.is_power_of_two() && capacity % pages == 0 && capacity <= 1 << 30;
        if !sound || stat.st_size as u64 != data_at() as u64 + capacity {
            return foreign("it is not as long as it should be");
        }
        let ring = Ring::new(Map::new(file.as_fd(), capacity)?);
        let first = ring.first();
        let held = ring.tail().checked_sub(first.position);
        if held.is_none_or(|held| held > capacity) || !(1..MAX_NUMBER).contains(&first.number) {
            return foreign("its positions are damaged");
        }
        let home = Some((Arc::clone(self), name.to_owned()));
        let origin = origin.after_reboot();
        Ok(Some(Spool { ring, origin, owner: Owner::Dead, home, lock: Mutex::new(Some(file)) }))
    }
}

/// Locks a file just made. A program that starts at the same moment may have it for an instant, to
/// see whose it is.
fn lock_new(file: &OwnedFd) -> io::Result<()> {
    let until = Instant::now() + LOOKED_AT;
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) if Instant::now() < until => {
                std::thread::sleep(Duration::from_micros(100));
            }
            locked => return Ok(locked?),
        }
    }
}

/// Whether a file that is made within milliseconds will not be finished any more.
fn old(file: &Stat) -> bool {
    now() / 1_000_000 - file.st_mtime > 60
}
