//! Stderr, as long as its number is not that of another file of the program.

use crate::descriptor::FileId;
use rustix::fs::{FileType, OFlags, fcntl_getfl, fstat};
use rustix::stdio::{stderr, stdout};
use std::sync::OnceLock;

/// Identity of stderr when the logger was started.
static AT_START: OnceLock<Option<FileId>> = OnceLock::new();

/// Remembers the present stderr as the program's.
pub(crate) fn remember() {
    let _ = AT_START.set(FileId::at(stderr()));
}

/// Writes to stderr, unless its number belongs to some other file of the program. It takes no lock:
/// in a forked child, a lock may be held by a thread that does not exist there.
pub(crate) fn print(mut bytes: &[u8]) {
    if !is_stderr() {
        return;
    }
    while !bytes.is_empty() {
        match rustix::io::write(stderr(), bytes) {
            Ok(count @ 1..) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            _ => return,
        }
    }
}

/// `true` if descriptor 2 is still the stderr of the start, or something that a daemon redirects
/// stderr to: a terminal or null device, the same file as stdout, a log file opened to append.
/// A program that closed it may have a file or connection of its own there, which is not for us.
fn is_stderr() -> bool {
    let Ok(stat) = fstat(stderr()) else { return false };
    let id = FileId::of(&stat);
    let appends = || fcntl_getfl(stderr()).is_ok_and(|flags| flags.contains(OFlags::APPEND));
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::CharacterDevice => true,
        _ if AT_START.get().is_none_or(|at_start| *at_start == Some(id)) => true,
        FileType::RegularFile if appends() => true,
        _ => FileId::at(stdout()) == Some(id),
    }
}
