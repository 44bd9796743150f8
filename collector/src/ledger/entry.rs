//! The lines of a ledger: a JSON value, a space, and the value's CRC-32 in eight hex digits.

use super::names::SenderNames;
use crate::layout::file_id::FileId;
use crate::layout::torn_tail::TornTail;
use crate::senders::identity::SenderId;
use crate::senders::number_gaps::NumberGaps;
use crate::senders::owner::Owner;
use serde::{Deserialize, Serialize, Serializer};
use std::io::Write;

/// Version of the format. A ledger of any other version is kept aside.
pub(super) const VERSION: u32 = 2;

/// Length of the space and the checksum.
const CHECKSUM: usize = 9;

/// First line: `{"ledger":2,"generation":7,"at":0,"inode":[2049,131]}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LedgerHead {
    #[serde(rename = "ledger")]
    pub(super) version: u32,
    /// Number of the file in its log: it grows by one with each file, whatever the clock does.
    pub(crate) generation: u64,
    /// Length of the file when this ledger was begun.
    pub(crate) at: u64,
    /// Device and inode of the file, to recognize it after it was moved.
    pub(crate) inode: FileId,
    /// Name that the file before this one got when it was rotated away, as long as the marks of
    /// its senders are in its ledger only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<String>,
    /// True if it has no senders any more, as that of a file that was rotated away.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) index_only: bool,
}

/// One of the other lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LedgerEntry {
    /// `{"names":["orders","web1"]}`: numbered from 1 in the order of the lines.
    Names(SenderNames),
    /// `{"sender":[7,"9f3c…",1300,1795372943,false,1]}`.
    Sender(KnownSender),
    /// `{"renamed":[7,2]}`: from here on, this sender writes under these names.
    Renamed(u32, u32),
    /// `{"returned":7}`: this sender came back on another connection.
    Returned(u32),
    /// `{"batch":{"span":[0,420,[1,2],4],"runs":[[7,1043,2,420]]}}`.
    Batch(BatchEntry),
    /// `{"index":{"span":[0,262144,[1,2],4],"names":[0,1]}}`.
    Index(IndexEntry),
}

/// A sender: its number in this ledger, its mark, when it was last heard of, whether its end was
/// reported, the number of its names, and, if there are any, the numbers that are missing below its
/// mark, its owner, and whether it came back on another connection.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct KnownSender {
    pub(crate) number: u32,
    pub(crate) id: SenderId,
    pub(crate) mark: u64,
    /// In seconds since 1970.
    pub(crate) seen: i64,
    pub(crate) ended: bool,
    /// 0 when they are not known.
    pub(crate) names: u32,
    #[serde(default)]
    pub(crate) gaps: NumberGaps,
    #[serde(default)]
    pub(crate) owner: Owner,
    /// True once it came back on a second connection.
    #[serde(default)]
    pub(crate) returned: bool,
}

/// A batch about to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BatchEntry {
    pub(crate) span: StretchSpan,
    pub(crate) runs: Vec<RunEntry>,
}

/// A stretch of the file that was once several batches, and whose records are in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IndexEntry {
    pub(crate) span: StretchSpan,
    /// Numbers of names in ascending order; 0 stands for all unknown ones.
    pub(crate) names: Vec<u32>,
}

/// A stretch of the file, and what to skip it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct StretchSpan {
    pub(crate) at: u64,
    pub(crate) len: u64,
    /// Earliest and latest time of its records.
    pub(crate) times: (i64, i64),
    /// One bit for each level that occurs.
    pub(crate) levels: u8,
}

/// Records of one sender that stand together: its number (0 is plain), the first record's number,
/// how many (0 of a sender with a number: the report of its end), and their bytes in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct RunEntry {
    pub(crate) sender: u32,
    pub(crate) first: u64,
    pub(crate) count: u64,
    pub(crate) bytes: u64,
}

impl Default for LedgerHead {
    fn default() -> Self {
        Self {
            version: VERSION,
            generation: 0,
            at: 0,
            inode: FileId::default(),
            after: None,
            index_only: false,
        }
    }
}

impl KnownSender {
    /// A sender of which nothing is known yet.
    pub(super) fn new(number: u32, id: SenderId) -> Self {
        let gaps = NumberGaps::default();
        let owner = Owner::NOBODY;
        Self { number, id, mark: 0, seen: 0, ended: false, names: 0, gaps, owner, returned: false }
    }
}

