//! A connection as libraries read and write it, from the bytes on that showed its protocol.

use super::PeerStream;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream some of whose bytes have been read already.
pub(in crate::intake) struct ReplayedStream<'a> {
    stream: &'a mut PeerStream,
    opening: Vec<u8>,
    /// Bytes of `opening` that were read again.
    taken: usize,
}

impl<'a> ReplayedStream<'a> {
    pub(in crate::intake) fn new(stream: &'a mut PeerStream, opening: Vec<u8>) -> Self {
        Self { stream, opening, taken: 0 }
    }
}

impl AsyncRead for ReplayedStream<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.taken < self.opening.len() {
            let rest = &self.opening[self.taken..];
            let rest = &rest[..rest.len().min(buffer.remaining())];
            buffer.put_slice(rest);
            self.taken += rest.len();
            if self.taken == self.opening.len() {
                (self.opening, self.taken) = (Vec::new(), 0);
            }
            return Poll::Ready(Ok(()));
        }
        if let PeerStream::Tcp(stream) = &mut *self.stream {
            // The reader passes initialized room, which needs no clearing for each read.
            return Pin::new(stream).poll_read(context, buffer);
        }
        loop {
            let filled = self.stream.poll_fetch(context, buffer.initialize_unfilled())?;
            if let Some(came) = filled {
                let len = came.len();
                buffer.initialize_unfilled().copy_within(came, 0);
                buffer.advance(len);
                return Poll::Ready(Ok(()));
            }
            ready!(self.stream.poll_readable(context))?;
        }
    }
}

impl AsyncWrite for ReplayedStream<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.stream.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(self.stream.poll_writable(context))?;
                }
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.close_in_order();
        self.stream.half_close();
        Poll::Ready(Ok(()))
    }
}
