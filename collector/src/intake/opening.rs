//! The first bytes of a connection, kept until it is known which protocol they belong to.

use netlog_wire::RELAY_START;

/// No protocol needs more to be recognised.
const LONGEST: usize = 8 << 10;

/// True for a byte that HTTP (a letter), MessagePack (a short array) or RELP (a digit) may begin with.
fn may_begin(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'1'..=b'9' | 0x91..=0x95)
}

/// The first bytes of a connection, as long as they may begin a protocol of its own; none once they
/// have turned out not to, or are taken.
#[derive(Debug)]
pub(super) struct Opening(Option<Vec<u8>>);

impl Default for Opening {
    fn default() -> Self {
        Self(Some(Vec::new()))
    }
}

impl Opening {
    /// Takes the bytes of a read, before they are decoded.
    pub(super) fn saw(&mut self, bytes: &[u8]) {
        let Some(kept) = &mut self.0 else { return };
        let first = kept.first().or_else(|| bytes.first());
        // What was not recognised by then never will be.
        let fits = match first {
            Some(b'{') => may_be_relay(kept, bytes),
            first => first.is_some_and(|first| may_begin(*first)),
        };
        if kept.len() > LONGEST || !fits {
            return self.close();
        }
        kept.extend_from_slice(bytes);
    }

    /// Forgets them: the connection carries messages.
    pub(super) fn close(&mut self) {
        self.0 = None;
    }

    /// The bytes of a connection that turned out to speak a protocol of its own.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        self.0.take()
    }
}

fn may_be_relay(kept: &[u8], bytes: &[u8]) -> bool {
    let begun = kept.iter().chain(bytes).take(RELAY_START.len());
    begun.eq(RELAY_START.iter().take(kept.len() + bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_a_line_that_never_ends_are_not_kept() {
        let mut opening = Opening::default();
        for _ in 0..100 {
            opening.saw(&[b'A'; 1024]);
            assert!(opening.0.as_ref().is_none_or(|kept| kept.len() <= LONGEST + 1024));
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
