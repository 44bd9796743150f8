//! Closing of a descriptor that the program may have closed a moment ago. It is here because that
//! counts as `unsafe`.

use std::os::fd::{IntoRawFd, OwnedFd};

/// Closes a descriptor. The standard library aborts the program, in a debug build, if it is closed
/// already.
pub(crate) fn close_if_open(fd: OwnedFd) {
    // SAFETY: the number was checked to be ours; one that was closed since then costs an error.
    unsafe { libc::close(fd.into_raw_fd()) };
}
