//! `--tls-peer`: the certificates that may send, by name or by fingerprint.

use super::certificate::{Certificate, Fingerprint};
use std::fmt;
use std::str::FromStr;

/// One accepted peer: a name with wildcards, or the fingerprint of its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerRule {
    /// A name such as `web*.example.com`; `*` stands for any characters but a dot.
    Name(String),
    /// Exactly this certificate, whoever issued it.
    Fingerprint(Fingerprint),
}

/// A `--tls-peer` that is neither a name nor a fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownPeerRule;

impl fmt::Display for UnknownPeerRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a name such as web*.example.com, or sha256: and 64 digits")
    }
}

impl std::error::Error for UnknownPeerRule {}

impl FromStr for PeerRule {
    type Err = UnknownPeerRule;

    fn from_str(text: &str) -> Result<Self, UnknownPeerRule> {
        if text.starts_with("sha256:") {
            return text.parse().map(Self::Fingerprint).map_err(|()| UnknownPeerRule);
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "*.-_:".contains(c);
        match !text.is_empty() && text.chars().all(allowed) {
            true => Ok(Self::Name(text.to_ascii_lowercase())),
            false => Err(UnknownPeerRule),
        }
    }
}

impl fmt::Display for PeerRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Fingerprint(fingerprint) => fingerprint.fmt(f),
        }
    }
}

impl PeerRule {
    pub(crate) fn is_fingerprint(&self) -> bool {
        matches!(self, Self::Fingerprint(_))
    }

    /// `true` if one of the certificate's names matches this one.
    pub(crate) fn names(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Name(pattern) => certificate.names.iter().any(|name| name_matches(pattern, name)),
            Self::Fingerprint(_) => false,
        }
    }

    /// `true` if this is the certificate's fingerprint.
    pub(crate) fn pins(&self, certificate: &Certificate) -> bool {
        matches!(self, Self::Fingerprint(pinned) if *pinned == certificate.fingerprint)
    }
}

fn name_matches(pattern: &str, name: &str) -> bool {
    let labels = |text: &'_ str| text.matches('.').count();
    labels(pattern) == labels(name)
        && pattern.split('.').zip(name.split('.')).all(|(pattern, label)| glob(pattern, label))
}

/// Matches `*` against any characters, as far back as it takes.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(head) else { return false };
    (0..=text.len()).filter_map(|at| text.get(at..)).any(|text| glob(rest, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_matches_within_one_label() {
        for (pattern, name, matches) in [
            ("web1.example.com", "web1.example.com", true),
            ("web*.example.com", "web12.example.com", true),
            ("*.example.com", "web1.example.com", true),
            ("*.example.com", "a.b.example.com", false),
            ("*.example.com", "example.com", false),
            ("w*1.example.com", "web1.example.com", true),
            ("w*1.example.com", "web2.example.com", false),
            ("*", "web1", true),
        ] {
            assert_eq!(name_matches(pattern, name), matches, "{pattern} {name}");
        }
        for bad in ["", "sha256:12", "a b", "ü"] {
            assert_eq!(bad.parse::<PeerRule>(), Err(UnknownPeerRule), "{bad}");
        }
    }
}
