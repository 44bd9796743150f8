//! The stream intakes, TCP and Unix: accept connections and give each a task of its own.

use super::connection::{Connection, Opened};
use super::connection_limits::{ConnectionPermit, LimitReached, address_block};
use super::listener_format::ListenerFormat;
use super::proxy_header;
use super::shared::IntakeContext;
use super::stream::{PeerStream, StreamListener, TlsConnection};
use crate::decode::Origin;
use crate::senders::peer::Peer;
use crate::stderr::Chain;
use crate::tls::{Tls, TlsClient};
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

/// Connections that come all the time do not keep the collector from ending.
const LAST_ACCEPTS: Duration = Duration::from_millis(200);

/// A listener's part in how its connections are served.
pub(crate) struct ListenerSettings {
    pub(crate) format: ListenerFormat,
    /// Connections begin with a PROXY header.
    pub(crate) proxy: bool,
    /// The service manager keeps the socket when the collector ends.
    pub(crate) passed: bool,
}

/// An accepted connection, and the format of its listener.
struct Accepted {
    stream: PeerStream,
    peer: Peer,
    format: ListenerFormat,
    /// Begins with a PROXY header.
    proxy: bool,
    /// Begins with a handshake, behind that.
    tls: Option<Arc<Tls>>,
}

/// Accepts until the collector is to end, then waits for the connections to drain.
pub(crate) async fn run(
    mut listener: StreamListener,
    settings: ListenerSettings,
    shared: IntakeContext,
) {
    let ListenerSettings { format, proxy, passed } = settings;
    let mut connections = JoinSet::new();
    let shared = Arc::new(shared);
    let tls = shared.tls.clone().filter(|_| matches!(listener, StreamListener::Tls(_)));
    let accepted =
        |stream, peer| Accepted { stream, peer, format: format.clone(), proxy, tls: tls.clone() };
    let mut backoff = AcceptBackoff { pause: PAUSE_MIN, failed: None };
    loop {
        tokio::select! {
            biased;
            () = shared.stopped() => break,
            // Ended tasks are taken away as they end, or they would pile up.
            Some(_) = connections.join_next() => {}
            new = listener.accept() => match new {
                Ok((stream, peer)) => {
                    backoff.accepted(&shared);
                    serve(accepted(stream, peer), &shared, &mut connections);
                }
                Err(error) => backoff.wait(&error, &shared).await,
            },
        }
    }
    listener.hide();
    // Connections that the kernel has accepted already are served: by this collector, or by the
    // next one, to which the service manager passes the same socket.
    let end = Instant::now() + LAST_ACCEPTS;
    while !passed
        && Instant::now() < end
        && let Ok(Ok((stream, peer))) = timeout(LAST_ACCEPT, listener.accept()).await
    {
        serve(accepted(stream, peer), &shared, &mut connections);
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Gives a new connection a task of its own, within the limits.
fn serve(accepted: Accepted, shared: &Arc<IntakeContext>, connections: &mut JoinSet<()>) {
    let peer = accepted.peer;
    let permit = match shared.limits.connections.admit(peer.place().machine) {
        Ok(permit) => permit,
        Err(reached) => return count_refusal(reached, peer, shared),
    };
    prepare(&accepted.stream);
    shared.stats.connections_opened.add(1);
    shared.stderr.debug(format_args!("connection from {peer} opened"));
    let shared = shared.clone();
    // Tasks of their own, since most connections have neither and need not be as large.
    if accepted.proxy {
        connections.spawn(behind_proxy(accepted, permit, shared));
    } else if accepted.tls.is_some() {
        connections.spawn(shake_hands(accepted, permit, shared));
    } else {
        connections.spawn(converse(accepted, Origin::new(peer), permit, &shared));
    }
}

/// Serves a connection behind a PROXY header to its end: one of the peer that it names.
async fn behind_proxy(accepted: Accepted, permit: ConnectionPermit, shared: Arc<IntakeContext>) {
    let Accepted { stream: PeerStream::Tcp(tcp), peer: proxy, format, tls, .. } = accepted else {
        return;
    };
    let header = tokio::select! {
        header = proxy_header::take(&tcp, proxy.place().machine, &shared.proxies) => header,
        () = shared.stopped() => return shared.stats.connections_closed.add(1),
    };
    let peer = match header {
        Ok(named) => named.map_or(proxy, Peer::remote),
        Err(error) => {
            shared.stats.connections_closed.add(1);
            return shared.refuse(&error, proxy);
        }
    };
    // The peer's connections are limited, not the proxy's.
    drop(permit);
    let permit = match shared.limits.connections.admit(peer.place().machine) {
        Ok(permit) => permit,
        Err(reached) => {
            shared.stats.connections_closed.add(1);
            return count_refusal(reached, peer, &shared);
        }
    };
    shared.stderr.debug(format_args!("connection from {proxy} is that of {peer}"));
    let accepted = Accepted { stream: PeerStream::Tcp(tcp), peer, format, proxy: false, tls };
    if accepted.tls.is_some() {
        shake_hands(accepted, permit, shared).await;
    } else {
        converse(accepted, Origin::new(peer), permit, &shared).await;
    }
}

/// Serves a connection with TLS to its end.
async fn shake_hands(accepted: Accepted, permit: ConnectionPermit, shared: Arc<IntakeContext>) {
    let Accepted { stream: PeerStream::Tcp(tcp), peer, tls: Some(tls), format, .. } = accepted
    else {
        return;
    };
    let client = TlsClient { peer, address: address_block(peer.place().machine) };
    let handshake = tokio::select! {
        handshake = tls.accept_sender(tcp, client) => handshake,
        () = shared.stopped() => None,
    };
    let Some((stream, verified)) = handshake else {
        shared.stats.connections_closed.add(1);
        return;
    };
    let stream = PeerStream::Tls(TlsConnection::new(stream));
    let origin = verified.map_or_else(|| Origin::new(peer), Origin::verified);
    let accepted = Accepted { stream, peer, format, proxy: false, tls: None };
    converse(accepted, origin, permit, &shared).await;
}

/// Serves a connection to its end. The parameters of an `async fn` would lie in its task twice.
fn converse(
    accepted: Accepted,
    origin: Origin,
    permit: ConnectionPermit,
    shared: &Arc<IntakeContext>,
) -> impl Future<Output = ()> + Send + use<> {
    let Accepted { stream, peer, format, .. } = accepted;
    let opened = Opened { stream, peer, origin, format, share: permit.share.clone() };
    let mut connection = Connection::new(opened, shared.clone());
    async move {
        connection.run().await;
        drop(permit);
    }
}

fn count_refusal(reached: LimitReached, peer: Peer, shared: &IntakeContext) {
    let stats = &shared.stats;
    let (counter, option) = match reached {
        LimitReached::All => (&stats.connections_over_limit, "--max-connections"),
        LimitReached::Address => (&stats.connections_over_limit_of_address, "--max-per-address"),
    };
    counter.add(1);
    shared.stderr.debug(format_args!("connection from {peer} refused: {option} reached"));
}

/// Neither setting is worth refusing a peer for.
fn prepare(stream: &PeerStream) {
    let PeerStream::Tcp(stream) = stream else { return };
    let _ = stream.set_nodelay(true);
    let probes = TcpKeepalive::new().with_time(KEEP_ALIVE).with_interval(KEEP_ALIVE_PROBES);
    let _ = SockRef::from(stream).set_tcp_keepalive(&probes.with_retries(4));
}

/// The pause after a failed accept. Out of descriptors, accept fails at once for as long as the
/// peer waits in the queue, and a loop without a pause would do nothing else.
struct AcceptBackoff {
    pause: Duration,
    /// When it failed last, while that is an episode.
    failed: Option<Instant>,
}

impl AcceptBackoff {
    async fn wait(&mut self, error: &io::Error, shared: &IntakeContext) {
        // The peer gave up before it was its turn: nobody's fault, and no reason to wait.
        if error.kind() == io::ErrorKind::ConnectionAborted {
            return;
        }
        shared.stats.accepts_failed.add(1);
        if self.failed.replace(Instant::now()).is_none() {
            let cause = Chain(error);
            shared.stderr.log(format_args!("failed to accept a connection, retrying: {cause}"));
        }
        tokio::select! {
            () = sleep(self.pause) => {}
            () = shared.stopped() => {}
        }
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }

    fn accepted(&mut self, shared: &IntakeContext) {
        self.pause = PAUSE_MIN;
        // One that closes lets one in: the episode is over when it has been quiet for a while.
        if self.failed.is_some_and(|failed| failed.elapsed() > QUIET) {
            self.failed = None;
            shared.stderr.log(format_args!("accepting connections again"));
        }
    }
}
