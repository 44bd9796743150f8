//! A CA for a test, and the collectors whose certificates it issues.

use crate::harness::{Collector, Scene};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};

/// A CA whose certificate is in the scene as `ca.pem`.
pub(crate) struct Ca<'a> {
    pub(crate) scene: &'a Scene,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl<'a> Ca<'a> {
    pub(crate) fn new(scene: &'a Scene) -> Self {
        let mut params = CertificateParams::new([]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, "CA of a test");
        let key = KeyPair::generate().expect("randomness");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a CA");
        std::fs::write(scene.path("ca.pem"), issuer.pem()).expect("the scene has room");
        Self { scene, issuer }
    }

    /// Issues `NAME.pem` and `NAME.key` for these hosts.
    pub(crate) fn issue(&self, name: &str, hosts: &[&str]) {
        self.issue_with(name, hosts, |_| {});
    }

    /// The same, with other parameters.
    pub(crate) fn issue_with(
        &self,
        name: &str,
        hosts: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts).expect("names");
        params.distinguished_name.push(DnType::CommonName, name);
        change(&mut params);
        let key = KeyPair::generate().expect("randomness");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        write_pair(self.scene, name, [certificate.pem(), key.serialize_pem()]);
    }
}

/// Writes `NAME.pem` and `NAME.key`.
pub(crate) fn write_pair(scene: &Scene, name: &str, pair: [String; 2]) {
    for (kind, text) in ["pem", "key"].into_iter().zip(pair) {
        let path = scene.path(&format!("{name}.{kind}"));
        std::fs::write(path, text).expect("the scene has room");
    }
}

/// A collector whose certificate is for these hosts.
pub(crate) fn collector_for(ca: &Ca<'_>, hosts: &[&str], options: &str) -> Collector {
    ca.issue("server", hosts);
    collector_with_pair(ca.scene, options)
}

/// A collector with the certificate in `server.pem`.
pub(crate) fn collector_with_pair(scene: &Scene, options: &str) -> Collector {
    let tls = "--listen tls://127.0.0.1:0 --tls-cert server.pem --tls-key server.key";
    Collector::with(scene, &format!("{tls} {options}"))
}

pub(crate) fn collector(ca: &Ca<'_>) -> Collector {
    collector_for(ca, &["127.0.0.1", "localhost"], "")
}
