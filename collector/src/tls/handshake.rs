//! Handshakes: bounded in time, and computed on threads of their own.

use super::Tls;
use super::certificate::Certificate;
use super::client_kind::ClientKind;
use super::client_verifier::{RefusedCertificate, chain_words};
use super::verified::VerifiedPeer;
use rustls::{AlertDescription, CertificateError, Error};
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A client has this long from its connection on.
const LIMIT: Duration = Duration::from_secs(10);

/// Time for a peer to take the alert, and bytes of it that are read meanwhile.
const FAREWELL: Duration = Duration::from_secs(1);
const FAREWELL_BYTES: usize = 64 << 10;

/// The client of a handshake.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TlsClient<P> {
    /// Its name in reports.
    pub(crate) peer: P,
    /// The address whose handshakes take turns with those of others.
    pub(crate) address: IpAddr,
}

/// A connection below TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

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
        client: TlsClient<impl fmt::Display + Sync>,
    ) -> Option<(TlsStream<TcpStream>, Option<VerifiedPeer>)> {
        let stream = self.accept(stream, client, ClientKind::Sender).await?;
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let certificate = shown.and_then(|shown| Certificate::read(shown).ok());
        let rule = self.options.tls_identity;
        let verified = certificate.map(|certificate| VerifiedPeer::new(certificate, rule));
        Some((stream, verified))
    }

    /// Makes the connection of a reader one of TLS; `None` when that failed, which is counted.
    pub(crate) async fn accept_reader<S: Stream>(
        &self,
        stream: S,
        client: TlsClient<impl fmt::Display + Sync>,
    ) -> Option<TlsStream<S>> {
        self.accept(stream, client, ClientKind::Reader).await
    }

    async fn accept<S: Stream>(
        &self,
        stream: S,
        client: TlsClient<impl fmt::Display + Sync>,
        kind: ClientKind,
    ) -> Option<TlsStream<S>> {
        let TlsClient { peer, address } = client;
        let accept = TlsAcceptor::from(self.config(kind)).accept(stream).into_fallible();
        let accepted = timeout(LIMIT, self.thread(kind).run(accept, address)).await;
        let (failure, stream) = match accepted {
            Ok(Some(Ok(stream))) => {
                self.stats.tls_handshakes.add(1);
                return Some(stream);
            }
            Ok(Some(Err((error, stream)))) => (Failure::of(error, kind), Some(stream)),
            Ok(None) => (Failure::Broken(io::Error::other("it panicked")), None),
            Err(_) => (Failure::Timeout, None),
        };
        self.report(&failure, &peer);
        let _ = timeout(FAREWELL, discard(stream?)).await;
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
            Self::Alert(Error::AlertReceived(AlertDescription::UnknownCA)) => f.write_str(
                "it does not trust this side's certificate: it needs the CA that issued it, and the \
                 file of the certificate all intermediate ones",
            ),
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
