//! The signals that a thread blocks. They are asked for here because that counts as `unsafe`.

use std::mem::MaybeUninit;
use std::ptr;

/// `true` if this thread blocks any signal, as every thread does while a handler runs in it.
pub(crate) fn blocks_signals() -> bool {
    let mut blocked = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: without a new mask the call only writes the present one.
    let blocked = unsafe {
        if libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), blocked.as_mut_ptr()) != 0 {
            return false;
        }
        blocked.assume_init()
    };
    // SAFETY: the set was filled by the call above.
    (1..=libc::SIGRTMAX())
        .any(|signal| unsafe { libc::sigismember(&raw const blocked, signal) == 1 })
}
