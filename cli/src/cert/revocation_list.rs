//! `crl.pem`: the certificates that the CA has revoked. `ca.crl-number` remembers that there is such
//! a list, because an empty one in its place would let the revoked clients in again.

use super::authority::{Authority, day};
use super::pair_files::{read_pem, replace};
use crate::clock::now;
use anyhow::{Context, bail};
use chrono::{DateTime, Days, Utc};
use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevokedCertParams, SerialNumber};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use x509_cert::Certificate;
use x509_cert::crl::CertificateList;
use x509_cert::der::Decode;

/// Days until a list should be replaced by a newer one, as many as a CA lasts: the list changes
/// only when a certificate is revoked.
const DAYS: u64 = 3650;

/// Certificates that clients may no longer use.
pub(super) struct RevocationList {
    pub(super) path: PathBuf,
    /// File with the number of the last list that the CA issued.
    number_path: PathBuf,
    revoked: Vec<Revoked>,
}

struct Revoked {
    serial: Vec<u8>,
    since: DateTime<Utc>,
}

impl RevocationList {
    fn empty(directory: &Path) -> Self {
        Self {
            path: directory.join("crl.pem"),
            number_path: directory.join("ca.crl-number"),
            revoked: Vec::new(),
        }
    }

    /// The list in `directory`; an empty one if there is none yet.
    pub(super) fn open(directory: &Path, authority: &Authority) -> anyhow::Result<Self> {
        let mut list = Self::empty(directory);
        let issued = list.issued_number()?;
        let path = list.path.display();
        if list.is_new() {
            if issued > list.number() {
                bail!(
                    "{path} does not exist, but this CA has revoked certificates: copy it from the \
                     collector or a backup; to let the revoked clients in again, remove {}",
                    list.number_path.display()
                );
            }
            return Ok(list);
        }
        let failed = || format!("failed to read {path}");
        let text = fs::read(&list.path).with_context(failed)?;
        let der = match CertificateRevocationListDer::from_pem_slice(&text) {
            Err(pem::Error::NoItemsFound) => bail!("{path} has no revocation list in it"),
            read => read.with_context(failed)?,
        };
        if !authority.is_named_in(&der) {
            bail!("{path} is not a list of the CA in {}", authority.certificate.display());
        }
        let read = CertificateList::from_der(&der).with_context(failed)?.tbs_cert_list;
        list.revoked = read.revoked_certificates.unwrap_or_default().iter().map(revoked).collect();
        if issued > list.number() {
            bail!(
                "{path} is older than the last list of this CA: copy that from the collector or a \
                 backup; to let those revoked since then in again, remove {}",
                list.number_path.display()
            );
        }
        Ok(list)
    }

    /// Number of the list: it grows with the list, from which nothing is removed.
    fn number(&self) -> u64 {
        self.revoked.len() as u64 + 1
    }

    /// Number of the last list that was written, 0 before the first one.
    fn issued_number(&self) -> anyhow::Result<u64> {
        let path = self.number_path.display();
        let text = match fs::read_to_string(&self.number_path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
            read => read.with_context(|| format!("failed to read {path}"))?,
        };
        text.trim().parse().with_context(|| format!("{path} contains no number"))
    }

    /// Adds a certificate of the CA.
    pub(super) fn add(&mut self, certificate: &Path, authority: &Authority) -> anyhow::Result<()> {
        let failed = || format!("failed to read {}", certificate.display());
        let der: CertificateDer<'_> = read_pem(certificate)?;
        if !authority.is_named_in(&der) {
            let ca = authority.certificate.display();
            bail!("{} was not issued by the CA in {ca}", certificate.display());
        }
        let read = Certificate::from_der(&der).with_context(failed)?;
        let serial = read.tbs_certificate.serial_number.as_bytes().to_vec();
        if !self.revoked.iter().any(|revoked| revoked.serial == serial) {
            self.revoked.push(Revoked { serial, since: now() });
        }
        Ok(())
    }

    /// Tells whether there is no file of it yet.
    pub(super) fn is_new(&self) -> bool {
        self.path.symlink_metadata().is_err()
    }

    pub(super) fn len(&self) -> usize {
        self.revoked.len()
    }

    /// Writes the list, signed by the CA.
    pub(super) fn write(&self, authority: &Authority) -> anyhow::Result<()> {
        let revoked = |revoked: &Revoked| RevokedCertParams {
            serial_number: SerialNumber::from_slice(&revoked.serial),
            revocation_time: day(revoked.since),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: day(now()),
            next_update: day(now() + Days::new(DAYS)),
            crl_number: SerialNumber::from(self.number()),
            issuing_distribution_point: None,
            revoked_certs: self.revoked.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        replace(&self.path, &authority.sign(&list)?, 0o644)?;
        // Second, because a list that is newer than the number does no harm.
        replace(&self.number_path, &format!("{}\n", self.number()), 0o644)
    }
}

fn revoked(read: &x509_cert::crl::RevokedCert) -> Revoked {
    let since = read.revocation_date.to_unix_duration().as_secs();
    let since = i64::try_from(since).ok().and_then(|since| DateTime::from_timestamp(since, 0));
    Revoked {
        serial: read.serial_number.as_bytes().to_vec(),
        since: since.unwrap_or(DateTime::UNIX_EPOCH),
    }
}
