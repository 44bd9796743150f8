//! A ring on the heap of which loom watches every access.

use super::super::memory::sync::AtomicI32;
use super::super::*;
use loom::cell::UnsafeCell;

/// Memory like [`HeapMemory`](super::super::heap::HeapMemory)'s, byte by byte.
pub(super) struct LoomMemory {
    control: ControlBlock,
    lengths: Vec<AtomicI32>,
    bytes: Vec<UnsafeCell<u8>>,
}

// SAFETY: who may touch which bytes when is the ring's to guarantee; that it does is tested here.
unsafe impl Sync for LoomMemory {}
// SAFETY: as above.
unsafe impl Send for LoomMemory {}

impl LoomMemory {
    pub(super) fn ring(capacity: usize) -> Ring<Self> {
        let lengths = (0..capacity / 8).map(|_| AtomicI32::new(0)).collect();
        let bytes = (0..capacity).map(|_| UnsafeCell::new(0)).collect();
        Ring::new(Self { control: ControlBlock::default(), lengths, bytes })
    }

    fn cell(&self, at: u64) -> &UnsafeCell<u8> {
        &self.bytes[at as usize % self.bytes.len()]
    }
}

impl RingMemory for LoomMemory {
    fn control(&self) -> &ControlBlock {
        &self.control
    }

    fn capacity(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn length(&self, at: u64) -> &AtomicI32 {
        assert_eq!(at % 8, 0);
        &self.lengths[at as usize / 8 % self.lengths.len()]
    }

    unsafe fn write(&self, at: u64, bytes: &[u8]) {
        for (at, byte) in (at..).zip(bytes) {
            // SAFETY: the caller's.
            self.cell(at).with_mut(|place| unsafe { *place = *byte });
        }
    }

    unsafe fn read(&self, at: u64, len: u64, out: &mut Vec<u8>) {
        // SAFETY: the caller's.
        out.extend((at..at + len).map(|at| self.cell(at).with(|place| unsafe { *place })));
    }

    unsafe fn zero(&self, at: u64, len: u64) {
        for at in at..at + len {
            // SAFETY: the caller's.
            self.cell(at).with_mut(|place| unsafe { *place = 0 });
            if at % 8 == 0 {
                self.length(at).store(0, Ordering::Relaxed);
            }
        }
    }
}
