//! The files of TLS, read and checked: each fault is one line that names the file.

use super::certificate::Certificate;
use super::client_verifier::{ClientVerifier, chain_words};
use super::options::{ClientCertificates, TlsIdentity, TlsOptions, TlsVersion};
use super::provider::provider;
use memchr::memmem;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{
    ConfigBuilder, Error, InconsistentKeys, RootCertStore, ServerConfig, SupportedProtocolVersion,
    WantsVerifier, version,
};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error as Errors;

/// The reason why TLS cannot be offered.
#[derive(Debug, Errors)]
#[non_exhaustive]
pub enum TlsError {
    /// An address needs a certificate and there is none.
    #[error("{0} needs --tls-cert and --tls-key; `netlog cert DIR HOST` makes a pair")]
    NoCertificate(String),
    /// A file cannot be read.
    #[error("failed to read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        cause: io::Error,
    },
    /// A file holds no certificate, key or list.
    #[error("{} holds no {what} in PEM", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// The missing item.
        what: &'static str,
    },
    /// A file is malformed.
    #[error("{} is malformed: {why}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The parser's reason.
        why: String,
    },
    /// A key needs a password.
    #[error("the private key in {} is encrypted: decrypt it with `openssl pkey`", path.display())]
    Encrypted {
        /// The file.
        path: PathBuf,
    },
    /// The key belongs to another certificate.
    #[error("the key in {} does not belong to the certificate in {}", key.display(), cert.display())]
    Mismatch {
        /// The file of the key.
        key: PathBuf,
        /// The file of the certificate.
        cert: PathBuf,
    },
    /// A certificate of the chain did not issue the one before it.
    #[error("certificate {position} in {} did not issue the one before it", path.display())]
    BrokenChain {
        /// The file.
        path: PathBuf,
        /// The position of the certificate, from 1.
        position: usize,
    },
    /// Nothing says which client certificates are valid.
    #[error("{0} needs --tls-client-ca, or --tls-peer with a fingerprint")]
    NoClientCa(&'static str),
    /// An option is of no effect, because nothing is served over TLS.
    #[error("{0} needs --listen tls://HOST:PORT or --http https://HOST:PORT")]
    NoTlsAddress(&'static str),
    /// Certificates of readers cannot be asked for, because readers do not come over TLS.
    #[error("--tls-readers needs --http https://HOST:PORT")]
    NoHttps,
    /// The system allows no further thread.
    #[error("failed to start the thread for TLS handshakes")]
    NoThread(#[source] io::Error),
    /// The library's reason.
    #[error("{0}")]
    Refused(String),
}

/// The error for an option that no address with TLS uses.
pub(crate) fn unused_option(
    options: &TlsOptions,
    listening: bool,
    serving: bool,
) -> Option<TlsError> {
    if options.tls_readers.is_some() && !serving {
        return Some(TlsError::NoHttps);
    }
    let given = [
        (options.tls_client.is_some(), "--tls-client"),
        (options.tls_client_ca.is_some(), "--tls-client-ca"),
        (!options.tls_peer.is_empty(), "--tls-peer"),
        (!options.tls_crl.is_empty(), "--tls-crl"),
        (options.tls_min != TlsVersion::default(), "--tls-min"),
        (options.tls_identity != TlsIdentity::default(), "--tls-identity"),
        (options.tls_cert.is_some(), "--tls-cert"),
        (options.tls_key.is_some(), "--tls-key"),
    ];
    let (_, option) = given.into_iter().find(|(given, _)| *given)?;
    (!listening && !serving).then_some(TlsError::NoTlsAddress(option))
}

/// The files as they were read: a configuration, and the certificate in it.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) senders: Arc<ServerConfig>,
    pub(super) readers: Arc<ServerConfig>,
    pub(super) certificate: Certificate,
}

/// Reads all files.
pub(super) fn load(options: &TlsOptions) -> Result<Loaded, TlsError> {
    let missing = || TlsError::NoCertificate("TLS".into());
    let cert = options.tls_cert.as_deref().ok_or_else(missing)?;
    let key = options.tls_key.as_deref().ok_or_else(missing)?;
    let server = ServerFiles { options, cert, key, chain: certificates(cert)? };
    let certificate = check_chain(cert, &server.chain)?;
    let mut senders = server.config(options.tls_client)?;
    // gRPC insists on it; clients that offer no protocol are served as well.
    senders.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut readers = server.config(options.tls_readers.or(options.tls_client))?;
    readers.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Loaded { senders: Arc::new(senders), readers: Arc::new(readers), certificate })
}

/// The server's certificate, and the files that it came from.
struct ServerFiles<'a> {
    options: &'a TlsOptions,
    cert: &'a Path,
    key: &'a Path,
    chain: Vec<CertificateDer<'static>>,
}

impl ServerFiles<'_> {
    /// The configuration for clients that are asked for certificates in this way.
    fn config(&self, asked: Option<ClientCertificates>) -> Result<ServerConfig, TlsError> {
        let provider = provider();
        let verifier = client_verifier(self.options, asked, &provider)?;
        let builder = builder(&provider, self.options.tls_min)?.with_client_cert_verifier(verifier);
        let config = builder.with_single_cert(self.chain.clone(), read_key(self.key)?);
        config.map(hardened).map_err(|error| refused(error, self.cert, self.key))
    }
}

fn builder(
    provider: &Arc<CryptoProvider>,
    min: TlsVersion,
) -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, TlsError> {
    let versions: &[&SupportedProtocolVersion] = match min {
        TlsVersion::Tls12 => &[&version::TLS13, &version::TLS12],
        TlsVersion::Tls13 => &[&version::TLS13],
    };
    let builder = ServerConfig::builder_with_provider(provider.clone());
    builder.with_protocol_versions(versions).map_err(|error| TlsError::Refused(error.to_string()))
}

