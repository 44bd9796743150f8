//! A ring in ordinary memory, which ends with the process. A record that reaches the end goes on at
//! the start.

use super::memory::sync::AtomicI32;
use super::memory::{ControlBlock, RingMemory};
use std::alloc::{Layout, alloc_zeroed};
use std::cell::UnsafeCell;
use std::io;
use std::ptr;

/// Memory on the heap.
pub(crate) struct HeapMemory {
    control: ControlBlock,
    /// The data; a record's length word stands at the start of one of these.
    words: Box<[UnsafeCell<u64>]>,
}

// SAFETY: what is shared are atomics, and the bytes that `RingMemory`'s contracts give to one thread
// at a time.
unsafe impl Send for HeapMemory {}
// SAFETY: as above.
unsafe impl Sync for HeapMemory {}

impl HeapMemory {
    /// Takes memory for `capacity` bytes of data, a power of two and a multiple of eight.
    ///
    /// # Errors
    ///
    /// When there is no memory.
    pub(crate) fn anonymous(capacity: u64) -> io::Result<Self> {
        let no_memory = || io::Error::from(io::ErrorKind::OutOfMemory);
        let len = usize::try_from(capacity / 8).map_err(|_| no_memory())?.max(1);
        let layout = Layout::array::<UnsafeCell<u64>>(len).map_err(|_| no_memory())?;
        // SAFETY: the layout is not empty. The box gets memory of its own layout, and zeros are
        // valid numbers. Unlike a vector's, they need not be written: the system has zeroed pages.
        let words = unsafe {
            let start = alloc_zeroed(layout).cast::<UnsafeCell<u64>>();
            if start.is_null() {
                return Err(no_memory());
            }
            Box::from_raw(ptr::slice_from_raw_parts_mut(start, len))
        };
        Ok(Self { control: ControlBlock::default(), words })
    }

    fn place(&self, at: u64) -> *mut u8 {
        let offset = (at & (self.capacity() - 1)) as usize;
        // SAFETY: the rest by a power of two is within the data.
        unsafe { UnsafeCell::raw_get(self.words.as_ptr()).cast::<u8>().add(offset) }
    }

    /// The part of `len` bytes from position `at` that lies before the end of the data.
    fn before_end(&self, at: u64, len: usize) -> usize {
        let left = self.capacity() - (at & (self.capacity() - 1));
        usize::try_from(left).map_or(len, |left| left.min(len))
    }
}

impl RingMemory for HeapMemory {
    fn control(&self) -> &ControlBlock {
        &self.control
    }

    fn capacity(&self) -> u64 {
        self.words.len() as u64 * 8
    }

    fn length(&self, at: u64) -> &AtomicI32 {
        debug_assert!(at.is_multiple_of(8), "length words stand at multiples of eight");
        // SAFETY: within the data and aligned; length words are only ever used as atomics while
        // they can be shared.
        unsafe { &*self.place(at).cast::<AtomicI32>() }
    }

    unsafe fn write(&self, at: u64, bytes: &[u8]) {
        let (first, rest) = bytes.split_at(self.before_end(at, bytes.len()));
        // SAFETY: both parts are within the data, and the caller's alone.
        unsafe {
            ptr::copy_nonoverlapping(first.as_ptr(), self.place(at), first.len());
            ptr::copy_nonoverlapping(rest.as_ptr(), self.place(0), rest.len());
        }
    }

    unsafe fn read(&self, at: u64, len: u64, out: &mut Vec<u8>) {
        let len = len as usize;
        let first = self.before_end(at, len);
        // SAFETY: as above; the caller's contract keeps the bytes unchanged while they are read.
        unsafe {
            out.extend_from_slice(std::slice::from_raw_parts(self.place(at), first));
            out.extend_from_slice(std::slice::from_raw_parts(self.place(0), len - first));
        }
    }

    unsafe fn zero(&self, at: u64, len: u64) {
        let len = len as usize;
        let first = self.before_end(at, len);
        // SAFETY: as above.
        unsafe {
            ptr::write_bytes(self.place(at), 0, first);
            ptr::write_bytes(self.place(0), 0, len - first);
        }
    }
}
