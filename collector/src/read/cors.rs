//! Cross-origin requests of the pages of other collectors: `--http-origin`.

use super::stream::Body;
use crate::web_origin::WebOrigin;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response};

/// Routes that other pages may read: those with records and senders. None of them changes anything.
const ROUTES: [&str; 3] = ["/tail", "/search", "/senders"];

/// Time in seconds for which a browser may remember a preflight. The answer itself is checked anyway.
const REMEMBERED: &str = "600";

/// Origins whose pages may read here. Without any, browsers let only the collector's own page read.
#[derive(Debug, Clone, Default)]
pub(crate) struct AllowedOrigins(Vec<WebOrigin>);

impl AllowedOrigins {
    pub(crate) fn new(origins: Vec<WebOrigin>) -> Self {
        Self(origins)
    }

    /// Marks an answer as one that the page that asked may read, if it may.
    pub(super) fn mark<T>(&self, request: &Request<T>, answer: &mut Response<Body>) {
        if self.0.is_empty() || !ROUTES.contains(&request.uri().path()) {
            return;
        }
        let headers = answer.headers_mut();
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = self.admitted(request.headers()) else { return };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        let preflight = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if request.method() == Method::OPTIONS && preflight {
            for (name, value) in [
                (header::ACCESS_CONTROL_ALLOW_METHODS, "GET"),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization"),
                (header::ACCESS_CONTROL_MAX_AGE, REMEMBERED),
            ] {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
    }

    /// The origin of a request, if it is the only one and one of these, byte for byte.
    fn admitted<'a>(&self, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let origin = origins.next().filter(|_| origins.next().is_none())?;
        self.0.iter().any(|allowed| origin == allowed.as_str()).then_some(origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(origins: &[&str]) -> AllowedOrigins {
        AllowedOrigins(origins.iter().map(|origin| origin.parse().unwrap()).collect())
    }

    /// The header of that name in an answer to a request for a path from an origin.
    fn answered(origins: &AllowedOrigins, path: &str, from: &[&str], name: &str) -> Option<String> {
        let mut request = Request::builder().uri(path).body(()).unwrap();
        for origin in from {
            request.headers_mut().append(header::ORIGIN, origin.parse().unwrap());
        }
        let mut answer = Response::new(Body::Whole(None));
        origins.mark(&request, &mut answer);
        let value = answer.headers().get(name);
        value.map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn only_an_origin_that_is_named_may_read_and_only_records_and_senders() {
        let origins = allowed(&["http://site1:1903", "https://logs.example.com"]);
        let acao = "access-control-allow-origin";
        for path in ["/tail", "/search", "/senders"] {
            for origin in ["http://site1:1903", "https://logs.example.com"] {
                let found = answered(&origins, path, &[origin], acao);
                assert_eq!(found.as_deref(), Some(origin), "{path}");
            }
        }
        for path in ["/", "/page/page.js", "/filter", "/metrics", "/status", "/peers", "/healthz"] {
            assert_eq!(answered(&origins, path, &["http://site1:1903"], acao), None, "{path}");
            assert_eq!(answered(&origins, path, &["http://site1:1903"], "vary"), None, "{path}");
        }
        for origin in [
            "null",
            "*",
            "",
            "http://site1",
            "http://site1:19030",
            "https://site1:1903",
            "http://site1:1903/",
            "http://site1:1903.evil.example",
            "HTTP://SITE1:1903",
            "http://evil.example",
            "http://evil.example, http://site1:1903",
        ] {
            assert_eq!(answered(&origins, "/tail", &[origin], acao), None, "{origin}");
            let vary = answered(&origins, "/tail", &[origin], "vary");
            assert_eq!(vary.as_deref(), Some("Origin"), "{origin}");
        }
        let both = ["http://site1:1903", "http://evil.example"];
        assert_eq!(answered(&origins, "/tail", &both, acao), None);
        assert_eq!(answered(&origins, "/tail", &[], acao), None);
    }

    #[test]
    fn without_the_option_nothing_is_marked() {
        for name in ["access-control-allow-origin", "vary"] {
            assert_eq!(answered(&allowed(&[]), "/tail", &["http://site1:1903"], name), None);
        }
    }
}
