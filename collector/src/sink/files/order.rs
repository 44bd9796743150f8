//! The stream that all files of a template are a part of: what was ever written to them, in order.

use crate::clock::now;
use crate::hub::batch::Batch;
use crate::hub::progress::Stream;

/// How far the stream has come. There is none where files cannot be read back.
#[derive(Debug, Default)]
pub(super) struct Order {
    stream: Option<Stream>,
    /// What of the batch that is being written is in the files, in their order.
    streamed: Vec<u8>,
}

impl Order {
    /// Goes on in the stream that has come farthest of those the ledgers know, or begins one.
    pub(super) fn after(found: impl Iterator<Item = Stream>) -> Self {
        let farthest = found.max_by_key(|stream| stream.end);
        let stream = farthest.unwrap_or_else(|| Stream { print: now().unsigned_abs(), end: 0 });
        Self { stream: Some(stream), streamed: Vec::new() }
    }

    pub(super) fn stream(&self) -> Option<Stream> {
        self.stream
    }

    /// Another batch begins.
    pub(super) fn begin(&mut self, batch: &Batch) {
        if self.stream.is_some() {
            let room = usize::try_from(batch.bytes()).unwrap_or(0);
            self.streamed = Vec::with_capacity(room);
        }
    }

    /// A part of it is in its file.
    pub(super) fn add(&mut self, part: &Batch) {
        if let Some(stream) = &mut self.stream {
            stream.end += part.bytes();
            part.runs.iter().for_each(|run| self.streamed.extend_from_slice(&run.lines));
        }
    }

    /// So many bytes are in a file that were told of to nobody.
    pub(super) fn skip(&mut self, bytes: u64) {
        if let Some(stream) = &mut self.stream {
            stream.end += bytes;
        }
    }

    /// The batch, now that all of it is written.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        self.stream.map(|_| std::mem::take(&mut self.streamed))
    }
}
