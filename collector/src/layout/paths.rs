//! Paths of the files beside a file, and the search for a file that was moved.

use crate::layout::file_id::FileId;
use rustix::fs::OFlags;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Suffix of ledgers.
pub(crate) const LEDGER: &str = ".ledger";

/// The ledger of the file at `path`.
pub(crate) fn ledger_of(path: &Path) -> PathBuf {
    beside(path, LEDGER)
}

/// Path of the file that will become the ledger, or the compressed file, at `path`.
pub(crate) fn next_of(path: &Path) -> PathBuf {
    beside(path, ".new")
}

/// Suffix of compressed files.
pub(crate) const PACKED: &str = ".zst";

/// Path of the file at `path` once it is compressed.
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
pub(crate) fn find(path: &Path, inode: FileId) -> io::Result<Option<PathBuf>> {
    let made = |file: &fs::DirEntry| {
        let name = file.file_name();
        [".ledger", ".new", PACKED]
            .iter()
            .any(|end| name.as_encoded_bytes().ends_with(end.as_bytes()))
    };
    let same = |file: &fs::DirEntry| {
        let is = |file: fs::Metadata| file.is_file() && FileId::from(&file) == inode;
        file.metadata().is_ok_and(is) && !made(file)
    };
    for file in fs::read_dir(directory(path))? {
        let file = file?;
        if same(&file) {
            return Ok(Some(file.path()));
        }
    }
    Ok(None)
}

/// Makes renames in the directory of `path` outlive the machine.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(directory(path))?.sync_all()
}

/// Directory of the file at `path`.
pub(crate) fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}
