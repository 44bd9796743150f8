//! TLS towards the collector of `--forward-to`: the collectors that are trusted, and the certificate
//! shown to them. Files are read again for every connection, so that renewed ones are used.

use super::certificate::Fingerprint;
use super::files::{TlsError, certificates, read_key};
use super::provider::provider;
use super::server_verifier::{ServerTrust, ServerVerifier};
use clap::Args;
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier as PlatformVerifier;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

/// Everything that `--forward-to tls://` needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "TLS of --forward-to")]
pub struct ForwardTls {
    /// CA certificates in PEM that issue the certificate of the collector of --forward-to
    /// [default: those of the system].
    #[arg(long, env = "NETLOG_FORWARD_CA", value_name = "PATH")]
    pub forward_ca: Option<PathBuf>,

    /// Fingerprint of the only certificate that is accepted from it, whoever issued it and for
    /// whatever name; repeat for several.
    #[arg(long, env = "NETLOG_FORWARD_PIN", value_name = "sha256:HEX", value_delimiter = ',')]
    pub forward_pin: Vec<ForwardPin>,

    /// Certificate shown to it, with its intermediates, in PEM.
    #[arg(long, env = "NETLOG_FORWARD_CERT", value_name = "PATH", requires = "forward_key")]
    pub forward_cert: Option<PathBuf>,

    /// Private key of that certificate, in PEM.
    #[arg(long, env = "NETLOG_FORWARD_KEY", value_name = "PATH", requires = "forward_cert")]
    pub forward_key: Option<PathBuf>,
}

/// A fingerprint that is expected of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardPin(pub Fingerprint);

/// A malformed pin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected sha256: and 64 hex digits")]
pub struct UnknownForwardPin;

impl FromStr for ForwardPin {
    type Err = UnknownForwardPin;

    fn from_str(text: &str) -> Result<Self, UnknownForwardPin> {
        text.parse().map(Self).map_err(|()| UnknownForwardPin)
    }
}

impl std::fmt::Display for ForwardPin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl ForwardTls {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// When one cannot be read, or they do not fit together.
    pub(crate) fn config(&self) -> Result<ClientConfig, TlsError> {
        let refused = |error: rustls::Error| TlsError::Refused(error.to_string());
        let provider = provider();
        let trust = self.trust(&provider)?;
        let verifier = ServerVerifier { trust, provider: provider.clone() };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(refused)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match (&self.forward_cert, &self.forward_key) {
            (Some(cert), Some(key)) => builder
                .with_client_auth_cert(certificates(cert)?, read_key(key)?)
                .map_err(|error| super::files::refused(error, cert, key))?,
            _ => builder.with_no_client_auth(),
        };
        // Each connection verifies the collector anew.
        config.resumption = Resumption::disabled();
        Ok(config)
    }

    fn trust(&self, provider: &Arc<CryptoProvider>) -> Result<ServerTrust, TlsError> {
        if !self.forward_pin.is_empty() {
            return Ok(ServerTrust::Pins(self.forward_pin.iter().map(|pin| pin.0).collect()));
        }
        let Some(ca) = &self.forward_ca else {
            let platform = PlatformVerifier::new(provider.clone());
            let platform = platform.map_err(|error| TlsError::Refused(error.to_string()))?;
            return Ok(ServerTrust::Issuers(Arc::new(platform)));
        };
        issuers(ca, provider).map(ServerTrust::Issuers)
    }
}

fn issuers(
    ca: &Path,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    let malformed = |why: String| TlsError::Malformed { path: ca.to_owned(), why };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca)? {
        roots.add(certificate).map_err(|error| malformed(error.to_string()))?;
    }
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
    let verifier = verifier.map_err(|error| malformed(error.to_string()))?;
    Ok(verifier)
}
