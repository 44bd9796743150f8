//! HTTP/2, as gRPC speaks it: several requests side by side on a connection, each in a task that ends
//! with the connection at the latest.

use super::reply::HttpReply;
use super::{BUSY, HEAD_TIMEOUT, body, grpc};
use crate::decode::Origin;
use crate::intake::shared::IntakeContext;
use crate::intake::stream::ReplayedStream;
use crate::intake::submitter::Submitter;
use crate::senders::peer::Peer;
use hyper::Request;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Requests that a connection may have open at once.
const STREAMS: u32 = 16;

/// Bytes of a request that may have come and wait to be read, and those of all of a connection.
const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 128 << 10;

/// Bytes of the headers of a request.
const HEADERS: u32 = 16 << 10;

/// Requests that were reset and are not forgotten yet, before a connection counts as an attack.
const RESETS: usize = 20;

/// Interval between questions to a silent client, and the time for its answer.
const PING: Duration = Duration::from_secs(30);

/// Serves the requests of a connection until its client is done, asks nothing for long, or the
/// collector is to end.
pub(super) async fn serve(
    stream: TokioIo<ReplayedStream<'_>>,
    client: Submitter<'_>,
) -> hyper::Result<()> {
    let Submitter { peer, origin, shared } = client;
    let context = Arc::new(StreamContext { peer, origin, shared: shared.clone() });
    let service = service_fn(move |request| {
        let context = context.clone();
        async move { Ok::<_, Infallible>(context.answer(request).await) }
    });
    let tasks = StreamTasks::default();
    let mut connection = pin!(
        http2::Builder::new(StreamExecutor(Arc::downgrade(&tasks.0)))
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(HEADERS)
            .max_pending_accept_reset_streams(RESETS)
            .max_local_error_reset_streams(RESETS)
            .max_send_buf_size(STREAM_WINDOW as usize)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING)
            .serve_connection(stream, service)
    );
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = shared.stopped() => {}
        () = tasks.idle() => {}
    }
    connection.as_mut().graceful_shutdown();
    // A request without an end must not keep the collector from ending.
    timeout(BUSY, connection).await.unwrap_or(Ok(()))
}

/// Everything that the requests of a connection share.
struct StreamContext {
    peer: Peer,
    origin: Origin,
    shared: IntakeContext,
}

impl StreamContext {
    async fn answer(&self, request: Request<Incoming>) -> HttpReply {
        let Self { peer, origin, shared } = self;
        let submitter = Submitter { peer: *peer, origin: origin.clone(), shared };
        let (head, mut body) = request.into_parts();
        let reply = match grpc::is_call(&head.headers) {
            true => submitter.answer_call(&head, &mut body).await,
            false => submitter.answer(&head, &mut body).await,
        };
        // Else the stream would be reset behind the answer, which some clients then throw away.
        body::discard(&mut body).await;
        reply
    }
}

/// The tasks of a connection's requests, which end with it.
#[derive(Default)]
struct StreamTasks(Arc<Mutex<OpenStreams>>);

#[derive(Default)]
struct OpenStreams {
    tasks: JoinSet<()>,
    /// Number of requests since the connection began.
    begun: u64,
}

/// Starts tasks as long as their connection lives. It does not keep them alive, since they have it.
#[derive(Clone)]
struct StreamExecutor(Weak<Mutex<OpenStreams>>);

impl StreamTasks {
    /// Waits until no request has been open for long.
    async fn idle(&self) {
        let mut seen = None;
        loop {
            match lock(&self.0).all_ended() {
                None => seen = None,
                begun if begun == seen => return,
                begun => seen = begun,
            }
            sleep(HEAD_TIMEOUT).await;
        }
    }
}

impl OpenStreams {
    fn forget_ended(&mut self) {
        while self.tasks.try_join_next().is_some() {}
    }

    /// Number of requests so far, if none is open.
    fn all_ended(&mut self) -> Option<u64> {
        self.forget_ended();
        self.tasks.is_empty().then_some(self.begun)
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for StreamExecutor {
    fn execute(&self, task: F) {
        let Some(streams) = self.0.upgrade() else { return };
        let mut streams = lock(&streams);
        streams.forget_ended();
        streams.begun += 1;
        streams.tasks.spawn(task);
    }
}

fn lock(streams: &Mutex<OpenStreams>) -> MutexGuard<'_, OpenStreams> {
    streams.lock().unwrap_or_else(PoisonError::into_inner)
}
