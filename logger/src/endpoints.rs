//! The addresses of collectors that a program may send to, in the order in which they are tried.

use crate::endpoint::{BadAddress, Endpoint, Transport};
use std::fmt;

/// At least one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoints(Vec<Endpoint>);

impl Endpoints {
    /// Reads addresses with commas between them.
    pub(crate) fn parse(addresses: &str) -> Result<Self, BadAddress> {
        let all: Vec<_> = addresses.split(',').map(Endpoint::parse).collect::<Result<_, _>>()?;
        match all.len() > 1 && all.iter().any(|endpoint| endpoint.transport == Transport::Udp) {
            true => Err(BadAddress::new(addresses, "udp:// cannot be one of several addresses")),
            false => Ok(Self(all)),
        }
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Endpoint> {
        self.0.iter()
    }

    /// True if records are sent as datagrams.
    pub(crate) fn is_udp(&self) -> bool {
        self.iter().any(|endpoint| endpoint.transport == Transport::Udp)
    }
}

impl fmt::Display for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, endpoint) in self.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{endpoint}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_addresses_are_read_in_their_order_and_none_is_udp() {
        let endpoints = Endpoints::parse("a:1902,tcp://b:1").unwrap();
        assert_eq!(endpoints.to_string(), "tcp://a:1902,tcp://b:1");
        for (bad, why) in [
            ("a:1902,", "invalid address \"\": the port is missing"),
            ("a:1,udp://b:1", "invalid address \"a:1,udp://b:1\": udp:// cannot be one of several"),
        ] {
            let error = Endpoints::parse(bad).unwrap_err().to_string();
            assert!(error.starts_with(why), "{error}");
        }
    }
}
