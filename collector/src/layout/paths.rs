//! What lies beside a file, and where a file went that was moved.

use rustix::fs::OFlags;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The ledger of the file at `path`.
pub(crate) fn ledger_of(path: &Path) -> PathBuf {
    beside(path, ".ledger")
}

/// What is to become the ledger, or the packed file, at `path`.
pub(crate) fn next_of(path: &Path) -> PathBuf {
    beside(path, ".new")
}

/// How the name of a packed file ends.
pub(crate) const PACKED: &str = ".zst";

/// What the file at `path` is called once it is packed.
pub(crate) fn packed_of(path: &Path) -> PathBuf {
    beside(path, PACKED)
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

/// The file with `inode` in the directory of `path`: where it was moved to by others. What was
/// made beside a file is not meant, though it may have the inode of one that was removed.
pub(crate) fn find(path: &Path, inode: (u64, u64)) -> Option<PathBuf> {
    let directory = directory(path);
    let mut files = fs::read_dir(directory).ok()?.filter_map(Result::ok);
    let made = |file: &fs::DirEntry| {
        let name = file.file_name();
        [".ledger", ".new", PACKED]
            .iter()
            .any(|end| name.as_encoded_bytes().ends_with(end.as_bytes()))
    };
    let same = |file: &fs::DirEntry| {
        let is = |file: fs::Metadata| file.is_file() && (file.dev(), file.ino()) == inode;
        file.metadata().is_ok_and(is) && !made(file)
    };
    files.find(same).map(|file| file.path())
}

/// Makes renames in the directory of `path` outlive the machine.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(directory(path))?.sync_all()
}

/// Where the file at `path` lies.
pub(crate) fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}
