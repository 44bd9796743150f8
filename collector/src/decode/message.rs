//! One message, without what ended it.

use super::sniff::Kind;

/// One message, without what ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    pub(crate) kind: Kind,
    /// At most as many bytes as the limit.
    pub(crate) bytes: &'a [u8],
    /// Number of bytes that were skipped.
    pub(crate) cut: u64,
    pub(crate) note: Option<Note>,
}

/// Remark on the framing of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Note {
    /// Only silence ended it: a rest may come.
    Idle,
    /// It stands where an octet-counted message should begin: the count before it was wrong.
    Uncounted,
    /// This octet count is too large: the next message begins within it.
    Overcounted(usize),
    /// It was compressed, and is only the beginning of what would come of it.
    Capped,
    /// An object whose members this thread has just found.
    Indexed,
    /// An object that is whole but for the end of its longest string.
    Shortened,
}
