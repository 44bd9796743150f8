//! Decompression of messages, up to a limit: a kilobyte of deflate may hold a megabyte of nothing.

use super::steps::step;
use flate2::read::{GzDecoder, ZlibDecoder};
use std::io::Read;

/// The highest ratio of a message's length to that of its compressed form, once it is longer than
/// [`FREE`]. Text shrinks five- to twentyfold; a thousandfold is an attack.
const RATIO: usize = 100;

/// Up to here the ratio does not matter: a short message that repeats itself is no attack.
const FREE: usize = 4 << 10;

/// The two wrappings of deflate that occur in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeflateFormat {
    Zlib,
    Gzip,
}

/// Decompressed bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Inflated {
    pub(super) bytes: Vec<u8>,
    /// There was no more.
    pub(super) whole: bool,
}

/// Bytes that are not what they began like, or end too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotInflated;

/// The most bytes that come out of `len` compressed ones.
pub(super) fn inflated_len(len: usize) -> usize {
    FREE.max(len.saturating_mul(RATIO))
}

impl DeflateFormat {
    /// The format of compressed `bytes`: by gzip's first two bytes, or by zlib's rule that its first
    /// two are a multiple of 31 (RFC 1950, section 2.2). `x^` is a multiple of 31 as well,
    /// and text when a letter follows.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        match *bytes {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x78, 0x5e, third, ..] if third.is_ascii_graphic() || third == b' ' => None,
            [0x78, 0x01 | 0x5e | 0x9c | 0xda, _, ..] => Some(Self::Zlib),
            _ => None,
        }
    }

    /// Decompresses one message of at most `limit` bytes; of a longer one the beginning. Its own
    /// compression is not undone.
    pub(super) fn inflate(self, bytes: &[u8], limit: usize) -> Result<Inflated, NotInflated> {
        let limit = limit.min(inflated_len(bytes.len()));
        let most = limit as u64 + 1;
        let mut out = Vec::new();
        let read = match self {
            Self::Zlib => ZlibDecoder::new(bytes).take(most).read_to_end(&mut out),
            Self::Gzip => GzDecoder::new(bytes).take(most).read_to_end(&mut out),
        };
        match read {
            Ok(len) => {
                step(2 * len);
                out.truncate(limit);
                Ok(Inflated { bytes: out, whole: len <= limit })
            }
            Err(_) => Err(NotInflated),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use std::io::Write;

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    /// What came of them, and whether that is all.
    fn inflated(bytes: &[u8], limit: usize) -> Option<Result<(Vec<u8>, bool), NotInflated>> {
        let inflated = DeflateFormat::of(bytes)?.inflate(bytes, limit);
        Some(inflated.map(|inflated| (inflated.bytes, inflated.whole)))
    }

    #[test]
    fn what_was_packed_comes_out() {
        let text = b"hello hello hello".repeat(20);
        assert_eq!(inflated(&zlib(&text), 1000), Some(Ok((text.clone(), true))));
        assert_eq!(inflated(&gzip(&text), 1000), Some(Ok((text, true))));
    }

    #[test]
    fn a_bomb_does_not_go_off() {
        let bomb = zlib(&vec![0; 10 << 20]);
        assert_eq!(inflated(&bomb, 64 << 10), Some(Ok((vec![0; 64 << 10], false))));
        let (bytes, whole) = inflated(&bomb, usize::MAX).unwrap().unwrap();
        assert_eq!((bytes.len(), whole), (bomb.len() * RATIO, false));
        let half = gzip(b"half of it is missing");
        assert_eq!(inflated(&half[..half.len() / 2], 1000), Some(Err(NotInflated)));
    }

    #[test]
    fn a_bomb_within_a_bomb_comes_out_as_the_inner_one() {
        let inner = gzip(&vec![0; 1 << 20]);
        assert_eq!(inflated(&gzip(&inner), 64 << 10), Some(Ok((inner, true))));
    }

    #[test]
    fn text_is_not_taken_for_packed() {
        for text in [&b"x^2 + y"[..], b"xyz", b"", b"x", b"\x78\x9d.", b"\x1f"] {
            assert_eq!(DeflateFormat::of(text), None);
        }
    }
}
