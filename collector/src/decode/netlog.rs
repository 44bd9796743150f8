//! The conversation with a netlog sender: who it is, and which number each of its lines has.

use super::message::Message;
use super::name::fit;
use super::origin::Origin;
use super::run_sink::{DecodeContext, RunSink};
use super::to_record::{PlainLine, take_plain};
use crate::hub::line_run::{LineRun, Source};
use crate::senders::identity::{Sender, SenderId};
use crate::senders::owner::Owner;
use crate::senders::peer_error::PeerError;
use crate::stats::count;
use netlog_wire::{Hello, Identity, Level, LineMeta, MAX_NUMBER, Record, SenderMessage, VERSION};
use std::sync::Arc;

/// A connection since its hello.
#[derive(Debug)]
pub(crate) struct Conversation {
    sender: Arc<Sender>,
    next: u64,
}

impl Conversation {
    /// Begins with `hello`, if it is one this collector can take.
    pub(crate) fn new(hello: Hello, origin: &Origin, owner: Owner) -> Result<Self, PeerError> {
        if hello.netlog != VERSION {
            let words =
                format!("unknown version {}: this collector speaks {VERSION}", hello.netlog);
            return Err(PeerError::Rejected(words));
        }
        let id = Some(&hello.sender).filter(|id| Hello::valid_sender(id));
        let id = id.and_then(|id| u128::from_str_radix(id, 16).ok()).map(SenderId);
        let id = id.ok_or_else(|| PeerError::Rejected("malformed sender id".into()))?;
        let next = number(hello.next)?;
        if !origin.may_name(&hello.host) {
            let peer = origin.peer().trim_start_matches("tls:");
            let words = format!("the certificate is for {peer}, not for host {}", fit(hello.host));
            return Err(PeerError::Rejected(words));
        }
        let identity = Identity {
            app: Some(fit(hello.app)),
            host: Some(fit(hello.host)),
            pid: Some(hello.pid.into()),
            peer: Some(origin.peer().to_owned()),
        };
        let mut sender = Sender::new(id, identity, hello.recovered);
        sender.recovered_after = hello.recovered_after;
        sender.last_left = hello.left.map(|left| next.saturating_add(left).saturating_sub(1));
        sender.takes_filters = hello.takes_filters && !hello.recovered;
        sender.owner = owner;
        Ok(Self { sender: Arc::new(sender), next })
    }

    pub(crate) fn sender(&self) -> &Arc<Sender> {
        &self.sender
    }

    /// Takes one line after the hello: a record, a jump or a keep-alive.
    pub(crate) fn take(
        &mut self,
        message: Message<'_>,
        context: DecodeContext<'_>,
        sink: &mut RunSink<'_>,
    ) -> Result<(), PeerError> {
        let line = message.bytes;
        if line.is_empty() && message.cut == 0 {
            return Ok(());
        }
        if let Some(greeting) = greeting(line) {
            let SenderMessage::Jump(next) = greeting else {
                return Err(PeerError::Rejected("a second hello".into()));
            };
            self.next = number(next)?;
            return Ok(());
        }
        let next = self.next;
        let sender = &self.sender;
        let follows = |run: &LineRun| run.first + run.count == next;
        let run = sink.run(follows, || (Source::Netlog(sender.clone()), next));
        self.next += 1;
        take_record(message, sender, context, run);
        Ok(())
    }
}

fn greeting(line: &[u8]) -> Option<SenderMessage> {
    // A record in canonical order begins with its time; this keeps the common case short.
    if line.starts_with(b"{\"time\":") { None } else { SenderMessage::parse(line) }
}

/// Adds exactly one record, whatever the line is: it has a number.
fn take_record(
    message: Message<'_>,
    sender: &Sender,
    context: DecodeContext<'_>,
    run: &mut LineRun,
) {
    let line = message.bytes;
    if message.cut == 0 {
        let mut minute = context.minute.get();
        if let Some(gist) = LineMeta::of(line, &mut minute) {
            context.minute.set(minute);
            run.splice([sender.stamp(), &line[1..]], gist);
            return count(&context.tally.canonical);
        }
        if let Ok(mut record) = Record::from_json(line, context.received) {
            record.refuse_claims();
            run.record(&record, &sender.identity);
            return count(&context.tally.json);
        }
    }
    let plain =
        PlainLine { line, cut: message.cut, level: Level::Info, identity: &sender.identity };
    take_plain(plain, context, run);
}

fn number(next: u64) -> Result<u64, PeerError> {
    match next {
        0 => Err(PeerError::Rejected("numbers begin at 1".into())),
        1..MAX_NUMBER => Ok(next),
        _ => Err(PeerError::Rejected("number out of range".into())),
    }
}
