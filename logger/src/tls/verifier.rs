//! Decides whether a collector is the one that is meant: by a pin, or by its issuer and its name.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use std::fmt::{self, Write};
use std::sync::Arc;

/// The SHA-256 of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pin(String);

impl Pin {
    /// Reads `sha256:` and 64 digits, with colons between or without.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("sha256:")?.replace(':', "").to_ascii_lowercase();
        let all = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        all.then_some(Self(digits))
    }

    fn of(certificate: &CertificateDer<'_>) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
        Self(digest.as_ref().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }
}

#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) pins: Vec<Pin>,
    pub(super) trusted: Option<Arc<dyn ServerCertVerifier>>,
    pub(super) provider: Arc<CryptoProvider>,
}

/// A certificate that was not accepted, with the pin that would accept it.
#[derive(Debug)]
struct Untrusted {
    name: String,
    pin: Pin,
    why: Option<Error>,
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, pin: Pin(digits), why } = self;
        write!(f, "the certificate of {name} is not accepted: ")?;
        match why {
            Some(Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature,
            )) => {
                f.write_str("not issued by a known CA")?;
            }
            Some(Error::InvalidCertificate(error)) => write!(f, "{error}")?,
            Some(error) => write!(f, "{error}")?,
            None => f.write_str("it has another fingerprint than the pin")?,
        }
        write!(f, "; its pin is sha256:{digits}")
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
        let pin = Pin::of(end_entity);
        let verified = match &self.trusted {
            None if self.pins.contains(&pin) => return Ok(ServerCertVerified::assertion()),
            None => Err(None),
            Some(trusted) => trusted
                .verify_server_cert(end_entity, intermediates, server_name, ocsp, now)
                .map_err(Some),
        };
        verified.map_err(|why| {
            let name = server_name.to_str().into_owned();
            CertificateError::Other(OtherError(Arc::new(Untrusted { name, pin, why }))).into()
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
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
        let Pin(digits) = Pin::of(&CertificateDer::from(vec![1]));
        assert_eq!(Pin::parse(&format!("sha256:{digits}")), Some(Pin(digits.clone())));
        let upper = digits.to_uppercase();
        let pairs: Vec<&str> = (0..32).map(|at| &upper[at * 2..at * 2 + 2]).collect();
        assert_eq!(Pin::parse(&format!("sha256:{}", pairs.join(":"))), Some(Pin(digits)));
        assert_eq!(Pin::parse("sha256:12"), None);
    }
}
