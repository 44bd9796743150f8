//! A CA: it signs with its key, and is recognised by a name that is made from that.

use super::pair_files::{Issued, PairFiles, read_pem};
use crate::clock::now;
use crate::hex::hex;
use anyhow::{Context, bail};
use chrono::{DateTime, Datelike, Days, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use ring::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;
use std::fs;
use std::path::PathBuf;
use time::OffsetDateTime;

/// A certificate to be issued.
pub(super) struct Request {
    pub(super) purpose: Purpose,
    pub(super) names: Vec<String>,
    pub(super) days: u32,
    pub(super) from: DateTime<Utc>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Server,
    Client,
}

impl Purpose {
    pub(super) fn describe(self, names: &[String]) -> String {
        let names = names.join(", ");
        match self {
            Self::Server => format!("for the collector at {names}"),
            Self::Client => format!("for clients on {names}"),
        }
    }

    fn usage(self) -> ExtendedKeyUsagePurpose {
        match self {
            Self::Server => ExtendedKeyUsagePurpose::ServerAuth,
            Self::Client => ExtendedKeyUsagePurpose::ClientAuth,
        }
    }
}

pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl Authority {
    /// Makes a CA that lasts `days`.
    pub(super) fn create(files: &PairFiles, days: u32) -> anyhow::Result<Self> {
        let key = KeyPair::generate()?;
        let params = ca_params(&key, days)?;
        let certificate = params.self_signed(&key)?;
        files.write(&Issued {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            end: end(now(), days),
            fingerprint: fingerprint(certificate.der()),
        })?;
        Ok(Self::new(files, params, key))
    }

    /// Uses the CA in these files.
    pub(super) fn open(files: &PairFiles) -> anyhow::Result<Self> {
        match files.existing().len() {
            0 => bail!("there is no CA: {} does not exist", files.certificate.display()),
            1 => bail!("{} is the only file of its CA", files.existing().join("")),
            _ => {}
        }
        let path = &files.key;
        let text = fs::read_to_string(path);
        let text = text.with_context(|| format!("failed to read {}", path.display()))?;
        let key = KeyPair::from_pem(&text);
        let key = key.with_context(|| format!("{} contains no private key", path.display()))?;
        let path = &files.certificate;
        let certificate: CertificateDer<'_> = read_pem(path)?;
        if !names(&certificate, &ca_name(&key)) {
            bail!(
                "{} was not made by netlog cert with the key beside it; use another directory, or \
                 the tools of that CA",
                path.display()
            );
        }
        Ok(Self::new(files, ca_params(&key, 0)?, key))
    }

    fn new(files: &PairFiles, params: CertificateParams, key: KeyPair) -> Self {
        let PairFiles { certificate, key: path } = files;
        let issuer = Issuer::new(params, key);
        Self { issuer, certificate: certificate.clone(), key: path.clone() }
    }

    /// Tells whether this DER names the CA.
    pub(super) fn is_named_in(&self, der: &[u8]) -> bool {
        names(der, &ca_name(self.issuer.key()))
    }

    /// Signs a revocation list.
    pub(super) fn sign(&self, list: &CertificateRevocationListParams) -> anyhow::Result<String> {
        Ok(list.signed_by(&self.issuer)?.pem()?)
    }

    pub(super) fn issue(&self, request: &Request) -> anyhow::Result<Issued> {
        let names = request.names.join(", ");
        let invalid = || format!("invalid name in {names}: expected host names or addresses");
        let mut params = CertificateParams::new(request.names.clone()).with_context(invalid)?;
        if let Some(name) = request.names.first() {
            params.distinguished_name.push(DnType::CommonName, name.as_str());
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![request.purpose.usage()];
        params.use_authority_key_identifier_extension = true;
        set_validity(&mut params, request.from, request.days);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Issued {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            end: end(request.from, request.days),
            fingerprint: fingerprint(certificate.der()),
        })
    }
}

fn ca_params(key: &KeyPair, days: u32) -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::new([])?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, ca_name(key));
    set_validity(&mut params, now(), days);
    Ok(params)
}

fn names(der: &[u8], name: &str) -> bool {
    der.windows(name.len()).any(|part| part == name.as_bytes())
}

/// Two CAs of one name would be taken for each other.
fn ca_name(key: &KeyPair) -> String {
    let digest = digest(&SHA256, key.public_key_raw());
    format!("netlog CA {}", hex(&digest.as_ref()[..8]))
}

/// From a day before, for clocks that are slow.
fn set_validity(params: &mut CertificateParams, from: DateTime<Utc>, days: u32) {
    params.not_before = day(from - Days::new(1));
    params.not_after = day(from + Days::new(days.into()));
}

/// The beginning of a day in UTC.
pub(super) fn day(at: DateTime<Utc>) -> OffsetDateTime {
    date_time_ymd(at.year(), at.month() as u8, at.day() as u8)
}

fn end(from: DateTime<Utc>, days: u32) -> String {
    (from + Days::new(days.into())).date_naive().to_string()
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    format!("sha256:{}", hex(digest(&SHA256, certificate).as_ref()))
}
