//! The server: who is let in, for how long, and when it ends.

use super::read_context::{ReadContext, ReaderAccess};
use super::{FAREWELL, routes};
use crate::intake::address_block;
use crate::tls::TlsClient;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::Socket;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;

/// Time in which a request has to arrive.
const REQUEST: Duration = Duration::from_secs(10);

/// The most bytes of a request's head, and the most headers in it.
const HEAD: usize = 32 << 10;
const HEADERS: usize = 64;

/// The pause after a failed accept.
const COOLING: Duration = Duration::from_millis(200);

/// Time without progress of the client after which a connection is closed: longer than a stream
/// waits, so that a client that resumes reading still gets the reason.
const WRITE: Duration = Duration::from_secs(60);

impl ReadContext {
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
                server.converse(stream, peer, connection.is_ok()).await;
                drop((connection, spare));
            });
        }
        drop(listener);
        let all = async { while connections.join_next().await.is_some() {} };
        let _ = timeout(FAREWELL, all).await;
    }

    /// Serves one connection, over TLS if the address asks for it.
    async fn converse(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, streams: bool) {
        let _ = stream.set_nodelay(true);
        let local = stream.local_addr().ok().is_some_and(|at| at.ip().to_canonical().is_loopback());
        let access = ReaderAccess { local, streams };
        // Below TLS, which itself takes what it cannot send.
        let stream = limited(stream);
        let Some(tls) = self.view.https.clone() else { return self.answer(stream, access).await };
        let mut stop = self.stop.clone();
        let client = TlsClient { peer, address: address_block(peer.ip()) };
        let encrypted = tokio::select! {
            encrypted = tls.accept_reader(stream, client) => encrypted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        if let Some(encrypted) = encrypted {
            self.answer(encrypted, access).await;
        }
    }

    /// Answers the requests of a connection. Its failures concern nobody else.
    async fn answer<S>(self: Arc<Self>, stream: S, access: ReaderAccess)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut stop = self.stop.clone();
        let service = service_fn(|request| {
            let answer = routes::answer(self.clone(), request, access);
            async move { Ok::<_, Infallible>(answer.await) }
        });
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .keep_alive(access.streams)
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
}

/// A connection that fails when the client takes nothing for long.
fn limited(stream: TcpStream) -> Pin<Box<TimeoutStream<TcpStream>>> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE));
    Box::pin(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn a_client_that_takes_nothing_for_long_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = limited(stream);
        tokio::time::pause();
        let error = loop {
            if let Err(error) = stream.write_all(&[0; 1 << 16]).await {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
