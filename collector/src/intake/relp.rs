//! RELP (Reliable Event Logging Protocol): each syslog message is answered by its number once it is
//! in the sinks, so that rsyslog keeps what is not.

use super::frames::{AfterFrame, Frame, FrameError, FrameProtocol};
use crate::clock::now;
use crate::decode::post::line_records;
use crate::decode::relp::{RelpFrame, RelpPart};
use crate::stats::{Counter, Stats};

/// Answer to the offer of a client.
const OFFER: &str = "200 OK\nrelp_version=0\nrelp_software=netlog\ncommands=syslog";

/// The messages of a connection.
pub(super) struct RelpFrames {
    /// The longest frame.
    limit: usize,
    opened: bool,
}

impl RelpFrames {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, opened: false }
    }
}

impl FrameProtocol for RelpFrames {
    const NAME: &'static str = "RELP";

    fn next<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<Frame<'a>>, FrameError> {
        let malformed = |_| FrameError::Malformed("not a frame");
        let RelpFrame { number, command, content, len } = match RelpFrame::parse(bytes) {
            Ok(RelpPart::Whole(frame)) if frame.len <= self.limit => frame,
            Ok(RelpPart::Needs(len)) if len <= self.limit => return Ok(None),
            Ok(_) => return Err(FrameError::TooLong),
            Err(error) => return Err(malformed(error)),
        };
        let mut frame = Frame { len, records: None, answer: Vec::new(), next: AfterFrame::More };
        let answer = match command {
            b"open" => {
                self.opened = true;
                OFFER
            }
            b"syslog" if self.opened => {
                let message = content.strip_suffix(b"\n").unwrap_or(content);
                if !message.trim_ascii().is_empty() {
                    frame.records = Some(line_records(message, now()));
                }
                "200 OK"
            }
            b"syslog" => "500 expected open",
            b"close" => {
                frame.next = AfterFrame::Done;
                ""
            }
            _ => "500 unknown command",
        };
        frame.answer = response(number, answer);
        if frame.next == AfterFrame::Done {
            frame.answer.extend_from_slice(self.farewell());
        }
        Ok(Some(frame))
    }

    fn farewell(&self) -> &'static [u8] {
        b"0 serverclose 0\n"
    }

    fn records(stats: &Stats) -> &Counter {
        &stats.records_relp
    }
}

fn response(number: u64, answer: &str) -> Vec<u8> {
    let blank = if answer.is_empty() { "" } else { " " };
    format!("{number} rsp {}{blank}{answer}\n", answer.len()).into_bytes()
}
