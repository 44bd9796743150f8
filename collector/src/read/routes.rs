//! The routes, and how each is answered.

use super::file_cursor::FileCursor;
use super::format::ResponseFormat;
use super::log_set::LogFiles;
use super::params::{self, Params, RecordCount};
use super::read_context::{ReadContext, ReaderAccess};
use super::reader_task::{ReaderTask, RecordCursor, Render, TailStart};
use super::response::{self, HttpResponse, JSON, RefusedRequest};
use super::search::SearchCursor;
use super::stream::Body;
use super::stream_cursor::StreamCursor;
use super::{metrics, page, set_filter, status};
use crate::clock::now;
use crate::senders::grant::{Grant, Scope};
use hyper::body::Incoming;
use hyper::header::{self, HeaderName};
use hyper::{Method, Request, StatusCode};
use serde_json::json;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Everything there is: the clients that a path answers, and how it does.
const ROUTES: [(&str, Access, Handler); 9] = [
    ("/", Access::Everybody, page),
    ("/tail", Access::Streams, tail),
    ("/search", Access::Streams, search),
    ("/senders", Access::Readers, senders),
    ("/filter", Access::Control, filter),
    ("/metrics", Access::Readers, metrics),
    ("/status", Access::Readers, status),
    ("/healthz", Access::Everybody, health),
    ("/peers", Access::Everybody, peers),
];

/// Methods of paths, and of those that change something.
const READ: &str = "GET, HEAD, OPTIONS";
const CHANGE: &str = "GET, HEAD, OPTIONS, POST, DELETE";

/// The header by which a browser says, when it comes back, what it has seen last.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// With how many records a tail begins.
const BEGIN: u64 = 10;

type RouteResult = Result<HttpResponse, RefusedRequest>;
type Handler = fn(&Call<'_>) -> RouteResult;

/// Clients that are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// The page holds nothing yet but the names of its peers.
    Everybody,
    /// Those whose token may read, where tokens are asked for.
    Readers,
    /// Readers on a connection that may tail and search.
    Streams,
    /// Those whose token may set filters. Nobody else may: programs would log what the next page in
    /// a browser wants.
    Control,
}

/// A request and its client's rights.
struct Call<'a> {
    server: &'a Arc<ReadContext>,
    request: &'a Request<Incoming>,
    access: ReaderAccess,
    grant: Option<Arc<Grant>>,
}

/// Answers a request.
pub(crate) async fn answer(
    server: Arc<ReadContext>,
    request: Request<Incoming>,
    access: ReaderAccess,
) -> HttpResponse {
    let path = request.uri().path();
    if !ROUTES.iter().any(|(known, access, _)| *known == path && *access == Access::Streams) {
        return answer_now(&server, &request, access);
    }
    // To compile its expressions takes time: that of another thread, and of one request after the
    // other.
    let turn = server.compiling.clone().acquire_owned().await;
    let answer = spawn_blocking(move || {
        let answer = answer_now(&server, &request, access);
        drop(turn);
        answer
    });
    answer.await.unwrap_or_else(|_| {
        let error = "the collector is ending".to_owned();
        RefusedRequest::new(StatusCode::SERVICE_UNAVAILABLE, error).response()
    })
}

fn answer_now(
    server: &Arc<ReadContext>,
    request: &Request<Incoming>,
    access: ReaderAccess,
) -> HttpResponse {
    server.view.stats.requests.add(1);
    let call = Call { server, request, access, grant: None };
    let mut answer = call.answer().unwrap_or_else(RefusedRequest::response);
    if request.method() == Method::HEAD {
        *answer.body_mut() = Body::Whole(None);
    }
    server.view.web.origins.mark(request, &mut answer);
    answer
}

