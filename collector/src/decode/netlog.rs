//! The conversation with a netlog sender: who it is, and which number each of its lines has.

use super::lines::take_plain;
use super::{Origin, Receipt, Refusal, Slot};
use crate::hub::line_run::{LineRun, Source};
use crate::senders::identity::{Sender, SenderId};
use crate::stats::count;
use netlog_wire::{Hello, Identity, Level, LineMeta, Piece, Record, SenderMessage, VERSION};
use std::sync::Arc;

/// The longest app or host kept. Every record carries them: longer ones would blow up a peer's
/// lines at our cost.
const MAX_NAME: usize = 128;

/// Far beyond any count of records, far below where counting on overflows.
const MAX_NUMBER: u64 = 1 << 62;

/// What has been said on a connection since its hello.
#[derive(Debug)]
pub(crate) struct Conversation {
    sender: Arc<Sender>,
    next: u64,
}

impl Conversation {
    /// Begins with `hello`, if it is one this collector can take.
    pub(crate) fn new(hello: Hello, origin: &Origin) -> Result<Self, Refusal> {
        if hello.netlog != VERSION {
            let words =
                format!("unknown version {}: this collector speaks {VERSION}", hello.netlog);
            return Err(Refusal(words));
        }
        let id = Some(&hello.sender).filter(|id| Hello::valid_sender(id));
        let id = id.and_then(|id| u128::from_str_radix(id, 16).ok()).map(SenderId);
        let id = id.ok_or_else(|| Refusal("malformed sender id".into()))?;
        let next = number(hello.next)?;
        let identity = Identity {
            app: Some(fit(hello.app)),
            host: Some(fit(hello.host)),
            pid: Some(hello.pid.into()),
            peer: Some(origin.peer().to_owned()),
        };
        let sender = Sender::new(id, identity, hello.recovered);
        Ok(Self { sender: Arc::new(sender), next })
    }

    pub(crate) fn sender(&self) -> &Arc<Sender> {
        &self.sender
    }

    /// Takes one line after the hello: a record, a jump or a keep-alive.
    pub(crate) fn take(
        &mut self,
        piece: Piece<'_>,
        receipt: Receipt<'_>,
        slot: Slot<'_>,
    ) -> Result<(), Refusal> {
        let line = piece.bytes;
        if line.is_empty() && piece.cut == 0 {
            return Ok(());
        }
        if let Some(greeting) = greeting(line) {
            let SenderMessage::Jump(next) = greeting else {
                return Err(Refusal("a second hello".into()));
            };
            self.next = number(next)?;
            return Ok(());
        }
        let (next, sender) = (self.next, &self.sender);
        let follows = |run: &LineRun| run.first + run.count == next;
        let run = slot.run(follows, || (Source::Netlog(sender.clone()), next));
        self.next += 1;
        take_record(piece, sender, receipt, run);
        Ok(())
    }
}

fn greeting(line: &[u8]) -> Option<SenderMessage> {
    // A record in canonical order begins with its time; this keeps the common case short.
    if line.starts_with(b"{\"time\":") { None } else { SenderMessage::parse(line) }
}

/// Adds exactly one record, whatever the line is: it has a number.
fn take_record(piece: Piece<'_>, sender: &Sender, receipt: Receipt<'_>, run: &mut LineRun) {
    let line = piece.bytes;
    if piece.cut == 0 {
        let mut minute = receipt.minute.get();
        if let Some(gist) = LineMeta::of(line, &mut minute) {
            receipt.minute.set(minute);
            run.splice([sender.stamp(), &line[1..]], gist);
            return count(&receipt.tally.canonical);
        }
        if let Ok(mut record) = Record::from_json(line, receipt.received) {
            record.refuse_claims();
            run.record(&record, &sender.identity);
            return count(&receipt.tally.json);
        }
    }
    take_plain(piece.cut, line, (Level::Info, receipt, &sender.identity), run);
}

fn fit(mut name: String) -> String {
    let end = (0..=MAX_NAME.min(name.len())).rev().find(|end| name.is_char_boundary(*end));
    name.truncate(end.unwrap_or(0));
    name
}

fn number(next: u64) -> Result<u64, Refusal> {
    match next {
        0 => Err(Refusal("numbers begin at 1".into())),
        1..MAX_NUMBER => Ok(next),
        _ => Err(Refusal("number out of range".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_between_characters() {
        assert_eq!(fit("orders".into()), "orders");
        assert_eq!(fit("é".repeat(100)), "é".repeat(64));
        assert_eq!(fit(format!("x{}", "é".repeat(100))), format!("x{}", "é".repeat(63)));
    }
}
