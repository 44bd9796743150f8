//! The lines of a ledger, as they stand in it.

use super::names::Names;
use super::order::Order;
use crate::hub::progress::Stream;
use crate::senders::identity::SenderId;
use serde_json::Value;
use std::fmt::Write;
use std::sync::Arc;

/// The version of the ledger's form.
const VERSION: u64 = 1;

/// One line of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    Head(Head),
    Sender(Known),
    /// The sender with this number goes by other names than it did: `{"renamed":7}`.
    Renamed(u32),
    Batch(BatchEntry),
    Index(IndexEntry),
}

/// The first line: `{"ledger":1,"at":0,"inode":[2049,131],"after":"app.log.20261122T184223Z"}`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// The length of the file when this ledger was begun.
    pub(crate) at: u64,
    /// The device and inode of the file, to know it again when it was moved.
    pub(crate) inode: (u64, u64),
    /// The name that the file before this one got when it was rotated away.
    pub(crate) after: Option<String>,
    /// Of a file of a template, `"stream":[print,end]`: what it is a part of.
    pub(crate) stream: Option<Stream>,
}

/// A sender, its number in this ledger, its mark so far, and when it was last heard of:
/// `{"sender":[7,"9f3c…",1300,1795372943,false,"orders","web1"]}`, or `true` when its end has been
/// reported; without the names when they are not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) number: u32,
    pub(crate) id: SenderId,
    pub(crate) mark: u64,
    /// In seconds since 1970.
    pub(crate) seen: i64,
    pub(crate) ended: bool,
    pub(crate) names: Option<Arc<Names>>,
}

/// A batch about to be written:
/// `{"at":0,"len":420,"times":[1,2],"levels":4,"runs":[[7,1043,2,420]]}`; in a file of a template
/// with its place in the stream, `"pos":9000`, in front of the runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BatchEntry {
    pub(crate) span: Span,
    pub(crate) pos: Option<u64>,
    pub(crate) runs: Vec<RunEntry>,
}

/// What was once several batches:
/// `{"at":0,"len":262144,"times":[1,2],"levels":4,"senders":[0,7]}`; in a file of a template with
/// its places in the stream, `"pos":9000,"gaps":[420,77]`, in front of the senders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    pub(crate) span: Span,
    pub(crate) order: Option<Order>,
    /// In ascending order; 0 stands for all plain peers.
    pub(crate) senders: Vec<u32>,
}

/// A stretch of the file, and what to skip it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) at: u64,
    pub(crate) len: u64,
    pub(crate) times: (i64, i64),
    pub(crate) levels: u8,
}

/// Records of one sender that stand together: its number (0 is plain), the first record's number,
/// how many (0 of a sender with a number: the report of its end), and their bytes in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RunEntry {
    pub(crate) sender: u32,
    pub(crate) first: u64,
    pub(crate) count: u64,
    pub(crate) bytes: u64,
}

impl Span {
    pub(crate) fn end(&self) -> u64 {
        self.at + self.len
    }

    fn push(&self, out: &mut String) {
        let Self { at, len, times: (from, to), levels } = self;
        let _ =
            write!(out, "{{\"at\":{at},\"len\":{len},\"times\":[{from},{to}],\"levels\":{levels},");
    }

    fn read(line: &Value) -> Option<Self> {
        let levels = u8::try_from(line["levels"].as_u64()?).ok()?;
        let times = (line["times"][0].as_i64()?, line["times"][1].as_i64()?);
        let (at, len) = (line["at"].as_u64()?, line["len"].as_u64()?);
        at.checked_add(len)?;
        Some(Self { at, len, times, levels })
    }
}

impl Head {
    /// Reads the first line of a ledger.
    pub(crate) fn read(line: &[u8]) -> Option<Self> {
        match Entry::parse(line.trim_ascii_end()) {
            Some(Entry::Head(head)) => Some(head),
            _ => None,
        }
    }

