//! HTTP/1.1 over the TLS of this collector: a connection for each request, as a request carries
//! megabytes.

use crate::backoff::words;
use http_body_util::{BodyExt, Limited};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue, IF_NONE_MATCH};
use hyper::{Method, Uri};
use hyper_util::rt::TokioIo;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::error::Error;
use std::future::pending;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Time to connect, TLS included.
const CONNECT: Duration = Duration::from_secs(10);

/// Time for a whole request: a part on a line of half a megabit a second.
const REQUEST: Duration = Duration::from_secs(150);

/// Longest response that is read: a part that is compared, and then some.
const MOST: usize = 64 << 20;

/// Makes clients with one configuration of TLS.
#[derive(Debug)]
pub(super) struct ArchiveConnector(Arc<ClientConfig>);

#[derive(Debug)]
struct ArchiveClient(Arc<ClientConfig>);

trait StoreStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> StoreStream for T {}

impl ArchiveConnector {
    pub(super) fn new(config: ClientConfig) -> Self {
        Self(Arc::new(config))
    }
}

impl HttpConnector for ArchiveConnector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(ArchiveClient(self.0.clone())))
    }
}

type PendingResponse<'a> =
    Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

impl HttpService for ArchiveClient {
    fn call<'life0, 'async_trait>(
        &'life0 self,
        request: HttpRequest,
    ) -> PendingResponse<'async_trait>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            let answered = timeout(REQUEST, self.answer(request)).await;
            answered.unwrap_or_else(|_| Err(timed_out(HttpErrorKind::Timeout)))
        })
    }
}

impl ArchiveClient {
    async fn answer(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let connected = timeout(CONNECT, self.connect(request.uri())).await;
        let stream = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let stream = stream.map_err(|error| failed(HttpErrorKind::Connect, &error))?;
        address(&mut request)?;
        let interrupted = |error: hyper::Error| HttpError::new(HttpErrorKind::Interrupted, error);
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(interrupted)?;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(interrupted)?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, MOST).collect().await;
            let body =
                body.map_err(|error| HttpError::new_boxed(HttpErrorKind::Interrupted, error))?;
            Ok(HttpResponse::from_parts(parts, body.to_bytes().into()))
        };
        let connection = async {
            // The exchange has the reason.
            let _ = connection.await;
            pending::<()>().await;
        };
        tokio::select! {
            answer = exchange => answer,
            () = connection => Err(timed_out(HttpErrorKind::Interrupted)),
        }
    }

    async fn connect(&self, uri: &Uri) -> io::Result<Box<dyn StoreStream>> {
        let host = uri.host().unwrap_or_default();
        let encrypted = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
        if !encrypted {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned());
        let name = name.map_err(io::Error::other)?;
        let stream = TlsConnector::from(self.0.clone()).connect(name, stream).await?;
        Ok(Box::new(stream))
    }
}

/// Addresses the request to the server that it goes to.
fn address(request: &mut HttpRequest) -> Result<(), HttpError> {
    let malformed =
        |error: Box<dyn Error + Send + Sync>| HttpError::new_boxed(HttpErrorKind::Unknown, error);
    let uri = request.uri();
    let host = uri.authority().map(|host| HeaderValue::from_str(host.as_str()));
    let host = host.transpose().map_err(|error| malformed(Box::new(error)))?;
    let query = uri.query().unwrap_or_default();
    // A segment in parts comes to be at the end, which the store would do over another object.
    let completes = request.method() == Method::POST && query.starts_with("uploadId=");
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let target: Uri = target.parse().map_err(|error| malformed(Box::new(error)))?;
    *request.uri_mut() = target;
    if let Some(host) = host {
        request.headers_mut().insert(HOST, host);
    }
    if completes {
        request.headers_mut().insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
    }
    Ok(())
}

/// An error in words that are the same each time.
fn failed(kind: HttpErrorKind, error: &io::Error) -> HttpError {
    HttpError::new(kind, io::Error::new(error.kind(), words(error)))
}

fn timed_out(kind: HttpErrorKind) -> HttpError {
    failed(kind, &io::ErrorKind::TimedOut.into())
}
