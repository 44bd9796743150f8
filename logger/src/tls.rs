//! TLS to the collector, on the worker's thread alone. Files are read again for every connection, so
//! that renewed certificates are used without a restart.

mod explain;
mod files;
mod provider;
mod stream;
mod verifier;

pub use explain::explain;
pub(crate) use stream::TlsStream;

use crate::socket::Socket;
use files::{invalid, read_certificates, read_key};
use provider::provider;
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use rustls_platform_verifier::Verifier as PlatformVerifier;
use std::env;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use verifier::{Pin, Trust, Verifier};

/// Time limit of a handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);

/// The collectors that a client trusts, and the certificate that it shows to them.
#[derive(Debug, Clone, Default)]
pub struct TlsSettings {
    /// CA certificates in PEM that are trusted in place of the system's.
    pub ca: Option<PathBuf>,
    /// Fingerprints (`sha256:` and 64 digits) of the only certificates that are trusted, whoever
    /// issued them and for whatever name.
    pub pins: Vec<String>,
    /// The client's certificate in PEM, with its intermediates.
    pub cert: Option<PathBuf>,
    /// The private key of that certificate, in PEM.
    pub key: Option<PathBuf>,
}

impl TlsSettings {
    /// Reads `NETLOG_CA`, `NETLOG_PIN`, `NETLOG_CERT` and `NETLOG_KEY`.
    pub fn from_environment() -> Self {
        let path = |name| env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        let pins = env::var("NETLOG_PIN").unwrap_or_default();
        Self {
            ca: path("NETLOG_CA"),
            pins: pins.split(',').filter(|pin| !pin.is_empty()).map(str::to_owned).collect(),
            cert: path("NETLOG_CERT"),
            key: path("NETLOG_KEY"),
        }
    }

    /// Takes from `other` the trusted collectors and the certificate, where these settings have none.
    pub(crate) fn complete(&mut self, other: Self) {
        if self.ca.is_none() && self.pins.is_empty() {
            self.ca = other.ca;
            self.pins = other.pins;
        }
        if self.cert.is_none() && self.key.is_none() {
            self.cert = other.cert;
            self.key = other.key;
        }
    }

    /// Checks everything that no later attempt could find mended.
    ///
    /// # Errors
    ///
    /// When a pin is malformed, or a certificate comes without its key or a key without its
    /// certificate.
    pub fn check(&self) -> io::Result<()> {
        if self.cert.is_some() != self.key.is_some() {
            let words = "a client certificate and its private key must be given together";
            return Err(invalid(words.into()));
        }
        self.read_pins().map(drop)
    }

    /// Starts a session with `host`; nothing is sent yet. `protocols` are offered by ALPN.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or is malformed, or the settings are invalid.
    pub fn session(&self, host: &str, protocols: &[&str]) -> io::Result<ClientConnection> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| invalid(format!("no certificate can be for the host name {host:?}")))?;
        let mut config = self.config()?;
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let session = ClientConnection::new(Arc::new(config), name);
        session.map_err(|error| invalid(error.to_string()))
    }

    /// Completes the handshake with `host` on a connected socket.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, a certificate is not accepted, or the handshake fails or takes
    /// longer than `limit`, and than [`HANDSHAKE_LIMIT`].
    pub(crate) fn connect(
        &self,
        host: &str,
        socket: Socket,
        limit: Duration,
    ) -> io::Result<TlsStream> {
        let session = self.session(host, &[])?;
        TlsStream::handshake(session, socket, Instant::now() + HANDSHAKE_LIMIT.min(limit))
    }

    fn config(&self) -> io::Result<ClientConfig> {
        self.check()?;
        let provider = provider();
        let verifier = Verifier { trust: self.trust(&provider)?, provider: Arc::clone(&provider) };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| invalid(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => builder
                .with_client_auth_cert(read_certificates(cert)?, read_key(key)?)
                .map_err(|error| invalid(format!("{}: {error}", cert.display())))?,
            _ => builder.with_no_client_auth(),
        };
        // Each connection verifies the collector anew.
        config.resumption = Resumption::disabled();
        Ok(config)
    }

    fn trust(&self, provider: &Arc<CryptoProvider>) -> io::Result<Trust> {
        match self.pins.is_empty() {
            true => self.trusted_issuers(provider).map(Trust::Issuers),
            false => self.read_pins().map(Trust::Pins),
        }
    }

    fn read_pins(&self) -> io::Result<Vec<Pin>> {
        let wrong =
            |pin: &str| invalid(format!("invalid pin {pin:?}: expected sha256: and 64 hex digits"));
        self.pins.iter().map(|pin| Pin::parse(pin).ok_or_else(|| wrong(pin))).collect()
    }

    fn trusted_issuers(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> io::Result<Arc<dyn ServerCertVerifier>> {
        let Some(ca) = &self.ca else {
            let platform = PlatformVerifier::new(Arc::clone(provider));
            return Ok(Arc::new(platform.map_err(|error| invalid(error.to_string()))?));
        };
        let unusable = |why: String| invalid(format!("{}: {why}", ca.display()));
        let mut roots = RootCertStore::empty();
        for certificate in read_certificates(ca)? {
            roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
        }
        let provider = Arc::clone(provider);
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        Ok(verifier.build().map_err(|error| unusable(error.to_string()))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(settings: &TlsSettings) -> String {
        settings.check().unwrap_err().to_string()
    }

    #[test]
    fn settings_that_cannot_ever_work_are_refused_at_once() {
        let pins = vec!["sha256:12".to_owned()];
        let malformed = refused(&TlsSettings { pins, ..TlsSettings::default() });
        assert_eq!(malformed, "invalid pin \"sha256:12\": expected sha256: and 64 hex digits");
        let half = refused(&TlsSettings { cert: Some("a.pem".into()), ..TlsSettings::default() });
        assert_eq!(half, "a client certificate and its private key must be given together");
    }

    #[test]
    fn no_cryptography_is_installed_for_the_process() {
        TlsSettings::default().session("localhost", &[]).unwrap();
        assert!(CryptoProvider::get_default().is_none());
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let empty = dir.path().join("empty.pem");
        std::fs::write(&empty, "").unwrap();
        for (ca, expected) in [
            (dir.path().join("none.pem"), "failed to read PATH: no such file or directory"),
            (empty, "PATH contains no certificate in PEM"),
        ] {
            let settings = TlsSettings { ca: Some(ca.clone()), ..TlsSettings::default() };
            let error = settings.session("localhost", &[]).unwrap_err().to_string();
            assert_eq!(error.replace(&ca.display().to_string(), "PATH"), expected);
        }
    }
}