impl Call<'_> {
    fn answer(mut self) -> RouteResult {
        self.check_host()?;
        let path = self.request.uri().path();
        let known = if page::file(path).is_some() { "/" } else { path };
        let Some((_, access, answer)) = ROUTES.iter().find(|(path, ..)| *path == known) else {
            return Err(self.nothing());
        };
        let methods = if *access == Access::Control { CHANGE } else { READ };
        let method = self.request.method().as_str();
        if method == "OPTIONS" {
            return Ok(response::options(methods));
        }
        if !methods.split(", ").any(|allowed| allowed == method) {
            let error = format!("method {method} is not allowed");
            let refused = RefusedRequest::new(StatusCode::METHOD_NOT_ALLOWED, error);
            return Err(refused.allowing(methods.split(", ")));
        }
        if *access != Access::Everybody {
            self.authorize(*access)?;
        }
        answer(&self)
    }

    fn nothing(&self) -> RefusedRequest {
        let error = format!("nothing at {}", self.request.uri().path());
        let paths = ROUTES.map(|(path, ..)| path);
        RefusedRequest::new(StatusCode::NOT_FOUND, error).allowing(paths)
    }

    /// A client that shows a token was not led here by a name.
    fn check_host(&self) -> Result<(), RefusedRequest> {
        let view = &self.server.view;
        if !self.access.local || view.tokens.is_some() || view.web.hosts.admit(self.request) {
            return Ok(());
        }
        let host = self.header(header::HOST).unwrap_or_default();
        let error =
            format!("unknown host {host:?}: --http-host adds a name by which it is reached");
        let allowed = ["localhost", "an address", "a name of --http-host"];
        Err(RefusedRequest::new(StatusCode::FORBIDDEN, error).allowing(allowed))
    }

    /// Lets in clients that show a token, where that is asked for (RFC 6750, section 2.1), and only
    /// those that may have what they ask for.
    fn authorize(&mut self, access: Access) -> Result<(), RefusedRequest> {
        if let Some(tokens) = &self.server.view.tokens {
            let shown = self.header(header::AUTHORIZATION).and_then(|shown| shown.split_once(' '));
            let shown = shown.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            let grant = tokens.admit(shown.map(|(_, token)| token.trim()));
            let refused = |error| self.refused(StatusCode::UNAUTHORIZED, error);
            self.grant = Some(grant.map_err(|error| refused(error.to_string()))?);
        }
        let error = match (&self.grant, access) {
            (Some(grant), Access::Control) if grant.control == Scope::Nothing => {
                format!("token {} may not set filters: it has no control", grant.name)
            }
            (Some(grant), Access::Readers | Access::Streams) if grant.read == Scope::Nothing => {
                format!("token {} may not read", grant.name)
            }
            (_, Access::Streams) if !self.access.streams => {
                let error = "too many connections of readers";
                return Err(RefusedRequest::new(StatusCode::SERVICE_UNAVAILABLE, error));
            }
            _ => return Ok(()),
        };
        Err(self.refused(StatusCode::FORBIDDEN, error))
    }

    /// Counts a client without the right that it needs.
    fn refused(&self, status: StatusCode, error: String) -> RefusedRequest {
        self.server.view.stats.requests_refused.add(1);
        RefusedRequest::new(status, error)
    }

    fn header(&self, name: HeaderName) -> Option<&str> {
        self.request.headers().get(name).and_then(|value| value.to_str().ok())
    }

    fn query(&self) -> &str {
        self.request.uri().query().unwrap_or_default()
    }

    /// The filters that are asked for, within the rights of the token, and `also` what else is.
    fn params(&self, also: &[&'static str]) -> Result<Params, RefusedRequest> {
        let mut params = Params::parse(self.query(), also, &self.server.expressions)?;
        params.filter.grant = self.grant.clone();
        Ok(params)
    }

    /// The form of records that is asked for, in a response that has none.
    fn format(&self) -> ResponseFormat {
        ResponseFormat::accepted(self.header(header::ACCEPT).unwrap_or_default())
    }
}

fn page(call: &Call<'_>) -> RouteResult {
    let file = page::file(call.request.uri().path());
    let (kind, bytes) = file.ok_or_else(|| call.nothing())?;
    Ok(response::page(kind, Body::whole(bytes), call.server.policy.clone()))
}

