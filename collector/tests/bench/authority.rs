//! A CA for tests, and clients that show its certificates.

use super::Bench;
use netlog_collector::{Options, TlsOptions};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams,
    CertifiedIssuer, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
    date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// A CA, and the directory that it writes certificates into.
pub struct Ca {
    pub issuer: CertifiedIssuer<'static, KeyPair>,
    pub dir: TempDir,
}

/// A certificate and its key, as files.
#[derive(Clone)]
pub struct Pair {
    pub cert: PathBuf,
    pub key: PathBuf,
}

impl Ca {
    pub fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, dir }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A certificate for `name`, in files of that name.
    pub fn issue(&self, name: &str) -> Pair {
        self.issue_with(name, |_| {})
    }

    pub fn issue_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        self.write(name, &params.signed_by(&key, &self.issuer).unwrap(), &key)
    }

    /// A certificate that signs itself.
    pub fn self_signed(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        self.write(name, &params.self_signed(&key).unwrap(), &key)
    }

    fn write(&self, name: &str, certificate: &Certificate, key: &KeyPair) -> Pair {
        let pair = Pair {
            cert: self.path(&format!("{name}.pem")),
            key: self.path(&format!("{name}.key")),
        };
        fs::write(&pair.cert, certificate.pem()).unwrap();
        fs::write(&pair.key, key.serialize_pem()).unwrap();
        pair
    }

    /// A list that revokes the certificate with this serial number.
    pub fn revoke(&self, serial: u64) -> PathBuf {
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(2099, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let path = self.path("list.pem");
        fs::write(&path, list.signed_by(&self.issuer).unwrap().pem().unwrap()).unwrap();
        path
    }

    /// The options of a collector with this server certificate.
    pub fn options(&self, server: &Pair) -> TlsOptions {
        TlsOptions {
            tls_cert: Some(server.cert.clone()),
            tls_key: Some(server.key.clone()),
            ..TlsOptions::default()
        }
    }

    /// The same, where senders have to show a certificate of this CA.
    pub fn mutual(&self, server: &Pair) -> TlsOptions {
        TlsOptions { tls_client_ca: Some(self.path("ca.pem")), ..self.options(server) }
    }

    /// A client that trusts this CA, and shows `shown`.
    pub fn client(&self, shown: Option<&Pair>) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        Arc::new(match shown {
            None => builder.with_no_client_auth(),
            Some(Pair { cert, key }) => {
                let cert = CertificateDer::from_pem_file(cert).unwrap();
                let key = PrivateKeyDer::from_pem_file(key).unwrap();
                builder.with_client_auth_cert(vec![cert], key).unwrap()
            }
        })
    }
}

pub type TlsPeer = StreamOwned<ClientConnection, TcpStream>;

pub fn start(tls: TlsOptions) -> Bench {
    Bench::start_tls(Options { tls, ..Options::default() })
}

pub fn connect(bench: &Bench, config: &Arc<ClientConfig>) -> TlsPeer {
    let name = ServerName::try_from("localhost").unwrap();
    StreamOwned::new(ClientConnection::new(config.clone(), name).unwrap(), bench.connect())
}

/// Whether the collector takes a line of this client.
pub fn served(bench: &Bench, config: &Arc<ClientConfig>) -> bool {
    let mut peer = connect(bench, config);
    if peer.write_all(b"hello\n").is_err() {
        return false;
    }
    peer.conn.send_close_notify();
    let _ = peer.flush();
    // With TLS 1.3, a client learns only now that its certificate is not accepted.
    matches!(peer.read(&mut [0; 64]), Ok(0))
}
