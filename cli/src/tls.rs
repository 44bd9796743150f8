//! The options of TLS, for connections to `https://` and `tls://` addresses.

use clap::Args;
use netlog::tls::TlsSettings;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct TlsOptions {
    /// CA certificates in PEM that are trusted in place of the system's
    #[arg(long, value_name = "PATH", env = "NETLOG_CA")]
    ca: Option<PathBuf>,
    /// Fingerprint of the only certificate that is trusted; repeat for several
    #[arg(long, value_name = "sha256:HEX", env = "NETLOG_PIN", value_delimiter = ',')]
    pin: Vec<String>,
    /// Certificate in PEM to show to the collector
    #[arg(long, value_name = "PATH", env = "NETLOG_CERT")]
    client_cert: Option<PathBuf>,
    /// Private key of --client-cert, in PEM
    #[arg(long, value_name = "PATH", env = "NETLOG_KEY")]
    client_key: Option<PathBuf>,
}

impl TlsOptions {
    /// The settings of a connection.
    ///
    /// # Errors
    ///
    /// When a pin is malformed, or a certificate comes without its key.
    pub(crate) fn settings(&self) -> anyhow::Result<TlsSettings> {
        let settings = TlsSettings {
            ca: self.ca.clone(),
            pins: self.pin.iter().filter(|pin| !pin.is_empty()).cloned().collect(),
            cert: self.client_cert.clone(),
            key: self.client_key.clone(),
        };
        settings.check()?;
        Ok(settings)
    }
}
