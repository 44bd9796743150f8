//! The server: who is let in, for how long, and when it ends.

use super::request_context::{ReaderAccess, RequestContext};
use super::write_limit::LimitedStream;
use super::{FAREWELL, routes};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::Socket;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Time in which a request has to arrive.
const REQUEST: Duration = Duration::from_secs(10);

/// The most bytes of a request's head, and the most headers in it.
const HEAD: usize = 32 << 10;
const HEADERS: usize = 64;

/// The pause after a failed accept.
const COOLING: Duration = Duration::from_millis(200);

impl RequestContext {
    /// Serves until it is stopped, and then until all have read to the end, for a while.
    pub(crate) async fn serve(
        self: Arc<Self>,
        sockets: Vec<Socket>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut accepting = JoinSet::new();
        for socket in sockets {
            match TcpListener::from_std(socket.into()) {
                Ok(listener) => {
                    accepting.spawn(self.clone().accept(listener, stop.clone()));
                }
                Err(error) => {
                    self.view.stderr.log(format_args!("failed to serve the HTTP API: {error}"));
                }
            }
        }
        let _ = stop.wait_for(|stop| *stop).await;
        while accepting.join_next().await.is_some() {}
    }

    async fn accept(self: Arc<Self>, listener: TcpListener, mut stop: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                Some(_) = connections.join_next() => continue,
                accepted = listener.accept() => accepted,
            };
            let Ok((stream, peer)) = accepted else {
                sleep(COOLING).await;
                continue;
            };
            let server = self.clone();
            let connection = self.connections.admit(peer.ip());
            let spare = match &connection {
                Ok(_) => None,
                Err(_) => {
                    self.view.stats.readers_over_limit.add(1);
                    let Ok(spare) = self.spare.clone().try_acquire_owned() else { continue };
                    Some(spare)
                }
            };
            connections.spawn(async move {
                server.converse(stream, connection.is_ok()).await;
                drop((connection, spare));
            });
        }
        drop(listener);
        let all = async { while connections.join_next().await.is_some() {} };
        let _ = timeout(FAREWELL, all).await;
    }

    /// Serves one connection. What goes wrong with it is its own affair.
    async fn converse(self: Arc<Self>, stream: TcpStream, streams: bool) {
        let _ = stream.set_nodelay(true);
        let local = stream.local_addr().ok().is_some_and(|at| at.ip().to_canonical().is_loopback());
        let mut stop = self.reading.stop.clone();
        let service = service_fn(|request| {
            let answer = routes::answer(&self, &request, ReaderAccess { local, streams });
            async move { Ok::<_, Infallible>(answer) }
        });
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .keep_alive(streams)
                .header_read_timeout(REQUEST)
                .max_buf_size(HEAD)
                .max_headers(HEADERS)
                .serve_connection(TokioIo::new(LimitedStream::new(stream)), service)
        );
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = stop.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    }
}