/// Without resumption: a client whose certificate was revoked could come back by it, and
/// connections of senders last.
fn hardened(mut config: ServerConfig) -> ServerConfig {
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    config
}

pub(super) fn refused(error: Error, cert: &Path, key: &Path) -> TlsError {
    match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            TlsError::Mismatch { key: key.to_owned(), cert: cert.to_owned() }
        }
        error => TlsError::Malformed { path: key.to_owned(), why: chain_words(&error) },
    }
}

fn client_verifier(
    options: &TlsOptions,
    asked: Option<ClientCertificates>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let pinned = options.tls_peer.iter().any(|rule| rule.is_fingerprint());
    if options.tls_client_ca.is_none() && !pinned {
        let asking = [
            (asks(options.tls_client), "--tls-client"),
            (asks(options.tls_readers), "--tls-readers"),
            (!options.tls_peer.is_empty(), "--tls-peer with a name"),
            (!options.tls_crl.is_empty(), "--tls-crl"),
        ];
        return match asking.into_iter().find(|(asked, _)| *asked) {
            Some((_, option)) => Err(TlsError::NoClientCa(option)),
            None => Ok(WebPkiClientVerifier::no_client_auth()),
        };
    }
    if asked == Some(ClientCertificates::Off) {
        return Ok(WebPkiClientVerifier::no_client_auth());
    }
    let chain = options.tls_client_ca.as_deref();
    let chain = chain.map(|ca| chain_verifier(ca, &options.tls_crl, provider)).transpose()?;
    Ok(Arc::new(ClientVerifier {
        chain,
        peers: options.tls_peer.clone(),
        required: asked != Some(ClientCertificates::Optional),
        provider: provider.clone(),
    }))
}

fn asks(clients: Option<ClientCertificates>) -> bool {
    clients.is_some_and(|clients| clients != ClientCertificates::Off)
}

fn chain_verifier(
    ca: &Path,
    lists: &[PathBuf],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca)? {
        let added = roots.add(certificate);
        added.map_err(|error| TlsError::Malformed {
            path: ca.to_owned(),
            why: chain_words(&error),
        })?;
    }
    let mut crls = Vec::new();
    for list in lists {
        crls.extend(read_pem::<CertificateRevocationListDer<'static>>(list, "revocation list")?);
    }
    // A list of one CA need not cover the others.
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .with_crls(crls)
        .allow_unknown_revocation_status()
        .build()
        .map_err(|error| TlsError::Refused(error.to_string()))
}

pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    read_pem(path, "certificate")
}

fn read_pem<T: PemObject>(path: &Path, what: &'static str) -> Result<Vec<T>, TlsError> {
    let bytes = read(path)?;
    let all: Result<Vec<T>, pem::Error> = T::pem_slice_iter(&bytes).collect();
    let all = all.map_err(|error| malformed(path, &error))?;
    if all.is_empty() {
        return Err(TlsError::Empty { path: path.to_owned(), what });
    }
    Ok(all)
}

pub(super) fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let bytes = read(path)?;
    // In the words of PKCS #8 and of the form before it.
    if [&b"BEGIN ENCRYPTED PRIVATE KEY"[..], b"Proc-Type: 4,ENCRYPTED"]
        .into_iter()
        .any(|words| memmem::find(&bytes, words).is_some())
    {
        return Err(TlsError::Encrypted { path: path.to_owned() });
    }
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::Empty { path: path.to_owned(), what: "private key" },
        error => malformed(path, &error),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|cause| TlsError::Unreadable { path: path.to_owned(), cause })
}

fn malformed(path: &Path, error: &pem::Error) -> TlsError {
    TlsError::Malformed { path: path.to_owned(), why: error.to_string() }
}

/// Reads the server's certificate; each further one has to be the issuer of the one before.
fn check_chain(path: &Path, chain: &[CertificateDer<'_>]) -> Result<Certificate, TlsError> {
    let read = |der| {
        Certificate::read(der)
            .map_err(|error| TlsError::Malformed { path: path.to_owned(), why: error.to_string() })
    };
    let chain: Vec<Certificate> = chain.iter().map(read).collect::<Result<_, _>>()?;
    let issued = |pair: &[Certificate]| pair[0].issuer == pair[1].subject && pair[1].is_ca;
    let broken = chain.windows(2).position(|pair| !issued(pair));
    if let Some(at) = broken {
        return Err(TlsError::BrokenChain { path: path.to_owned(), position: at + 2 });
    }
    let empty = || TlsError::Empty { path: path.to_owned(), what: "certificate" };
    chain.into_iter().next().ok_or_else(empty)
}

/// `true` if others than the owner and the group of the key may read it.
pub(super) fn exposed(key: &Path) -> bool {
    fs::metadata(key).is_ok_and(|file| file.permissions().mode() & 0o007 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use tempfile::NamedTempFile;

    #[test]
    fn a_key_is_exposed_if_others_than_its_owner_and_group_may_use_it() {
        let key = NamedTempFile::new().unwrap();
        for (mode, expected) in
            [(0o600, false), (0o640, false), (0o400, false), (0o644, true), (0o602, true)]
        {
            fs::set_permissions(key.path(), Permissions::from_mode(mode)).unwrap();
            assert_eq!(exposed(key.path()), expected, "{mode:o}");
        }
        assert!(!exposed(Path::new("/missing")));
    }
}
