//! The routes, and how each is answered.

use super::file_cursor::FileCursor;
use super::format::ResponseFormat;
use super::log_set::LogFiles;
use super::params::{self, BadRequest, Params, RecordCount};
use super::request_context::{ReaderAccess, RequestContext};
use super::search::Search;
use super::stream::Body;
use super::stream_cursor::StreamCursor;
use super::tail::{Render, Tail, TailCursor, TailStart};
use super::{metrics, page, set_filter, status};
use crate::clock::now;
use crate::senders::grant::{Grant, Scope};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::json;
use std::sync::Arc;

/// Everything there is.
const PATHS: [&str; 9] =
    ["/", "/tail", "/search", "/senders", "/filter", "/metrics", "/status", "/healthz", "/peers"];

/// Methods that paths allow, and those that `/filter` does.
const METHODS: [&str; 3] = ["GET", "HEAD", "OPTIONS"];
const FILTER_METHODS: [&str; 5] = ["GET", "HEAD", "OPTIONS", "POST", "DELETE"];

/// The header by which a browser says, when it comes back, what it has seen last.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// With how many records a tail begins.
const BEGIN: u64 = 10;

const JSON: &str = "application/json";

type HttpResponse = Response<Body>;

/// Answers a request.
pub(crate) fn answer(
    server: &Arc<RequestContext>,
    request: &Request<Incoming>,
    access: ReaderAccess,
) -> HttpResponse {
    server.view.stats.requests.add(1);
    let mut answer = dispatch(server, request, access).unwrap_or_else(RefusedRequest::answer);
    if request.method() == Method::HEAD {
        *answer.body_mut() = Body::Whole(None);
    }
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    server.view.web.origins.mark(request, &mut answer);
    answer
}

fn dispatch(
    server: &Arc<RequestContext>,
    request: &Request<Incoming>,
    access: ReaderAccess,
) -> Result<HttpResponse, RefusedRequest> {
    let view = &server.view;
    // Whoever shows a token was not led here by a name.
    if access.local && view.tokens.is_none() && !view.web.hosts.admit(request) {
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let host = host.unwrap_or_default();
        let error =
            format!("unknown host {host:?}: --http-host adds a name by which it is reached");
        let allowed = &["localhost", "an address", "a name of --http-host"];
        return Err(RefusedRequest::new(StatusCode::FORBIDDEN, error, allowed));
    }
    let path = request.uri().path();
    let page = page::file(path);
    if page.is_none() && !PATHS.contains(&path) {
        return Err(RefusedRequest::new(
            StatusCode::NOT_FOUND,
            format!("nothing at {path}"),
            &PATHS,
        ));
    }
    let methods = if path == "/filter" { &FILTER_METHODS[..] } else { &METHODS };
    match *request.method() {
        Method::OPTIONS => return Ok(options(methods)),
        ref method if methods.contains(&method.as_str()) => {}
        ref method => {
            let error = format!("method {method} is not allowed");
            return Err(RefusedRequest::new(StatusCode::METHOD_NOT_ALLOWED, error, methods));
        }
    }
    if let Some((kind, bytes)) = page {
        return Ok(shown(kind, bytes, server.policy.clone()));
    }
    if path == "/peers" {
        return Ok(whole(JSON, page::peers(&view.web.peers)));
    }
    if path == "/healthz" {
        return Ok(health(server));
    }
    let grant = admit(server, request.headers())?;
    if path == "/filter" {
        return filter(server, request, grant.as_deref());
    }
    may_read(server, grant.as_deref())?;
    match path {
        "/tail" | "/search" if !access.streams => {
            let error = "too many connections of readers".into();
            Err(RefusedRequest::new(StatusCode::SERVICE_UNAVAILABLE, error, &[]))
        }
        "/tail" => tail(server, request, grant),
        "/search" => search(server, request, grant),
        "/status" => {
            let write = |outlet| status::write(server.clone(), outlet);
            Ok(typed(JSON, Body::stream(&server.handle, &server.streams, write)))
        }
        "/senders" => Ok(whole(JSON, view.senders.json(grant.as_deref()))),
        _ => Ok(whole(metrics::TYPE, metrics::text(server))),
    }
}

