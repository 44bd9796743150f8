//! Files of gzip one behind another, as `cat` makes them. They may be many, but not thousands that say
//! next to nothing: to begin one takes as long as to unpack kilobytes.

use flate2::bufread::GzDecoder;
use std::io::{self, Read};

/// Members that any body may have.
const FEW: usize = 1000;

/// Bytes of a body for which it may have one more.
const BYTES_PER_MEMBER: usize = 128;

/// Unpacks all members of a body.
pub(super) struct GzipMembers<'a> {
    member: GzDecoder<&'a [u8]>,
    /// Number of those that may still follow.
    left: usize,
}

impl<'a> GzipMembers<'a> {
    pub(super) fn new(packed: &'a [u8]) -> Self {
        Self { member: GzDecoder::new(packed), left: FEW + packed.len() / BYTES_PER_MEMBER }
    }
}

impl Read for GzipMembers<'_> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        loop {
            let len = self.member.read(piece)?;
            let rest = *self.member.get_ref();
            if len > 0 || piece.is_empty() || rest.is_empty() {
                return Ok(len);
            }
            let too_many = || io::Error::new(io::ErrorKind::InvalidData, "too many members");
            self.left = self.left.checked_sub(1).ok_or_else(too_many)?;
            self.member = GzDecoder::new(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(text).unwrap();
        packed.finish().unwrap()
    }

    fn unpacked(packed: &[u8]) -> io::Result<usize> {
        io::copy(&mut GzipMembers::new(packed), &mut io::sink()).map(|len| len as usize)
    }

    #[test]
    fn all_members_are_unpacked_and_not_thousands_that_say_nothing() {
        let line: String = (0..70).map(|n: u32| char::from(b'!' + (n * n % 90) as u8)).collect();
        let line = gzip(format!("{line}{line:?}").as_bytes());
        let len = unpacked(&line).unwrap();
        assert_eq!(unpacked(&line.repeat(900)).unwrap(), 900 * len);
        let long = gzip(&(0..20_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
        assert_eq!(unpacked(&long.repeat(20)).unwrap(), 20 * 80_000);
        assert_eq!(unpacked(&gzip(b"").repeat(1000)).unwrap(), 0);
        assert!(unpacked(&gzip(b"").repeat(10_000)).is_err());
        assert!(unpacked(&gzip(b"a").repeat(10_000)).is_err());
        assert!(unpacked(&[&long[..], b"more"].concat()).is_err());
    }
}
