//! Old files: they are compressed, and those beyond the limits are removed.
//!
//! One thread does it for all logs, at the lowest priority of all, one file at a time. Those who
//! write never wait for it, and whatever it fails at is left as it was and tried again.

mod keep;
mod worker;

pub(crate) use keep::KeepLimits;

use crate::archive::Archive;
use crate::layout::forwarded::Forwarded;
use crate::priority::give_way;
use crate::stats::Stats;
use crate::stderr::StderrLog;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};
use tokio::sync::oneshot;
use tokio::time::timeout;
use worker::RetentionWorker;

/// Interval between checks for files that are too old, or that could not be compressed.
const MINUTE: Duration = Duration::from_secs(60);

/// Niceness of the thread above that of the rest of the collector.
const NICE: i32 = 10;

/// Time for its end: it gives up a compression between two frames.
const FAREWELL: Duration = Duration::from_secs(2);

/// Settings for old files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RetentionPolicy {
    pub(crate) pack: bool,
    pub(crate) keep: KeepLimits,
}

/// Handle by which writers tell the thread of the logs whose old files it has to watch.
#[derive(Debug, Clone, Default)]
pub(crate) struct RetentionHandle(Arc<RetentionShared>);

#[derive(Debug, Default)]
struct RetentionShared {
    state: Mutex<RetentionState>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct RetentionState {
    policy: RetentionPolicy,
    forwarded: Option<Arc<Forwarded>>,
    archive: Option<Arc<Archive>>,
    logs: BTreeSet<PathBuf>,
    due: bool,
    ended: bool,
}

/// The running thread.
pub(crate) struct RetentionThread {
    handle: RetentionHandle,
    done: oneshot::Receiver<()>,
}

impl RetentionHandle {
    /// Looks after what was rotated away from `log`: soon, and every minute from now on.
    pub(crate) fn watch(&self, log: &Path) {
        let mut state = self.lock();
        if !state.logs.contains(log) {
            state.logs.insert(log.to_owned());
        }
        state.due = true;
        self.0.bell.notify_one();
    }

    /// Starts the thread.
    pub(crate) fn start(
        self,
        policy: RetentionPolicy,
        stats: Arc<Stats>,
        stderr: StderrLog,
    ) -> io::Result<RetentionThread> {
        self.change(policy);
        let (tell, done) = oneshot::channel();
        let handle = self.clone();
        let work = move || {
            give_way(NICE);
            let mut worker = RetentionWorker::new(handle.clone(), stats, stderr);
            while let Some(logs) = handle.wait() {
                logs.iter().for_each(|log| worker.log(log));
            }
            let _ = tell.send(());
        };
        thread::Builder::new().name("retention".into()).spawn(work)?;
        Ok(RetentionThread { handle: self, done })
    }

    /// Treats all old files like this from now on.
    pub(crate) fn change(&self, policy: RetentionPolicy) {
        let mut state = self.lock();
        state.policy = policy;
        state.due = true;
        self.0.bell.notify_one();
    }

    /// From now on, nothing is removed that a relay has not sent before its position is moved.
    pub(crate) fn forward(&self, forwarded: Arc<Forwarded>) {
        self.lock().forwarded = Some(forwarded);
    }

    /// From now on, segments are archived, and those that are not are kept as long as their size
    /// permits.
    pub(crate) fn archive(&self, archive: Arc<Archive>) {
        self.lock().archive = Some(archive);
    }

    /// Makes the thread look for what can be removed by now.
    pub(crate) fn wake(&self) {
        self.lock().due = true;
        self.0.bell.notify_one();
    }

    fn archived(&self) -> Option<Arc<Archive>> {
        self.lock().archive.clone()
    }

    fn forwarded(&self) -> Option<Arc<Forwarded>> {
        self.lock().forwarded.clone()
    }

    fn policy(&self) -> RetentionPolicy {
        self.lock().policy
    }

    /// Waits until there may be something to do, and says where; nowhere any more at the end.
    fn wait(&self) -> Option<Vec<PathBuf>> {
        let mut state = self.lock();
        let until = Instant::now() + MINUTE;
        while !state.due && !state.ended {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let woken = self.0.bell.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.due = false;
        (!state.ended).then(|| state.logs.iter().cloned().collect())
    }

    fn is_due(&self) -> bool {
        self.lock().due
    }

    fn ended(&self) -> bool {
        self.lock().ended
    }

    fn lock(&self) -> MutexGuard<'_, RetentionState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RetentionThread {
    /// Ends it. A disk that hangs must not keep the collector from ending.
    pub(crate) async fn end(mut self) {
        self.stop();
        let _ = timeout(FAREWELL, &mut self.done).await;
    }

    fn stop(&self) {
        self.handle.lock().ended = true;
        self.handle.0.bell.notify_one();
    }
}

impl Drop for RetentionThread {
    fn drop(&mut self) {
        self.stop();
    }
}