impl Serialize for KnownSender {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { number, id, mark, seen, ended, names, gaps, owner, returned } = self;
        if *returned {
            let whole = (number, id, mark, seen, ended, names, gaps, owner, true);
            return whole.serialize(serializer);
        }
        if *owner != Owner::NOBODY {
            return (number, id, mark, seen, ended, names, gaps, owner).serialize(serializer);
        }
        match gaps.is_empty() {
            true => (number, id, mark, seen, ended, names).serialize(serializer),
            false => (number, id, mark, seen, ended, names, gaps).serialize(serializer),
        }
    }
}

impl LedgerHead {
    /// Reads the first line of a ledger; `None` for any other version.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let head: Self = serde_json::from_slice(verified(line)?).ok()?;
        (head.version == VERSION).then_some(head)
    }

    pub(super) fn push(&self, out: &mut Vec<u8>) {
        push_line(self, out);
    }
}

impl LedgerEntry {
    /// Reads a line with or without its end; `None` for anything that was not written so.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let entry: Self = serde_json::from_slice(verified(line)?).ok()?;
        let sound = match &entry {
            Self::Sender(known) => known.number > 0,
            Self::Batch(batch) => batch.is_sound(),
            Self::Index(index) => index.is_sound(),
            Self::Names(_) | Self::Renamed(..) | Self::Returned(_) => true,
        };
        sound.then_some(entry)
    }

    pub(super) fn push(&self, out: &mut Vec<u8>) {
        push_line(self, out);
    }
}

impl StretchSpan {
    pub(crate) fn end(&self) -> u64 {
        self.at + self.len
    }

    fn is_sound(&self) -> bool {
        self.at.checked_add(self.len).is_some()
    }
}

impl BatchEntry {
    /// Tells whether runs and span agree; otherwise neither may say where the file is to be cut.
    fn is_sound(&self) -> bool {
        let bytes = self.runs.iter().try_fold(0, |sum: u64, run| sum.checked_add(run.bytes));
        self.span.is_sound() && bytes == Some(self.span.len)
    }

    /// Drops the runs that do not end at or before `bound`.
    pub(super) fn up_to(mut self, bound: u64) -> Self {
        let mut end = self.span.at;
        let ends = self.runs.iter().map(|run| {
            end += run.bytes;
            end
        });
        let whole = ends.take_while(|end| *end <= bound).count();
        self.runs.truncate(whole);
        self.span.len = self.runs.iter().map(|run| run.bytes).sum();
        self
    }

    /// Returns the place at which a file of `len` bytes has to be cut because it ends within a run.
    pub(super) fn torn_tail(&self, len: u64) -> Option<TornTail> {
        let whole = self.clone().up_to(len);
        let torn = self.runs.get(whole.runs.len())?;
        let at = whole.span.end();
        let tail = if torn.sender == 0 { TornTail::BehindLastLine(at) } else { TornTail::At(at) };
        (at < len).then_some(tail)
    }
}

impl IndexEntry {
    fn is_sound(&self) -> bool {
        self.span.is_sound()
    }
}

impl RunEntry {
    /// Tells whether `next`, right behind it, makes one run with it.
    pub(super) fn continues_in(&self, next: &Self) -> bool {
        let plain = self.sender == 0 && next.sender == 0;
        let same = self.sender == next.sender && self.count > 0 && next.count > 0;
        plain || (same && self.first + self.count == next.first)
    }
}

fn push_line(value: &impl Serialize, out: &mut Vec<u8>) {
    let start = out.len();
    // Writing to memory does not fail, and no value here has a key that is not text.
    let _ = serde_json::to_writer(&mut *out, value);
    let checksum = crc32fast::hash(&out[start..]);
    let _ = writeln!(out, " {checksum:08x}");
}

/// The value of a line whose checksum is right.
fn verified(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let (value, checksum) = line.split_at_checked(line.len().checked_sub(CHECKSUM)?)?;
    let expected = format!(" {:08x}", crc32fast::hash(value));
    (checksum == expected.as_bytes()).then_some(value)
}

/// The short forms are arrays; deserializing a struct takes them as they are.
macro_rules! as_array {
    ($($of:ty: $($field:ident),+;)+) => {
        $(impl Serialize for $of {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                ($(&self.$field,)+).serialize(serializer)
            }
        })+
    };
}