    pub(super) fn push(&self, out: &mut String) {
        let Self { at, inode: (device, inode), after, stream } = self;
        let _ = write!(out, "{{\"ledger\":{VERSION},\"at\":{at},\"inode\":[{device},{inode}]");
        if let Some(Stream { print, end }) = stream {
            let _ = write!(out, ",\"stream\":[{print},{end}]");
        }
        if let Some(name) = after {
            let _ = write!(out, ",\"after\":{}", Value::from(name.as_str()));
        }
        out.push_str("}\n");
    }
}

impl Known {
    pub(super) fn push(&self, out: &mut String) {
        let Self { number, id: SenderId(id), mark, seen, ended, names } = self;
        let _ = write!(out, "{{\"sender\":[{number},\"{id:032x}\",{mark},{seen}");
        if *ended || names.is_some() {
            let _ = write!(out, ",{ended}");
        }
        names.iter().for_each(|names| names.push(out));
        out.push_str("]}\n");
    }
}

impl BatchEntry {
    pub(super) fn push(&self, out: &mut String) {
        self.span.push(out);
        if let Some(pos) = self.pos {
            let _ = write!(out, "\"pos\":{pos},");
        }
        out.push_str("\"runs\":[");
        for (at, run) in self.runs.iter().enumerate() {
            let RunEntry { sender, first, count, bytes } = run;
            let comma = if at > 0 { "," } else { "" };
            let _ = write!(out, "{comma}[{sender},{first},{count},{bytes}]");
        }
        out.push_str("]}\n");
    }
}

impl IndexEntry {
    pub(super) fn push(&self, out: &mut String) {
        self.span.push(out);
        if let Some(order) = &self.order {
            order.push(out);
        }
        let _ = write!(out, "\"senders\":[");
        for (at, sender) in self.senders.iter().enumerate() {
            let _ = write!(out, "{}{sender}", if at > 0 { "," } else { "" });
        }
        out.push_str("]}\n");
    }
}

impl Entry {
    /// Reads a line without its end; `None` when it is no line of a ledger.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let line: Value = serde_json::from_slice(line).ok()?;
        if let Some(version) = line["ledger"].as_u64() {
            let inode = (line["inode"][0].as_u64()?, line["inode"][1].as_u64()?);
            let after = line["after"].as_str().map(str::to_owned);
            let (print, end) = (line["stream"][0].as_u64(), line["stream"][1].as_u64());
            let stream = print.zip(end).map(|(print, end)| Stream { print, end });
            let head = Head { at: line["at"].as_u64()?, inode, after, stream };
            return (version == VERSION).then_some(Self::Head(head));
        }
        if let Some(sender) = line["sender"].as_array() {
            return Known::read(sender).map(Self::Sender);
        }
        if let Some(number) = small(&line["renamed"]) {
            return Some(Self::Renamed(number));
        }
        let span = Span::read(&line)?;
        let order = Order::read(&line, span.len)?;
        if let Some(runs) = line["runs"].as_array() {
            let runs = runs.iter().map(RunEntry::read).collect::<Option<Vec<_>>>()?;
            // Where the two disagree, neither may say where the file is to be cut.
            let bytes = runs.iter().try_fold(0, |sum: u64, run| sum.checked_add(run.bytes))?;
            let pos = order.map(|order| order.pos);
            return (bytes == span.len).then_some(Self::Batch(BatchEntry { span, pos, runs }));
        }
        let senders = line["senders"].as_array()?.iter().map(small).collect::<Option<_>>()?;
        Some(Self::Index(IndexEntry { span, order, senders }))
    }
}

impl Known {
    fn read(sender: &[Value]) -> Option<Self> {
        let id = SenderId(u128::from_str_radix(sender.get(1)?.as_str()?, 16).ok()?);
        let ended = sender.get(4).is_some_and(|ended| *ended == Value::Bool(true));
        let (mark, seen) = (sender.get(2)?.as_u64()?, sender.get(3)?.as_i64()?);
        let names = Names::read(sender.get(5), sender.get(6)).map(Arc::new);
        Some(Self { number: small(sender.first()?)?, id, mark, seen, ended, names })
    }
}

impl RunEntry {
    fn read(run: &Value) -> Option<Self> {
        let number = |at: usize| run[at].as_u64();
        let sender = small(&run[0])?;
        Some(Self { sender, first: number(1)?, count: number(2)?, bytes: number(3)? })
    }
}

