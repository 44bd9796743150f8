//! Detection of a fork by a page that it wipes.

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};
use std::io;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

/// A page that a fork wipes, so that a child notices the fork at the cost of one load.
///
/// Where there are no such pages (Linux before 4.14, valgrind), a forked child does not notice that
/// it is one, and must not log.
pub(crate) struct WipedPage {
    page: *mut AtomicU64,
}

// SAFETY: the page is never unmapped, and only accessed as an atomic.
unsafe impl Send for WipedPage {}
// SAFETY: as above.
unsafe impl Sync for WipedPage {}

impl WipedPage {
    /// The state of a process that was forked and has not done anything about it.
    pub(crate) const CHILD: u64 = 0;

    /// Creates a page that holds `state` until a fork wipes it.
    ///
    /// # Errors
    ///
    /// When there is no memory.
    pub(crate) fn new(state: u64) -> io::Result<Self> {
        let len = rustix::param::page_size();
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping of one page at an address of the system's choice, kept for good.
        let page = unsafe {
            let page = mmap_anonymous(ptr::null_mut(), len, access, MapFlags::PRIVATE)?;
            let _ = madvise(page, len, Advice::LinuxWipeOnFork);
            page.cast::<AtomicU64>()
        };
        let fork = Self { page };
        fork.state().store(state, Ordering::Release);
        Ok(fork)
    }

    /// The last state stored in this process; [`WipedPage::CHILD`] after a fork.
    #[inline]
    pub(crate) fn state(&self) -> &AtomicU64 {
        // SAFETY: the page is mapped for good and aligned; zeros are a valid atomic.
        unsafe { &*self.page }
    }
}
