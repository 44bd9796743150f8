//! An entry of the spool directory.

/// A spool file, of a dead program or a running one.
pub(crate) struct RingEntry {
    pub(crate) name: String,
    /// Bytes of memory or disk that the file takes.
    pub(crate) allocated: u64,
    /// Length of the file.
    pub(crate) len: u64,
}
