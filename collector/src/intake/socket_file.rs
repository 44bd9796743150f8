//! The file a Unix socket is reached by: made without disturbing anybody, taken away again.

use nix::unistd::{Gid, Group, Uid, User};
use rustix::fs::{CWD, FlockOperation, Mode, OFlags, chmod, fchmod, flock, openat};
use rustix::io::Errno;
use rustix::net::sockopt::set_socket_passcred;
use socket2::{Domain, SockAddr, Socket, Type};
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Time for another collector to make its socket in the same directory.
const TURN: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(10);

/// Path and permissions of a socket's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SocketPlan {
    pub(crate) path: PathBuf,
    /// The usual nine bits, of which writing counts: it means sending.
    pub(crate) mode: Option<Permissions>,
    pub(crate) owner: Option<SocketOwner>,
}

/// The file of a socket that is listened on. It is removed with this, if it is still the same.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    inode: (u64, u64),
}

/// Nine bits, as `chmod` takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Permissions(u32);

/// `user`, `user:group` or `:group`, by name or number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SocketOwner {
    user: String,
    group: Option<String>,
}

impl SocketPlan {
    /// Checks that the owner exists.
    pub(crate) fn check(&self) -> io::Result<()> {
        self.owner.as_ref().map_or(Ok(()), |owner| owner.find().map(drop))
    }

    /// Binds a socket of `kind` to the path. A socket there that nobody answers at is replaced.
    /// Until it has the mode and the owner it is to have, only we and root can send.
    ///
    /// # Errors
    ///
    /// When something else is there, or somebody; when the path cannot be bound, or the owner not
    /// be given.
    pub(crate) fn bind(&self, kind: Type) -> io::Result<(Socket, SocketFile)> {
        let path = self.path.as_path();
        let owner = self.owner.as_ref().map(SocketOwner::find).transpose()?;
        // Two that start at once must not remove each other's socket.
        let _turn = turn(path)?;
        clear(path, kind)?;
        let socket = Socket::new(Domain::UNIX, kind, None)?;
        socket.set_nonblocking(true)?;
        let Permissions(mode) = self.mode.unwrap_or(Permissions(0o600));
        if kind == Type::DGRAM {
            // The kernel notes who sends from now on, not from when somebody takes what was sent.
            set_socket_passcred(&socket, true)?;
        }
        // The file has the mode of the socket it is made by.
        fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
        socket.bind(&SockAddr::unix(path)?)?;
        let made = fs::symlink_metadata(path)?;
        let file = SocketFile { path: path.to_owned(), inode: (made.dev(), made.ino()) };
        if let Some((user, group)) = owner {
            std::os::unix::fs::lchown(path, user.map(Uid::as_raw), group.map(Gid::as_raw))?;
        }
        chmod(path, Mode::from_raw_mode(mode))?;
        Ok((socket, file))
    }
}

/// Waits until no other collector is at work in the directory of `path`.
fn turn(path: &Path) -> io::Result<impl Drop> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = openat(CWD, parent.unwrap_or_else(|| Path::new(".")), flags, Mode::empty())?;
    let until = Instant::now() + TURN;
    loop {
        match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(directory),
            Err(Errno::WOULDBLOCK) if Instant::now() < until => sleep(PAUSE),
            Err(Errno::WOULDBLOCK) => return Err(io::Error::other("its directory is locked")),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Removes the socket at `path` if nobody answers there.
fn clear(path: &Path, kind: Type) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !found.file_type().is_socket() {
        let words = "a file that is not a socket is in the way";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, words));
    }
    let caller = Socket::new(Domain::UNIX, kind, None)?;
    caller.set_nonblocking(true)?;
    match caller.connect(&SockAddr::unix(path)?) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        // Who must not be talked to may still be there.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(error),
        // Busy, or of the other kind: it is alive.
        _ => Err(Errno::ADDRINUSE.into()),
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Another collector may have been given the path by hand.
        let ours = |found: fs::Metadata| (found.dev(), found.ino()) == self.inode;
        if fs::symlink_metadata(&self.path).is_ok_and(ours) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl SocketOwner {
    /// The numbers of user and group, where they are named.
    fn find(&self) -> io::Result<(Option<Uid>, Option<Gid>)> {
        let unknown = |what: &str, name: &str| {
            io::Error::new(io::ErrorKind::NotFound, format!("there is no {what} {name}"))
        };
        let user = Some(self.user.as_str()).filter(|user| !user.is_empty()).map(|user| {
            if let Ok(number) = user.parse() {
                return Ok(Uid::from_raw(number));
            }
            User::from_name(user)?.map(|user| user.uid).ok_or_else(|| unknown("user", user))
        });
        let group = self.group.as_deref().map(|group| {
            if let Ok(number) = group.parse() {
                return Ok(Gid::from_raw(number));
            }
            Group::from_name(group)?.map(|group| group.gid).ok_or_else(|| unknown("group", group))
        });
        Ok((user.transpose()?, group.transpose()?))
    }
}

