//! Handshakes: bounded in time, and one at a time of each kind as far as they compute.

use super::Tls;
use super::certificate::Certificate;
use super::client_kind::ClientKind;
use super::client_verifier::{RefusedCertificate, chain_words};
use super::verified::VerifiedPeer;
use rustls::{CertificateError, Error};
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A client has this long from its connection on.
const LIMIT: Duration = Duration::from_secs(10);

/// Time for a peer to take the alert, and bytes of it that are read meanwhile.
const FAREWELL: Duration = Duration::from_secs(1);
const FAREWELL_BYTES: usize = 64 << 10;

/// The reason why a handshake failed.
#[derive(Debug)]
enum Failure {
    /// It took too long.
    Timeout,
    /// The peer sends something that is not TLS.
    NotTls(ClientKind),
    /// No version, cipher or extension suits both sides, or the peer breaks the protocol.
    Incompatible(Error),
    /// The peer's certificate is missing or not accepted.
    Certificate(Error),
    /// The peer does not accept ours, or gave up for another reason.
    Alert(Error),
    /// The connection broke.
    Broken(io::Error),
}

impl Tls {
    /// Makes the connection of a sender one of TLS, and tells whose its certificate is; `None` when
    /// that failed, which is counted.
    pub(crate) async fn accept_sender(
        &self,
        stream: TcpStream,
        peer: impl fmt::Display + Sync,
    ) -> Option<(TlsStream<TcpStream>, Option<VerifiedPeer>)> {
        let stream = self.accept(stream, &peer, ClientKind::Sender).await?;
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let certificate = shown.and_then(|shown| Certificate::read(shown).ok());
        let rule = self.options.tls_identity;
        let verified = certificate.map(|certificate| VerifiedPeer::new(certificate, rule));
        Some((stream, verified))
    }

    /// Makes the connection of a reader one of TLS; `None` when that failed, which is counted.
    pub(crate) async fn accept_reader<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        peer: SocketAddr,
    ) -> Option<TlsStream<S>> {
        self.accept(stream, &peer, ClientKind::Reader).await
    }

    async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        peer: &(dyn fmt::Display + Sync),
        kind: ClientKind,
    ) -> Option<TlsStream<S>> {
        let mut accept = TlsAcceptor::from(self.config(kind)).accept(stream).into_fallible();
        let accepted = timeout(LIMIT, in_turns(self.turns(kind), &mut accept)).await;
        let (error, stream) = match accepted {
            Ok(Ok(stream)) => {
                self.stats.tls_handshakes.add(1);
                return Some(stream);
            }
            Ok(Err(failed)) => failed,
            Err(_) => {
                self.report(&Failure::Timeout, peer);
                return None;
            }
        };
        self.report(&Failure::of(error, kind), peer);
        let _ = timeout(FAREWELL, discard(stream)).await;
        None
    }

    fn report(&self, failure: &Failure, peer: &dyn fmt::Display) {
        let counter = match failure {
            Failure::Timeout => &self.stats.tls_failed_timeout,
            Failure::NotTls(_) => &self.stats.tls_failed_not_tls,
            Failure::Incompatible(_) => &self.stats.tls_failed_incompatible,
            Failure::Certificate(_) => &self.stats.tls_failed_certificate,
            Failure::Alert(_) => &self.stats.tls_failed_alert,
            Failure::Broken(_) => &self.stats.tls_failed_broken,
        };
        counter.add(1);
        let quiet = matches!(failure, Failure::Broken(_) | Failure::Timeout);
        if !quiet && self.is_new(failure.to_string()) {
            self.stderr.log(format_args!("refused {peer}: {failure}; reported once"));
        } else {
            self.stderr.debug(format_args!("refused {peer}: {failure}"));
        }
    }
}

/// Half-closes, and reads on until the peer has closed too: bytes left unread would turn the close
/// into a reset, which can take the alert with the reason out of the peer's hands.
async fn discard<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> io::Result<()> {
    stream.shutdown().await?;
    let mut left = FAREWELL_BYTES;
    let mut buffer = [0; 1024];
    while left > 0 {
        match stream.read(&mut buffer).await? {
            0 => break,
            read => left = left.saturating_sub(read),
        }
    }
    Ok(())
}

/// Completes `work`, but has a permit whenever it computes; while it waits for bytes it has none,
/// so that slow peers keep nobody waiting.
async fn in_turns<F: Future + Unpin>(computing: &Semaphore, work: &mut F) -> F::Output {
    loop {
        let turn = computing.acquire().await;
        // Connections that exist, and wait behind many handshakes for a thread of the runtime, come
        // between any two. Not after the poll, whose wake-up would end this and then be missed.
        yield_now().await;
        let polled = poll_fn(|context| Poll::Ready(Pin::new(&mut *work).poll(context))).await;
        drop(turn);
        if let Poll::Ready(done) = polled {
            return done;
        }
        // The task is woken when `work` can go on.
        let mut waited = false;
        poll_fn(|_| match std::mem::replace(&mut waited, true) {
            false => Poll::Pending,
            true => Poll::Ready(()),
        })
        .await;
    }
}

impl Failure {
    fn of(error: io::Error, kind: ClientKind) -> Self {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        match tls {
            None => Self::Broken(error),
            Some(Error::InvalidMessage(_)) => Self::NotTls(kind),
            Some(error @ (Error::InvalidCertificate(_) | Error::NoCertificatesPresented)) => {
                Self::Certificate(error.clone())
            }
            Some(error @ Error::AlertReceived(_)) => Self::Alert(error.clone()),
            Some(error) => Self::Incompatible(error.clone()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => write!(f, "no TLS handshake within {} s", LIMIT.as_secs()),
            Self::NotTls(kind) => write!(f, "it does not speak TLS; {}", kind.remedy()),
            Self::Incompatible(error) => write!(f, "TLS handshake failed: {error}"),
            Self::Certificate(error) => push_certificate(f, error),
            Self::Alert(error) => write!(f, "it does not accept this side: {error}"),
            Self::Broken(error) => write!(f, "connection lost in the TLS handshake: {error}"),
        }
    }
}

fn push_certificate(f: &mut fmt::Formatter<'_>, error: &Error) -> fmt::Result {
    if let Error::InvalidCertificate(CertificateError::Other(other)) = error
        && let Some(refused) = other.0.downcast_ref::<RefusedCertificate>()
    {
        return write!(f, "{refused}");
    }
    match error {
        Error::NoCertificatesPresented => f.write_str("it showed no certificate"),
        error => f.write_str(&chain_words(error)),
    }
}
