//! Web origins: `--http-origin` and `--peers`.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::{error, fmt};

/// The origin of a web page as browsers write it: the scheme, the host in lower case, and the port
/// unless it is the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebOrigin {
    text: String,
    https: bool,
    local: bool,
}

/// A text that is not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidOrigin(&'static str);

impl WebOrigin {
    /// The host, and the port if there is one.
    pub(crate) fn authority(&self) -> &str {
        self.text.split_once("://").map_or("", |(_, authority)| authority)
    }

    /// The whole of it.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// True if a page over TLS may ask there: browsers allow it only over TLS, and to this machine.
    pub(crate) fn secure(&self) -> bool {
        self.https || self.local
    }

    /// Reads an origin that a content security policy can name, which no IPv6 address is.
    pub(crate) fn of_peer(text: &str) -> Result<Self, InvalidOrigin> {
        let origin: Self = text.parse()?;
        match origin.authority().starts_with('[') {
            true => Err(InvalidOrigin("browsers accept no IPv6 address here: use a host name")),
            false => Ok(origin),
        }
    }
}

impl FromStr for WebOrigin {
    type Err = InvalidOrigin;

    /// Reads `http://HOST`, `https://HOST`, or either with `:PORT`.
    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        let (scheme, default) = match scheme.as_deref() {
            Some("http") => ("http", 80),
            Some("https") => ("https", 443),
            _ => return Err(InvalidOrigin("expected http://HOST:PORT or https://HOST:PORT")),
        };
        let authority = text.get(scheme.len() + 3..).unwrap_or_default();
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        if authority.contains(['/', '?', '#', '\\']) {
            return Err(InvalidOrigin("expected no path behind the host and port"));
        }
        if authority.contains('@') {
            return Err(InvalidOrigin("expected no user or password"));
        }
        let bracket = authority.find(']').unwrap_or_default();
        let colon = authority[bracket..].find(':').map(|at| bracket + at);
        let host = host(&authority[..colon.unwrap_or(authority.len())])?;
        let port = match colon.map(|at| port(&authority[at + 1..])) {
            Some(port) => port?,
            None => default,
        };
        let port = if port == default { String::new() } else { format!(":{port}") };
        let local = host == "localhost" || host == "[::1]" || is_loopback(&host);
        Ok(Self { text: format!("{scheme}://{host}{port}"), https: default == 443, local })
    }
}

fn is_loopback(host: &str) -> bool {
    host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

fn host(text: &str) -> Result<String, InvalidOrigin> {
    let address = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(address) = address.map(str::parse::<Ipv6Addr>) {
        return address
            .map(|address| format!("[{address}]"))
            .map_err(|_| InvalidOrigin("invalid IPv6 address"));
    }
    if !text.is_ascii() {
        return Err(InvalidOrigin("expected the host in ASCII: xn--… for other letters"));
    }
    let name = text.to_ascii_lowercase();
    let labels = name.strip_suffix('.').unwrap_or(&name);
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if labels.split('.').any(|label| label.is_empty() || !label.bytes().all(letter)) {
        return Err(InvalidOrigin("invalid host: expected a name or an address"));
    }
    let number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    match labels.rsplit('.').next().is_some_and(number) && name.parse::<Ipv4Addr>().is_err() {
        true => Err(InvalidOrigin("invalid IPv4 address")),
        false => Ok(name),
    }
}

fn port(text: &str) -> Result<u16, InvalidOrigin> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok().filter(|port| digits && *port > 0);
    port.ok_or(InvalidOrigin("invalid port: expected a number from 1 to 65535"))
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl error::Error for InvalidOrigin {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for (text, written) in [
            ("http://site2:1903", "http://site2:1903"),
            ("HTTPS://Logs.Example.com:443/", "https://logs.example.com"),
            ("http://logs.example.com:80", "http://logs.example.com"),
            ("https://logs.example.com:80", "https://logs.example.com:80"),
            ("http://10.1.0.7:1903", "http://10.1.0.7:1903"),
            ("http://[::1]:1903", "http://[::1]:1903"),
            ("http://[0:0::1]", "http://[::1]"),
            ("http://a_b.example.:9", "http://a_b.example.:9"),
            ("http://xn--bcher-kva.example:09", "http://xn--bcher-kva.example:9"),
        ] {
            let origin: WebOrigin = text.parse().unwrap();
            assert_eq!(origin.to_string(), written, "{text}");
        }
    }

    #[test]
    fn whatever_else_is_refused_with_the_reason() {
        for (text, reason) in [
            ("null", "expected http"),
            ("*", "expected http"),
            ("site2:1903", "expected http"),
            ("ftp://site2", "expected http"),
            ("http://site2:1903/logs", "no path"),
            ("http://site2:1903//", "no path"),
            ("http://site2?x", "no path"),
            ("http://ann:secret@site2", "no user"),
            ("http://", "invalid host"),
            ("http://:1903", "invalid host"),
            ("http://*.example.com", "invalid host"),
            ("http://a..b", "invalid host"),
            ("http://site2 http://site3", "no path"),
            ("http://site2;script-src", "invalid host"),
            ("http://site2'self'", "invalid host"),
            ("http://site2\r\nX:1", "invalid host"),
            ("http://site2\u{0}", "invalid host"),
            ("http://bücher.example", "ASCII"),
            ("http://127.1", "IPv4"),
            ("http://1.2.3.4.5", "IPv4"),
            ("http://[::1", "invalid host"),
            ("http://[::g]", "IPv6"),
            ("http://::1", "invalid host"),
            ("http://site2:", "port"),
            ("http://site2:0", "port"),
            ("http://site2:65536", "port"),
            ("http://site2:+80", "port"),
            ("http://site2:*", "port"),
        ] {
            let error = text.parse::<WebOrigin>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn a_peer_is_one_that_a_content_security_policy_can_name() {
        assert!(WebOrigin::of_peer("http://site2:1903").is_ok());
        let error = WebOrigin::of_peer("http://[::1]:1903").unwrap_err();
        assert!(error.to_string().contains("use a host name"), "{error}");
    }

    #[test]
    fn a_page_over_tls_may_ask_over_tls_and_on_its_own_machine() {
        for (text, secure) in [
            ("https://site2", true),
            ("http://localhost:1903", true),
            ("http://127.0.0.1:1903", true),
            ("http://site2:1903", false),
            ("http://localhost.example", false),
            ("http://127.site2.example", false),
        ] {
            assert_eq!(text.parse::<WebOrigin>().unwrap().secure(), secure, "{text}");
        }
    }
}
