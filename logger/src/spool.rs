//! The spool: a ring with its file, and the directory where such files lie.

use crate::loss;
use crate::origin::{Origin, now};
use crate::ring::{CONTROL_AT, Cursor, Map, NoRoom, Owner, Ring, data_at};
use netlog_wire::{Level, Line};
use rustix::fs::{
    AtFlags, CWD, Dir, FlockOperation, MemfdFlags, Mode, OFlags, Stat, fchmod, flock, fstat,
    memfd_create, mkdirat, openat, renameat, statat, unlinkat,
};
use rustix::io::Errno;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

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
        let at = control.report_at.load(Ordering::Acquire);
        if !at.is_multiple_of(8) {
            return reported; // a damaged file's: nothing begins there
        }
        let mut next = Cursor { position: at, number: 0 };
        let committed = at < self.ring.first().position
            || (self.ring.read(&mut next, self.owner, &mut Vec::new()) && next.number == 1);
        let total = control.report_total.load(Ordering::Acquire);
        if at > 0 && committed { reported.max(total) } else { reported }
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
        control.report_total.store(total, Ordering::Release);
        control.report_at.store(at, Ordering::Release);
        self.ring.commit(at, &line);
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
        self.home.as_ref().map(|(directory, name)| directory.path.join(name))
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
            let _ = unlinkat(&directory.fd, name, AtFlags::empty());
        }
    }
}

/// Far beyond any count of records, far below where counting on overflows.
const MAX_NUMBER: u64 = 1 << 62;

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
            flock(&file, FlockOperation::NonBlockingLockExclusive)?;
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

/// Whether a file that is made within milliseconds will not be finished any more.
fn old(file: &Stat) -> bool {
    now() / 1_000_000 - file.st_mtime > 60
}
