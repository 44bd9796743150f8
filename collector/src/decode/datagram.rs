//! Messages in datagrams: like any others, compressed or in parts or not, or one record of a netlog
//! sender with its number.

use super::framing::{Framing, Input};
use super::gelf::{Chunks, is_chunk};
use super::inflate::{DeflateFormat, Inflated, inflated_len};
use super::message::Message;
use super::name::fit;
use super::origin::Origin;
use super::run_sink::{DecodeContext, RunSink};
use super::sniff::{CountTrust, Is, Kind, MessageStart, Pinned, sniff};
use super::to_record::{UNPACKED, take_merged, take_message, take_object, unpacked};
use super::{count_cut, most_lines};
use crate::hub::line_run::LineRun;
use crate::senders::identity::SenderId;
use crate::senders::peer::Peer;
use crate::senders::peer_error::PeerError;
use crate::stats::{Stats, Tally, count};
use memchr::memmem;
use netlog_wire::{Hello, Identity, Line, format_utc};
use std::cell::Cell;

/// Records that a compressed datagram may become, besides one for so many of its bytes.
const FREE_RECORDS: usize = 8;
const BYTES_PER_RECORD: usize = 16;

/// Reserved for the records of a burst at first: the least that a submission takes.
const ROOM: usize = 4 << 10;

/// Decodes one datagram.
pub(crate) struct Datagram<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) peer: Peer,
    pub(crate) stats: &'a Stats,
    pub(crate) tally: &'a Tally,
    pub(crate) max_line: usize,
    pub(crate) pin: Option<Pinned>,
    /// When it came, in microseconds since 1970.
    pub(crate) received: i64,
}

/// The number of a netlog sender's datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbered<'a> {
    pub(crate) sender: SenderId,
    pub(crate) number: u64,
    line: Option<Line<'a>>,
}

impl Numbered<'_> {
    /// The sender, by its own words.
    pub(crate) fn identity(&self) -> Identity {
        let Some(line) = &self.line else { return Identity::default() };
        Identity {
            app: line.app.map(|app| fit(app.text().into_owned())),
            host: line.host.map(|host| fit(host.text().into_owned())),
            pid: line.pid,
            peer: None,
        }
    }
}

/// The most bytes of runs that a datagram can become, but for parts of a message.
pub(crate) fn most_of_datagram(bytes: &[u8], origin: &Origin, max_line: usize) -> usize {
    let packed = bytes.strip_prefix(b"z").unwrap_or(bytes);
    let packing = DeflateFormat::of(packed).or_else(|| DeflateFormat::of(bytes));
    let len = packing.map_or(bytes.len(), |_| inflated_len(bytes.len()).min(max_line));
    most_lines(len, origin.stamp().len()) + bytes.len()
}