/// Lets in clients that show a token, where that is asked for (RFC 6750, section 2.1). Everybody may
/// have the page, which holds nothing yet but the names of its peers, and whether all is well.
fn admit(
    server: &RequestContext,
    headers: &HeaderMap,
) -> Result<Option<Arc<Grant>>, RefusedRequest> {
    let Some(tokens) = &server.view.tokens else { return Ok(None) };
    let shown = headers.get(header::AUTHORIZATION).and_then(|shown| shown.to_str().ok());
    let shown = shown.and_then(|shown| shown.split_once(' '));
    let shown = shown.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let grant = tokens.admit(shown.map(|(_, token)| token.trim()));
    grant.map(Some).map_err(|error| refused(server, StatusCode::UNAUTHORIZED, error.to_string()))
}

fn may_read(server: &RequestContext, grant: Option<&Grant>) -> Result<(), RefusedRequest> {
    let Some(grant) = grant.filter(|grant| grant.read == Scope::Nothing) else { return Ok(()) };
    let error = format!("token {} may not read", grant.name);
    Err(refused(server, StatusCode::FORBIDDEN, error))
}

fn refused(server: &RequestContext, status: StatusCode, error: String) -> RefusedRequest {
    server.view.stats.requests_refused.add(1);
    RefusedRequest::new(status, error, &[])
}

/// Sets, resets or lists the filters of programs. Nobody may who shows no token: programs would log
/// what the next page in a browser wants.
fn filter(
    server: &RequestContext,
    request: &Request<Incoming>,
    grant: Option<&Grant>,
) -> Result<HttpResponse, RefusedRequest> {
    let Some(grant) = grant else {
        let error = "filters can be set only with --token-file, by a token with control".into();
        return Err(refused(server, StatusCode::FORBIDDEN, error));
    };
    if grant.control == Scope::Nothing {
        let error = format!("token {} may not set filters: it has no control", grant.name);
        return Err(refused(server, StatusCode::FORBIDDEN, error));
    }
    let query = request.uri().query().unwrap_or_default();
    let view = &server.view;
    let answer = match *request.method() {
        Method::POST => set_filter::set(view, query, grant)?,
        Method::DELETE => set_filter::reset(view, query, grant)?,
        _ => set_filter::list(view, grant),
    };
    Ok(whole(JSON, answer))
}

fn tail(
    server: &Arc<RequestContext>,
    request: &Request<Incoming>,
    grant: Option<Arc<Grant>>,
) -> Result<HttpResponse, RefusedRequest> {
    let query = request.uri().query().unwrap_or_default();
    let mut params = Params::parse(query, &["follow", "after"], &server.expressions)?;
    params.filter.grant = grant;
    let headers = request.headers();
    let format = format(headers);
    let last = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok());
    let last = last.filter(|id| !id.is_empty());
    let last = last.map(|id| params::position("Last-Event-ID", id)).transpose()?;
    if request.method() == Method::HEAD {
        return Ok(typed(format.content_type(), Body::Whole(None)));
    }
    let place = server.tails.clone().try_acquire_owned().map_err(|_| {
        server.view.stats.tails_over_limit.add(1);
        let error = format!("{} tails are running already (--max-tails)", server.view.max_tails);
        RefusedRequest::new(StatusCode::SERVICE_UNAVAILABLE, error, &[])
    })?;
    server.view.stats.tails.add(1);
    let over = params.filter.until.is_some_and(|until| until <= now());
    // What a browser has seen last is later than what it began with.
    let start = match last.or(params.after) {
        Some(position) => TailStart::After(position),
        None => TailStart::Last(params.count.unwrap_or(match params.filter.since {
            Some(_) => RecordCount::All,
            None => RecordCount::Last(BEGIN),
        })),
    };
    let render = Render { filter: Arc::new(params.filter), format };
    let cursor = cursor(server, start);
    let follow = params.follow && !over;
    let tail = Tail { reading: server.reading.clone(), render, cursor, follow, place };
    let run = |outlet| tail.run(outlet);
    Ok(stream(format, Body::stream(&server.handle, &server.streams, run)))
}