as_array! {
    StretchSpan: at, len, times, levels;
    RunEntry: sender, first, count, bytes;
    SenderNames: app, host;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::senders::number_gaps::NumberRange;

    fn assert_written_and_read(entry: &LedgerEntry, line: &str) {
        let mut out = Vec::new();
        entry.push(&mut out);
        let line = format!("{line} {:08x}\n", crc32fast::hash(line.as_bytes()));
        assert_eq!(String::from_utf8(out).unwrap(), line);
        assert_eq!(LedgerEntry::parse(line.as_bytes()).as_ref(), Some(entry));
        for at in 0..line.len() - 1 {
            let mut damaged = line.clone().into_bytes();
            damaged[at] ^= 1;
            assert_eq!(LedgerEntry::parse(&damaged), None, "{at}");
        }
    }

    #[test]
    fn every_line_is_written_and_read_in_these_bytes_and_no_other() {
        let id = SenderId(0xff);
        let known = KnownSender { mark: 1300, seen: 99, names: 1, ..KnownSender::new(7, id) };
        let span = StretchSpan { at: 10, len: 420, times: (-1, 2), levels: 4 };
        let runs = vec![
            RunEntry { sender: 7, first: 1043, count: 2, bytes: 400 },
            RunEntry { sender: 0, first: 1, count: 1, bytes: 20 },
        ];
        let mut gaps = NumberGaps::default();
        gaps.add(2, NumberRange { first: 5, last: 6 });
        let names = SenderNames { app: "a\"b".into(), host: "".into() };
        let batch = BatchEntry { span, runs };
        for (entry, line) in [
            (LedgerEntry::Names(names), r#"{"names":["a\"b",""]}"#),
            (
                LedgerEntry::Sender(known),
                r#"{"sender":[7,"000000000000000000000000000000ff",1300,99,false,1]}"#,
            ),
            (
                LedgerEntry::Sender(KnownSender { gaps, ..KnownSender::new(8, SenderId(1)) }),
                r#"{"sender":[8,"00000000000000000000000000000001",0,0,false,0,[[3,4]]]}"#,
            ),
            (
                LedgerEntry::Sender(KnownSender {
                    owner: Owner::token("shop"),
                    ..KnownSender::new(9, SenderId(2))
                }),
                r#"{"sender":[9,"00000000000000000000000000000002",0,0,false,0,[],4549384182706564767]}"#,
            ),
            (
                LedgerEntry::Sender(KnownSender {
                    returned: true,
                    ..KnownSender::new(9, SenderId(2))
                }),
                r#"{"sender":[9,"00000000000000000000000000000002",0,0,false,0,[],0,true]}"#,
            ),
            (LedgerEntry::Returned(7), r#"{"returned":7}"#),
            (LedgerEntry::Renamed(7, 2), r#"{"renamed":[7,2]}"#),
            (
                LedgerEntry::Batch(batch),
                r#"{"batch":{"span":[10,420,[-1,2],4],"runs":[[7,1043,2,400],[0,1,1,20]]}}"#,
            ),
            (
                LedgerEntry::Index(IndexEntry { span, names: vec![0, 7] }),
                r#"{"index":{"span":[10,420,[-1,2],4],"names":[0,7]}}"#,
            ),
        ] {
            assert_written_and_read(&entry, line);
        }
    }

    #[test]
    fn a_head_of_another_version_is_not_read() {
        let mut out = Vec::new();
        LedgerHead { generation: 7, at: 5, inode: FileId(1, 2), ..LedgerHead::default() }
            .push(&mut out);
        let text = String::from_utf8(out.clone()).unwrap();
        assert!(text.starts_with(r#"{"ledger":2,"generation":7,"at":5,"inode":[1,2]} "#), "{text}");
        assert!(LedgerHead::parse(&out).is_some());
        out.clear();
        LedgerHead { version: 3, ..LedgerHead::default() }.push(&mut out);
        assert_eq!(LedgerHead::parse(&out), None);
    }

    #[test]
    fn whole_runs_count_and_the_file_is_cut_where_one_is_torn() {
        let run = |sender, bytes| RunEntry { sender, first: 1, count: 1, bytes };
        let span = StretchSpan { at: 0, len: 60, times: (1, 2), levels: 4 };
        let runs = vec![run(1, 20), run(0, 30), run(1, 10)];
        let batch = BatchEntry { span, runs };
        for (len, whole, torn) in [
            (0, 0, None),
            (1, 0, Some(TornTail::At(0))),
            (19, 0, Some(TornTail::At(0))),
            (20, 1, None),
            (21, 1, Some(TornTail::BehindLastLine(20))),
            (50, 2, None),
            (59, 2, Some(TornTail::At(50))),
            (60, 3, None),
            (99, 3, None),
        ] {
            let found = (batch.clone().up_to(len).runs.len(), batch.torn_tail(len));
            assert_eq!(found, (whole, torn), "{len} bytes");
        }
    }
}