/// Appends that a sender goes by other names now.
pub(super) fn push_renamed(number: u32, out: &mut String) {
    let _ = writeln!(out, "{{\"renamed\":{number}}}");
}

fn small(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|value| u32::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_written_and_read_in_these_bytes() {
        let known = Known {
            number: 7,
            id: SenderId(0xff),
            mark: 1300,
            seen: 99,
            ended: false,
            names: None,
        };
        let names = Names::read(Some(&"a\"b".into()), Some(&"".into())).map(Arc::new);
        let after = Some("app.log.1".to_owned());
        let stream = Some(Stream { print: 77, end: 9000 });
        for (entry, line) in [
            (
                Entry::Head(Head { at: 5, inode: (1, 2), after, stream: None }),
                r#"{"ledger":1,"at":5,"inode":[1,2],"after":"app.log.1"}"#,
            ),
            (
                Entry::Head(Head { stream, ..Head::default() }),
                r#"{"ledger":1,"at":0,"inode":[0,0],"stream":[77,9000]}"#,
            ),
            (
                Entry::Sender(known.clone()),
                r#"{"sender":[7,"000000000000000000000000000000ff",1300,99]}"#,
            ),
            (
                Entry::Sender(Known { names, ..known.clone() }),
                r#"{"sender":[7,"000000000000000000000000000000ff",1300,99,false,"a\"b",""]}"#,
            ),
            (Entry::Renamed(7), r#"{"renamed":7}"#),
            (
                Entry::Sender(Known { ended: true, ..known }),
                r#"{"sender":[7,"000000000000000000000000000000ff",1300,99,true]}"#,
            ),
        ] {
            assert_written_and_read(&entry, line);
        }
        for other in ["", "{}", "{\"ledger\":2,\"at\":0,\"inode\":[0,0]}", "{\"at\":1}", "[1]"] {
            assert_eq!(Entry::parse(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn what_stands_where_is_written_and_read_in_these_bytes() {
        let span = Span { at: 10, len: 420, times: (-1, 2), levels: 4 };
        let runs = vec![
            RunEntry { sender: 7, first: 1043, count: 2, bytes: 400 },
            RunEntry { sender: 0, first: 1, count: 1, bytes: 20 },
        ];
        let mut order = Order::new(9000);
        order.go_on(20, 9100);
        for (entry, line) in [
            (
                Entry::Batch(BatchEntry { span, pos: None, runs: runs.clone() }),
                r#"{"at":10,"len":420,"times":[-1,2],"levels":4,"runs":[[7,1043,2,400],[0,1,1,20]]}"#,
            ),
            (
                Entry::Batch(BatchEntry { span, pos: Some(9000), runs }),
                r#"{"at":10,"len":420,"times":[-1,2],"levels":4,"pos":9000,"runs":[[7,1043,2,400],[0,1,1,20]]}"#,
            ),
            (
                Entry::Index(IndexEntry { span, order: None, senders: vec![0, 7] }),
                r#"{"at":10,"len":420,"times":[-1,2],"levels":4,"senders":[0,7]}"#,
            ),
            (
                Entry::Index(IndexEntry { span, order: Some(order), senders: vec![0, 7] }),
                r#"{"at":10,"len":420,"times":[-1,2],"levels":4,"pos":9000,"gaps":[20,80],"senders":[0,7]}"#,
            ),
        ] {
            assert_written_and_read(&entry, line);
        }
    }

    fn assert_written_and_read(entry: &Entry, line: &str) {
        let mut out = String::new();
        match entry {
            Entry::Head(head) => head.push(&mut out),
            Entry::Sender(known) => known.push(&mut out),
            Entry::Renamed(number) => push_renamed(*number, &mut out),
            Entry::Batch(batch) => batch.push(&mut out),
            Entry::Index(index) => index.push(&mut out),
        }
        assert_eq!(out, format!("{line}\n"));
        assert_eq!(Entry::parse(line.as_bytes()).as_ref(), Some(entry));
    }
}
