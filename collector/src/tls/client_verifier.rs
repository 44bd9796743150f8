//! Decides which client certificates are let in, and keeps the name of one that is not, so that a
//! refusal can be pasted into the options.

use super::certificate::Certificate;
use super::peer_rule::PeerRule;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
};
use std::fmt;
use std::sync::Arc;

/// Longest name that is reported, as long as a host's can be.
const MAX_NAME: usize = 253;

/// Verifies by the client CA and `--tls-peer`: a pinned certificate needs no issuer, any other one
/// has to chain to the CA and, where names are listed, to have one of them.
#[derive(Debug)]
pub(crate) struct ClientVerifier {
    pub(crate) chain: Option<Arc<dyn ClientCertVerifier>>,
    pub(crate) peers: Vec<PeerRule>,
    pub(crate) required: bool,
    pub(crate) provider: Arc<CryptoProvider>,
}

/// A client certificate that was not let in.
#[derive(Debug)]
pub(crate) struct RefusedCertificate {
    pub(crate) certificate: Option<Certificate>,
    pub(crate) why: Refused,
}

/// The reason.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Its chain, validity or revocation.
    Chain(Error),
    /// It has none of the names in `--tls-peer`.
    Unlisted,
}

impl ClientVerifier {
    fn verify(
        &self,
        certificate: &Certificate,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Refused> {
        if self.peers.iter().any(|rule| rule.pins(certificate)) {
            return check_dates(certificate, now).map_err(Refused::Chain);
        }
        let unknown = || Error::from(CertificateError::UnknownIssuer);
        let [end_entity, intermediates @ ..] = chain else {
            return Err(Refused::Chain(Error::NoCertificatesPresented));
        };
        let verifier = self.chain.as_ref().ok_or_else(|| Refused::Chain(unknown()))?;
        let verified = verifier.verify_client_cert(end_entity, intermediates, now);
        verified.map_err(Refused::Chain)?;
        let listed = self.peers.iter().any(|rule| rule.names(certificate));
        if self.peers.is_empty() || listed { Ok(()) } else { Err(Refused::Unlisted) }
    }
}

fn check_dates(certificate: &Certificate, now: UnixTime) -> Result<(), Error> {
    let now = now.as_secs();
    if now > certificate.not_after {
        return Err(CertificateError::Expired.into());
    }
    if now < certificate.not_before {
        return Err(CertificateError::NotValidYet.into());
    }
    Ok(())
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // A client that is known by its fingerprint would send nothing if told of a CA.
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let certificate = Certificate::read(end_entity).ok();
        let mut chain = vec![end_entity.clone()];
        chain.extend(intermediates.iter().cloned());
        let verified = match &certificate {
            Some(certificate) => self.verify(certificate, &chain, now),
            None => Err(Refused::Chain(CertificateError::BadEncoding.into())),
        };
        verified.map(|()| ClientCertVerified::assertion()).map_err(|why| {
            let refused = RefusedCertificate { certificate, why };
            CertificateError::Other(OtherError(Arc::new(refused))).into()
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let supported = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, supported)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let supported = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, supported)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Display for RefusedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Refused::Chain(error) => {
                f.write_str(&chain_words(error))?;
                if is_of_ca(error) {
                    f.write_str(", which only --tls-peer sha256:… can let in")?;
                }
            }
            Refused::Unlisted => f.write_str("none of its names is listed by --tls-peer")?,
        }
        let Some(certificate) = &self.certificate else { return Ok(()) };
        let fingerprint = certificate.fingerprint;
        match certificate.name() {
            name if name.is_empty() || name.len() > MAX_NAME => {
                write!(f, " (--tls-peer {fingerprint})")
            }
            name => write!(f, " (--tls-peer {name}, or --tls-peer {fingerprint})"),
        }
    }
}

/// The library's name for the certificate of a CA in the place of that of a peer.
const CA_OF_ITS_OWN: &str = "CaUsedAsEndEntity";

/// Tells whether a CA's own certificate was shown, which only its fingerprint can let in.
pub(super) fn is_of_ca(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(other)) = error else { return false };
    other.0.to_string() == CA_OF_ITS_OWN
}

/// A verification error in words; the library's own name types and times of its code.
pub(crate) fn chain_words(error: &Error) -> String {
    let Error::InvalidCertificate(error) = error else { return error.to_string() };
    let words = match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet"
        }
        CertificateError::Revoked => "the certificate is revoked",
        // A CA with the name of a known one, and another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "the certificate is not issued by a known CA"
        }
        CertificateError::UnknownRevocationStatus => "no CRL covers the certificate's CA",
        CertificateError::ExpiredRevocationList
        | CertificateError::ExpiredRevocationListContext { .. } => "the CRL has expired",
        CertificateError::Other(other) if other.0.to_string() == CA_OF_ITS_OWN => {
            "the certificate is a CA's own"
        }
        CertificateError::Other(other) => return other.0.to_string(),
        other => return other.to_string(),
    };
    words.to_owned()
}

impl std::error::Error for RefusedCertificate {}
