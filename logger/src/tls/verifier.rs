//! Verification of a collector: by its certificate's fingerprint, or by its issuer and its name.

use super::explain::explain_certificate;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use std::fmt;
use std::sync::Arc;

/// The SHA-256 of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pin([u8; 32]);

impl Pin {
    /// Reads `sha256:` and 64 digits, with colons between the bytes or without.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("sha256:")?.replace(':', "");
        if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    fn of(certificate: &CertificateDer<'_>) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The collectors that are trusted.
#[derive(Debug)]
pub(super) enum Trust {
    /// Those with one of these certificates.
    Pins(Vec<Pin>),
    /// Those with a certificate that one of these CAs issued for their name.
    Issuers(Arc<dyn ServerCertVerifier>),
}

#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) trust: Trust,
    pub(super) provider: Arc<CryptoProvider>,
}

/// A certificate that is not trusted, with the pin that would make it so.
#[derive(Debug)]
struct Untrusted {
    host: String,
    found: Pin,
    why: String,
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, found, why } = self;
        write!(f, "the certificate of {host} is not trusted: {why}; its fingerprint is {found}")
    }
}

impl std::error::Error for Untrusted {}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let found = Pin::of(end_entity);
        let why = match &self.trust {
            Trust::Pins(pins) if pins.contains(&found) => {
                return Ok(ServerCertVerified::assertion());
            }
            Trust::Pins(pins) => {
                let expected: Vec<String> = pins.iter().map(Pin::to_string).collect();
                format!("the expected fingerprint is {}", expected.join(" or "))
            }
            Trust::Issuers(issuers) => {
                match issuers.verify_server_cert(end_entity, intermediates, server_name, ocsp, now)
                {
                    Ok(verified) => return Ok(verified),
                    Err(error) => explain_certificate(&error),
                }
            }
        };
        let host = server_name.to_str().into_owned();
        let untrusted = Untrusted { host, found, why };
        Err(CertificateError::Other(OtherError(Arc::new(untrusted))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_read_in_the_form_that_openssl_writes_too() {
        let pin = Pin::of(&CertificateDer::from(vec![1]));
        let shown = pin.to_string();
        assert_eq!(Pin::parse(&shown), Some(pin.clone()));
        let digits = shown.strip_prefix("sha256:").unwrap().to_uppercase();
        let pairs: Vec<&str> = (0..32).map(|at| &digits[at * 2..at * 2 + 2]).collect();
        assert_eq!(Pin::parse(&format!("sha256:{}", pairs.join(":"))), Some(pin));
        for bad in ["", "sha256:12", "sha1:ab", "sha256:ü"] {
            assert_eq!(Pin::parse(bad), None, "{bad}");
        }
    }
}
