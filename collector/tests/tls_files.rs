//! The files of TLS: every form of a key that OpenSSL writes, chains, and each fault in a line of its
//! own.

use crate::bench::authority::{Ca, Pair, served, start};
use crate::bench::{self, Bench};
use netlog_collector::{Options, TlsOptions};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

fn openssl(words: &[&str]) {
    let output = Command::new("openssl").args(words).output().expect("openssl is installed");
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The error of a collector with these files.
fn fails(tls: TlsOptions) -> String {
    Bench::fails_to_start(Options { tls, ..Options::default() })
}

/// A key of this kind in PKCS #8, made by OpenSSL, and a certificate of the CA for it.
fn pair(ca: &Ca, kind: &str, options: &[&str]) -> Pair {
    let key = ca.path(&format!("{kind}.key"));
    let path = key.to_str().unwrap();
    openssl(&[&["genpkey", "-out", path, "-algorithm"], options].concat());
    let signing = KeyPair::from_pem(&fs::read_to_string(&key).unwrap()).unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let cert = ca.path(&format!("{kind}.pem"));
    fs::write(&cert, params.signed_by(&signing, &ca.issuer).unwrap().pem()).unwrap();
    Pair { cert, key }
}

/// The same key in another form.
fn converted(ca: &Ca, pair: &Pair, words: &[&str]) -> Pair {
    let key = ca.path("converted.key");
    let from = pair.key.to_str().unwrap();
    openssl(&[words, &["-in", from, "-out", key.to_str().unwrap()]].concat());
    Pair { key, ..pair.clone() }
}

#[test]
fn keys_are_read_in_every_form_that_openssl_writes_and_encrypted_ones_are_named_as_such() {
    let ca = Ca::new();
    let rsa = pair(&ca, "rsa", &["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]);
    let p256 = pair(&ca, "p256", &["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    let p384 = pair(&ca, "p384", &["EC", "-pkeyopt", "ec_paramgen_curve:P-384"]);
    let ed25519 = pair(&ca, "ed25519", &["ED25519"]);
    let client = ca.client(None);
    let begins = |pair: &Pair, words: &str| {
        let text = fs::read_to_string(&pair.key).unwrap();
        assert!(text.starts_with(&format!("-----BEGIN {words}-----")), "{text}");
    };
    for pkcs8 in [&rsa, &p256, &p384, &ed25519] {
        begins(pkcs8, "PRIVATE KEY");
        assert!(served(&start(ca.options(pkcs8)), &client), "{}", pkcs8.key.display());
    }
    for (pair, tool, words) in [
        (&rsa, "rsa", "RSA PRIVATE KEY"),
        (&p256, "ec", "EC PRIVATE KEY"),
        (&p384, "ec", "EC PRIVATE KEY"),
    ] {
        let traditional: &[&str] = if tool == "rsa" { &["rsa", "-traditional"] } else { &["ec"] };
        let converted = converted(&ca, pair, traditional);
        begins(&converted, words);
        assert!(served(&start(ca.options(&converted)), &client), "{}", pair.key.display());
        let secret = ["-aes128", "-passout", "pass:secret"];
        let encrypted = self::converted(&ca, pair, &[traditional, &secret[..]].concat());
        begins(&encrypted, words);
        let error = fails(ca.options(&encrypted));
        assert!(error.contains("converted.key is encrypted: decrypt it with"), "{error}");
    }
    let secret = ["pkcs8", "-topk8", "-passout", "pass:secret"];
    let encrypted = converted(&ca, &rsa, &secret);
    begins(&encrypted, "ENCRYPTED PRIVATE KEY");
    let error = fails(ca.options(&encrypted));
    assert!(error.contains("converted.key is encrypted: decrypt it with"), "{error}");
    let mixed = Pair { key: p256.key.clone(), ..rsa.clone() };
    let error = fails(ca.options(&mixed));
    assert!(error.contains("p256.key does not belong to the certificate in"), "{error}");
}

/// An intermediate CA, and a certificate of it.
struct Chain {
    leaf: String,
    intermediate: String,
    key: String,
}

impl Chain {
    fn new(ca: &Ca) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(rcgen::DnType::CommonName, "intermediate");
        let intermediate =
            CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), &ca.issuer).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let leaf = params.signed_by(&key, &intermediate).unwrap().pem();
        Self { leaf, intermediate: intermediate.pem(), key: key.serialize_pem() }
    }

    fn write(&self, ca: &Ca, certificates: &[&str]) -> Pair {
        let pair = Pair { cert: ca.path("chain.pem"), key: ca.path("chain.key") };
        fs::write(&pair.cert, certificates.concat()).unwrap();
        fs::write(&pair.key, &self.key).unwrap();
        pair
    }
}

#[test]
fn a_chain_is_served_whole_and_one_in_the_wrong_order_is_an_error() {
    let ca = Ca::new();
    let chain = Chain::new(&ca);
    let root = ca.issuer.pem();
    let client = ca.client(None);
    for whole in
        [&[&*chain.leaf, &chain.intermediate][..], &[&chain.leaf, &chain.intermediate, &root]]
    {
        let pair = chain.write(&ca, whole);
        assert!(served(&start(ca.options(&pair)), &client));
    }
    for wrong in [
        &[&*chain.intermediate, &chain.leaf][..],
        &[&chain.leaf, &root, &chain.intermediate],
        &[&chain.leaf, &chain.leaf],
    ] {
        let error = fails(ca.options(&chain.write(&ca, wrong)));
        assert!(error.contains("certificate 2 in "), "{error}");
        assert!(error.contains("chain.pem did not issue the one before it"), "{error}");
    }
    let error = fails(ca.options(&chain.write(&ca, &[&chain.intermediate])));
    assert!(error.contains("does not belong to the certificate in"), "{error}");
}

/// Only clients can tell, since the collector does not know the CAs that they trust.
#[test]
fn a_missing_intermediate_is_counted_as_a_certificate_that_clients_do_not_trust() {
    let ca = Ca::new();
    let chain = Chain::new(&ca);
    let bench = start(ca.options(&chain.write(&ca, &[&chain.leaf])));
    assert!(!served(&bench, &ca.client(None)));
    bench::wait_for(|| bench.stats.tls_failed_alert.get() == 1);
}

#[test]
fn damaged_files_are_named_with_the_reason() {
    let ca = Ca::new();
    let server = ca.issue("localhost");
    let write = |name: &str, text: &str| -> PathBuf {
        fs::write(ca.path(name), text).unwrap();
        ca.path(name)
    };
    let key = fs::read_to_string(&server.key).unwrap();
    let half = write("half.key", &key[..key.len() / 2]);
    let garbage = "-----BEGIN PRIVATE KEY-----\nbm8ga2V5\n-----END PRIVATE KEY-----\n";
    let garbage = write("garbage.key", garbage);
    let text = "-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n";
    let no_cert = write("garbage.pem", text);
    let swapped = Pair { cert: server.key.clone(), key: server.cert.clone() };
    for (pair, reason) in [
        (Pair { key: half, ..server.clone() }, "half.key is malformed: "),
        (Pair { key: garbage, ..server.clone() }, "garbage.key is malformed: "),
        (Pair { cert: no_cert, ..server.clone() }, "garbage.pem is malformed: "),
        (swapped, "localhost.key holds no certificate in PEM"),
        (Pair { key: ca.path(""), ..server.clone() }, "failed to read "),
    ] {
        let error = fails(ca.options(&pair));
        assert!(error.contains(reason), "{error:?} does not contain {reason:?}");
    }
}