fn peers(call: &Call<'_>) -> RouteResult {
    Ok(response::json(&page::peers(&call.server.view.web.peers)))
}

fn health(call: &Call<'_>) -> RouteResult {
    let Some(error) = call.server.view.progress.failing() else {
        return Ok(response::json(&json!({"healthy": true})));
    };
    let mut answer = response::json(&json!({"healthy": false, "error": error}));
    *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    Ok(answer)
}

fn metrics(call: &Call<'_>) -> RouteResult {
    Ok(response::typed(metrics::TYPE, Body::whole(metrics::text(call.server))))
}

fn senders(call: &Call<'_>) -> RouteResult {
    let senders = call.server.view.senders.json(call.grant.as_deref());
    Ok(response::typed(JSON, Body::whole(senders)))
}

fn status(call: &Call<'_>) -> RouteResult {
    let server = call.server;
    let write = |outlet| status::write(server.clone(), outlet);
    Ok(response::typed(JSON, Body::stream(&server.handle, &server.streams, write)))
}

fn filter(call: &Call<'_>) -> RouteResult {
    let Some(grant) = &call.grant else {
        let error = "filters can be set only with --token-file, by a token with control";
        return Err(call.refused(StatusCode::FORBIDDEN, error.into()));
    };
    let view = &call.server.view;
    let answer = match *call.request.method() {
        Method::POST => set_filter::set(view, call.query(), grant)?,
        Method::DELETE => set_filter::reset(view, call.query(), grant)?,
        _ => set_filter::list(view, grant),
    };
    Ok(response::json(&answer))
}

fn tail(call: &Call<'_>) -> RouteResult {
    let server = call.server;
    let stats = &server.view.stats;
    let params = call.params(&["follow", "after"])?;
    let last = call.header(LAST_EVENT_ID).filter(|id| !id.is_empty());
    let last = last.map(|id| params::position("Last-Event-ID", id)).transpose()?;
    let format = call.format();
    if call.request.method() == Method::HEAD {
        return Ok(response::records(format, Body::Whole(None)));
    }
    let place = server.tails.clone().try_acquire_owned().map_err(|_| {
        stats.tails_over_limit.add(1);
        let error = format!("{} tails are running already (--max-tails)", server.view.max_tails);
        RefusedRequest::new(StatusCode::SERVICE_UNAVAILABLE, error)
    })?;
    stats.tails.add(1);
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
    let cursor = Some(cursor(server, start));
    let follow = params.follow && !over;
    let reading = server.clone();
    let place = Some(place);
    let task = ReaderTask { reading, render, cursor, follow, at_work: None, place };
    let run = |outlet| task.run(outlet);
    Ok(response::records(format, Body::stream(&server.handle, &server.streams, run)))
}

fn cursor(server: &ReadContext, start: TailStart) -> Box<dyn RecordCursor> {
    let store = server.store.clone();
    let progress = server.view.progress.clone();
    match store.files {
        LogFiles::One(_) => {
            Box::new(FileCursor::new(store, progress, server.view.stats.clone(), start))
        }
        LogFiles::None | LogFiles::Many(_) => Box::new(StreamCursor::new(store, progress, start)),
    }
}

fn search(call: &Call<'_>) -> RouteResult {
    let server = call.server;
    let params = call.params(&["order"])?;
    let format = call.format();
    if call.request.method() == Method::HEAD {
        return Ok(response::records(format, Body::Whole(None)));
    }
    server.view.stats.searches.add(1);
    let reading = server.clone();
    let count = params.count.unwrap_or(RecordCount::All);
    let store = reading.store.clone();
    let cursor = SearchCursor::new(store, reading.view.stats.clone(), params.order, count);
    let cursor = Some(Box::new(cursor) as Box<dyn RecordCursor>);
    let render = Render { filter: Arc::new(params.filter), format };
    let at_work = Some(reading.searching.clone());
    let task = ReaderTask { reading, render, cursor, follow: false, at_work, place: None };
    let run = |outlet| task.run(outlet);
    Ok(response::records(format, Body::stream(&server.handle, &server.streams, run)))
}
