//! Appending in as few writes as there can be, from wherever the last attempt stopped.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, IoSlice, Seek, Write};
use std::ops::Range;

/// As many pieces as the system takes in one write.
const PIECES: usize = 1024;

/// Appends what is behind the first `done` bytes of `pieces`, which begin at `at`, and counts it in
/// `done`. Returns the place of a part that ended up elsewhere, behind what somebody else appended.
pub(super) fn append(
    file: &mut File,
    at: u64,
    done: &mut usize,
    pieces: &[Cow<'_, [u8]>],
) -> io::Result<Option<Range<u64>>> {
    loop {
        let mut skip = *done;
        let rest = pieces.iter().filter_map(|piece| {
            let from = skip.min(piece.len());
            skip -= from;
            (from < piece.len()).then(|| IoSlice::new(&piece[from..]))
        });
        let slices: Vec<IoSlice<'_>> = rest.take(PIECES).collect();
        if slices.is_empty() {
            return Ok(None);
        }
        match file.write_vectored(&slices) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                // What is written must not be written again, even if the system does not say where.
                let supposed = at + (*done + written) as u64;
                let end = file.stream_position().unwrap_or(supposed);
                let begin = end.saturating_sub(written as u64);
                if begin != at + *done as u64 {
                    return Ok(Some(begin..end));
                }
                *done += written;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Number of the first `done` bytes of `pieces` that are whole lines.
pub(super) fn whole_lines(done: usize, pieces: &[Cow<'_, [u8]>]) -> usize {
    let mut left = done;
    for piece in pieces {
        if left < piece.len() {
            return done - left + memchr::memrchr(b'\n', &piece[..left]).map_or(0, |end| end + 1);
        }
        left -= piece.len();
    }
    done - left
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn what_is_written_is_not_written_again_if_the_system_does_not_say_where_it_is() {
        let (sender, mut receiver) = UnixStream::pair().unwrap();
        // A socket has no position.
        let mut file = File::from(OwnedFd::from(sender));
        let pieces = [b"a\n".as_slice(), b"bb\n"].map(Cow::Borrowed);
        let mut done = 0;
        assert_eq!(append(&mut file, 7, &mut done, &pieces).unwrap(), None);
        assert_eq!(append(&mut file, 7, &mut done, &pieces).unwrap(), None);
        drop(file);
        let mut text = String::new();
        receiver.read_to_string(&mut text).unwrap();
        assert_eq!((done, &*text), (5, "a\nbb\n"));
    }

    #[test]
    fn a_write_cut_short_leaves_whole_lines() {
        let pieces = [b"a\nbb\n".as_slice(), b"ccc\n"].map(Cow::Borrowed);
        let whole: Vec<usize> = (0..=9).map(|done| whole_lines(done, &pieces)).collect();
        assert_eq!(whole, [0, 0, 2, 2, 2, 5, 5, 5, 5, 9]);
    }
}
