//! Verification of the collector of `--forward-to`: by its certificate's fingerprint, or by its issuer
//! and its name.

use super::certificate::Fingerprint;
use super::client_verifier::{chain_words, is_of_ca};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use std::sync::Arc;
use thiserror::Error as Errors;

/// The collectors that are trusted.
#[derive(Debug)]
pub(super) enum ServerTrust {
    /// Those with one of these certificates.
    Pins(Vec<Fingerprint>),
    /// Those with a certificate that one of these CAs issued for their name.
    Issuers(Arc<dyn ServerCertVerifier>),
}

#[derive(Debug)]
pub(super) struct ServerVerifier {
    pub(super) trust: ServerTrust,
    pub(super) provider: Arc<CryptoProvider>,
}

/// A certificate that is not trusted, with the pin that would make it so.
#[derive(Debug, Errors)]
#[error("the certificate of {host} is not trusted: {why}; its fingerprint is {found}")]
struct UntrustedServer {
    host: String,
    found: Fingerprint,
    why: String,
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let found = Fingerprint::of(end_entity);
        let why = match &self.trust {
            ServerTrust::Pins(pins) if pins.contains(&found) => {
                return Ok(ServerCertVerified::assertion());
            }
            ServerTrust::Pins(_) => "it has another fingerprint than --forward-pin".to_owned(),
            ServerTrust::Issuers(issuers) => {
                match issuers.verify_server_cert(end_entity, intermediates, server_name, ocsp, now)
                {
                    Ok(verified) => return Ok(verified),
                    Err(error) if is_of_ca(&error) => {
                        chain_words(&error) + ", which only --forward-pin can let in"
                    }
                    Err(error) => chain_words(&error),
                }
            }
        };
        let host = server_name.to_str().into_owned();
        let untrusted = UntrustedServer { host, found, why };
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
    use crate::tls::provider::provider;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;

    #[test]
    fn advice_about_the_certificate_of_a_server_names_the_options_for_servers() {
        let mut params = CertificateParams::new(["localhost".into()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(ca.der().clone()).unwrap();
        let issuers = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider());
        let trust = ServerTrust::Issuers(issuers.build().unwrap());
        let verifier = ServerVerifier { trust, provider: provider() };
        let name = ServerName::try_from("localhost").unwrap();
        let error = verifier.verify_server_cert(ca.der(), &[], &name, &[], UnixTime::now());
        let expected = "the certificate of localhost is not trusted: the certificate is a CA's own, \
                        which only --forward-pin can let in; its fingerprint is sha256:";
        let words = chain_words(&error.unwrap_err());
        assert!(words.starts_with(expected), "{words}");
    }
}
