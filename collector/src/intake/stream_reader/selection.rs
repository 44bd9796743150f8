//! The senders of a stream whose records are kept: `--only`.
//!
//! Records that are left out need no marks: read again, they are left out again.

use crate::hub::line_run::{LineRun, Source};
use crate::jetstream::BatchMessage;
use crate::senders::grant::Scope;

/// Tells whether a batch has records of such a sender: one without need not be unpacked.
pub(super) fn is_wanted(only: &Scope, batch: &BatchMessage) -> bool {
    let host = batch.host.as_str();
    let mut senders = batch.header.senders.iter();
    senders.any(|it| only.covers(it.app.as_deref(), Some(it.host.as_deref().unwrap_or(host))))
}

/// Leaves out the runs of all other senders, and returns how many records those are.
pub(super) fn keep_wanted(only: &Scope, runs: &mut Vec<LineRun>) -> u64 {
    let mut left_out = 0;
    runs.retain(|run| {
        let wanted = match &run.source {
            Source::Netlog(sender) => {
                let identity = &sender.identity;
                only.covers(identity.app.as_deref(), identity.host.as_deref())
            }
            _ => true,
        };
        left_out += if wanted { 0 } else { run.count };
        wanted
    });
    left_out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::relayed_batch::{RelaySenders, RelayedBatch};
    use crate::layout::forward_place::{ForwardPlace, Reached};
    use netlog_wire::{BatchHeader, BatchRun, BatchSender};

    const LINES: &str = "one\ntwo\nthree\nfour\nfive\n";

    /// A batch of a collector on the host `site1`.
    fn batch() -> BatchMessage {
        let sender = |digit: &str, app: Option<&str>, host: Option<&str>| BatchSender {
            id: digit.repeat(32),
            app: app.map(str::to_owned),
            host: host.map(str::to_owned),
        };
        let packed = zstd::bulk::compress(LINES.as_bytes(), 1).unwrap();
        let run = |sender, count| BatchRun { sender, first: 1, count };
        let header = BatchHeader {
            batch: 1,
            bytes: LINES.len() as u64,
            packed: packed.len() as u64,
            checksum: crc32fast::hash(LINES.as_bytes()),
            senders: vec![
                sender("a", Some("orders-eu"), Some("web1")),
                sender("b", Some("prices"), Some("web2")),
                sender("c", None, None),
            ],
            runs: vec![run(0, 1), run(1, 2), run(2, 1), run(0, 1)],
        };
        let place = ForwardPlace { generation: 1, offset: 0 };
        let to = Reached { place, numbered: 0 };
        BatchMessage { header, host: "site1".into(), from: place, to, packed }
    }

    #[test]
    fn the_runs_of_senders_that_no_pattern_matches_are_left_out_and_counted() {
        for (patterns, counts, left_out) in [
            (&[][..], &[1, 2, 1, 1][..], 0),
            (&["app=orders*"], &[1, 1], 3),
            (&["app=orders* host=web2"], &[], 5),
            (&["app=orders*", "host=web2"], &[1, 2, 1], 1),
            // Records without a host are those of the collector's.
            (&["host=site1"], &[1], 4),
            (&["app=*"], &[1, 2, 1], 1),
            (&["app=other"], &[], 5),
        ] {
            let patterns: Vec<_> = patterns.iter().map(|text| text.parse().unwrap()).collect();
            let only = Scope::of(&patterns);
            let message = batch();
            assert_eq!(is_wanted(&only, &message), !counts.is_empty(), "{patterns:?}");
            let mut senders = RelaySenders::new(&message.host, "nats://n");
            let relayed = RelayedBatch { header: message.header, packed: message.packed };
            let mut runs = relayed.runs(&mut senders).unwrap();
            assert_eq!(keep_wanted(&only, &mut runs), left_out, "{patterns:?}");
            assert_eq!(runs.iter().map(|run| run.count).collect::<Vec<_>>(), counts);
        }
    }
}
