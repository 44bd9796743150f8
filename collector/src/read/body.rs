//! Bodies of answers: all at once, or as they come.

use super::room::{Own, Room};
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Chunks on their way to one reader. Its connection holds some more; what is beyond waits in the
/// file.
const CHUNKS: usize = 2;

/// An answer's body.
pub(crate) enum Body {
    Whole(Option<Bytes>),
    Stream {
        chunks: mpsc::Receiver<Bytes>,
        /// The task that writes it, which ends when nobody reads it any more.
        _writer: JoinSet<()>,
    },
}

/// Where a task writes a body.
pub(crate) struct Outlet {
    chunks: mpsc::Sender<Bytes>,
    rooms: Own,
}

/// Nobody reads it any more.
#[derive(Debug)]
pub(crate) struct Gone;

impl Body {
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Some(bytes.into()))
    }

    /// A body that the task made by `begin` writes.
    pub(crate) fn stream<F>(rooms: Own, begin: impl FnOnce(Outlet) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (sender, chunks) = mpsc::channel(CHUNKS);
        let mut writer = JoinSet::new();
        writer.spawn(begin(Outlet { chunks: sender, rooms }));
        Self::Stream { chunks, _writer: writer }
    }
}

impl Outlet {
    /// Waits until there is room for what is read of `wish` bytes, or of fewer.
    pub(crate) async fn room(&self, wish: u64) -> Result<Room, Gone> {
        self.rooms.room(wish).await
    }

    /// Sends `bytes`, for which there is room.
    pub(crate) async fn fill(&self, room: Room, bytes: Vec<u8>) -> Result<(), Gone> {
        if bytes.is_empty() {
            return if self.chunks.is_closed() { Err(Gone) } else { Ok(()) };
        }
        self.chunks.send(room.lodge(bytes)).await.map_err(|_| Gone)
    }

    /// Sends a few bytes.
    pub(crate) async fn send(&self, bytes: Vec<u8>) -> Result<(), Gone> {
        if bytes.is_empty() {
            return if self.chunks.is_closed() { Err(Gone) } else { Ok(()) };
        }
        self.chunks.send(bytes.into()).await.map_err(|_| Gone)
    }

    /// Waits until the last but one that was sent has been taken, or nobody reads any more.
    pub(crate) async fn ready(&self) {
        drop(self.chunks.reserve().await);
    }

    /// Waits until nobody reads it any more.
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
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream { chunks, .. } => {
                chunks.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
            }
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
