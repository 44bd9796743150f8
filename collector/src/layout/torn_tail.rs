//! The end of a file whose writer died: what is half there is cut off.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Place at which a file has to be cut, because it ends within something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TornTail {
    /// A sender's records are torn: they will come again, all of them.
    At(u64),
    /// A plain peer's lines are torn: the whole ones stay.
    BehindLastLine(u64),
}

impl TornTail {
    /// The first byte that may be cut.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn at(self) -> u64 {
        match self {
            Self::At(at) | Self::BehindLastLine(at) => at,
        }
    }
}

/// Cuts `file` where a replay says.
pub(crate) fn cut(file: &File, cut: TornTail) -> io::Result<()> {
    match cut {
        TornTail::At(at) => file.set_len(at),
        TornTail::BehindLastLine(from) => {
            let len = file.metadata()?.len();
            file.set_len(last_line_end(file, from, len)?.unwrap_or(from))
        }
    }
}

/// Behind the last line end at or after `from` and before `end`, if there is one.
fn last_line_end(file: &File, from: u64, mut end: u64) -> io::Result<Option<u64>> {
    let mut chunk = vec![0; 64 << 10];
    while end > from {
        let start = end.saturating_sub(chunk.len() as u64).max(from);
        let part = &mut chunk[..usize::try_from(end - start).unwrap_or(0)];
        file.read_exact_at(part, start)?;
        if let Some(at) = memchr::memrchr(b'\n', part) {
            return Ok(Some(start + at as u64 + 1));
        }
        end = start;
    }
    Ok(None)
}

/// Sees to it that what is appended begins a line: half a record in a file of `ours` is cut off, and
/// anything else that has no line end gets one. Returns the end of that line: what others append
/// meanwhile is behind it.
pub(crate) fn end_last_line(file: &File, ours: bool) -> io::Result<u64> {
    let len = file.metadata()?.len();
    let start = last_line_end(file, 0, len)?.unwrap_or(0);
    if start == len {
        return Ok(len);
    }
    let mut first = [0];
    file.read_exact_at(&mut first, start)?;
    if ours && first == *b"{" {
        return file.set_len(start).map(|()| start);
    }
    file.write_all_at(b"\n", len)?;
    Ok(if file.metadata()?.len() == len + 1 { len + 1 } else { len })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::tempdir;

    #[test]
    fn a_last_line_without_an_end_is_ended_or_cut_if_it_is_half_a_record() {
        let dir = tempdir().unwrap();
        let path = dir.path().join("app.log");
        for (text, ours, expected) in [
            ("", true, ""),
            ("a\n", true, "a\n"),
            ("a\nb", true, "a\nb\n"),
            ("a\n{\"b", true, "a\n"),
            ("a\n{\"b", false, "a\n{\"b\n"),
            ("{", true, ""),
        ] {
            fs::write(&path, text).unwrap();
            let file = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
            let end = end_last_line(&file, ours).unwrap();
            assert_eq!(end, expected.len() as u64);
            assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        }
    }
}