impl FromStr for Permissions {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let octal = text.len() <= 4 && text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
        let mode = u32::from_str_radix(text, 8).ok().filter(|&mode| octal && mode <= 0o777);
        mode.map(Self).ok_or(())
    }
}

impl FromStr for SocketOwner {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (user, group) = match text.split_once(':') {
            Some((user, group)) => (user, Some(group)),
            None => (text, None),
        };
        if (user.is_empty() && group.is_none()) || group.is_some_and(str::is_empty) {
            return Err(());
        }
        Ok(Self { user: user.into(), group: group.map(str::to_owned) })
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl fmt::Display for SocketOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.user)?;
        self.group.as_ref().map_or(Ok(()), |group| write!(f, ":{group}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::{UnixDatagram, UnixListener};
    use tempfile::TempDir;

    fn plan(directory: &TempDir, mode: Option<&str>) -> SocketPlan {
        let mode = mode.map(|mode| mode.parse().unwrap());
        SocketPlan { path: directory.path().join("s"), mode, owner: None }
    }

    fn mode(plan: &SocketPlan) -> u32 {
        fs::metadata(&plan.path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_socket_has_the_mode_asked_for_else_it_is_its_owners_alone() {
        let directory = TempDir::new().unwrap();
        for (asked, given) in [(None, 0o600), (Some("0666"), 0o666), (Some("620"), 0o620)] {
            let plan = plan(&directory, asked);
            let _bound = plan.bind(Type::STREAM).unwrap();
            assert_eq!(mode(&plan), given);
        }
    }

    #[test]
    fn only_a_socket_that_nobody_answers_at_is_replaced() {
        let directory = TempDir::new().unwrap();
        let plan = plan(&directory, None);
        fs::write(&plan.path, "precious").unwrap();
        for kind in [Type::STREAM, Type::DGRAM] {
            let error = plan.bind(kind).unwrap_err();
            assert_eq!(error.to_string(), "a file that is not a socket is in the way");
        }
        assert_eq!(fs::read(&plan.path).unwrap(), b"precious");
        fs::remove_file(&plan.path).unwrap();

        let alive = UnixListener::bind(&plan.path).unwrap();
        for kind in [Type::STREAM, Type::DGRAM] {
            assert_eq!(plan.bind(kind).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        }
        drop(alive);
        let bound = plan.bind(Type::DGRAM).unwrap();
        assert_eq!(plan.bind(Type::DGRAM).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(bound);
        let dead = UnixDatagram::bind(&plan.path).unwrap();
        drop(dead);
        plan.bind(Type::STREAM).unwrap();
    }

    #[test]
    fn a_symbolic_link_is_not_followed() {
        let directory = TempDir::new().unwrap();
        let plan = plan(&directory, None);
        let target = directory.path().join("t");
        drop(UnixListener::bind(&target).unwrap());
        std::os::unix::fs::symlink(&target, &plan.path).unwrap();
        assert_eq!(plan.bind(Type::STREAM).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert!(target.exists());
    }

    #[test]
    fn a_socket_is_removed_at_the_end_unless_another_has_its_place() {
        let directory = TempDir::new().unwrap();
        let plan = plan(&directory, None);
        let (socket, file) = plan.bind(Type::STREAM).unwrap();
        drop(file);
        assert!(!plan.path.exists());
        drop(socket);
        let (_socket, file) = plan.bind(Type::STREAM).unwrap();
        fs::remove_file(&plan.path).unwrap();
        fs::write(&plan.path, "another's").unwrap();
        drop(file);
        assert!(plan.path.exists());
    }

    #[test]
    fn of_many_that_start_at_once_one_has_the_socket() {
        let directory = TempDir::new().unwrap();
        let plan = plan(&directory, None);
        let barrier = std::sync::Barrier::new(4);
        for _ in 0..100 {
            drop(UnixListener::bind(&plan.path).unwrap());
            let start = || {
                barrier.wait();
                plan.bind(Type::DGRAM).ok()
            };
            let bound: Vec<_> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
                threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
            });
            assert_eq!(bound.len(), 1);
            assert!(plan.path.exists());
        }
    }

    #[test]
    fn owners_are_found_by_name_and_number() {
        let owner = |text: &str| text.parse::<SocketOwner>().unwrap();
        let root = (Some(Uid::from_raw(0)), Some(Gid::from_raw(0)));
        assert_eq!(owner("root:root").find().unwrap(), root);
        assert_eq!(owner("0:0").find().unwrap(), root);
        assert_eq!(owner(":0").find().unwrap(), (None, root.1));
        assert_eq!(owner("root").find().unwrap(), (root.0, None));
        let error = owner("nobody-at-all").find().unwrap_err();
        assert_eq!(error.to_string(), "there is no user nobody-at-all");
        for bad in ["", ":", "root:"] {
            assert!(bad.parse::<SocketOwner>().is_err(), "{bad}");
        }
    }
}
