//! The first bytes of a connection, kept until it is known which protocol they belong to.

use netlog_wire::RELAY_START;

/// No protocol needs more to be recognised.
const LONGEST: usize = 8 << 10;

/// True for a byte that HTTP (a letter), MessagePack (a short array) or RELP (a digit) may begin with.
fn may_begin(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'1'..=b'9' | 0x91..=0x95)
}

/// The first bytes of a connection, as long as they may begin a protocol of its own.
#[derive(Debug, Default)]
pub(super) struct Opening {
    bytes: Vec<u8>,
    over: bool,
}

impl Opening {
    /// Takes the bytes of a read, before they are decoded.
    pub(super) fn saw(&mut self, bytes: &[u8]) {
        if self.over {
            return;
        }
        let first = self.bytes.first().or_else(|| bytes.first());
        // What was not recognised by then never will be.
        let fits = match first {
            Some(b'{') => self.may_be_relay(bytes),
            first => first.is_some_and(|first| may_begin(*first)),
        };
        if self.bytes.len() > LONGEST || !fits {
            return self.close();
        }
        self.bytes.extend_from_slice(bytes);
    }

    fn may_be_relay(&self, bytes: &[u8]) -> bool {
        let begun = self.bytes.iter().chain(bytes).take(RELAY_START.len());
        begun.eq(RELAY_START.iter().take(self.bytes.len() + bytes.len()))
    }

    /// Forgets them: the connection carries messages.
    pub(super) fn close(&mut self) {
        *self = Self { bytes: Vec::new(), over: true };
    }

    /// The bytes of a connection that turned out to speak a protocol of its own.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        let Self { bytes, over } = std::mem::take(self);
        (!over).then_some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_a_line_that_never_ends_are_not_kept() {
        let mut opening = Opening::default();
        for _ in 0..100 {
            opening.saw(&[b'A'; 1024]);
            assert!(opening.bytes.len() <= LONGEST + 1024);
        }
        assert_eq!(opening.take(), None);
        let mut opening = Opening::default();
        opening.saw(b"GE");
        opening.saw(b"T /");
        assert_eq!(opening.take().as_deref(), Some(&b"GET /"[..]));
        for (second, kept) in [("1,\"relay\":\"9f", true), ("1,\"sender\":\"9f", false)] {
            let mut opening = Opening::default();
            opening.saw(b"{\"netlog\":");
            opening.saw(second.as_bytes());
            assert_eq!(opening.take().is_some(), kept, "{second}");
        }
    }
}
