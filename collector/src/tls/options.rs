//! The options of TLS; the doc comments are the help text.

use super::peer_rule::PeerRule;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Everything that `tls://` and `https://` addresses need.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "TLS")]
pub struct TlsOptions {
    /// Certificate of tls:// and https:// addresses, with its intermediates, in PEM. This and
    /// the other files are read again on SIGHUP and when they change.
    #[arg(long, env = "NETLOG_TLS_CERT", value_name = "PATH")]
    pub tls_cert: Option<PathBuf>,

    /// Private key of the certificate, in PEM.
    #[arg(long, env = "NETLOG_TLS_KEY", value_name = "PATH")]
    pub tls_key: Option<PathBuf>,

    /// CA certificates that sign the certificates of senders and readers, in PEM.
    #[arg(long, env = "NETLOG_TLS_CLIENT_CA", value_name = "PATH")]
    pub tls_client_ca: Option<PathBuf>,

    /// Rule for the certificates of senders [default: required with --tls-client-ca or --tls-peer,
    /// otherwise off].
    #[arg(long, env = "NETLOG_TLS_CLIENT", value_name = "WHEN")]
    pub tls_client: Option<ClientCertificates>,

    /// Rule for the certificates of readers at an https:// address [default: as --tls-client].
    #[arg(long, env = "NETLOG_TLS_READERS", value_name = "WHEN")]
    pub tls_readers: Option<ClientCertificates>,

    /// Certificate revocation list for the certificates of clients, in PEM; repeat for several.
    #[arg(long, env = "NETLOG_TLS_CRL", value_name = "PATH", value_delimiter = ',')]
    pub tls_crl: Vec<PathBuf>,

    /// Accept only clients whose certificate has this name (`web*.example.com`) or this
    /// fingerprint (`sha256:HEX`, which needs no CA); repeat for several.
    #[arg(long, env = "NETLOG_TLS_PEER", value_name = "NAME|sha256:HEX", value_delimiter = ',')]
    pub tls_peer: Vec<PeerRule>,

    /// Oldest version of TLS that is accepted.
    #[arg(long, env = "NETLOG_TLS_MIN", value_name = "VERSION", default_value = "1.2")]
    pub tls_min: TlsVersion,

    /// `host`: a sender with a certificate for web1 may only log as host web1. `any`: it may name
    /// any host, as a relay does.
    #[arg(long, env = "NETLOG_TLS_IDENTITY", value_name = "RULE", default_value = "host")]
    pub tls_identity: TlsIdentity,
}

/// Rule for the certificates of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ClientCertificates {
    /// No certificate is requested.
    Off,
    /// A certificate that is shown must be valid.
    Optional,
    /// Clients without a certificate are refused.
    Required,
}

/// Versions of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum TlsVersion {
    /// TLS 1.2, which RFC 9662 asks syslog over TLS to support.
    #[default]
    #[value(name = "1.2")]
    Tls12,
    /// TLS 1.3.
    #[value(name = "1.3")]
    Tls13,
}

/// Hosts that a sender with a certificate may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum TlsIdentity {
    /// Those its certificate is for.
    #[default]
    Host,
    /// Any.
    Any,
}
