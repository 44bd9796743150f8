//! Entries of the spool directory.

/// A spool file, of a dead program or a running one.
pub(crate) struct RingEntry {
    pub(crate) name: String,
    /// Bytes of memory or disk that the file takes.
    pub(crate) allocated: u64,
    /// Length of the file.
    pub(crate) len: u64,
}

/// A spool with records that no collector has acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitingSpool {
    /// The program's name.
    pub app: String,
    /// Its process id.
    pub pid: u32,
    /// Bytes of the records.
    pub bytes: u64,
    /// Bytes that the spool can hold.
    pub capacity: u64,
    /// True while the program runs, and delivers them itself.
    pub running: bool,
}
