//! A ring in a file: mapped into the process, its data twice back to back, so that no record ever
//! wraps.

use super::memory::sync::AtomicI32;
use super::memory::{CONTROL_AT, ControlBlock, RingMemory};
use rustix::fs::{FallocateFlags, fallocate};
use rustix::mm::{
    Advice, MapFlags, MremapFlags, ProtFlags, madvise, mmap, mmap_anonymous, mremap_fixed, munmap,
};
use std::ffi::c_void;
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd};
use std::ptr;

/// Offset of the data in the file: behind the header, at the start of a page.
pub(crate) fn data_at() -> usize {
    rustix::param::page_size().max(4096)
}

/// A file mapped into the process, but not into its forked children.
pub(crate) struct MappedFile {
    base: *mut u8,
    data: *mut u8,
    capacity: u64,
    len: usize,
}

// SAFETY: the mapping belongs to the process, not to a thread; what is shared in it are atomics,
// and the bytes that `RingMemory`'s contracts give to one thread at a time.
unsafe impl Send for MappedFile {}
// SAFETY: as above.
unsafe impl Sync for MappedFile {}

impl MappedFile {
    /// Reserves the space of a new ring file. Without it, a file system that fills up later would
    /// kill the host program with SIGBUS.
    pub(crate) fn reserve(file: impl AsFd, capacity: u64) -> io::Result<()> {
        let len = data_at() as u64 + capacity;
        Ok(fallocate(file, FallocateFlags::empty(), 0, len)?)
    }

    /// Maps a file of a header and `capacity` bytes of data, a power of two and a multiple of the
    /// page size.
    ///
    /// # Errors
    ///
    /// When the system refuses the mapping. The file must be as long as it should be, which the
    /// caller has checked.
    pub(crate) fn new(file: BorrowedFd<'_>, capacity: u64) -> io::Result<Self> {
        let data_at = data_at();
        let data = capacity as usize;
        let len = data_at + 2 * data;
        let first = data_at + data;
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let fixed = MapFlags::SHARED | MapFlags::FIXED;
        // SAFETY: the first call reserves addresses of its own choice; the two others replace
        // parts of what it reserved. Nothing is mapped over that is not ours.
        unsafe {
            let none = ProtFlags::empty();
            let base = mmap_anonymous(ptr::null_mut(), len, none, MapFlags::PRIVATE)?;
            let map =
                Self { base: base.cast(), data: base.cast::<u8>().add(data_at), capacity, len };
            mmap(base, first, access, fixed, file, 0)?;
            mmap(base.byte_add(first), data, access, fixed, file, data_at as u64)?;
            madvise(base, len, Advice::LinuxDontFork)?;
            Ok(map)
        }
    }

    /// Maps memory without a file, so that neither a file system nor RLIMIT_FSIZE limits it.
    ///
    /// # Errors
    ///
    /// When the system refuses the mapping.
    pub(crate) fn anonymous(capacity: u64) -> io::Result<Self> {
        let data_at = data_at();
        let data = capacity as usize;
        let len = data_at + 2 * data;
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the first call reserves addresses of its own choice, and the second one replaces
        // the part behind the data by a second mapping of it, which is what a size of 0 means.
        unsafe {
            let base = mmap_anonymous(ptr::null_mut(), len, access, MapFlags::SHARED)?;
            let map =
                Self { base: base.cast(), data: base.cast::<u8>().add(data_at), capacity, len };
            let again = base.byte_add(data_at + data);
            mremap_fixed(map.data.cast(), 0, data, MremapFlags::MAYMOVE, again)?;
            madvise(base, len, Advice::LinuxDontFork)?;
            Ok(map)
        }
    }

    fn place(&self, at: u64) -> *mut u8 {
        // SAFETY: the rest by a power of two is within the first of the two mappings of the data.
        unsafe { self.data.add((at & (self.capacity - 1)) as usize) }
    }
}

impl Drop for MappedFile {
    fn drop(&mut self) {
        // SAFETY: this is the whole of what `new` mapped, and no reference outlives `self`.
        let _ = unsafe { munmap(self.base.cast::<c_void>(), self.len) };
    }
}

impl RingMemory for MappedFile {
    fn control(&self) -> &ControlBlock {
        // SAFETY: the header is mapped, aligned (CONTROL_AT is a multiple of 128, the base of a
        // page) and large enough; every field is an atomic or unused.
        unsafe { &*self.base.add(CONTROL_AT).cast::<ControlBlock>() }
    }

    fn capacity(&self) -> u64 {
        self.capacity
    }

    fn length(&self, at: u64) -> &AtomicI32 {
        debug_assert!(at.is_multiple_of(8), "length words stand at multiples of eight");
        // SAFETY: within the data and aligned; length words are only ever used as atomics while
        // they can be shared.
        unsafe { &*self.place(at).cast::<AtomicI32>() }
    }

    unsafe fn write(&self, at: u64, bytes: &[u8]) {
        // SAFETY: a claim never exceeds the capacity, so it ends within the second mapping.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.place(at), bytes.len()) };
    }

    unsafe fn read(&self, at: u64, len: u64, out: &mut Vec<u8>) {
        // SAFETY: as above; the caller's contract keeps the bytes unchanged while they are read.
        out.extend_from_slice(unsafe { std::slice::from_raw_parts(self.place(at), len as usize) });
    }

    unsafe fn zero(&self, at: u64, len: u64) {
        // SAFETY: as above.
        unsafe { ptr::write_bytes(self.place(at), 0, len as usize) };
    }

    #[inline]
    fn prefetch(&self, at: u64) {
        /// Enough for most records.
        const LINES: u64 = 4;
        #[cfg(target_arch = "x86_64")]
        for line in 0..LINES {
            use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
            // SAFETY: a prefetch is a hint; it cannot fault, wherever it points.
            unsafe { _mm_prefetch::<_MM_HINT_ET0>(self.place(at + 64 * line).cast()) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (at, LINES);
    }

    /// Whole pages only.
    fn discard_outside(&self, kept: Range<u64>) {
        let page = rustix::param::page_size() as u64;
        let first = kept.start / page * page;
        let last = kept.end.next_multiple_of(page);
        let unused = self.capacity.saturating_sub(last - first);
        let start = last & (self.capacity - 1);
        let before_end = unused.min(self.capacity - start);
        for (start, len) in [(start, before_end), (0, unused - before_end)] {
            if len > 0 {
                // SAFETY: within the data, and nothing lives there.
                let _ = unsafe {
                    let place = self.data.add(start as usize).cast::<c_void>();
                    madvise(place, len as usize, Advice::LinuxRemove)
                };
            }
        }
    }

    fn prefault(&self, range: Range<u64>) {
        let end = range.end.min(self.capacity);
        if range.start >= end {
            return;
        }
        // SAFETY: within the data. Older kernels refuse the advice; pages then come as they are
        // first touched.
        let _ = unsafe {
            let start = self.data.add(range.start as usize).cast::<c_void>();
            madvise(start, (end - range.start) as usize, Advice::LinuxPopulateWrite)
        };
    }
}
