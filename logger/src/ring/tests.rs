//! The ring under test: its rules, every interleaving (loom), every death (kill points).

#[cfg(all(target_os = "linux", not(any(netlog_portable, miri, loom))))]
mod deaths;
#[cfg(loom)]
mod interleavings;
#[cfg(loom)]
mod loom_memory;
#[cfg(not(loom))]
mod rules;

use super::*;
#[cfg(not(loom))]
use heap::HeapMemory;
#[cfg(all(target_os = "linux", not(netlog_portable)))]
use std::cell::Cell;

#[cfg(not(loom))]
impl HeapMemory {
    fn ring(capacity: u64) -> Ring<Self> {
        Ring::new(Self::anonymous(capacity).expect("there is memory"))
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

#[cfg(all(target_os = "linux", not(netlog_portable)))]
thread_local! {
    /// How many more points this thread passes before it kills its process.
    static POINTS: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Dies here, if this is the point where the test wants the process to die.
#[cfg(all(target_os = "linux", not(netlog_portable)))]
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
