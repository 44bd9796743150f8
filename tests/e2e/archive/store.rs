//! A bucket in this process that speaks as much of S3 as an archive needs, or refuses everything.

use crate::harness::{Records, message};
use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The store, and the thread that serves it.
pub(crate) struct Bucket {
    address: String,
    shared: Arc<Mutex<Objects>>,
    _runtime: Runtime,
}

#[derive(Default)]
pub(super) struct Objects {
    /// Content of each object by its path: `/bucket/prefix/name`.
    pub(super) content: BTreeMap<String, Bytes>,
    pub(super) refuses: bool,
    /// Requests that were refused.
    pub(super) refused: u64,
}

impl Objects {
    /// True if the file of this name is there.
    pub(super) fn has(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.content.keys().any(|key| key.ends_with(&*name))
    }
}

impl Bucket {
    pub(crate) fn start() -> Self {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().expect("it can run");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port is free");
        let address = listener.local_addr().expect("a bound socket has an address").to_string();
        let shared = Arc::<Mutex<Objects>>::default();
        let app = Router::new().fallback(answer).with_state(shared.clone());
        runtime.spawn(async { axum::serve(listener, app).await });
        Self { address, shared, _runtime: runtime }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The messages of all records.
    pub(crate) fn messages(&self) -> Vec<String> {
        let texts: Vec<_> = self.objects().content.values().map(|bytes| text(bytes)).collect();
        let records = texts.iter().map(|text| Records::read(text));
        records
            .flat_map(|records| records.0.iter().map(|r| message(r).to_owned()).collect::<Vec<_>>())
            .collect()
    }

    pub(super) fn objects(&self) -> MutexGuard<'_, Objects> {
        self.shared.lock().expect("nobody panicked")
    }
}

/// Records of a file, compressed or not.
pub(super) fn text(bytes: &[u8]) -> String {
    let bytes = zstd::decode_all(bytes).unwrap_or_else(|_| bytes.to_vec());
    String::from_utf8(bytes).expect("records are text")
}

async fn answer(State(objects): State<Arc<Mutex<Objects>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 64 << 20).await.expect("it comes whole");
    let mut objects = objects.lock().expect("nobody panicked");
    let signed = parts.headers.get(header::AUTHORIZATION);
    let signed = signed.is_some_and(|value| value.as_bytes().starts_with(b"AWS4-HMAC-SHA256 "));
    if objects.refuses || !signed {
        objects.refused += 1;
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let path = parts.uri.path().to_owned();
    match parts.method {
        Method::PUT => put(&mut objects, path, &parts.headers, body),
        _ => get(&objects, &path, &parts.headers),
    }
}

fn put(objects: &mut Objects, path: String, headers: &HeaderMap, body: Bytes) -> Response {
    if headers.contains_key(header::IF_NONE_MATCH) && objects.content.contains_key(&path) {
        return StatusCode::PRECONDITION_FAILED.into_response();
    }
    objects.content.insert(path, body);
    ([(header::ETAG, "\"no checksum\"")], "").into_response()
}

/// All of an object, or `bytes=FROM-TO` of it.
fn get(objects: &Objects, path: &str, headers: &HeaderMap) -> Response {
    let Some(content) = objects.content.get(path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let etag = [(header::ETAG, "\"no checksum\"")];
    let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let range = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let Some((from, to)) = range else { return (etag, content.clone()).into_response() };
    let number = |text: &str| text.parse::<usize>().expect("a range has numbers");
    let end = (number(to) + 1).min(content.len());
    let part = content.slice(number(from)..end);
    let place = format!("bytes {from}-{}/{}", end - 1, content.len());
    let place = [(header::CONTENT_RANGE, place)];
    (StatusCode::PARTIAL_CONTENT, etag, place, part).into_response()
}
