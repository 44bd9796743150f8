//! Where a file's ledger lies, and where a file went that was moved.

use rustix::fs::OFlags;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The ledger of the file at `path`.
pub(crate) fn ledger_of(path: &Path) -> PathBuf {
    beside(path, ".ledger")
}

/// The file that is to become the ledger at `path`.
pub(crate) fn next_of(ledger: &Path) -> PathBuf {
    beside(ledger, ".new")
}

/// For what is the collector's own: no link is followed, and nobody is waited for at the other end
/// of a pipe.
pub(crate) fn own(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
}

/// All of what is the collector's own.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    own(OpenOptions::new().read(true)).open(path)?.read_to_end(&mut all)?;
    Ok(all)
}

/// `path` with `end` at its end.
pub(crate) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// The file with `inode` in the directory of `path`: where it was moved to by others.
pub(crate) fn find(path: &Path, inode: (u64, u64)) -> Option<PathBuf> {
    let directory = directory(path);
    let mut files = fs::read_dir(directory).ok()?.filter_map(Result::ok);
    let same = |file: &fs::DirEntry| {
        file.metadata().is_ok_and(|file| file.is_file() && (file.dev(), file.ino()) == inode)
    };
    files.find(same).map(|file| file.path())
}

/// Makes renames in the directory of `path` outlive the machine.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(directory(path))?.sync_all()
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}
