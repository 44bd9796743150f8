//! Lines and blocks of a relay's connection.

use crate::intake::shared::READ;
use crate::intake::stream::PeerStream;
use crate::intake::timeouts::{Timeout, Timeouts};
use netlog_wire::CollectorMessage;
use std::future::poll_fn;
use std::io;
use std::time::Duration;
use tokio::time::timeout;

/// The bytes of a relay, read ahead.
pub(super) struct RelayReader<'a> {
    stream: &'a mut PeerStream,
    bytes: Vec<u8>,
    /// Number of them that were taken.
    taken: usize,
    limits: Timeouts,
}

/// The reason why nothing more comes of a connection.
#[derive(Debug)]
pub(super) enum ReadFailure {
    Broken(io::Error),
    TimedOut(Timeout),
}

impl From<io::Error> for ReadFailure {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl<'a> RelayReader<'a> {
    pub(super) fn new(stream: &'a mut PeerStream, bytes: Vec<u8>, limits: Timeouts) -> Self {
        Self { stream, bytes, taken: 0, limits }
    }

    /// The next line, without its end; `None` at the end of the connection. It may be long in coming,
    /// but not once it has begun.
    pub(super) async fn line(&mut self, most: usize) -> Result<Option<Vec<u8>>, ReadFailure> {
        if self.taken == self.bytes.len() {
            let limits = self.limits;
            if !within(limits.idle, Timeout::Idle, self.more()).await? {
                return Ok(None);
            }
        }
        let limit = self.limits.half_line;
        within(limit, Timeout::HalfLine, self.rest_of_line(most)).await
    }

    async fn rest_of_line(&mut self, most: usize) -> io::Result<Option<Vec<u8>>> {
        let mut searched = 0;
        loop {
            let rest = &self.bytes[self.taken..];
            if let Some(end) = memchr::memchr(b'\n', &rest[searched..]) {
                let line = rest[..searched + end].to_vec();
                self.taken += line.len() + 1;
                return Ok(Some(line));
            }
            searched = rest.len();
            if searched > most {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a header is too long"));
            }
            if !self.more().await? {
                return Ok(None);
            }
        }
    }

    /// The next `len` bytes, none of which may keep the others waiting.
    pub(super) async fn exactly(&mut self, len: usize) -> Result<Vec<u8>, ReadFailure> {
        let limit = self.limits.half_line;
        while self.bytes.len() - self.taken < len {
            if !within(limit, Timeout::HalfLine, self.more()).await? {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
        let block = self.bytes[self.taken..self.taken + len].to_vec();
        self.taken += len;
        Ok(block)
    }

    pub(super) async fn send(&mut self, message: &CollectorMessage) -> Result<(), ReadFailure> {
        let mut line = Vec::new();
        message.push(&mut line);
        within(self.limits.half_line, Timeout::HalfLine, self.reply(&line)).await
    }

    async fn reply(&mut self, line: &[u8]) -> io::Result<()> {
        let mut sent = 0;
        while sent < line.len() {
            match self.stream.try_write(&line[sent..]) {
                Ok(more) => sent += more,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stream.writable().await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads on; `false` at the end.
    async fn more(&mut self) -> io::Result<bool> {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        loop {
            let held = self.bytes.len();
            self.bytes.resize(held + READ, 0);
            let stream = &mut *self.stream;
            let bytes = &mut self.bytes[held..];
            let fetched =
                poll_fn(|context| std::task::Poll::Ready(stream.poll_fetch(context, bytes)));
            let fetched = fetched.await;
            match &fetched {
                Ok(Some(came)) => {
                    self.bytes.copy_within(held + came.start..held + came.end, held);
                    self.bytes.truncate(held + came.len());
                    return Ok(!came.is_empty());
                }
                _ => self.bytes.truncate(held),
            }
            fetched?;
            self.stream.readable().await?;
        }
    }
}

/// Waits for `work`, for at most as long as `limit` allows.
async fn within<T>(
    limit: Option<Duration>,
    due: Timeout,
    work: impl Future<Output = io::Result<T>>,
) -> Result<T, ReadFailure> {
    match limit {
        Some(limit) => timeout(limit, work).await.map_err(|_| ReadFailure::TimedOut(due))?,
        None => work.await,
    }
    .map_err(ReadFailure::Broken)
}
