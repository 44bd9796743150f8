//! Ledgers of version 1, which had no checksums: they are read as the lines that say the same today.

use super::entry::{BatchEntry, IndexEntry, KnownSender, LedgerEntry, LedgerHead, RunEntry};
use super::entry::{StretchSpan, VERSION};
use super::names::SenderNames;
use crate::layout::file_id::FileId;
use crate::senders::identity::SenderId;
use serde::Deserialize;
use std::collections::HashMap;

/// First line: `{"ledger":1,"at":0,"inode":[2049,131],"after":"app.log.20261122T184223Z"}`.
#[derive(Deserialize)]
struct HeadOne {
    ledger: u32,
    at: u64,
    inode: FileId,
    after: Option<String>,
}

/// One of the other lines.
#[derive(Deserialize)]
#[serde(untagged)]
enum LineOne {
    Sender { sender: SenderOne },
    Renamed { renamed: u32 },
    Batch { at: u64, len: u64, times: (i64, i64), levels: u8, runs: Vec<RunEntry> },
    Index { at: u64, len: u64, times: (i64, i64), levels: u8, senders: Vec<u32> },
}

/// `[7,"9f3c…",1300,1795372943,false,"orders","web1"]`, the last three if they are known.
#[derive(Deserialize)]
struct SenderOne {
    number: u32,
    id: SenderId,
    mark: u64,
    seen: i64,
    #[serde(default)]
    ended: bool,
    #[serde(default)]
    app: Option<Box<str>>,
    #[serde(default)]
    host: Option<Box<str>>,
}

/// The lines of a ledger of version 1 in today's form; `None` for any other ledger. The file did not
/// have a number then, and gets `generation`. A damaged line stays as it is, and ends the ledger.
pub(super) fn converted(text: &[u8], generation: u64) -> Option<Vec<u8>> {
    let mut lines = text.split_inclusive(|byte| *byte == b'\n');
    let head: HeadOne = serde_json::from_slice(lines.next()?).ok()?;
    if head.ledger != 1 {
        return None;
    }
    let mut out = Vec::new();
    let HeadOne { at, inode, after, .. } = head;
    LedgerHead { version: VERSION, generation, at, inode, after, index_only: false }.push(&mut out);
    let mut names = NumberedNames::default();
    // The last line may be torn, as today.
    for line in lines.filter(|line| line.ends_with(b"\n")) {
        match serde_json::from_slice(line) {
            Ok(parsed) => names.convert(parsed, &mut out),
            Err(_) => out.extend_from_slice(line),
        }
    }
    Some(out)
}

/// Names have numbers of their own today; then they stood with their senders.
#[derive(Default)]
struct NumberedNames {
    of_sender: HashMap<u32, u32>,
    count: u32,
}

impl NumberedNames {
    fn convert(&mut self, line: LineOne, out: &mut Vec<u8>) {
        let entry = match line {
            LineOne::Sender { sender } => {
                let names = self.add(&sender, out);
                let SenderOne { number, id, mark, seen, ended, .. } = sender;
                let known = KnownSender::new(number, id);
                LedgerEntry::Sender(KnownSender { mark, seen, ended, names, ..known })
            }
            LineOne::Renamed { renamed } => {
                self.of_sender.remove(&renamed);
                LedgerEntry::Renamed(renamed, 0)
            }
            LineOne::Batch { at, len, times, levels, runs } => LedgerEntry::Batch(BatchEntry {
                span: StretchSpan { at, len, times, levels },
                runs,
            }),
            LineOne::Index { at, len, times, levels, senders } => {
                let number = |sender| self.of_sender.get(sender).copied().unwrap_or_default();
                let mut names: Vec<u32> = senders.iter().map(number).collect();
                names.sort_unstable();
                names.dedup();
                let span = StretchSpan { at, len, times, levels };
                LedgerEntry::Index(IndexEntry { span, names })
            }
        };
        entry.push(out);
    }

    /// Numbers the names of a sender; 0 if they are not known.
    fn add(&mut self, sender: &SenderOne, out: &mut Vec<u8>) -> u32 {
        let (Some(app), Some(host)) = (&sender.app, &sender.host) else { return 0 };
        LedgerEntry::Names(SenderNames { app: app.clone(), host: host.clone() }).push(out);
        self.count += 1;
        self.of_sender.insert(sender.number, self.count);
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::LedgerState;
    use super::*;

    #[test]
    fn a_ledger_of_version_1_says_the_same_today() {
        let text = concat!(
            "{\"ledger\":1,\"at\":0,\"inode\":[1,2],\"stream\":[77,9000],\"after\":\"app.log.1\"}\n",
            "{\"sender\":[1,\"000000000000000000000000000000ff\",18,99,true,\"orders\",\"web1\"]}\n",
            "{\"sender\":[2,\"00000000000000000000000000000001\",5,99]}\n",
            "{\"at\":0,\"len\":100,\"times\":[1,2],\"levels\":4,\"pos\":3,\"senders\":[0,1,2]}\n",
            "{\"at\":100,\"len\":40,\"times\":[3,4],\"levels\":4,\"runs\":[[1,19,2,30],[0,1,1,10]]}\n",
            "{\"renamed\":1}\n",
            "{\"at\":140,\"len\":10,\"times\":[3,4],\"levels\":4,\"pos\":9,\"runs\":[[1,21,1,10]]}\n",
            "{\"at\":150,\"len\":10,\"tim",
        );
        let today = converted(text.as_bytes(), 7).unwrap();
        let lines: Vec<&str> = std::str::from_utf8(&today).unwrap().lines().collect();
        assert!(lines[0].starts_with(
            "{\"ledger\":2,\"generation\":7,\"at\":0,\"inode\":[1,2],\"after\":\"app.log.1\"} "
        ));
        assert_eq!(lines.len(), 8, "{lines:?}");
        let replay = LedgerState::at(123).replay(&today[..], 145);
        assert!(replay.sound && replay.cut.is_some(), "a torn record at the end is cut off");
        let marks: Vec<_> = replay.state.senders().map(|known| (known.id.0, known.mark)).collect();
        assert_eq!(marks, [(0xff, 20), (1, 5)]);
        assert_eq!(replay.state.end(), 140);
    }

    #[test]
    fn a_damaged_line_of_version_1_ends_the_ledger_and_other_versions_are_none() {
        let head = "{\"ledger\":1,\"at\":0,\"inode\":[1,2]}\n";
        let today = converted(format!("{head}{{\"sender\":[1,\n{{}}\n").as_bytes(), 1).unwrap();
        assert!(!LedgerState::at(1).replay(&today[..], 0).sound);
        assert_eq!(converted(head.replace('1', "3").as_bytes(), 1), None);
        assert_eq!(converted(b"no ledger", 1), None);
        assert_eq!(converted(&today, 1), None, "it is of version 2 now");
    }
}
