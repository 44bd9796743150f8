//! Responses, with all the headers that they have.

use super::format::ResponseFormat;
use super::stream::Body;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

pub(super) const JSON: &str = "application/json";

/// A proxy that buffers responses would delay records.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(super) type HttpResponse = Response<Body>;

/// A request that is not answered as it wished, and the values that are allowed.
#[derive(Debug)]
pub(crate) struct RefusedRequest {
    pub(super) status: StatusCode,
    pub(super) error: String,
    pub(super) allowed: Vec<&'static str>,
}

/// An answer of the media type `kind`.
pub(super) fn typed(kind: &'static str, body: Body) -> HttpResponse {
    response(body, [(header::CONTENT_TYPE, kind)])
}

pub(super) fn json(value: &Value) -> HttpResponse {
    typed(JSON, Body::whole(format!("{value}\n")))
}

/// Records, as they are found or written.
pub(super) fn records(format: ResponseFormat, body: Body) -> HttpResponse {
    response(body, [(header::CONTENT_TYPE, format.content_type()), (BUFFERING, "no")])
}

/// A file of the page, whose links tell nobody where they were followed.
pub(super) fn page(kind: &'static str, body: Body, policy: HeaderValue) -> HttpResponse {
    let headers = [(header::CONTENT_TYPE, kind), (header::REFERRER_POLICY, "no-referrer")];
    let mut response = response(body, headers);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

/// The methods that a path allows.
pub(super) fn options(methods: &'static str) -> HttpResponse {
    let mut response = response(Body::Whole(None), [(header::ALLOW, methods)]);
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn response<const N: usize>(body: Body, headers: [(HeaderName, &'static str); N]) -> HttpResponse {
    let mut response = Response::new(body);
    let always = [(header::CACHE_CONTROL, "no-store"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    for (name, value) in headers.into_iter().chain(always) {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

impl RefusedRequest {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into(), allowed: Vec::new() }
    }

    /// A request that is wrong in itself.
    pub(super) fn bad(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// The same, with the values that are allowed.
    pub(super) fn allowing(self, allowed: impl IntoIterator<Item = &'static str>) -> Self {
        Self { allowed: allowed.into_iter().collect(), ..self }
    }

    pub(super) fn response(self) -> HttpResponse {
        let mut response = json(&json!({"error": self.error, "allowed": self.allowed}));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"netlog\"");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        if self.status == StatusCode::METHOD_NOT_ALLOWED
            && let Ok(methods) = HeaderValue::from_str(&self.allowed.join(", "))
        {
            headers.insert(header::ALLOW, methods);
        }
        response
    }
}
