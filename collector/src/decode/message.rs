//! One message, whatever it was cut out of.

use super::sniff::Kind;

/// One message, without what ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    pub(crate) kind: Kind,
    /// At most as many bytes as the limit.
    pub(crate) bytes: &'a [u8],
    /// How many bytes beyond the limit were skipped.
    pub(crate) cut: u64,
    pub(crate) note: Option<Note>,
}

/// What is to be known about a message besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Note {
    /// Nothing ended it but silence: a rest may come.
    Idle,
    /// It stands where an octet-counted message should begin: the counts are wrong.
    Uncounted,
}
