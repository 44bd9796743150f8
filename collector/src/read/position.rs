//! The position behind a record, as clients know it: `at` in what they are sent, `after` in what
//! they ask for.

use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A position in a segment, which is known by its [fingerprint](crate::layout::fingerprint).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) fingerprint: u64,
    pub(crate) offset: u64,
}

impl Position {
    /// Appends it to `out`, as a tail does with every record it sends; `format!` takes six times as
    /// long.
    pub(crate) fn push(&self, out: &mut Vec<u8>) {
        let hex =
            |nibble: u32| b"0123456789abcdef"[(self.fingerprint >> (nibble * 4) & 0xf) as usize];
        out.extend((0..16).rev().map(hex));
        out.push(b'-');
        let mut digits = [b'0'; 20];
        let mut from = digits.len();
        let mut rest = self.offset;
        while from == digits.len() || rest > 0 {
            from -= 1;
            digits[from] += (rest % 10) as u8;
            rest /= 10;
        }
        out.extend_from_slice(&digits[from..]);
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.fingerprint, self.offset)
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (fingerprint, offset) = text.split_once('-').ok_or(())?;
        let fingerprint = u64::from_str_radix(fingerprint, 16).map_err(drop)?;
        Ok(Self { fingerprint, offset: offset.parse().map_err(drop)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_and_written_back() {
        for offset in [0, 9, 10, 1043, u64::MAX] {
            let (position, mut out) = (Position { fingerprint: 255, offset }, Vec::new());
            assert_eq!(position.to_string().parse(), Ok(position));
            position.push(&mut out);
            assert_eq!(out, position.to_string().as_bytes());
        }
        for bad in ["", "-", "12", "x-1", "12-", "12--1", "12-99999999999999999999"] {
            assert_eq!(bad.parse::<Position>(), Err(()), "{bad}");
        }
    }
}
