//! Keys that the next object of a program will have, because the last one had them: they are compared
//! and not searched for their ends.

/// The most bytes of keys that are expected.
const MOST: usize = 2 << 10;

/// The keys of an object as they were written: with their quotes, their colons and the white space
/// around these.
#[derive(Debug, Default)]
pub(super) struct ExpectedKeys {
    written: Vec<u8>,
    keys: Vec<KeyPlace>,
}

#[derive(Debug, Clone, Copy)]
struct KeyPlace {
    /// Its beginning and its end in the text.
    from: u16,
    to: u16,
    /// Length of the key alone.
    len: u16,
    escaped: bool,
}

/// A key that is expected.
#[derive(Debug, Clone, Copy)]
pub(super) struct ExpectedKey<'a> {
    pub(super) written: &'a [u8],
    /// Length of the key alone.
    pub(super) len: usize,
    pub(super) escaped: bool,
    /// There is white space around the colon.
    pub(super) spaced: bool,
}

impl ExpectedKey<'_> {
    /// True if it stands as records write it, without white space or escapes.
    pub(super) fn is_plain(self) -> bool {
        !self.escaped && !self.spaced
    }
}

impl ExpectedKeys {
    pub(super) const fn new() -> Self {
        Self { written: Vec::new(), keys: Vec::new() }
    }

    /// Adds a key; `false` when they are too long.
    pub(super) fn push(&mut self, written: &str, len: usize) -> bool {
        let from = self.written.len();
        let to = from + written.len();
        let (true, Ok(from), Ok(to)) = (to <= MOST, u16::try_from(from), u16::try_from(to)) else {
            return false;
        };
        self.written.extend_from_slice(written.as_bytes());
        let escaped = written.contains('\\');
        self.keys.push(KeyPlace { from, to, len: len as u16, escaped });
        true
    }

    pub(super) fn clear(&mut self) {
        self.written.clear();
        self.keys.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn get(&self, nth: usize) -> Option<ExpectedKey<'_>> {
        let KeyPlace { from, to, len, escaped } = *self.keys.get(nth)?;
        let written = &self.written[usize::from(from)..usize::from(to)];
        let len = usize::from(len);
        Some(ExpectedKey { written, len, escaped, spaced: written.len() > len + 3 })
    }
}
