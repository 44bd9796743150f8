//! Bodies of responses: all at once, or chunk by chunk, of which few are under way at once.

use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Chunks on their way to one client, those included that its connection holds. What is beyond
/// waits in the file.
const CHUNKS: usize = 2;

/// Bytes of all streams together that may be under way, and the least and the most of one chunk, as
/// they are in the files: with their positions, they are about a seventh longer, 16 MiB.
const UNDER_WAY: usize = 14 << 20;
const LEAST: usize = 8 << 10;
const MOST: usize = 96 << 10;

/// Time without progress of the client after which it is disconnected.
const PATIENCE: Duration = Duration::from_secs(30);

/// A response's body.
pub(crate) enum Body {
    Whole(Option<Bytes>),
    Stream {
        chunks: mpsc::Receiver<Bytes>,
        /// Sent when there are no more of them.
        last: Arc<OnceLock<Bytes>>,
        /// The task that writes it, which ends when the client is gone.
        _writer: JoinSet<()>,
    },
}

/// All streams, by which their number is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Streams(Arc<()>);

/// The writing end of a body.
pub(crate) struct Outlet {
    chunks: mpsc::Sender<Bytes>,
    last: Arc<OnceLock<Bytes>>,
    room: Arc<Semaphore>,
    streams: Streams,
}

/// Room for a chunk.
pub(crate) struct ChunkRoom(OwnedSemaphorePermit);

/// Why a stream ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamEnd {
    /// The client is gone, or the collector ends.
    Closed,
    /// The client takes nothing.
    Stalled,
}

struct SentChunk {
    bytes: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for SentChunk {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Body {
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Some(bytes.into()))
    }

    /// A body that the task made by `begin` writes, which runs at `handle`.
    pub(crate) fn stream<F>(
        handle: &Handle,
        streams: &Streams,
        begin: impl FnOnce(Outlet) -> F,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (sender, chunks) = mpsc::channel(CHUNKS);
        let last = Arc::<OnceLock<Bytes>>::default();
        let outlet = Outlet {
            chunks: sender,
            last: last.clone(),
            room: Arc::new(Semaphore::new(CHUNKS)),
            streams: streams.clone(),
        };
        let mut writer = JoinSet::new();
        writer.spawn_on(begin(outlet), handle);
        Self::Stream { chunks, last, _writer: writer }
    }
}

impl Streams {
    /// Bytes that each stream may send at once.
    pub(crate) fn chunk(&self) -> u64 {
        let count = Arc::strong_count(&self.0).max(2) - 1;
        (UNDER_WAY / count).clamp(LEAST, MOST) as u64
    }
}

impl Outlet {
    /// Waits until there is room for one more chunk.
    pub(crate) async fn room(&self) -> Result<ChunkRoom, StreamEnd> {
        let permit = tokio::select! {
            biased;
            () = self.chunks.closed() => return Err(StreamEnd::Closed),
            permit = timeout(PATIENCE, self.room.clone().acquire_owned()) => permit,
        };
        permit.map_err(|_| StreamEnd::Stalled)?.map(ChunkRoom).map_err(|_| StreamEnd::Closed)
    }

    /// Waits until there is room, but not longer than `limit`; says whether there is.
    pub(crate) async fn has_room_within(&self, limit: Duration) -> bool {
        self.room.available_permits() > 0 || timeout(limit, self.room.acquire()).await.is_ok()
    }

    /// Length of the next chunk.
    pub(crate) fn chunk(&self) -> u64 {
        self.streams.chunk()
    }

    /// Sends a chunk for which there is room.
    pub(crate) async fn send(&self, room: ChunkRoom, mut bytes: Vec<u8>) -> Result<(), StreamEnd> {
        if bytes.is_empty() {
            return if self.chunks.is_closed() { Err(StreamEnd::Closed) } else { Ok(()) };
        }
        bytes.shrink_to_fit();
        let chunk = Bytes::from_owner(SentChunk { bytes, _room: room.0 });
        self.chunks.send(chunk).await.map_err(|_| StreamEnd::Closed)
    }

    /// The last words to a client that takes nothing, for when it does.
    pub(crate) fn disconnect(&self, bytes: Vec<u8>) {
        let _ = self.last.set(bytes.into());
    }

    /// Waits until the client is gone.
    pub(crate) async fn closed(&self) {
        self.chunks.closed().await;
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = |bytes: Option<Bytes>| Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))));
        match self.get_mut() {
            Self::Whole(bytes) => frame(bytes.take()),
            Self::Stream { chunks, last, .. } => match chunks.poll_recv(context) {
                Poll::Ready(None) => frame(std::mem::take(last).get().cloned()),
                Poll::Ready(chunk) => frame(chunk),
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Stream { .. } => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    async fn next(body: &mut Body) -> Option<Bytes> {
        let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await?;
        frame.ok()?.into_data().ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_holds_two_chunks_and_is_told_that_it_is_disconnected() {
        let sent = Arc::new(Semaphore::new(0));
        let counter = sent.clone();
        let streams = Streams::default();
        let mut body = Body::stream(&Handle::current(), &streams, |outlet| async move {
            let end = loop {
                match outlet.room().await {
                    Ok(room) => outlet.send(room, b"chunk".to_vec()).await.unwrap(),
                    Err(end) => break end,
                }
                counter.add_permits(1);
            };
            assert_eq!(end, StreamEnd::Stalled);
            outlet.disconnect(b"disconnected".to_vec());
        });
        tokio::time::sleep(PATIENCE * 2).await;
        assert_eq!(sent.available_permits(), CHUNKS);
        for text in ["chunk", "chunk", "disconnected"] {
            assert_eq!(next(&mut body).await.unwrap(), text);
        }
        assert!(next(&mut body).await.is_none());
    }

    #[test]
    fn the_more_streams_there_are_the_less_each_sends_at_once() {
        let streams = Streams::default();
        let chunk = |count: usize| {
            let all = vec![streams.clone(); count];
            let chunk = streams.chunk();
            drop(all);
            chunk
        };
        assert_eq!([1, 1024, 10_000].map(chunk), [MOST as u64, 14 << 10, LEAST as u64]);
    }
}
