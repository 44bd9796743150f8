//! Threads on which handshakes compute. They give way to the rest of the collector: however many
//! handshakes are begun, connections that exist are read first.

use crate::priority::give_way;
use crate::thread_runtime::ThreadRuntime;
use crate::turns::Turns;
use rustix::time::{ClockId, clock_gettime};
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use std::{io, thread};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// Niceness above that of the rest of the collector. On a machine without a free processor, a tenth
/// of one is left for handshakes.
const NICE: i32 = 10;

/// Processor time in which no answer to a greeting is computed.
const TO_READ: Duration = Duration::from_micros(20);

/// The thread for the handshakes of one kind of clients.
#[derive(Debug)]
pub(super) struct HandshakeThread {
    runtime: Handle,
    turns: Arc<Turns>,
    /// The thread ends when this is dropped.
    _end: oneshot::Sender<()>,
}

impl HandshakeThread {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// When the system allows no further thread.
    pub(super) fn start(name: &str) -> io::Result<Self> {
        let runtime = ThreadRuntime::new(Builder::new_current_thread().enable_time())?;
        let handle = runtime.get().handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        thread::Builder::new().name(name.into()).spawn(move || {
            give_way(NICE);
            let _ = runtime.get().block_on(ended);
        })?;
        Ok(Self { runtime: handle, turns: Arc::new(Turns::new()), _end: end })
    }

    /// Completes `work` on the thread, in turns of `address`. Dropped, it takes the work with it.
    pub(super) async fn run<F>(&self, work: F, address: IpAddr) -> Option<F::Output>
    where
        F: Future<Output: Send> + Send + Unpin + 'static,
    {
        let mut task = JoinSet::new();
        task.spawn_on(in_turns(self.turns.clone(), work, address), &self.runtime);
        task.join_next().await?.ok()
    }
}

/// Completes `work`, but has a turn whenever it computes; while it waits for bytes it has none, so
/// that slow peers keep nobody waiting.
async fn in_turns<F: Future + Unpin>(turns: Arc<Turns>, mut work: F, address: IpAddr) -> F::Output {
    let own = turns.of(address);
    let mut has_computed = false;
    loop {
        let turn = match has_computed {
            true => turns.resume().await,
            false => turns.begin(&own).await,
        };
        let before = processor_time();
        let polled = poll_fn(|context| Poll::Ready(Pin::new(&mut work).poll(context))).await;
        let taken = processor_time().saturating_sub(before);
        own.charge(taken);
        drop(turn);
        if let Poll::Ready(done) = polled {
            return done;
        }
        has_computed |= taken > TO_READ;
        // The task is woken when `work` can go on.
        let mut waited = false;
        poll_fn(|_| match std::mem::replace(&mut waited, true) {
            false => Poll::Pending,
            true => Poll::Ready(()),
        })
        .await;
    }
}

/// Processor time that this thread has taken.
fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::getpriority_process;

    #[tokio::test]
    async fn handshakes_compute_on_a_thread_that_gives_way() {
        let handshakes = HandshakeThread::start("tls-test").unwrap();
        let own = getpriority_process(None).unwrap();
        let address = IpAddr::from([127, 0, 0, 1]);
        let work = Box::pin(async { getpriority_process(None).unwrap() });
        assert_eq!(handshakes.run(work, address).await, Some((own + NICE).min(19)));
        // One that is given up takes no turn with it.
        drop(handshakes.run(std::future::pending::<()>(), address));
        assert!(handshakes.run(Box::pin(async {}), address).await.is_some());
    }
}
