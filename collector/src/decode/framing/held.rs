//! Bytes of the message that has not ended, kept up to a limit.

use crate::decode::steps::step;
use std::mem::take;

/// The beginning of a message, and how many bytes behind it were cut.
#[derive(Debug, Default)]
pub(super) struct HeldBytes {
    bytes: Vec<u8>,
    cut: u64,
}

impl HeldBytes {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.cut == 0
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn cut(&self) -> u64 {
        self.cut
    }

    /// Number of bytes received so far, those that were cut included.
    pub(super) fn received(&self) -> usize {
        self.bytes.len() + self.cut as usize
    }

    /// Keeps as much of `bytes` as `limit` allows, and counts the rest.
    pub(super) fn keep(&mut self, bytes: &[u8], limit: usize) {
        let room = limit.saturating_sub(self.bytes.len()).min(bytes.len());
        step(room);
        self.bytes.extend_from_slice(&bytes[..room]);
        self.cut += (bytes.len() - room) as u64;
    }

    /// CountTrust bytes that are not kept.
    pub(super) fn skip(&mut self, len: usize) {
        self.cut += len as u64;
    }

    /// Removes `len` bytes from `at` on, and counts them as cut.
    pub(super) fn remove(&mut self, at: usize, len: usize) {
        step(self.bytes.len() - at);
        self.bytes.drain(at..at + len);
        self.cut += len as u64;
    }

    /// Forgets the last `len` bytes that were kept or cut.
    pub(super) fn take_back(&mut self, len: usize) {
        let cut = (len as u64).min(self.cut);
        self.cut -= cut;
        self.bytes.truncate(self.bytes.len().saturating_sub(len - cut as usize));
    }

    /// Empties it.
    pub(super) fn take(&mut self) -> (Vec<u8>, u64) {
        (take(&mut self.bytes), take(&mut self.cut))
    }
}

/// Bytes to be read once more: a beginning that could not be recognised until more came, or the lines
/// of a broken object.
#[derive(Debug, Default)]
pub(super) struct Replay {
    pub(super) bytes: Vec<u8>,
    pub(super) at: usize,
    /// Up to here the bytes are lines of text, whatever they look like.
    pub(super) text: usize,
}

impl Replay {
    pub(super) fn new(bytes: Vec<u8>, at: usize) -> Self {
        Self { bytes, at, text: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Takes the next line of text without its end, if that is what the bytes are.
    pub(super) fn text_line(&mut self) -> Option<&[u8]> {
        let text = self.bytes.get(self.at..self.text).filter(|text| !text.is_empty())?;
        let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
        self.at += (end + 1).min(text.len());
        Some(&text[..end])
    }
}
