//! A certificate as far as the collector reads it: its names, its validity, its fingerprint.

use rustls::pki_types::CertificateDer;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::time::Duration;
use x509_cert::Certificate as X509;
use x509_cert::der::asn1::{PrintableStringRef, Utf8StringRef};
use x509_cert::der::oid::db::rfc4519::CN;
use x509_cert::der::{Decode, Error};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, SubjectAltName};
use x509_cert::name::Name;

/// The parts of a certificate that decide who its owner is and whether it may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// The subject's alternative names; the common name where there are none.
    pub(crate) names: Vec<String>,
    pub(crate) fingerprint: Fingerprint,
    /// Seconds since 1970.
    pub(crate) not_before: u64,
    pub(crate) not_after: u64,
    pub(crate) subject: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    /// True if it may issue others.
    pub(crate) is_ca: bool,
}

impl Certificate {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    ///
    /// When it is malformed.
    pub(crate) fn read(der: &CertificateDer<'_>) -> Result<Self, Error> {
        use x509_cert::der::Encode;
        let read = X509::from_der(der)?.tbs_certificate;
        let mut names = alternative_names(&read)?;
        if names.is_empty() {
            names.extend(common_name(&read.subject));
        }
        let is_ca = match read.get::<BasicConstraints>()? {
            Some((_, constraints)) => constraints.ca,
            // Old roots do not say so.
            None => read.subject == read.issuer,
        };
        Ok(Self {
            names,
            is_ca,
            fingerprint: Fingerprint::of(der),
            not_before: read.validity.not_before.to_unix_duration().as_secs(),
            not_after: read.validity.not_after.to_unix_duration().as_secs(),
            subject: read.subject.to_der()?,
            issuer: read.issuer.to_der()?,
        })
    }

    /// The first of its names, which stands for its owner.
    pub(crate) fn name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// Time from `now` until it expires; zero once it has.
    pub(crate) fn left(&self, now: u64) -> Duration {
        Duration::from_secs(self.not_after.saturating_sub(now))
    }
}

fn alternative_names(read: &x509_cert::TbsCertificate) -> Result<Vec<String>, Error> {
    let Some((_, SubjectAltName(all))) = read.get::<SubjectAltName>()? else {
        return Ok(Vec::new());
    };
    Ok(all.iter().filter_map(alternative_name).collect())
}

fn alternative_name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_ascii_lowercase()),
        GeneralName::IpAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(bytes.as_bytes()).map(Ipv4Addr::from).map(IpAddr::from);
            let v6 = <[u8; 16]>::try_from(bytes.as_bytes()).map(Ipv6Addr::from).map(IpAddr::from);
            v4.or(v6).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

fn common_name(subject: &Name) -> Option<String> {
    let all = subject.0.iter().flat_map(|rdn| rdn.0.iter());
    let value = all.filter(|one| one.oid == CN).map(|one| &one.value).next_back()?;
    let utf8 = value.decode_as::<Utf8StringRef<'_>>().map(|text| text.as_str().to_owned());
    let printable = || value.decode_as::<PrintableStringRef<'_>>().map(|text| text.to_string());
    utf8.or_else(|_| printable()).ok().map(|name| name.to_ascii_lowercase())
}

/// The SHA-256 of a certificate, written as `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(crate) fn of(der: &[u8]) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, der);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }
}

impl FromStr for Fingerprint {
    type Err = ();

    /// Reads `sha256:` and the digits, with colons between the bytes or without.
    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = text.strip_prefix("sha256:").ok_or(())?.replace(':', "");
        if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(());
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).map_err(|_| ())?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair};

    fn certificate(params: CertificateParams) -> Certificate {
        let key = KeyPair::generate().unwrap();
        Certificate::read(params.self_signed(&key).unwrap().der()).unwrap()
    }

    #[test]
    fn a_certificate_is_named_by_its_alternative_names_and_else_by_its_common_name() {
        let names = ["Web1.example.com".to_owned(), "10.0.0.7".to_owned(), "::1".to_owned()];
        let read = certificate(CertificateParams::new(names).unwrap());
        assert_eq!(read.names, ["web1.example.com", "10.0.0.7", "::1"]);
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "Web2");
        assert_eq!(certificate(params).name(), "web2");
    }

    #[test]
    fn a_fingerprint_is_read_in_the_form_that_openssl_writes_too() {
        let shown = Fingerprint::of(b"x").to_string();
        assert_eq!(shown.parse(), Ok(Fingerprint::of(b"x")));
        let digits = shown.strip_prefix("sha256:").unwrap().to_uppercase();
        let pairs: Vec<&str> = (0..32).map(|at| &digits[at * 2..at * 2 + 2]).collect();
        assert_eq!(format!("sha256:{}", pairs.join(":")).parse(), Ok(Fingerprint::of(b"x")));
        for bad in ["", "sha256:", "sha1:ab", &shown[..70], "sha256:zz"] {
            assert_eq!(bad.parse::<Fingerprint>(), Err(()), "{bad}");
        }
    }
}
