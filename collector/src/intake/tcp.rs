//! The stream intakes, TCP and Unix: accept connections and give each a task of its own.

use super::Shared;
use super::connection::Connection;
use super::places::Full;
use super::stream::{Listener, Stream};
use crate::decode::Pinned;
use crate::senders::peer::Peer;
use crate::stderr::Chain;
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// A peer whose machine is gone is found out within three minutes.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
const KEEP_ALIVE_PROBES: Duration = Duration::from_secs(30);

const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);
const QUIET: Duration = Duration::from_secs(10);

/// Longer than it takes tokio to learn from the kernel that someone waits to be accepted.
const LAST_ACCEPT: Duration = Duration::from_millis(10);

/// Accepts until the collector is to end, then waits for the connections to drain.
pub(crate) async fn run(mut listener: Listener, pin: Option<Pinned>, shared: Shared) {
    let (mut connections, shared) = (JoinSet::new(), Arc::new(shared));
    let mut cooling = Cooling { pause: PAUSE_MIN, failed: None };
    loop {
        tokio::select! {
            biased;
            () = shared.stopped() => break,
            // Ended tasks are taken away as they end, or they would pile up.
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    cooling.accepted(&shared);
                    admit(stream, (peer, pin), &shared, &mut connections);
                }
                Err(error) => cooling.wait(&error, &shared).await,
            },
        }
    }
    listener.hide();
    // Whoever the kernel has let in already has been told that it is served.
    while let Ok(Ok((stream, peer))) = timeout(LAST_ACCEPT, listener.accept()).await {
        admit(stream, (peer, pin), &shared, &mut connections);
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

fn admit(
    stream: Stream,
    (peer, pin): (Peer, Option<Pinned>),
    shared: &Arc<Shared>,
    connections: &mut JoinSet<()>,
) {
    let place = match shared.bounds.places.take(peer.place().0) {
        Ok(place) => place,
        Err(full) => {
            let (counter, whose) = match full {
                Full::All => (&shared.stats.connections_over_limit, "all"),
                Full::Address => (&shared.stats.connections_over_limit_of_address, "its address"),
            };
            counter.add(1);
            let words = format_args!("closed {peer}: too many connections of {whose}");
            return shared.stderr.debug(words);
        }
    };
    prepare(&stream);
    let mut open = Connection::open(stream, (peer, pin), shared.clone());
    shared.stats.connections_opened.add(1);
    shared.stderr.debug(format_args!("connection from {peer} opened"));
    let (stats, stderr) = (shared.stats.clone(), shared.stderr);
    connections.spawn(async move {
        let end = open.run().await;
        stats.connections_closed.add(1);
        stderr.debug(format_args!("connection from {} closed: {end}", open.peer));
        drop(place);
    });
}

/// Neither setting is worth refusing a peer for.
fn prepare(stream: &Stream) {
    let Stream::Tcp(stream) = stream else { return };
    let _ = stream.set_nodelay(true);
    let probes = TcpKeepalive::new().with_time(KEEP_ALIVE).with_interval(KEEP_ALIVE_PROBES);
    let _ = SockRef::from(stream).set_tcp_keepalive(&probes.with_retries(4));
}

/// The pause after a failed accept. Out of descriptors, accept fails at once for as long as the
/// peer waits in the queue, and a loop without a pause would do nothing else.
struct Cooling {
    pause: Duration,
    /// When it failed last, while that is an episode.
    failed: Option<Instant>,
}

impl Cooling {
    async fn wait(&mut self, error: &io::Error, shared: &Shared) {
        // The peer gave up before it was its turn: nobody's fault, and no reason to wait.
        if error.kind() == io::ErrorKind::ConnectionAborted {
            return;
        }
        shared.stats.accepts_failed.add(1);
        if self.failed.replace(Instant::now()).is_none() {
            let cause = Chain(error);
            shared.stderr.log(format_args!("failed to accept, will go on trying: {cause}"));
        }
        tokio::select! {
            () = sleep(self.pause) => {}
            () = shared.stopped() => {}
        }
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }

    fn accepted(&mut self, shared: &Shared) {
        self.pause = PAUSE_MIN;
        // One that closes lets one in: the episode is over when it has been quiet for a while.
        if self.failed.is_some_and(|failed| failed.elapsed() > QUIET) {
            self.failed = None;
            shared.stderr.log(format_args!("accepting connections again"));
        }
    }
}
