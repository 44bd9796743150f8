//! What there is to ask for, and how it is answered.

use super::body::Body;
use super::form::Form;
use super::query::{self, Count, Query, Wrong};
use super::search::Search;
use super::tail::Tail;
use super::{Look, metrics, page};
use crate::clock::now;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Uri};
use serde_json::json;
use std::sync::Arc;

/// Everything there is.
const PATHS: [&str; 6] = ["/", "/tail", "/search", "/senders", "/metrics", "/healthz"];

/// The header by which a browser says, when it comes back, what it has seen last.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

type Answer = Response<Body>;

/// Answers a request; `local` says that it came to an address of this machine alone.
pub(crate) fn answer(look: &Arc<Look>, request: &Request<Incoming>, local: bool) -> Answer {
    look.view.stats.requests.add(1);
    let mut answer = dispatch(look, request, local).unwrap_or_else(|refusal| refusal.answer());
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

fn dispatch(look: &Arc<Look>, request: &Request<Incoming>, local: bool) -> Result<Answer, Refusal> {
    if local && !names_this_machine(request) {
        let what = "this address answers to the name localhost only".into();
        let allowed = &["localhost", "127.0.0.1", "[::1]"];
        return Err(Refusal(StatusCode::FORBIDDEN, Wrong::new(what, allowed)));
    }
    let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
    let page = page::file(path);
    if page.is_none() && !PATHS.contains(&path) {
        let what = format!("nothing at {path}");
        return Err(Refusal(StatusCode::NOT_FOUND, Wrong::new(what, &PATHS)));
    }
    if request.method() != Method::GET {
        let what = format!("nothing is done by {}", request.method());
        return Err(Refusal(StatusCode::METHOD_NOT_ALLOWED, Wrong::new(what, &["GET"])));
    }
    if let Some((kind, bytes)) = page {
        return Ok(shown(kind, bytes));
    }
    if path != "/healthz" {
        admit(look, request.headers())?;
    }
    match path {
        "/tail" => tail(look, query, request.headers()),
        "/search" => search(look, query, request.headers()),
        "/senders" => Ok(whole(JSON, look.view.senders.json())),
        "/metrics" => Ok(whole(metrics::TYPE, metrics::text(look))),
        _ => Ok(health(look)),
    }
}

/// Lets in who shows a token, where that is asked for (RFC 6750, section 2.1). What is served to
/// everybody is the page, which holds nothing yet, and whether all is well.
fn admit(look: &Look, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(tokens) = &look.view.tokens else { return Ok(()) };
    let shown = headers.get(header::AUTHORIZATION).and_then(|shown| shown.to_str().ok());
    let shown = shown.and_then(|shown| shown.split_once(' '));
    let shown = shown.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    tokens.admit(shown.map(|(_, token)| token.trim())).map_err(|error| {
        look.view.stats.requests_refused.add(1);
        Refusal(StatusCode::UNAUTHORIZED, Wrong::new(error.to_string(), &[]))
    })
}

const JSON: &str = "application/json";

fn tail(look: &Arc<Look>, query: &str, headers: &HeaderMap) -> Result<Answer, Refusal> {
    let query = Query::parse(query, &["follow", "after"])?;
    let form = form(headers);
    let last = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok());
    let last = last.filter(|id| !id.is_empty()).map(query::cursor).transpose()?;
    let place = look.tails.clone().try_acquire_owned().map_err(|_| {
        look.view.stats.tails_over_limit.add(1);
        let what = format!("{} tails are running already", look.view.max_tails);
        Refusal(StatusCode::SERVICE_UNAVAILABLE, Wrong::new(what, &[]))
    })?;
    look.view.stats.tails.add(1);
    let over = query.filter.until.is_some_and(|until| until <= now());
    let tail = Tail {
        look: look.clone(),
        filter: Arc::new(query.filter),
        form,
        count: query.count,
        // What a browser has seen last is later than what it began with.
        after: last.or(query.after),
        follow: query.follow && !over,
        place,
    };
    Ok(stream(form, Body::stream(look.rooms.own(), |outlet| tail.run(outlet))))
}

fn search(look: &Arc<Look>, query: &str, headers: &HeaderMap) -> Result<Answer, Refusal> {
    let query = Query::parse(query, &["order"])?;
    let form = form(headers);
    look.view.stats.searches.add(1);
    let search = Search {
        look: look.clone(),
        filter: Arc::new(query.filter),
        form,
        order: query.order,
        count: query.count.unwrap_or(Count::All),
    };
    Ok(stream(form, Body::stream(look.rooms.own(), |outlet| search.run(outlet))))
}

fn health(look: &Look) -> Answer {
    let failing = look.view.progress.failing();
    let status = if failing.is_some() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let said = failing
        .map_or_else(|| json!({"healthy": true}), |why| json!({"healthy": false, "error": why}));
    let mut answer = whole(JSON, format!("{said}\n"));
    *answer.status_mut() = status;
    answer
}

fn form(headers: &HeaderMap) -> Form {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    Form::accepted(accept.unwrap_or_default())
}

fn whole(kind: &'static str, text: String) -> Answer {
    typed(kind, Body::whole(text))
}

/// A file of the page, which may do little else than show what it asks this address for.
fn shown(kind: &'static str, bytes: &'static [u8]) -> Answer {
    let mut answer = typed(kind, Body::whole(bytes));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(page::POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static(page::REFERRER));
    answer
}

fn stream(form: Form, body: Body) -> Answer {
    let mut answer = typed(form.content_type(), body);
    // A proxy that gathers before it passes on would hold back what is awaited.
    let name = HeaderName::from_static("x-accel-buffering");
    answer.headers_mut().insert(name, HeaderValue::from_static("no"));
    answer
}

fn typed(kind: &'static str, body: Body) -> Answer {
    let mut answer = Response::new(body);
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

/// Whether a request is meant for this machine by name. A page from elsewhere that had its own
/// name lead here (DNS rebinding) could read everything otherwise.
fn names_this_machine(request: &Request<Incoming>) -> bool {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let name = host.and_then(|host| host.parse::<Uri>().ok());
    name.and_then(|name| name.host().map(is_local)).unwrap_or(false)
}

fn is_local(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || matches!(host, "127.0.0.1" | "[::1]" | "::1")
}

/// A request that is not answered as it wished.
struct Refusal(StatusCode, Wrong);

impl From<Wrong> for Refusal {
    fn from(wrong: Wrong) -> Self {
        Self(StatusCode::BAD_REQUEST, wrong)
    }
}

impl Refusal {
    fn answer(self) -> Answer {
        let Self(status, Wrong { what, allowed }) = self;
        let said = json!({"error": what, "allowed": allowed});
        let mut answer = whole(JSON, format!("{said}\n"));
        *answer.status_mut() = status;
        if status == StatusCode::METHOD_NOT_ALLOWED {
            answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
        }
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"netlog\"");
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        answer
    }
}
