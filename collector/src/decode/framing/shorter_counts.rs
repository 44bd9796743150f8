//! Octet counts that begin with digits of the message before: of `grüße 12`, counted in characters,
//! `12` is left over, and a following `40 <13>…` reads as `1240 <13>…`.

use crate::decode::sniff::{Fit, begins_counted};
use crate::decode::steps::step;
use crate::decode::syslog_boundary::{Begun, Boundary};

/// The shortest message: its priority.
pub(super) const MIN_COUNT: usize = 3;

/// Looks for a counted message that begins just where one of fewer digits of the count ends.
#[derive(Debug)]
pub(super) struct ShorterCounts {
    count: usize,
    /// Number of bytes that have come.
    taken: usize,
    begun: Begun,
}

impl ShorterCounts {
    pub(super) fn new(count: usize) -> Self {
        Self { count, taken: 0, begun: Begun::default() }
    }

    /// Takes the next bytes of the message.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Boundary {
        let mut at = 0;
        loop {
            if self.begun.bytes().is_empty() {
                let next = shorter(self.count).find(|end| *end >= self.taken + at);
                let Some(next) = next else { break };
                at = next - self.taken;
            }
            let Some(&byte) = bytes.get(at) else { break };
            at += 1;
            self.begun.push(byte);
            step(self.begun.bytes().len());
            match begins_counted(self.begun.bytes()) {
                Fit::Yes => return Boundary::Next { end: at, begun: self.begun },
                Fit::Maybe => {}
                Fit::No => self.begun = Begun::default(),
            }
        }
        self.taken += bytes.len();
        Boundary::None
    }
}

/// The counts that the last digits of a count make, the least first.
fn shorter(count: usize) -> impl Iterator<Item = usize> {
    let sizes = std::iter::successors(Some(10), |size| Some(size * 10));
    let sizes = sizes.take_while(move |size| *size <= count);
    sizes.map(move |size| (size, count % size)).filter_map(|(size, shorter)| {
        (shorter >= MIN_COUNT && shorter >= size / 10).then_some(shorter)
    })
}
