//! Small files with one value each: a line of JSON with its checksum, replaced as a whole.

use crate::layout::paths::{next_of, own, read as read_bytes, sync_directory};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Length of the space and the checksum behind the value.
const CHECKSUM: usize = 9;

/// The value in the file at `path`, if there is one.
///
/// # Errors
///
/// When it cannot be read, or is damaged.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match read_bytes(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        text => parse(&text?).map(Some).ok_or_else(damaged),
    }
}

/// Replaces the file at `path`; the disk has it then.
pub(crate) fn write<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let mut text = serde_json::to_vec(value)?;
    let checksum = crc32fast::hash(&text);
    text.extend_from_slice(format!(" {checksum:08x}\n").as_bytes());
    let next = next_of(path);
    let mut options = OpenOptions::new();
    let mut file = own(options.write(true).create(true).truncate(true)).open(&next)?;
    file.write_all(&text)?;
    file.sync_data()?;
    fs::rename(&next, path)?;
    sync_directory(path)
}

/// The error for a file that cannot be used.
pub(crate) fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "damaged, or of another version")
}

fn parse<T: DeserializeOwned>(text: &[u8]) -> Option<T> {
    let line = text.strip_suffix(b"\n")?;
    let (value, checksum) = line.split_at_checked(line.len().checked_sub(CHECKSUM)?)?;
    let fits = checksum == format!(" {:08x}", crc32fast::hash(value)).as_bytes();
    if fits { serde_json::from_slice(value).ok() } else { None }
}
