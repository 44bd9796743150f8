//! A place behind a record, in words: which file it is in, and how far into it.

use std::fmt;
use std::str::FromStr;

/// A place behind a record. A file is known by a hash of its first line, which it keeps when it is
/// renamed, copied or compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) print: u64,
    pub(crate) at: u64,
}

/// The hash (FNV-1a) of a file's first line.
pub(crate) fn print(line: &[u8]) -> u64 {
    line.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl Cursor {
    /// Appends it to `out`, as a tail does with every record it sends; `format!` takes six times as
    /// long.
    pub(crate) fn push(&self, out: &mut Vec<u8>) {
        let hex = |nibble: u32| b"0123456789abcdef"[(self.print >> (nibble * 4) & 0xf) as usize];
        out.extend((0..16).rev().map(hex));
        out.push(b'-');
        let (mut digits, mut from, mut rest) = ([b'0'; 20], 20, self.at);
        while from == 20 || rest > 0 {
            from -= 1;
            digits[from] += (rest % 10) as u8;
            rest /= 10;
        }
        out.extend_from_slice(&digits[from..]);
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.print, self.at)
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (print, at) = text.split_once('-').ok_or(())?;
        let print = u64::from_str_radix(print, 16).map_err(drop)?;
        Ok(Self { print, at: at.parse().map_err(drop)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_and_written_back() {
        for at in [0, 9, 10, 1043, u64::MAX] {
            let (cursor, mut out) = (Cursor { print: print(b"{}"), at }, Vec::new());
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
            cursor.push(&mut out);
            assert_eq!(out, cursor.to_string().as_bytes());
        }
        for bad in ["", "-", "12", "x-1", "12-", "12--1", "12-99999999999999999999"] {
            assert_eq!(bad.parse::<Cursor>(), Err(()), "{bad}");
        }
    }
}
