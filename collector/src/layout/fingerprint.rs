//! The fingerprint of a segment: a hash of its first line, which stays the same when the file is
//! renamed, copied or compressed.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Bytes of a first line that count.
pub(crate) const FIRST_LINE: usize = 4 << 10;

/// The hash (FNV-1a) of the first line of `bytes`, which begin the file; none of an empty one.
pub(crate) fn fingerprint(bytes: &[u8]) -> Option<u64> {
    let first = &bytes[..bytes.len().min(FIRST_LINE)];
    let end = memchr::memchr(b'\n', first).unwrap_or(first.len());
    let hash = first[..end].iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (end > 0).then_some(hash)
}

/// The fingerprint of an open file.
pub(crate) fn of_file(file: &File) -> io::Result<Option<u64>> {
    let mut first = vec![0; FIRST_LINE];
    let mut read = 0;
    while read < first.len() {
        match file.read_at(&mut first[read..], read as u64)? {
            0 => break,
            more => read += more,
        }
    }
    Ok(fingerprint(&first[..read]))
}
