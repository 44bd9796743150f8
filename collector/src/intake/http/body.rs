//! Request bodies: read within a time and a size, unpacked within the same size, and charged for
//! against the bytes that all bodies together may take.

use crate::intake::body_budget::{BodyRoom, BodyShare, NoRoom};
use crate::intake::heavy_bodies::light_len;
use crate::intake::unpack::{
    ContentEncoding, FEW, OBJECTS, UnpackError, encoding, most_records, unpack,
};
use http_body_util::BodyExt;
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{self, HeaderMap};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Bytes of a body that every request may have, whatever the others do: a slow one costs no more.
const FREE: usize = 4 << 10;

/// Bytes charged at once, few enough that whoever wants to have them all has to send them.
const STEP: usize = 8 << 10;

/// Bytes of a refused request's body that are read all the same.
const UNREAD: usize = 64 << 10;

/// Lines that each byte of a compressed body may become.
const LINES: usize = 4;

/// Longest pause of a client within a body.
const PAUSE: Duration = Duration::from_secs(10);

/// Time for a body to come as a whole, so that no client keeps its memory by a byte now and then.
const BODY: Duration = Duration::from_secs(300);

/// Time for a request to wait for room before its client has to try again.
const ROOM: Duration = Duration::from_secs(2);

/// A body, unpacked, and the room it takes.
pub(super) struct RequestBody {
    pub(super) bytes: Vec<u8>,
    /// The most records that it may become.
    pub(super) most_records: usize,
    /// It came in snappy, whose wrapping Loki's clients declare or leave out.
    pub(super) is_snappy: bool,
    room: BodyRoom,
}

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyError {
    /// It is larger than `--max-body`, packed or unpacked.
    TooLarge,
    /// All bodies together take what they may.
    Busy,
    /// The client paused for too long.
    Late,
    /// It was cut off, or its chunks are malformed.
    Broken,
    /// It is packed in a way that is not known.
    UnknownEncoding,
    /// It is not what `Content-Encoding` says.
    Corrupt,
    /// Few bytes become very many records.
    Crowded,
}

impl From<UnpackError> for BodyError {
    fn from(error: UnpackError) -> Self {
        match error {
            UnpackError::TooLarge => Self::TooLarge,
            UnpackError::Busy => Self::Busy,
            UnpackError::UnknownEncoding => Self::UnknownEncoding,
            UnpackError::Corrupt => Self::Corrupt,
        }
    }
}

/// Reads all of a body of at most `limit` bytes, and unpacks it.
///
/// # Errors
///
/// When it is too large, does not come in time, or is not packed as it says.
pub(super) async fn read(
    headers: &HeaderMap,
    incoming: &mut Incoming,
    limit: usize,
    share: &BodyShare,
) -> Result<RequestBody, BodyError> {
    let declared =
        headers.get(header::CONTENT_ENCODING).map_or("", |value| value.to_str().unwrap_or("?"));
    let mut body = collect(incoming, limit, share).await?;
    body.unpack(declared, limit, share).await?;
    Ok(body)
}

/// Reads all of a body of at most `limit` bytes as it comes.
///
/// # Errors
///
/// When it is too large, or does not come in time.
pub(super) async fn collect(
    incoming: &mut Incoming,
    limit: usize,
    share: &BodyShare,
) -> Result<RequestBody, BodyError> {
    let late = Instant::now() + BODY;
    let mut charged = charge(share, 0).await?;
    let mut bytes = Vec::new();
    while let Some(frame) = next_frame(incoming).await? {
        let Ok(part) = frame.into_data() else { continue };
        if bytes.len() + part.len() > limit {
            return Err(BodyError::TooLarge);
        }
        if Instant::now() > late {
            return Err(BodyError::Late);
        }
        while bytes.len() + part.len() > FREE + charged.bytes() {
            charged.merge(charge(share, STEP).await?);
        }
        bytes.extend_from_slice(&part);
    }
    Ok(RequestBody { bytes, most_records: usize::MAX, is_snappy: false, room: charged })
}

impl RequestBody {
    /// Unpacks it, to at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// When it is not packed as is `declared`, would become too large, or has to wait too long
    /// because it grows out of proportion.
    pub(super) async fn unpack(
        &mut self,
        declared: &str,
        limit: usize,
        share: &BodyShare,
    ) -> Result<(), BodyError> {
        let encoding = encoding(declared, &self.bytes)?;
        if encoding == ContentEncoding::Identity {
            return Ok(());
        }
        let packed = self.bytes.len();
        self.most_records = self.most_records.min(most_records(packed));
        self.is_snappy =
            matches!(encoding, ContentEncoding::SnappyBlock | ContentEncoding::SnappyFrames);
        let light = light_len(packed).min(limit);
        self.bytes = match self.unpacked(encoding, light, share) {
            Err(UnpackError::TooLarge) if light < limit => {
                // A body that waits keeps what came, so that others have room meanwhile.
                self.room.shrink_to(packed.saturating_sub(FREE));
                let turn = share.heavy_turn(ROOM).await.map_err(|NoRoom| BodyError::Busy)?;
                let unpacked = self.unpacked(encoding, limit, share);
                let came = self.room.bytes().min(limit);
                turn.end(unpacked.as_ref().map_or(came, Vec::len));
                unpacked?
            }
            unpacked => unpacked?,
        };
        match is_crowded(&self.bytes, packed) {
            true => Err(BodyError::Crowded),
            false => Ok(()),
        }
    }
}

