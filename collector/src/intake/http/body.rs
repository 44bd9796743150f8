//! Request bodies: read within a time and a size, unpacked within the same size, and charged for
//! against the bytes that all bodies together may take.

use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http_body_util::BodyExt;
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{self, HeaderMap};
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Bytes that the bodies of all requests may take at once.
pub(crate) const ALL_BODIES: usize = 32 << 20;

/// Bytes charged at once; a request has as many bytes of records under way as one of these.
const STEP: usize = 64 << 10;

/// Longest pause of a client within a body.
const PAUSE: Duration = Duration::from_secs(10);

/// Time for a request to wait for room before its client has to try again.
const ROOM: Duration = Duration::from_secs(2);

/// A body, unpacked, and the room it takes.
pub(super) struct RequestBody {
    pub(super) bytes: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyError {
    /// It is larger than `--max-body`, packed or unpacked.
    TooLarge,
    /// All bodies together take what they may.
    Busy,
    /// The client paused for too long, or went away.
    Late,
    /// It is packed in a way that is not known.
    UnknownEncoding,
    /// It is not what `Content-Encoding` says.
    Corrupt,
}

/// The ways in which a body may be packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ContentEncoding {
    Identity,
    Gzip,
    Zlib,
    Zstd,
}

/// Reads all of a body of at most `limit` bytes.
///
/// # Errors
///
/// When it is too large, does not come in time, or is not packed as it says.
pub(super) async fn read(
    headers: &HeaderMap,
    mut incoming: Incoming,
    limit: usize,
    room: &Arc<Semaphore>,
) -> Result<RequestBody, BodyError> {
    let declared =
        headers.get(header::CONTENT_ENCODING).map_or("", |value| value.to_str().unwrap_or("?"));
    let mut charged = charge(room, STEP).await?;
    let mut bytes = Vec::new();
    while let Some(frame) = next_frame(&mut incoming).await? {
        let Ok(part) = frame.into_data() else { continue };
        if bytes.len() + part.len() > limit {
            return Err(BodyError::TooLarge);
        }
        while bytes.len() + part.len() > charged.num_permits() {
            charged.merge(charge(room, STEP).await?);
        }
        bytes.extend_from_slice(&part);
    }
    let encoding = encoding(declared, &bytes)?;
    if encoding != ContentEncoding::Identity {
        bytes = unpack(encoding, &bytes, limit, |len| {
            while len > charged.num_permits() {
                let permit = room.clone().try_acquire_many_owned(STEP as u32);
                charged.merge(permit.map_err(|_| BodyError::Busy)?);
            }
            Ok(())
        })?;
    }
    Ok(RequestBody { bytes, _room: charged })
}

async fn charge(room: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, BodyError> {
    let bytes = u32::try_from(bytes).map_err(|_| BodyError::TooLarge)?;
    match timeout(ROOM, room.clone().acquire_many_owned(bytes)).await {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(BodyError::Busy),
    }
}

async fn next_frame(incoming: &mut Incoming) -> Result<Option<Frame<Bytes>>, BodyError> {
    match timeout(PAUSE, incoming.frame()).await {
        Ok(frame) => frame.transpose().map_err(|_| BodyError::Late),
        Err(_) => Err(BodyError::Late),
    }
}

/// Reads from its first bytes how a body is packed: they count for more than the header, since
/// graypy declares `gzip,deflate` and sends zlib.
fn encoding(declared: &str, bytes: &[u8]) -> Result<ContentEncoding, BodyError> {
    let declared = declared.trim().to_ascii_lowercase();
    if matches!(&*declared, "" | "identity") {
        return Ok(ContentEncoding::Identity);
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
            Err(BodyError::Corrupt)
        }
        _ => Err(BodyError::UnknownEncoding),
    }
}

/// Unpacks `bytes`; `charge` is asked before the result grows to a length.
fn unpack(
    encoding: ContentEncoding,
    bytes: &[u8],
    limit: usize,
    mut charge: impl FnMut(usize) -> Result<(), BodyError>,
) -> Result<Vec<u8>, BodyError> {
    let mut reader: Box<dyn Read + '_> = match encoding {
        ContentEncoding::Identity => Box::new(bytes),
        ContentEncoding::Gzip => Box::new(MultiGzDecoder::new(bytes)),
        ContentEncoding::Zlib => Box::new(ZlibDecoder::new(bytes)),
        ContentEncoding::Zstd => Box::new(zstd_reader(bytes)?),
    };
    let mut unpacked = Vec::new();
    let mut piece = vec![0; STEP];
    loop {
        let len = reader.read(&mut piece).map_err(|_| BodyError::Corrupt)?;
        if len == 0 {
            return Ok(unpacked);
        }
        if unpacked.len() + len > limit {
            return Err(BodyError::TooLarge);
        }
        charge(bytes.len() + unpacked.len() + len)?;
        unpacked.extend_from_slice(&piece[..len]);
    }
}

/// The largest window, in bits, of a zstd frame that is taken: 8 MiB, as RFC 8878 recommends.
const ZSTD_WINDOW: u32 = 23;

fn zstd_reader(bytes: &[u8]) -> Result<impl Read + '_, BodyError> {
    let mut reader =
        zstd::stream::read::Decoder::with_buffer(bytes).map_err(|_| BodyError::Corrupt)?;
    reader.window_log_max(ZSTD_WINDOW).map_err(|_| BodyError::Corrupt)?;
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
            ("gzip", b"text", Err(BodyError::Corrupt)),
            ("br", b"text", Err(BodyError::UnknownEncoding)),
        ] {
            assert_eq!(encoding(declared, bytes), expected, "{declared}");
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
        assert_eq!(unpacked, Err(BodyError::TooLarge));
        assert!(largest <= (1 << 18) + bomb.len());
        assert_eq!(
            unpack(ContentEncoding::Gzip, &bomb, 1 << 20, |_| Ok(())).map(|all| all.len()),
            Ok(1 << 20)
        );
        assert_eq!(
            unpack(ContentEncoding::Gzip, &bomb[..50], 1 << 20, |_| Ok(())),
            Err(BodyError::Corrupt)
        );
        assert_eq!(
            unpack(ContentEncoding::Gzip, &bomb, 1 << 20, |_| Err(BodyError::Busy)),
            Err(BodyError::Busy)
        );
    }
}
