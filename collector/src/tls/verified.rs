//! A peer that is known by its certificate, and the hosts that it may name.

use super::certificate::Certificate;
use super::options::TlsIdentity;

/// The names of a client's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VerifiedPeer {
    names: Vec<String>,
    rule: TlsIdentity,
}

impl VerifiedPeer {
    pub(crate) fn new(certificate: Certificate, rule: TlsIdentity) -> Self {
        let Certificate { mut names, fingerprint, .. } = certificate;
        if names.is_empty() {
            names.push(fingerprint.to_string());
        }
        Self { names, rule }
    }

    /// Its first name, which stands for it.
    pub(crate) fn name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// `true` if it may log as `host`: one of its names, or the first label of one.
    pub(crate) fn may_name(&self, host: &str) -> bool {
        let short =
            |name: &str| name.split('.').next().is_some_and(|l| l.eq_ignore_ascii_case(host));
        let is = |name: &String| name.eq_ignore_ascii_case(host) || short(name);
        self.rule == TlsIdentity::Any || self.names.iter().any(is)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_speaks_for_its_names_with_their_domain_or_without() {
        let names = vec!["web1.example.com".to_owned(), "10.0.0.7".to_owned()];
        let peer = VerifiedPeer { names, rule: TlsIdentity::Host };
        for (host, may) in [
            ("web1.example.com", true),
            ("WEB1", true),
            ("10.0.0.7", true),
            ("web2", false),
            ("example.com", false),
            ("", false),
        ] {
            assert_eq!(peer.may_name(host), may, "{host}");
        }
        assert!(VerifiedPeer { rule: TlsIdentity::Any, ..peer }.may_name("web2"));
    }
}
