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
    /// How many files were written before it since the collector began.
    pub(crate) turn: u64,
    /// How often the sink has begun a file, or began anew in one that others cut.
    pub(crate) begun: u64,
    /// What the file before it got for a stamp, if it was rotated away.
    pub(crate) before: Option<SegmentName>,
}

/// A stream: by what it is known, and how far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordStream {
    pub(crate) id: u64,
    pub(crate) end: u64,
}
