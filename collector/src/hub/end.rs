//! The ends of what has been written: of a file, of the stream of all records.

use crate::layout::file_id::FileId;
use crate::layout::segment_name::SegmentName;

/// The place behind the last record that is in the sinks and will stay there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct End {
    /// The device and inode of the file.
    pub(crate) inode: FileId,
    /// Its length, in whole records.
    pub(crate) len: u64,
    /// Number of the file in its log, 0 if it has none.
    pub(crate) generation: u64,
    /// Number of files written before it since the collector began.
    pub(crate) turn: u64,
    /// Number of times the sink has begun a file, or began anew in one that others cut.
    pub(crate) begun: u64,
    /// Name stamp of the file before it, if that was rotated away.
    pub(crate) before: Option<SegmentName>,
    /// Number of lines that were written since the collector began, in all its files.
    pub(crate) lines: u64,
}

/// A stream: its id, and its length so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordStream {
    pub(crate) id: u64,
    pub(crate) end: u64,
}
