//! Detection of a fork by the process id.

use std::io;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// A state of one process: a forked child, which has another id, begins without one.
pub(crate) struct ProcessState {
    /// The state of the last process that asked for one, never freed.
    latest: AtomicPtr<StateOf>,
}

/// A state and the process that it belongs to.
struct StateOf {
    pid: u32,
    state: AtomicU64,
}

impl ProcessState {
    /// The state of a process that was forked and has not done anything about it.
    pub(crate) const CHILD: u64 = 0;

    /// Creates `state` for this process.
    ///
    /// # Errors
    ///
    /// Never.
    pub(crate) fn new(state: u64) -> io::Result<Self> {
        Ok(Self { latest: AtomicPtr::new(StateOf::leak(std::process::id(), state)) })
    }

    /// The last state stored in this process; [`ProcessState::CHILD`] after a fork.
    #[inline]
    pub(crate) fn state(&self) -> &AtomicU64 {
        let pid = std::process::id();
        let latest = self.latest.load(Ordering::Acquire);
        // SAFETY: it points to a state that is never freed.
        let found = unsafe { &*latest };
        if found.pid == pid { &found.state } else { self.begin(latest, pid) }
    }

    /// Begins the state of a forked child: the first of its threads to come here does.
    #[cold]
    fn begin(&self, parents: *mut StateOf, pid: u32) -> &AtomicU64 {
        let own = StateOf::leak(pid, Self::CHILD);
        let order = Ordering::AcqRel;
        let before = self.latest.compare_exchange(parents, own, order, Ordering::Acquire);
        // SAFETY: as above. Another thread's is of the same process: nobody else can write here.
        unsafe { &(*before.map_or_else(|others| others, |_| own)).state }
    }
}

impl StateOf {
    fn leak(pid: u32, state: u64) -> *mut Self {
        ptr::from_mut(Box::leak(Box::new(Self { pid, state: AtomicU64::new(state) })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_another_process_is_not_taken_for_ours() {
        let parents = StateOf::leak(std::process::id() ^ 1, 7);
        let state = ProcessState { latest: AtomicPtr::new(parents) };
        assert_eq!(state.state().load(Ordering::Relaxed), ProcessState::CHILD);
        state.state().store(8, Ordering::Relaxed);
        assert_eq!(state.state().load(Ordering::Relaxed), 8);
    }
}
