//! Decompression within a limit of what comes out.

use super::gzip_members::GzipMembers;
use flate2::read::ZlibDecoder;
use std::io::Read;

/// Bytes that are unpacked at once.
const PIECE: usize = 64 << 10;

/// Reason for not unpacking something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnpackError {
    /// More would come out than the limit.
    TooLarge,
    /// There is no room for it now.
    Busy,
    /// It is packed in a way that is not known.
    UnknownEncoding,
    /// It is not what it claims to be.
    Corrupt,
}

/// The ways in which a body may be packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContentEncoding {
    Identity,
    Gzip,
    Zlib,
    Zstd,
    /// One block, which says first how long it will be: what senders of Loki and Prometheus mean.
    SnappyBlock,
    SnappyFrames,
}

/// Reads from its first bytes how a body is packed: they count for more than the header, since
/// graypy declares `gzip,deflate` and sends zlib.
pub(super) fn encoding(declared: &str, bytes: &[u8]) -> Result<ContentEncoding, UnpackError> {
    let declared = declared.trim().to_ascii_lowercase();
    if matches!(&*declared, "" | "identity") {
        return Ok(ContentEncoding::Identity);
    }
    if matches!(&*declared, "snappy" | "x-snappy-framed") {
        return Ok(match bytes.starts_with(SNAPPY_FRAMES) {
            true => ContentEncoding::SnappyFrames,
            false => ContentEncoding::SnappyBlock,
        });
    }
    match *bytes {
        [0x1f, 0x8b, ..] => Ok(ContentEncoding::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Ok(ContentEncoding::Zstd),
        [first, second, ..]
            if first & 0x0f == 8 && (u16::from(first) << 8 | u16::from(second)) % 31 == 0 =>
        {
            Ok(ContentEncoding::Zlib)
        }
        [] => Ok(ContentEncoding::Identity),
        _ if ["gzip", "deflate", "zstd"].iter().any(|known| declared.contains(known)) => {
            Err(UnpackError::Corrupt)
        }
        _ => Err(UnpackError::UnknownEncoding),
    }
}

/// Opening of a stream of snappy frames (framing_format.txt §4.1).
const SNAPPY_FRAMES: &[u8] = b"\xff\x06\0\0sNaPpY";

/// More than the bytes that each byte of a snappy block can become.
const SNAPPY_GROWTH: usize = 32;

/// Objects that each byte of a compressed body may become, some of which are within others; and the
/// records of formats that are not text.
pub(super) const OBJECTS: usize = 32;

/// Lines, objects and records that any body may become.
pub(super) const FEW: usize = 1000;

/// The most records that a body or message of so many compressed bytes may become.
pub(super) fn most_records(packed: usize) -> usize {
    FEW + OBJECTS * packed
}

/// Unpacks `bytes`; `charge` is asked before the result grows to a length.
pub(super) fn unpack(
    encoding: ContentEncoding,
    bytes: &[u8],
    limit: usize,
    mut charge: impl FnMut(usize) -> Result<(), UnpackError>,
) -> Result<Vec<u8>, UnpackError> {
    let mut reader: Box<dyn Read + '_> = match encoding {
        ContentEncoding::Identity => Box::new(bytes),
        ContentEncoding::Gzip => Box::new(GzipMembers::new(bytes)),
        ContentEncoding::Zlib => Box::new(ZlibDecoder::new(bytes)),
        ContentEncoding::Zstd => Box::new(zstd_reader(bytes)?),
        ContentEncoding::SnappyFrames => Box::new(snap::read::FrameDecoder::new(bytes)),
        ContentEncoding::SnappyBlock => return unpack_snappy_block(bytes, limit, charge),
    };
    let mut unpacked = Vec::new();
    let mut piece = vec![0; PIECE];
    loop {
        let len = reader.read(&mut piece).map_err(|_| UnpackError::Corrupt)?;
        if len == 0 {
            return Ok(unpacked);
        }
        if unpacked.len() + len > limit {
            return Err(UnpackError::TooLarge);
        }
        charge(bytes.len() + unpacked.len() + len)?;
        unpacked.extend_from_slice(&piece[..len]);
    }
}

fn unpack_snappy_block(
    bytes: &[u8],
    limit: usize,
    mut charge: impl FnMut(usize) -> Result<(), UnpackError>,
) -> Result<Vec<u8>, UnpackError> {
    let len = snap::raw::decompress_len(bytes).map_err(|_| UnpackError::Corrupt)?;
    if len > limit || len > bytes.len().saturating_mul(SNAPPY_GROWTH) {
        return Err(UnpackError::TooLarge);
    }
    charge(bytes.len() + len)?;
    snap::raw::Decoder::new().decompress_vec(bytes).map_err(|_| UnpackError::Corrupt)
}

/// The largest window, in bits, of a zstd frame that is taken: 8 MiB, as RFC 8878 recommends.
pub(super) const ZSTD_WINDOW: u32 = 23;

