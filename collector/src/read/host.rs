//! The names that a request may be meant for. A page from elsewhere that has its own name lead here
//! (DNS rebinding) could read everything otherwise.

use hyper::Request;
use hyper::Uri;
use hyper::header;
use std::net::IpAddr;

/// The names beside `localhost` and addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HostNames(Vec<String>);

impl HostNames {
    pub(crate) fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().map(|name| plain(&name)).collect())
    }

    /// Tells whether a request is meant for one of them. A browser always says for which.
    pub(crate) fn admit<T>(&self, request: &Request<T>) -> bool {
        let Some(host) = request.headers().get(header::HOST) else { return true };
        let host = host.to_str().ok().and_then(|host| host.parse::<Uri>().ok());
        host.and_then(|host| host.host().map(|host| self.has(host))).unwrap_or(false)
    }

    /// Addresses are no names that could lead elsewhere.
    fn has(&self, host: &str) -> bool {
        let name = plain(host);
        let address = host.trim_start_matches('[').trim_end_matches(']');
        name == "localhost" || address.parse::<IpAddr>().is_ok() || self.0.contains(&name)
    }
}

/// A name without what makes no difference.
fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_admitted_for_this_machine_by_address_or_by_the_names_it_was_given() {
        let names = HostNames::new(["Logs.example.org".to_owned()]);
        for (host, admitted) in [
            ("localhost", true),
            ("localhost:1903", true),
            ("localhost.", true),
            ("LOCALHOST:9", true),
            ("127.0.0.1:80", true),
            ("127.0.0.2", true),
            ("[::1]:80", true),
            ("192.168.1.7:1903", true),
            ("logs.example.org", true),
            ("logs.example.org.:80", true),
            ("evil.example", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example:1903", false),
            ("", false),
        ] {
            let request = Request::builder().header(header::HOST, host).body(()).unwrap();
            assert_eq!(names.admit(&request), admitted, "{host}");
        }
        assert!(names.admit(&Request::new(())), "HTTP/1.0 has no such header");
    }
}
