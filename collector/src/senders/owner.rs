//! Owners of sender ids: the token or the certificate that an id first came with.

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

/// Hash of the name of a token or a certificate. A name stays when its secret is replaced, so that a
/// program may deliver after that what it logged before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Owner(u64);

impl Owner {
    /// Owner of an id that came without a name.
    pub(crate) const NOBODY: Self = Self(0);

    pub(crate) fn token(name: &str) -> Self {
        Self::named("token:", name)
    }

    pub(crate) fn certificate(name: &str) -> Self {
        Self::named("tls:", name)
    }

    fn named(kind: &str, name: &str) -> Self {
        let digest = digest(&SHA256, [kind, name].concat().as_bytes());
        let hash =
            digest.as_ref().iter().take(8).fold(0, |hash, &byte| hash << 8 | u64::from(byte));
        // Zero stands for nobody.
        Self(hash | 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_and_a_certificate_of_one_name_are_two_owners() {
        let owners = [Owner::token("a"), Owner::certificate("a"), Owner::token("b"), Owner::NOBODY];
        for (at, owner) in owners.iter().enumerate() {
            assert!(!owners[at + 1..].contains(owner));
        }
        assert_eq!(Owner::token("a"), Owner::token("a"));
    }
}
