//! The memory of a ring: its state, and whatever holds its bytes.

use std::ops::Range;

pub(crate) mod sync {
    //! The atomics of the ring: loom's where loom explores them.
    #[cfg(loom)]
    pub(crate) use loom::sync::atomic::{AtomicI32, AtomicU64, Ordering};
    pub(crate) use std::sync::atomic::compiler_fence;
    #[cfg(not(loom))]
    pub(crate) use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
}

use sync::{AtomicI32, AtomicU64};

/// Offset of [`ControlBlock`] in the file, behind the text that identifies the sender.
pub(crate) const CONTROL_AT: usize = 1024;

/// State of a ring, kept in the file. The zeros of a new file are a valid initial state.
#[derive(Default)]
#[repr(C, align(128))]
pub(crate) struct ControlBlock {
    /// The position behind the last claim.
    pub(crate) tail: AtomicU64,
    _tail_line: [u64; 15],
    /// The position of the oldest record that has not been released.
    pub(crate) head: AtomicU64,
    _head_line: [u64; 15],
    pub(super) checkpoints: [Checkpoint; 2],
    /// Records lost because there was no room, by level: `ERROR` first.
    pub(crate) lost: [AtomicU64; 5],
    /// Number of them that records in the stream have reported.
    pub(crate) reported: AtomicU64,
    /// Position of the last report, with a flag.
    pub(crate) report_at: AtomicU64,
    /// Value of `reported` once that report is committed.
    pub(crate) report_total: AtomicU64,
    /// 1 once the program ended by itself.
    pub(crate) ended: AtomicU64,
    /// 1 more than the number of the last record that was delivered before the recovery of a dead
    /// program's records began; 0 until then.
    pub(crate) recovered_from: AtomicU64,
}

/// End of the released records, and the number of the record that follows.
#[derive(Default)]
#[repr(C)]
pub(crate) struct Checkpoint {
    pub(super) position: AtomicU64,
    pub(super) number: AtomicU64,
    pub(super) check: AtomicU64,
}

/// Memory that a ring can use. Positions are taken modulo the capacity.
pub(crate) trait RingMemory {
    fn control(&self) -> &ControlBlock;

    fn capacity(&self) -> u64;

    /// The length word at position `at`, a multiple of eight.
    fn length(&self, at: u64) -> &AtomicI32;

    /// Copies `bytes` to position `at`.
    ///
    /// # Safety
    ///
    /// The caller alone has these bytes, by a claim.
    unsafe fn write(&self, at: u64, bytes: &[u8]);

    /// Appends the `len` bytes at position `at` to `out`.
    ///
    /// # Safety
    ///
    /// Nobody writes them: they were committed.
    unsafe fn read(&self, at: u64, len: u64, out: &mut Vec<u8>);

    /// Zeroes `len` bytes from position `at`, a multiple of eight.
    ///
    /// # Safety
    ///
    /// The caller is the only reader, and nobody can claim them yet.
    unsafe fn zero(&self, at: u64, len: u64);

    /// Faults in the pages of `range`, counted from the start of the data.
    fn prefault(&self, _range: Range<u64>) {}

    /// Gives back the memory outside `kept`, positions of the data.
    fn discard_outside(&self, _kept: Range<u64>) {}

    /// Prepares position `at`, where the next record will most likely be written.
    fn prefetch(&self, _at: u64) {}
}