fn cursor(server: &RequestContext, start: TailStart) -> Box<dyn TailCursor> {
    let store = server.reading.store.clone();
    let progress = server.view.progress.clone();
    match store.files {
        LogFiles::One(_) => {
            Box::new(FileCursor::new(store, progress, server.view.stats.clone(), start))
        }
        LogFiles::None | LogFiles::Many(_) => Box::new(StreamCursor::new(store, progress, start)),
    }
}

fn search(
    server: &Arc<RequestContext>,
    request: &Request<Incoming>,
    grant: Option<Arc<Grant>>,
) -> Result<HttpResponse, RefusedRequest> {
    let query = request.uri().query().unwrap_or_default();
    let mut params = Params::parse(query, &["order"], &server.expressions)?;
    params.filter.grant = grant;
    let format = format(request.headers());
    if request.method() == Method::HEAD {
        return Ok(typed(format.content_type(), Body::Whole(None)));
    }
    server.view.stats.searches.add(1);
    let search = Search {
        reading: server.reading.clone(),
        filter: Arc::new(params.filter),
        format,
        order: params.order,
        count: params.count.unwrap_or(RecordCount::All),
    };
    let run = |outlet| search.run(outlet);
    Ok(stream(format, Body::stream(&server.handle, &server.streams, run)))
}

fn health(server: &RequestContext) -> HttpResponse {
    let failing = server.view.progress.failing();
    let status = if failing.is_some() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let report = failing
        .map_or_else(|| json!({"healthy": true}), |why| json!({"healthy": false, "error": why}));
    let mut answer = whole(JSON, format!("{report}\n"));
    *answer.status_mut() = status;
    answer
}

fn options(methods: &[&str]) -> HttpResponse {
    let mut answer = Response::new(Body::Whole(None));
    *answer.status_mut() = StatusCode::NO_CONTENT;
    allow(&mut answer, methods);
    answer
}

fn allow(answer: &mut HttpResponse, methods: &[&str]) {
    if let Ok(methods) = HeaderValue::from_str(&methods.join(", ")) {
        answer.headers_mut().insert(header::ALLOW, methods);
    }
}

fn format(headers: &HeaderMap) -> ResponseFormat {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    ResponseFormat::accepted(accept.unwrap_or_default())
}

fn whole(kind: &'static str, text: String) -> HttpResponse {
    typed(kind, Body::whole(text))
}

/// A file of the page, which may do little else than show what it asks the collectors for.
fn shown(kind: &'static str, bytes: &'static [u8], policy: HeaderValue) -> HttpResponse {
    let mut answer = typed(kind, Body::whole(bytes));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static(page::REFERRER));
    answer
}

fn stream(format: ResponseFormat, body: Body) -> HttpResponse {
    let mut answer = typed(format.content_type(), body);
    // A proxy that buffers responses would delay them.
    let name = HeaderName::from_static("x-accel-buffering");
    answer.headers_mut().insert(name, HeaderValue::from_static("no"));
    answer
}

fn typed(kind: &'static str, body: Body) -> HttpResponse {
    let mut answer = Response::new(body);
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

/// A request that is not answered as it wished.
struct RefusedRequest {
    status: StatusCode,
    why: BadRequest,
}

impl From<BadRequest> for RefusedRequest {
    fn from(why: BadRequest) -> Self {
        Self { status: StatusCode::BAD_REQUEST, why }
    }
}

impl RefusedRequest {
    fn new(status: StatusCode, error: String, allowed: &[&'static str]) -> Self {
        Self { status, why: BadRequest::new(error, allowed) }
    }

    fn answer(self) -> HttpResponse {
        let Self { status, why: BadRequest { error, allowed } } = self;
        let report = json!({"error": error, "allowed": &allowed});
        let mut answer = whole(JSON, format!("{report}\n"));
        *answer.status_mut() = status;
        if status == StatusCode::METHOD_NOT_ALLOWED {
            allow(&mut answer, &allowed);
        }
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"netlog\"");
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        answer
    }
}
