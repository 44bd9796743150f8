//! The server: who is let in, for how long, and when it ends.

use super::{FAREWELL, Look, View, routes};
use crate::hub::progress::{End, Progress};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::Socket;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long a request may take to arrive.
const REQUEST: Duration = Duration::from_secs(10);

/// The most bytes of a request's head, and the most headers in it.
const HEAD: usize = 32 << 10;
const HEADERS: usize = 64;

/// Connections beside those of the tails: requests, and browsers that keep some open.
pub(super) const CONNECTIONS: usize = 256;

/// The least time between two words to the tails, and what each of them adds: told of every batch,
/// ten thousand would take more time to wake than it takes to read.
const PAUSE: Duration = Duration::from_millis(5);
const PAUSE_EACH: Duration = Duration::from_micros(20);

/// The pause after a failed accept.
const COOLING: Duration = Duration::from_millis(200);

/// Serves until it is stopped, and then until all have read to the end, for a while.
pub(crate) async fn serve(sockets: Vec<Socket>, view: View, mut stop: watch::Receiver<bool>) {
    let (tell, end) = watch::channel(view.progress.end());
    let (progress, stderr) = (view.progress.clone(), view.stderr);
    let connections = Arc::new(Semaphore::new(view.most.min(Semaphore::MAX_PERMITS)));
    let look = Arc::new(Look::new(view, end, stop.clone()));
    let mut telling = JoinSet::new();
    telling.spawn(relay(progress, tell));
    let mut accepting = JoinSet::new();
    for socket in sockets {
        match TcpListener::from_std(socket.into()) {
            Ok(listener) => {
                accepting.spawn(accept(listener, look.clone(), connections.clone()));
            }
            Err(error) => stderr.log(format_args!("failed to serve those who look in: {error}")),
        }
    }
    let _ = stop.wait_for(|stop| *stop).await;
    while accepting.join_next().await.is_some() {}
}

/// Passes the hub's word on to the tails, at a pace that so many of them can follow.
async fn relay(progress: Arc<Progress>, tell: watch::Sender<End>) {
    loop {
        progress.bell.notified().await;
        tell.send_replace(progress.end());
        let tails = u32::try_from(tell.receiver_count()).unwrap_or(u32::MAX);
        sleep(PAUSE.max(PAUSE_EACH.saturating_mul(tails))).await;
    }
}

async fn accept(listener: TcpListener, look: Arc<Look>, places: Arc<Semaphore>) {
    let (mut connections, mut stop) = (JoinSet::new(), look.stop.clone());
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            sleep(COOLING).await;
            continue;
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            look.view.stats.readers_over_limit.add(1);
            continue;
        };
        let look = look.clone();
        connections.spawn(async move {
            converse(stream, look).await;
            drop(place);
        });
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(FAREWELL, all).await;
}

/// Serves one connection. What goes wrong with it is its own affair.
async fn converse(stream: TcpStream, look: Arc<Look>) {
    let _ = stream.set_nodelay(true);
    let local = stream.local_addr().ok().is_some_and(|at| at.ip().to_canonical().is_loopback());
    let mut stop = look.stop.clone();
    let service = service_fn(|request| {
        let answer = routes::answer(&look, &request, local);
        async move { Ok::<_, Infallible>(answer) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(REQUEST)
            .max_buf_size(HEAD)
            .max_headers(HEADERS)
            .serve_connection(TokioIo::new(stream), service)
    );
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stop.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