impl RequestBody {
    fn unpacked(
        &mut self,
        encoding: ContentEncoding,
        limit: usize,
        share: &BodyShare,
    ) -> Result<Vec<u8>, UnpackError> {
        let charged = &mut self.room;
        unpack(encoding, &self.bytes, limit, |len| {
            while len > FREE + charged.bytes() {
                charged.merge(share.try_acquire(STEP).map_err(|NoRoom| UnpackError::Busy)?);
            }
            Ok(())
        })
    }
}

/// Tells whether a body that came as `packed` bytes becomes more records than logs that differ in their
/// times can.
fn is_crowded(bytes: &[u8], packed: usize) -> bool {
    let more = |byte, each| memchr::memchr_iter(byte, bytes).count() > FEW + each * packed;
    more(b'\n', LINES) || more(b'{', OBJECTS)
}

async fn charge(share: &BodyShare, bytes: usize) -> Result<BodyRoom, BodyError> {
    share.acquire(bytes, ROOM).await.map_err(|NoRoom| BodyError::Busy)
}

/// Reads what is left of a small body, for clients that take an answer before they have sent all for
/// a failure.
pub(super) async fn discard(incoming: &mut Incoming) {
    let mut left = UNREAD;
    while let Ok(Some(frame)) = next_frame(incoming).await {
        let len = frame.data_ref().map_or(0, Bytes::len);
        if len > left {
            return;
        }
        left -= len;
    }
}

pub(super) async fn next_frame(incoming: &mut Incoming) -> Result<Option<Frame<Bytes>>, BodyError> {
    match timeout(PAUSE, incoming.frame()).await {
        Ok(frame) => frame.transpose().map_err(|_| BodyError::Broken),
        Err(_) => Err(BodyError::Late),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::body_budget::share_of;
    use std::pin::pin;
    use std::time::Duration;
    use tokio::time::timeout;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut packed, text).unwrap();
        packed.finish().unwrap()
    }

    fn body(bytes: Vec<u8>, share: &BodyShare) -> RequestBody {
        let room = share.try_acquire(0).unwrap();
        RequestBody { bytes, most_records: usize::MAX, is_snappy: false, room }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_grows_out_of_proportion_waits_for_its_turn_and_others_do_not() {
        const LIMIT: usize = 4 << 20;
        let share = share_of(16 << 20);
        let turn = share.heavy_turn(ROOM).await.unwrap();
        let zeros = gzip(&vec![b'0'; 1 << 20]);
        let unpack = async |bytes: &[u8]| {
            let mut body = body(bytes.to_vec(), &share);
            body.unpack("gzip", LIMIT, &share).await.map(|()| body.bytes.len())
        };
        let mut waiting = body(zeros.clone(), &share);
        let mut unpacking = pin!(waiting.unpack("gzip", LIMIT, &share));
        assert!(timeout(Duration::ZERO, unpacking.as_mut()).await.is_err());
        assert_eq!(share.free(), 16 << 20, "one that waits takes no more than it came with");
        assert_eq!(unpacking.await, Err(BodyError::Busy));
        assert_eq!(unpack(&zeros).await, Err(BodyError::Busy));
        let numbers: String = (0..200_000).map(|n| format!("{n},")).collect();
        assert_eq!(unpack(&gzip(numbers.as_bytes())).await, Ok(numbers.len()));
        assert_eq!(unpack(&gzip(&vec![b'0'; 60 << 10])).await, Ok(60 << 10));
        turn.end(0);
        assert_eq!(unpack(&zeros).await, Ok(1 << 20));
        assert_eq!(unpack(&gzip(&vec![b'0'; LIMIT + 1])).await, Err(BodyError::TooLarge));
        assert_eq!(share.free(), 16 << 20);
    }

    #[test]
    fn few_bytes_become_no_crowd_of_records_and_logs_do() {
        assert!(is_crowded(&b"a\n".repeat(8 << 10), 178));
        assert!(is_crowded(&b"{},".repeat(100 << 10), 400));
        let line = |n: u32| format!("2026-11-22T18:42:{:02}.{:03}Z ok\n", n / 1000 % 60, n % 1000);
        let lines: String = (0..30_000).map(line).collect();
        assert!(!is_crowded(lines.as_bytes(), gzip(lines.as_bytes()).len()));
    }
}
