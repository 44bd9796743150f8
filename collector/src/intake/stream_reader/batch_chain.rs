//! The batches of each collector in their order: each names the one before it.

use crate::jetstream::BatchMessage;
use crate::layout::forward_place::ForwardPlace;
use std::collections::HashMap;

/// Subjects that are remembered.
const MOST: usize = 100_000;

/// Place behind the last batch of each subject.
#[derive(Debug, Default)]
pub(super) struct BatchChain(HashMap<String, ForwardPlace>);

impl BatchChain {
    /// Takes note of a batch; `true` if there was one before it that did not come.
    pub(super) fn misses(&mut self, subject: &str, batch: &BatchMessage) -> bool {
        if self.0.len() >= MOST && !self.0.contains_key(subject) {
            self.0.clear();
        }
        let before = self.0.insert(subject.to_owned(), batch.to.place);
        before.is_some_and(|before| before < batch.from)
    }

    /// Takes note that a batch of the subject was unreadable, and is reported as such.
    pub(super) fn forget(&mut self, subject: &str) {
        self.0.remove(subject);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::forward_place::Reached;
    use netlog_wire::BatchHeader;

    #[test]
    fn a_batch_that_does_not_come_is_missed_once_and_a_repeated_one_is_not() {
        let header = BatchHeader {
            batch: 1,
            bytes: 0,
            packed: 0,
            checksum: 0,
            senders: Vec::new(),
            runs: Vec::new(),
        };
        let place = |offset| ForwardPlace { generation: 1, offset };
        let mut chain = BatchChain::default();
        let mut misses = |from, to| {
            let to = Reached { place: place(to), numbered: 0 };
            let message = BatchMessage {
                header: header.clone(),
                host: String::new(),
                from: place(from),
                to,
                packed: Vec::new(),
            };
            chain.misses("a", &message)
        };
        assert!(!misses(10, 20) && !misses(20, 30));
        assert!(misses(40, 50) && !misses(50, 60));
        assert!(!misses(20, 30) && !misses(30, 40));
    }
}
