//! Identity of a file, whatever its name is by now.

use serde::{Deserialize, Serialize};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;

/// The device and inode of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileId(pub(crate) u64, pub(crate) u64);

impl From<&Metadata> for FileId {
    fn from(metadata: &Metadata) -> Self {
        Self(metadata.dev(), metadata.ino())
    }
}

/// The identity of an open file, and its length.
pub(crate) fn identify(file: &File) -> io::Result<(FileId, u64)> {
    let metadata = file.metadata()?;
    Ok((FileId::from(&metadata), metadata.len()))
}
