//! Niceness of threads that may wait.

use rustix::process::{getpriority_process, setpriority_process};

/// Makes this thread, and those it starts, `by` nicer than the rest of the collector.
pub(crate) fn give_way(by: i32) {
    // On Linux this is about the thread alone. One that stays as it is does its work all the same.
    if let Ok(nice) = getpriority_process(None) {
        let _ = setpriority_process(None, nice + by);
    }
}
