//! Messages of the logger itself: lines on stderr, never through `log`, which would come back here.

#[cfg(all(target_os = "linux", not(netlog_portable)))]
mod linux;
#[cfg(not(all(target_os = "linux", not(netlog_portable))))]
mod portable;

#[cfg(all(target_os = "linux", not(netlog_portable)))]
pub(crate) use linux::{print, remember};
#[cfg(not(all(target_os = "linux", not(netlog_portable))))]
pub(crate) use portable::{print, remember};

use std::cell::Cell;

thread_local! {
    static INTERNAL: Cell<bool> = const { Cell::new(false) };
}

/// Prints one line on stderr.
pub(crate) fn report(line: &str) {
    print(format!("netlog: {line}\n").as_bytes());
}

/// Marks this thread as one of the logger's own: nothing it logs enters the spool.
pub(crate) fn mark_internal_thread() {
    INTERNAL.set(true);
}

/// `true` on the logger's own threads. A thread whose locals are gone is ending and none of them.
pub(crate) fn is_internal_thread() -> bool {
    INTERNAL.try_with(Cell::get).unwrap_or(false)
}