impl Datagram<'_> {
    /// Adds the datagram's records to `runs`; answers its number if it has one. A part of a GELF
    /// message waits for the others in `chunks`.
    ///
    /// # Errors
    ///
    /// When it speaks a protocol that is not supported.
    pub(crate) fn take<'b>(
        &self,
        bytes: &'b mut [u8],
        chunks: &mut Chunks,
        runs: &mut Vec<LineRun>,
    ) -> Result<Option<Numbered<'b>>, PeerError> {
        let received = self.received;
        let Self { origin, stats, tally, max_line, .. } = *self;
        let now = &format_utc(received);
        let minute = &Cell::default();
        let context = DecodeContext { origin, stats, tally, received, now, minute, max_line };
        if let Some((sender, number, at)) = number(bytes).filter(|_| self.pin.is_none()) {
            // The comma before the record proper is overwritten by its opening brace.
            bytes[at] = b'{';
            let line = &bytes[at..];
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let parsed = Line::parse(line).filter(|line| line.peer.is_none());
            match &parsed {
                Some(parsed) => self.splice(line, parsed, runs),
                None => self.take_plain(line, context, runs)?,
            }
            return Ok(Some(Numbered { sender, number, line: parsed }));
        }
        if matches!(self.pin, None | Some(Pinned::Gelf)) && is_chunk(bytes) {
            let Some(mut whole) = chunks.take(self.peer.place(), bytes, received) else {
                return Ok(None);
            };
            // Only text is in parts without need, and each of its lines would be a record.
            if !whole.starts_with(b"{") && DeflateFormat::of(&whole).is_none() {
                count_cut(whole.len().saturating_sub(self.max_line) as u64, self.stats);
                whole.truncate(self.max_line);
            }
            self.take_packed(&whole, context, runs)?;
        } else {
            self.take_packed(bytes, context, runs)?;
        }
        Ok(None)
    }

    /// Takes what may be packed, also behind rsyslog's `z`.
    fn take_packed(
        &self,
        bytes: &[u8],
        context: DecodeContext<'_>,
        runs: &mut Vec<LineRun>,
    ) -> Result<(), PeerError> {
        let syslog = bytes.strip_prefix(b"z").filter(|bytes| DeflateFormat::of(bytes).is_some());
        let packed = syslog.or_else(|| DeflateFormat::of(bytes).map(|_| bytes));
        let pinned_to_text = matches!(self.pin, Some(Pinned::Text | Pinned::Json));
        let Some(packed) = packed.filter(|_| !pinned_to_text) else {
            return self.take_plain(bytes, context, runs);
        };
        match unpacked(packed, context, self.max_line) {
            Some(Inflated { bytes, whole: true }) => {
                let most = FREE_RECORDS + packed.len() / BYTES_PER_RECORD;
                self.take_some(&bytes, most, context, runs)
            }
            Some(Inflated { bytes, whole: false }) => {
                take_merged(&bytes, false, context, &mut RunSink { runs, capacity: 0 });
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn take_plain(
        &self,
        bytes: &[u8],
        context: DecodeContext<'_>,
        runs: &mut Vec<LineRun>,
    ) -> Result<(), PeerError> {
        match self.take_single(bytes, context, runs) {
            true => Ok(()),
            false => self.take_some(bytes, usize::MAX, context, runs),
        }
    }

    /// Takes a datagram that is one line of a format that is recognised at once: most are, and none
    /// of it needs to be copied. `false` when it is not.
    fn take_single(
        &self,
        bytes: &[u8],
        context: DecodeContext<'_>,
        runs: &mut Vec<LineRun>,
    ) -> bool {
        let line = bytes.strip_suffix(b"\n").or_else(|| bytes.strip_suffix(&[0])).unwrap_or(bytes);
        if line.len() > self.max_line || memchr::memchr2(b'\n', 0, line).is_some() {
            return false;
        }
        let start =
            MessageStart { first: true, ended: true, counts: CountTrust::Unseen, pin: self.pin };
        let mut sink = RunSink { runs, capacity: ROOM };
        match sniff(line, start) {
            Some(Is::A(kind @ (Kind::Text | Kind::Syslog))) => {
                let message = Message { kind, bytes: line, cut: 0, note: None };
                take_message(message, context, &mut sink, &mut 0);
                true
            }
            Some(Is::A(kind @ Kind::Json)) => {
                let message = Message { kind, bytes: line, cut: 0, note: None };
                take_object(message, context, sink.plain())
            }
            _ => false,
        }
    }

    /// Takes at most so many messages of a datagram, and the rest as one. A syslog message may have
    /// several lines, unless each of them is one.
    fn take_some(
        &self,
        bytes: &[u8],
        most: usize,
        context: DecodeContext<'_>,
        runs: &mut Vec<LineRun>,
    ) -> Result<(), PeerError> {
        let mut left = UNPACKED;
        let mut sink = RunSink { runs, capacity: 0 };
        let syslog = matches!(self.pin, None | Some(Pinned::Syslog)) && bytes.starts_with(b"<");
        let text = bytes.trim_ascii_end();
        let text = text.strip_suffix(&[0]).unwrap_or(text);
        let alone = |line: &[u8]| !line.trim_ascii().is_empty() && !line.starts_with(b"<");
        if syslog && text.split(|&byte| byte == b'\n').any(alone) {
            let kept = &text[..text.len().min(self.max_line)];
            let cut = (text.len() - kept.len()) as u64;
            count_cut(cut, self.stats);
            let message = Message { kind: Kind::Syslog, bytes: kept, cut, note: None };
            take_message(message, context, &mut sink, &mut left);
            return Ok(());
        }
        let mut framing = Framing::new(self.max_line, self.pin);
        let mut taken = 0;
        for mut input in [Input::Bytes(bytes), Input::End] {
            while let Some(message) = framing.next(&mut input)? {
                count_cut(message.cut, self.stats);
                take_message(message, context, &mut sink, &mut left);
                taken += 1;
                if let Input::Bytes(rest) = input
                    && taken >= most
                    && !rest.is_empty()
                {
                    self.stats.messages_capped.add(1);
                    take_merged(rest, true, context, &mut sink);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Adds a canonical record with its identity, with the peer's address behind that.
    fn splice(&self, line: &[u8], parsed: &Line<'_>, runs: &mut Vec<LineRun>) {
        // An unescaped quote before the key: this cannot be inside a string.
        let at = memmem::find(line, b"\"time\":\"").unwrap_or(1);
        let stamp = match parsed.host {
            Some(_) => self.origin.peer_stamp(),
            None => &self.origin.stamp()[1..],
        };
        let mut sink = RunSink { runs, capacity: ROOM };
        sink.plain().splice([&line[..at], stamp, &line[at..]], parsed.gist());
        count(&self.tally.canonical);
    }
}

/// Reads `{"sender":"<32 hex>","seq":N,` and answers the position of its last comma.
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

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use std::io::Write;

    fn taken(bytes: &[u8]) -> (Option<(u128, u64)>, String) {
        let peer = "10.0.0.7:99".parse().unwrap();
        let (origin, mut chunks) = (Origin::new(peer), Chunks::new(8 << 20));
        let (stats, mut runs, mut bytes) = (Stats::default(), Vec::new(), bytes.to_vec());
        let (stats, tally) = (&stats, &Tally::default());
        let datagram = Datagram {
            origin: &origin,
            peer,
            stats,
            tally,
            max_line: 1000,
            pin: None,
            received: 0,
        };
        let numbered = datagram.take(&mut bytes, &mut chunks, &mut runs).unwrap();
        let numbered = numbered.map(|n| (n.sender.0, n.number));
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
    fn a_small_compressed_datagram_becomes_few_records() {
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&b"a\n".repeat(400)).unwrap();
        let packed = packed.finish().unwrap();
        let (_, lines) = taken(&packed);
        assert!(packed.len() < 60 && lines.lines().count() < 14, "{}", lines.lines().count());
        let last = lines.lines().last().unwrap();
        assert!(last.contains("\"merged_lines\":39"), "{last}");
        assert!(lines.len() < 8_000, "{} bytes", lines.len());
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&b"a\n".repeat(200_000)).unwrap();
        let (_, lines) = taken(&packed.finish().unwrap());
        assert!(lines.ends_with("\"kv\":{\"merged_lines\":500,\"decompressed\":\"in part\"}}\n"));
        assert_eq!(lines.lines().count(), 1);
    }

    #[test]
    fn a_datagram_costs_no_allocation() {
        let peer = "10.0.0.7:99".parse().unwrap();
        let (origin, mut chunks) = (Origin::new(peer), Chunks::new(8 << 20));
        let (stats, tally) = (Stats::default(), Tally::default());
        let datagram = Datagram {
            origin: &origin,
            peer,
            stats: &stats,
            tally: &tally,
            max_line: 1000,
            pin: None,
            received: 1_795_374_300_000_000,
        };
        for sent in [
            "a line of text",
            "<13>Nov 22 19:00:00 web1 shop[7]: order 7 is late",
            "<13>1 2026-11-22T19:00:00.123Z web1 shop 7 - [a b=\"c\"] order 7 is late",
            "{\"level\": \"warn\", \"time\": 1795374069622, \"msg\": \"late\", \"n\": [1]}",
            "{\"version\":\"1.1\",\"host\":\"vm\",\"short_message\":\"hi\",\"level\":3,\"_n\":1}",
            "{\"sender\":\"000000000000000000000000000000ff\",\"seq\":7,\"app\":\"orders\",\"host\":\"web1\",\"pid\":4242,\"time\":\"2026-11-22T18:42:23.123456Z\",\"level\":\"INFO\",\"msg\":\"m\"}",
        ] {
            let (mut bytes, mut runs) = (sent.as_bytes().to_vec(), Vec::with_capacity(4));
            let mut take = |runs: &mut Vec<LineRun>| {
                // Of a numbered record, taking it changes a byte.
                bytes.copy_from_slice(sent.as_bytes());
                datagram.take(&mut bytes, &mut chunks, runs).unwrap();
            };
            take(&mut runs);
            runs[0].lines.reserve(10_000);
            let seen = allocation_counter::measure(|| (0..10).for_each(|_| take(&mut runs)));
            assert_eq!((seen.count_total, runs[0].count), (0, 11), "{sent}");
        }
    }

    #[test]
    fn each_line_of_a_datagram_is_a_record() {
        let (_, lines) = taken(b"one\r\ntwo\n\nthree\0");
        let ends = ["\"one\"}", "\"two\"}", "\"three\"}"];
        assert_eq!(lines.lines().count(), 3);
        assert!(lines.lines().zip(ends).all(|(line, end)| line.ends_with(end)), "{lines}");
    }
}
