//! Frames of Lumberjack, the protocol of Elastic's Beats (version 2) and of logstash-forwarder
//! (version 1): a version, a kind, and numbers and lengths of four bytes each.

mod event;

use event::EventBody;
pub(crate) use event::LumberjackEvent;

/// The most fields of an event of version 1, so that its end is found at little cost.
const FIELDS: u32 = 1000;

/// A whole frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LumberjackFrame<'a> {
    /// `1` or `2`, as a letter.
    pub(crate) version: u8,
    pub(crate) content: LumberjackContent<'a>,
    /// Its length in bytes.
    pub(crate) len: usize,
}

/// The content of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LumberjackContent<'a> {
    /// So many events follow, and then their sender waits for an acknowledgement.
    Window(u32),
    Event(LumberjackEvent<'a>),
    /// Frames, compressed with zlib.
    Compressed(&'a [u8]),
}

/// Reason why no frame was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnreadFrame {
    /// So many bytes are needed, at least.
    Needs(usize),
    /// The bytes are not a frame.
    Malformed,
}

impl<'a> LumberjackFrame<'a> {
    /// Reads the frame that `bytes` begin with.
    ///
    /// # Errors
    ///
    /// When they are not a frame, or not all of it.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, UnreadFrame> {
        let version = match bytes.first() {
            None => return Err(UnreadFrame::Needs(1)),
            Some(version @ (b'1' | b'2')) => *version,
            Some(_) => return Err(UnreadFrame::Malformed),
        };
        let mut cursor = FrameCursor { bytes, at: 2 };
        let content = match bytes.get(1) {
            None => return Err(UnreadFrame::Needs(2)),
            Some(b'W') => LumberjackContent::Window(cursor.number()?),
            Some(b'C') => LumberjackContent::Compressed(cursor.block()?),
            Some(b'J') => {
                let number = cursor.number()?;
                let body = EventBody::Json(cursor.block()?);
                LumberjackContent::Event(LumberjackEvent { number, body })
            }
            Some(b'D') => LumberjackContent::Event(cursor.fields()?),
            Some(_) => return Err(UnreadFrame::Malformed),
        };
        Ok(Self { version, content, len: cursor.at })
    }
}

/// A place within a frame.
struct FrameCursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> FrameCursor<'a> {
    fn number(&mut self) -> Result<u32, UnreadFrame> {
        let end = self.at + 4;
        let Some(&[a, b, c, d]) = self.bytes.get(self.at..end) else {
            return Err(UnreadFrame::Needs(end));
        };
        self.at = end;
        Ok(u32::from_be_bytes([a, b, c, d]))
    }

    /// Bytes behind their length.
    fn block(&mut self) -> Result<&'a [u8], UnreadFrame> {
        let len = self.number()?;
        let end = usize::try_from(len).ok().and_then(|len| self.at.checked_add(len));
        let end = end.ok_or(UnreadFrame::Malformed)?;
        let block = self.bytes.get(self.at..end).ok_or(UnreadFrame::Needs(end))?;
        self.at = end;
        Ok(block)
    }

    /// An event of version 1: names and values.
    fn fields(&mut self) -> Result<LumberjackEvent<'a>, UnreadFrame> {
        let number = self.number()?;
        let count = self.number()?;
        if count > FIELDS {
            return Err(UnreadFrame::Malformed);
        }
        let start = self.at;
        for _ in 0..2 * count {
            self.block()?;
        }
        let body = EventBody::Fields(&self.bytes[start..self.at]);
        Ok(LumberjackEvent { number, body })
    }
}

/// The events of frames that were compressed.
#[derive(Debug)]
pub(crate) struct UnpackedEvents {
    bytes: Vec<u8>,
    at: usize,
    /// Number of events.
    pub(crate) count: u32,
    /// The number of the last event.
    pub(crate) last: u32,
}

impl UnpackedEvents {
    /// Reads frames, which must not be compressed again.
    ///
    /// # Errors
    ///
    /// When they are not all whole.
    pub(crate) fn new(bytes: Vec<u8>) -> Result<Self, UnreadFrame> {
        let mut at = 0;
        let mut count = 0;
        let mut last = 0;
        while at < bytes.len() {
            let frame = LumberjackFrame::parse(&bytes[at..])?;
            at += frame.len;
            match frame.content {
                LumberjackContent::Event(event) => {
                    count += 1;
                    last = event.number;
                }
                LumberjackContent::Window(_) => {}
                LumberjackContent::Compressed(_) => return Err(UnreadFrame::Malformed),
            }
        }
        Ok(Self { bytes, at: 0, count, last })
    }

    /// The next event.
    pub(crate) fn next(&mut self) -> Option<LumberjackEvent<'_>> {
        while self.at < self.bytes.len() {
            let frame = LumberjackFrame::parse(&self.bytes[self.at..]).ok()?;
            self.at += frame.len;
            if let LumberjackContent::Event(event) = frame.content {
                return Some(event);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(bytes: &[u8]) -> Result<LumberjackContent<'_>, UnreadFrame> {
        LumberjackFrame::parse(bytes).map(|frame| frame.content)
    }

    #[test]
    fn frames_are_read_however_few_of_their_bytes_have_come() {
        let fields = b"1D\0\0\0\x07\0\0\0\x01\0\0\0\x04line\0\0\0\x02hi";
        let json = b"2J\0\0\0\x09\0\0\0\x02{}";
        for bytes in [&fields[..], json, b"2W\0\0\0\x05", b"2C\0\0\0\x01x"] {
            let whole = LumberjackFrame::parse(bytes).unwrap();
            assert_eq!((whole.version, whole.len), (bytes[0], bytes.len()));
            for cut in 0..bytes.len() {
                let part = LumberjackFrame::parse(&bytes[..cut]);
                let Err(UnreadFrame::Needs(needs)) = part else { panic!("{cut}: {part:?}") };
                assert!(needs > cut && needs <= bytes.len(), "{cut}: {needs}");
            }
        }
        let body = EventBody::Json(b"{}");
        let event = LumberjackEvent { number: 9, body };
        assert_eq!(parsed(json), Ok(LumberjackContent::Event(event)));
        assert_eq!(parsed(b"2W\0\0\0\x05"), Ok(LumberjackContent::Window(5)));
    }

    #[test]
    fn what_cannot_be_a_frame_is_refused_at_once() {
        for bytes in [&b"3"[..], b"2X", b"1D\0\0\0\x01\xff\xff\xff\xff"] {
            assert_eq!(parsed(bytes), Err(UnreadFrame::Malformed), "{bytes:?}");
        }
        let needs = UnreadFrame::Needs(6 + 0xffff_ffff);
        assert_eq!(parsed(b"2C\xff\xff\xff\xff"), Err(needs), "it is known at once");
    }

    #[test]
    fn frames_that_were_compressed_are_all_events_or_none_is_taken() {
        let two = b"2W\0\0\0\x022J\0\0\0\x01\0\0\0\x02{}2J\0\0\0\x02\0\0\0\x02{}";
        let mut events = UnpackedEvents::new(two.to_vec()).unwrap();
        assert_eq!((events.count, events.last), (2, 2));
        assert_eq!(
            std::iter::from_fn(|| events.next().map(|e| e.number)).collect::<Vec<_>>(),
            [1, 2]
        );
        assert!(UnpackedEvents::new(two[..two.len() - 1].to_vec()).is_err());
        assert!(UnpackedEvents::new(b"2C\0\0\0\0".to_vec()).is_err());
    }
}
