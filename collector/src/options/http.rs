//! The address that readers are served at: `--http`.

use crate::intake::{Endpoint, UnknownEndpoint};
use netlog_wire::READ_PORT;
use std::str::FromStr;

/// The address of the HTTP API and web page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Http {
    /// Not served.
    Off,
    /// At an address of its own: sending and reading are different permissions.
    At(Endpoint),
}

impl Default for Http {
    /// `localhost:1903`.
    fn default() -> Self {
        Self::At(Endpoint::local(READ_PORT))
    }
}

impl FromStr for Http {
    type Err = UnknownEndpoint;

    /// Reads `off`, `host:port`, `http://host:port` or `https://host:port`.
    fn from_str(text: &str) -> Result<Self, UnknownEndpoint> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let encrypted = text.strip_prefix("https://").map(|rest| format!("tls://{rest}"));
        let plain = text.strip_prefix("http://").unwrap_or(text);
        let endpoint = encrypted.as_deref().unwrap_or(plain).parse::<Endpoint>().ok();
        let endpoint = endpoint.filter(|endpoint| endpoint.is_tcp() || encrypted.is_some());
        endpoint.map(Self::At).ok_or_else(UnknownEndpoint::not_http)
    }
}
