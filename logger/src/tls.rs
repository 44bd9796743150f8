//! TLS to the collector, on the worker's thread alone: a log call knows nothing of it. The files
//! are read again for every connection, so that renewed certificates are picked up.

mod stream;
mod verifier;

pub(crate) use stream::TlsStream;

use crate::socket::Socket;
use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection, Error, RootCertStore};
use rustls_platform_verifier::Verifier as PlatformVerifier;
use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use verifier::{Pin, Verifier};

/// Time limit of a handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);

/// The trusted collectors, and the certificate that is shown to them.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsSettings {
    /// The CA certificates to trust in place of the system's.
    pub(crate) ca: Option<PathBuf>,
    /// `sha256:` and 64 digits: the collector's certificates to trust, whoever issued them.
    pub(crate) pins: Vec<String>,
    /// Our certificate, with its intermediates.
    pub(crate) cert: Option<PathBuf>,
    /// The private key of that.
    pub(crate) key: Option<PathBuf>,
}

impl TlsSettings {
    /// `$NETLOG_CA`, `$NETLOG_PIN`, `$NETLOG_CERT` and `$NETLOG_KEY`.
    pub(crate) fn from_environment() -> Self {
        let path = |name| env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        let pins = env::var("NETLOG_PIN").unwrap_or_default();
        Self {
            ca: path("NETLOG_CA"),
            pins: pins.split(',').filter(|pin| !pin.is_empty()).map(str::to_owned).collect(),
            cert: path("NETLOG_CERT"),
            key: path("NETLOG_KEY"),
        }
    }

    /// Completes the handshake with `host` on a connected socket.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, a certificate is not accepted, or the handshake fails or takes
    /// longer than [`HANDSHAKE_LIMIT`].
    pub(crate) fn connect(&self, host: &str, socket: Socket) -> io::Result<TlsStream> {
        let session = self.session(host)?;
        TlsStream::handshake(session, socket, Instant::now() + HANDSHAKE_LIMIT)
    }

    /// A session with `host` that has not begun yet.
    fn session(&self, host: &str) -> io::Result<ClientConnection> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| invalid(format!("{host} cannot be the name of a certificate")))?;
        let session = ClientConnection::new(Arc::new(self.config()?), name);
        session.map_err(|error| invalid(error.to_string()))
    }

    fn config(&self) -> io::Result<ClientConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Verifier {
            pins: self.pins()?,
            trusted: if self.pins.is_empty() { Some(self.trusted(&provider)?) } else { None },
            provider: Arc::clone(&provider),
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| invalid(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => builder
                .with_client_auth_cert(certificates(cert)?, read_key(key)?)
                .map_err(|error| invalid(format!("{}: {error}", cert.display())))?,
            (None, None) => builder.with_no_client_auth(),
            _ => {
                return Err(invalid(
                    "a client certificate needs its key, and a key its certificate".into(),
                ));
            }
        };
        config.resumption = Resumption::disabled();
        Ok(config)
    }

    fn pins(&self) -> io::Result<Vec<Pin>> {
        let wrong =
            |pin: &str| invalid(format!("invalid pin {pin:?}: expected sha256: and 64 digits"));
        self.pins.iter().map(|pin| Pin::parse(pin).ok_or_else(|| wrong(pin))).collect()
    }

    fn trusted(&self, provider: &Arc<CryptoProvider>) -> io::Result<Arc<dyn ServerCertVerifier>> {
        let Some(ca) = &self.ca else {
            let platform = PlatformVerifier::new(Arc::clone(provider));
            return Ok(Arc::new(platform.map_err(|error| invalid(error.to_string()))?));
        };
        let mut roots = RootCertStore::empty();
        for certificate in certificates(ca)? {
            let added = roots.add(certificate);
            added.map_err(|error| invalid(format!("{}: {error}", ca.display())))?;
        }
        let builder = rustls::client::WebPkiServerVerifier::builder_with_provider(
            Arc::new(roots),
            Arc::clone(provider),
        );
        let built = builder.build();
        Ok(built.map_err(|error| invalid(format!("{}: {error}", ca.display())))?)
    }
}

fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let bytes = read(path)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match all {
        Ok(all) if all.is_empty() => {
            Err(invalid(format!("{} holds no certificate in PEM", path.display())))
        }
        Ok(all) => Ok(all),
        Err(error) => Err(invalid(format!("{} is malformed: {error}", path.display()))),
    }
}

fn read_key(path: &Path) -> io::Result<PrivateKeyDer<'static>> {
    let key = PrivateKeyDer::from_pem_slice(&read(path)?);
    key.map_err(|error| invalid(format!("{} holds no private key: {error}", path.display())))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    std::fs::read(path).map_err(named)
}

fn invalid(words: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words)
}

/// The failure of a session in words: the verifier's for a certificate, else the library's.
fn explain(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(CertificateError::Other(why)) => why.0.to_string(),
        Error::InvalidMessage(_) => "the other side does not speak TLS".to_owned(),
        Error::AlertReceived(alert) => format!("the other side ended the TLS session: {alert:?}"),
        error => error.to_string(),
    }
}
