//! The ring under test: its rules, every interleaving (loom), every death (kill points).

#[cfg(not(any(miri, loom)))]
mod deaths;
#[cfg(loom)]
mod interleavings;
#[cfg(not(loom))]
mod rules;

use super::memory::sync::AtomicI32;
use super::*;
// loom's watches for access by two threads at once.
#[cfg(loom)]
use loom::cell::UnsafeCell;
use std::cell::Cell;
#[cfg(not(loom))]
use std::cell::UnsafeCell;

/// A ring on the heap, for miri and loom, which cannot map files.
struct HeapMemory {
    control: ControlBlock,
    lengths: Vec<AtomicI32>,
    bytes: Vec<UnsafeCell<u8>>,
}

// SAFETY: who may touch which bytes when is the ring's to guarantee; that it does is tested here.
unsafe impl Sync for HeapMemory {}
// SAFETY: as above.
unsafe impl Send for HeapMemory {}

impl HeapMemory {
    fn ring(capacity: usize) -> Ring<Self> {
        let lengths = (0..capacity / 8).map(|_| AtomicI32::new(0)).collect();
        let bytes = (0..capacity).map(|_| UnsafeCell::new(0)).collect();
        Ring::new(Self { control: ControlBlock::default(), lengths, bytes })
    }

    fn cell(&self, at: u64) -> &UnsafeCell<u8> {
        &self.bytes[at as usize % self.bytes.len()]
    }

    /// # Safety
    ///
    /// The caller alone has the byte.
    unsafe fn set(&self, at: u64, byte: u8) {
        // SAFETY: the caller's.
        #[cfg(not(loom))]
        unsafe {
            *self.cell(at).get() = byte;
        }
        #[cfg(loom)]
        self.cell(at).with_mut(|place| unsafe { *place = byte });
    }

    /// # Safety
    ///
    /// Nobody writes the byte.
    unsafe fn get(&self, at: u64) -> u8 {
        // SAFETY: the caller's.
        #[cfg(not(loom))]
        return unsafe { *self.cell(at).get() };
        #[cfg(loom)]
        return self.cell(at).with(|place| unsafe { *place });
    }
}

impl RingMemory for HeapMemory {
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
            unsafe { self.set(at, *byte) };
        }
    }

    unsafe fn read(&self, at: u64, len: u64, out: &mut Vec<u8>) {
        // SAFETY: the caller's.
        out.extend((at..at + len).map(|at| unsafe { self.get(at) }));
    }

    unsafe fn zero(&self, at: u64, len: u64) {
        for at in at..at + len {
            // SAFETY: the caller's.
            unsafe { self.set(at, 0) };
            if at % 8 == 0 {
                self.length(at).store(0, Ordering::Relaxed);
            }
        }
    }
}

fn read_all<M: RingMemory>(
    ring: &Ring<M>,
    cursor: &mut Cursor,
    owner: Owner,
) -> Vec<(u64, String)> {
    let mut out = Vec::new();
    let mut line = Vec::new();
    while ring.read(cursor, owner, &mut line) {
        out.push((cursor.number - 1, String::from_utf8(std::mem::take(&mut line)).unwrap()));
    }
    out
}

thread_local! {
    /// How many more points this thread passes before it kills its process.
    static POINTS: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Dies here, if this is the point where the test wants the process to die.
pub(crate) fn kill_point() {
    POINTS.with(|points| match points.get() {
        Some(0) => {
            let me = rustix::process::getpid();
            let _ = rustix::process::kill_process(me, rustix::process::Signal::KILL);
        }
        Some(left) => points.set(Some(left - 1)),
        None => {}
    });
}
