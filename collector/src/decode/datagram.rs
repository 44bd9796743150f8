//! What is in a datagram: lines like any others, or one record of a netlog sender with its number.

use super::lines::take_line;
use super::{Origin, Receipt, Slot, count_cut, now};
use crate::run::{Run, Source};
use crate::sender::SenderId;
use crate::stats::Stats;
use memchr::memmem;
use netlog_wire::{Hello, Identity, Line, Piece};

/// Decodes one datagram.
pub(crate) struct Datagram<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) stats: &'a Stats,
    pub(crate) max_line: usize,
}

/// The number of a netlog sender's datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbered<'a> {
    pub(crate) sender: SenderId,
    pub(crate) number: u64,
    line: Option<Line<'a>>,
}

impl Numbered<'_> {
    /// Who the sender says it is.
    pub(crate) fn identity(&self) -> Identity {
        let Some(line) = &self.line else { return Identity::default() };
        Identity {
            app: line.app.map(|app| app.text().into_owned()),
            host: line.host.map(|host| host.text().into_owned()),
            pid: line.pid,
            peer: None,
        }
    }
}

impl Datagram<'_> {
    /// Adds the datagram's records to `runs`; says its number if it has one.
    pub(crate) fn take<'b>(
        &self,
        bytes: &'b mut [u8],
        runs: &mut Vec<Run>,
    ) -> Option<Numbered<'b>> {
        let receipt = Receipt { origin: self.origin, stats: self.stats, received: now() };
        if let Some((sender, number, at)) = number(bytes) {
            // The comma before the record proper becomes its opening brace.
            bytes[at] = b'{';
            let line = &bytes[at..];
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let parsed = Line::parse(line).filter(|line| line.peer.is_none());
            match &parsed {
                Some(parsed) => self.splice(line, parsed, runs),
                None => self.take_lines(line, receipt, runs),
            }
            return Some(Numbered { sender, number, line: parsed });
        }
        self.take_lines(bytes, receipt, runs);
        None
    }

    /// Adds a canonical record that says who it is from, with the peer's address behind that.
    fn splice(&self, line: &[u8], parsed: &Line<'_>, runs: &mut Vec<Run>) {
        // An unescaped quote before the key: this cannot be inside a string.
        let at = memmem::find(line, b"\"time\":\"").unwrap_or(1);
        let stamp = match parsed.host {
            Some(_) => self.origin.peer_stamp(),
            None => self.origin.stamp(),
        };
        let slot = Slot { runs, capacity: 0 };
        slot.plain().splice(line, (at, stamp), parsed);
        self.stats.records_canonical.add(1);
    }

    fn take_lines(&self, bytes: &[u8], receipt: Receipt<'_>, runs: &mut Vec<Run>) {
        for line in bytes.split(|&byte| byte == b'\n' || byte == 0) {
            let kept = &line[..line.len().min(self.max_line)];
            let piece = Piece { bytes: kept, cut: (line.len() - kept.len()) as u64 };
            count_cut(piece, self.stats);
            take_line(piece, receipt, Slot { runs, capacity: 0 });
        }
    }
}

/// Reads `{"sender":"<32 hex>","seq":N,` and says where its last comma is.
fn number(bytes: &[u8]) -> Option<(SenderId, u64, usize)> {
    let rest = bytes.strip_prefix(b"{\"sender\":\"")?;
    let (id, rest) = rest.split_at_checked(32)?;
    let id = std::str::from_utf8(id).ok().filter(|id| Hello::valid_sender(id))?;
    let digits = rest.strip_prefix(b"\",\"seq\":")?;
    let len = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = std::str::from_utf8(&digits[..len]).ok()?.parse().ok()?;
    let at = bytes.len() - digits.len() + len;
    let sender = SenderId(u128::from_str_radix(id, 16).ok()?);
    (bytes.get(at) == Some(&b',')).then_some((sender, number, at))
}

impl<'a> Slot<'a> {
    /// The last run if it is one of plain records, else a new one.
    pub(super) fn plain(self) -> &'a mut Run {
        self.run(|run| matches!(run.source, Source::Plain), || (Source::Plain, 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(bytes: &[u8]) -> (Option<(u128, u64)>, String) {
        let origin = Origin::new("10.0.0.7:99".parse().unwrap());
        let (stats, mut runs, mut bytes) = (Stats::default(), Vec::new(), bytes.to_vec());
        let datagram = Datagram { origin: &origin, stats: &stats, max_line: 1000 };
        let numbered = datagram.take(&mut bytes, &mut runs).map(|n| (n.sender.0, n.number));
        let lines = runs.into_iter().flat_map(|run| run.lines).collect();
        (numbered, String::from_utf8(lines).unwrap())
    }

    #[test]
    fn a_netlog_datagram_loses_its_number_and_gains_its_address() {
        let datagram = br#"{"sender":"000000000000000000000000000000ff","seq":7,"app":"orders","host":"web1","pid":4242,"time":"2026-11-22T18:42:23.123456Z","level":"INFO","msg":"\"time\":\""}"#;
        let line = r#"{"app":"orders","host":"web1","pid":4242,"peer":"10.0.0.7:99","time":"2026-11-22T18:42:23.123456Z","level":"INFO","msg":"\"time\":\""}"#;
        assert_eq!(taken(datagram), (Some((255, 7)), format!("{line}\n")));
    }

    #[test]
    fn what_is_almost_one_is_json_like_any_other() {
        let almost = br#"{"sender":"ff","seq":7,"msg":"m"}"#;
        let (numbered, line) = taken(almost);
        assert_eq!(numbered, None);
        assert!(line.ends_with("\"msg\":\"m\",\"kv\":{\"sender\":\"ff\",\"seq\":7}}\n"), "{line}");
        let (numbered, line) =
            taken(br#"{"sender":"000000000000000000000000000000ff","seq":8,"msg":"m"}"#);
        assert_eq!(numbered, Some((255, 8)));
        assert!(line.ends_with("\"msg\":\"m\"}\n"), "{line}");
    }

    #[test]
    fn each_line_of_a_datagram_is_a_record() {
        let (_, lines) = taken(b"one\r\ntwo\n\nthree\0");
        let ends = ["\"one\"}", "\"two\"}", "\"three\"}"];
        assert_eq!(lines.lines().count(), 3);
        assert!(lines.lines().zip(ends).all(|(line, end)| line.ends_with(end)), "{lines}");
    }
}