fn zstd_reader(bytes: &[u8]) -> Result<impl Read + '_, UnpackError> {
    let mut reader =
        zstd::stream::read::Decoder::with_buffer(bytes).map_err(|_| UnpackError::Corrupt)?;
    reader.window_log_max(ZSTD_WINDOW).map_err(|_| UnpackError::Corrupt)?;
    Ok(reader)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    #[test]
    fn a_body_is_unpacked_by_what_it_begins_with() {
        for (declared, bytes, expected) in [
            ("", &b"\x1f\x8b"[..], Ok(ContentEncoding::Identity)),
            ("gzip", b"\x1f\x8b", Ok(ContentEncoding::Gzip)),
            ("gzip,deflate", b"\x78\x9c", Ok(ContentEncoding::Zlib)),
            ("zstd", b"\x28\xb5\x2f\xfd", Ok(ContentEncoding::Zstd)),
            ("snappy", b"\x1f\x8b", Ok(ContentEncoding::SnappyBlock)),
            ("snappy", b"\xff\x06\0\0sNaPpY", Ok(ContentEncoding::SnappyFrames)),
            ("gzip", b"text", Err(UnpackError::Corrupt)),
            ("br", b"text", Err(UnpackError::UnknownEncoding)),
        ] {
            assert_eq!(encoding(declared, bytes), expected, "{declared}");
        }
    }

    #[test]
    fn snappy_is_unpacked_as_a_block_and_as_frames() {
        let text = b"disk full, disk full, disk full".repeat(9);
        let block = snap::raw::Encoder::new().compress_vec(&text).unwrap();
        let mut frames = snap::write::FrameEncoder::new(Vec::new());
        frames.write_all(&text).unwrap();
        for packed in [block, frames.into_inner().unwrap()] {
            let encoding = encoding("snappy", &packed).unwrap();
            let unpack = |bytes: &[u8], limit| unpack(encoding, bytes, limit, |_| Ok(()));
            assert_eq!(unpack(&packed, text.len()).as_deref(), Ok(&text[..]));
            assert_eq!(unpack(&packed, text.len() - 1), Err(UnpackError::TooLarge));
            assert_eq!(unpack(&packed[..packed.len() - 1], 1 << 20), Err(UnpackError::Corrupt));
        }
        let claims_much = b"\xff\xff\xff\xff\x0f";
        let refused = unpack(ContentEncoding::SnappyBlock, claims_much, 1 << 20, |_| Ok(()));
        assert_eq!(refused, Err(UnpackError::TooLarge));
    }

    fn packed_in_each_way(text: &[u8]) -> Vec<(ContentEncoding, Vec<u8>)> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), Compression::best());
        let mut frames = snap::write::FrameEncoder::new(Vec::new());
        gzip.write_all(text).unwrap();
        zlib.write_all(text).unwrap();
        frames.write_all(text).unwrap();
        let block = snap::raw::Encoder::new().compress_vec(text).unwrap();
        vec![
            (ContentEncoding::Gzip, gzip.finish().unwrap()),
            (ContentEncoding::Zlib, zlib.finish().unwrap()),
            (ContentEncoding::Zstd, zstd::bulk::compress(text, 3).unwrap()),
            (ContentEncoding::SnappyBlock, block),
            (ContentEncoding::SnappyFrames, frames.into_inner().unwrap()),
        ]
    }

    #[test]
    fn a_body_that_was_cut_anywhere_is_damaged_in_each_encoding() {
        let text: String = (0..200).map(|n| format!("line {n} of a body\n")).collect();
        for (encoding, packed) in packed_in_each_way(text.as_bytes()) {
            let whole = unpack(encoding, &packed, 1 << 20, |_| Ok(()));
            assert_eq!(whole.as_deref(), Ok(text.as_bytes()), "{encoding:?}");
            for cut in 1..packed.len() {
                let unpacked = unpack(encoding, &packed[..cut], 1 << 20, |_| Ok(()));
                // Behind its opening, a stream of snappy frames may end where a frame does. A block
                // says first how long it is.
                let ends = encoding == ContentEncoding::SnappyFrames && cut == SNAPPY_FRAMES.len();
                let long = unpacked == Err(UnpackError::TooLarge);
                let damaged = unpacked == Err(UnpackError::Corrupt)
                    || long && encoding == ContentEncoding::SnappyBlock;
                assert_eq!(damaged, !ends, "{encoding:?} cut at {cut}: {unpacked:?}");
            }
        }
    }

    #[test]
    fn a_bomb_within_a_bomb_comes_out_as_the_inner_one() {
        let zeros = vec![b'0'; 1 << 18];
        for (inner, bomb) in packed_in_each_way(&zeros) {
            for (outer, packed) in packed_in_each_way(&bomb) {
                let unpacked = unpack(outer, &packed, 1 << 17, |_| Ok(()));
                assert_eq!(unpacked.as_ref(), Ok(&bomb), "{inner:?} in {outer:?}");
            }
        }
    }

    #[test]
    fn no_more_is_unpacked_than_may_be() {
        let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
        bomb.write_all(&vec![b'a'; 1 << 20]).unwrap();
        let bomb = bomb.finish().unwrap();
        let mut largest = 0;
        let unpacked = unpack(ContentEncoding::Gzip, &bomb, 1 << 18, |len| {
            largest = len;
            Ok(())
        });
        assert_eq!(unpacked, Err(UnpackError::TooLarge));
        assert!(largest <= (1 << 18) + bomb.len());
        assert_eq!(
            unpack(ContentEncoding::Gzip, &bomb, 1 << 20, |_| Ok(())).map(|all| all.len()),
            Ok(1 << 20)
        );
        assert_eq!(
            unpack(ContentEncoding::Gzip, &bomb[..50], 1 << 20, |_| Ok(())),
            Err(UnpackError::Corrupt)
        );
        assert_eq!(
            unpack(ContentEncoding::Gzip, &bomb, 1 << 20, |_| Err(UnpackError::Busy)),
            Err(UnpackError::Busy)
        );
    }
}
