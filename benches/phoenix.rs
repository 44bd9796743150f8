//! A collector that is killed again and again, and starts anew at the same address.

use crate::daemon::Daemon;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

/// How long it lives, and how long it is dead.
const LIFE: Duration = Duration::from_millis(50);
const DEATH: Duration = Duration::from_millis(20);

/// Dies and rises as long as it is held.
pub(crate) struct Phoenix {
    pub(crate) address: SocketAddr,
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Phoenix {
    /// Begins its first life, in which it appends to `file`.
    pub(crate) fn rise(file: PathBuf) -> Self {
        let mut daemon = Daemon::collector(&file);
        let address = daemon.address;
        let (end, ended) = channel();
        let thread = spawn(move || {
            while ended.recv_timeout(LIFE) == Err(RecvTimeoutError::Timeout) {
                drop(daemon);
                let _ = ended.recv_timeout(DEATH);
                daemon = Daemon::collector_at(address, &file);
            }
        });
        Self { address, end: Some(end), thread: Some(thread) }
    }
}

impl Drop for Phoenix {
    fn drop(&mut self) {
        drop(self.end.take());
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(matches!(ended, Some(Ok(()))), "the collector did not rise again");
    }
}
