//! One connection's conversation, without its socket: what is to be written, what an answer means,
//! and what may be given back to the ring.

use crate::builder::Format;
use crate::ring::{Cursor, Owner};
use crate::spool::Spool;
use crate::token::Token;
use netlog_wire::{CollectorMessage, Identity, Line, Lines, SenderMessage, Text};
use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

/// An endpoint that has not welcomed us by then, and never has, is no collector of ours.
const PLAIN_AFTER: Duration = Duration::from_secs(2);

/// A collector of ours that says nothing for this long after a hello is not well.
const WELCOME_LIMIT: Duration = Duration::from_secs(10);

/// An idle connection says so this often, so that no firewall forgets it.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How many bytes of records are gathered for one write.
const BATCH: usize = 64 * 1024;

/// How far apart in the ring the places are that a session remembers: in a ring of 8 MiB at most
/// 2048 of them.
const MILE: u64 = 4096;

/// The longest reply we read.
const REPLY_LIMIT: usize = 4096;

/// What the other side has shown itself to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peer {
    /// A collector has welcomed us here before, so it will again: nothing is sent until then.
    Expected,
    /// Nothing is known; we send, and give nothing back yet.
    Unknown,
    /// A collector: what it acks is delivered.
    Collector,
    /// Anything else: what is written is delivered.
    Plain,
}

pub(crate) struct Session<'a> {
    spool: &'a Spool,
    format: Format,
    peer: Peer,
    /// Up to where the ring has been given back.
    released: Cursor,
    /// The next record to send.
    next: Cursor,
    /// Cursors between those two, `MILE` apart: an ack finds its place in the ring from the one
    /// before it. To walk there record by record would fetch all of the ring once more, long
    /// after it has left the caches.
    milestones: VecDeque<Cursor>,
    /// The number up to which everything is delivered.
    delivered: u64,
    /// The highest number the collector has acked.
    acked: u64,
    /// Whether a dead sender's last losses have been told of.
    told: bool,
    /// Whether the collector has been told that this is all a dead sender left.
    concluded: bool,
    out: Vec<u8>,
    /// How much of `out` has been written.
    written: usize,
    line: Vec<u8>,
    replies: Lines,
    began: Instant,
    spoke: Instant,
}

/// Why a conversation cannot go on.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The collector said so.
    Said(String),
    /// It did not answer the hello.
    Silent,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Said(why) => write!(f, "it refused us: {why}"),
            Self::Silent => f.write_str("it did not answer"),
        }
    }
}

impl<'a> Session<'a> {
    /// A conversation over a connection opened at `now`; `greeted` when this address has welcomed
    /// us before.
    pub(crate) fn begin(
        spool: &'a Spool,
        (format, token): (Format, &Token),
        greeted: bool,
        now: Instant,
    ) -> Self {
        let released = spool.ring.first();
        let mut out = Vec::new();
        let peer = match (format, greeted) {
            (Format::Text, _) => Peer::Plain,
            (Format::Json, true) => Peer::Expected,
            (Format::Json, false) => Peer::Unknown,
        };
        if format == Format::Json {
            let hello = spool.origin.hello(released.number, spool.crashed(), token);
            SenderMessage::Hello(hello).push(&mut out);
        }
        Self {
            spool,
            format,
            peer,
            released,
            next: released,
            milestones: VecDeque::new(),
            delivered: released.number - 1,
            acked: 0,
            told: false,
            concluded: false,
            out,
            written: 0,
            line: Vec::new(),
            replies: Lines::new(REPLY_LIMIT),
            began: now,
            spoke: now,
        }
    }

    /// What is to be written next; gathers records when nothing is left over.
    pub(crate) fn pending(&mut self) -> &[u8] {
        if self.out.is_empty() && self.peer != Peer::Expected {
            while self.out.len() < BATCH && self.gather() {}
        }
        &self.out[self.written..]
    }

    /// `count` of the pending bytes were written at `now`.
    pub(crate) fn wrote(&mut self, count: usize, now: Instant) {
        self.spoke = now;
        self.written += count;
        if self.written < self.out.len() {
            return;
        }
        self.out.clear();
        self.written = 0;
        match self.peer {
            Peer::Plain => self.deliver(self.next.number - 1),
            Peer::Collector => self.deliver_acked(),
            Peer::Expected | Peer::Unknown => {}
        }
    }

    /// Takes what the other side said.
    ///
    /// # Errors
    ///
    /// When it said that it will not take our records.
    pub(crate) fn heard(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let mut said = Vec::new();
        self.replies.feed(bytes, |line| said.extend(CollectorMessage::parse(line.bytes)));
        for reply in said {
            match reply {
                CollectorMessage::Welcome { ack } if self.format == Format::Json => {
                    self.welcome(ack)
                }
                CollectorMessage::Ack(number) if self.peer == Peer::Collector => {
                    self.acked = self.acked.max(number);
                    self.deliver_acked();
                }
                CollectorMessage::Error(why) if self.format == Format::Json => {
                    return Err(Refusal::Said(why));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Looks at the clock: gives up waiting for a welcome, keeps an idle connection alive.
    ///
    /// # Errors
    ///
    /// When a collector that has welcomed us before does not any more.
    pub(crate) fn tick(&mut self, now: Instant) -> Result<(), Refusal> {
        let waited = now.saturating_duration_since(self.began);
        let silent = now.saturating_duration_since(self.spoke);
        match self.peer {
            Peer::Expected if waited > WELCOME_LIMIT => return Err(Refusal::Silent),
            Peer::Unknown if waited > PLAIN_AFTER => {
                self.peer = Peer::Plain;
                self.wrote(0, self.spoke);
            }
            Peer::Collector if self.out.is_empty() && silent > KEEP_ALIVE => self.out.push(b'\n'),
            _ => {}
        }
        Ok(())
    }

    /// Whether the other side is a collector.
    pub(crate) fn welcomed(&self) -> bool {
        self.peer == Peer::Collector
    }

    /// Whether the other side has taken records as a healthy endpoint does.
    pub(crate) fn taken(&self) -> bool {
        matches!(self.peer, Peer::Collector | Peer::Plain)
    }

    /// Whether everything a dead sender left behind is delivered.
    pub(crate) fn drained(&mut self) -> bool {
        let all = self.spool.owner == Owner::Dead
            && self.taken()
            && self.pending().is_empty()
            && self.told
            && self.delivered + 1 >= self.next.number;
        // An empty line says so to a collector. Without it, whoever is killed in the middle of this
        // would end the connection in the same way.
        if all && self.peer == Peer::Collector && !self.concluded {
            self.concluded = true;
            self.out.push(b'\n');
        }
        all && self.out.is_empty()
    }

    /// Everything up to `ack` was in the sinks before we came.
    fn welcome(&mut self, ack: u64) {
        self.peer = Peer::Collector;
        self.deliver(ack);
        if self.next.number < self.released.number {
            self.next = self.released;
            SenderMessage::Jump(self.next.number).push(&mut self.out);
        }
    }

    /// What an older connection of ours brought can be acked before it is sent here again; but
    /// nothing is given back that was never sent.
    fn deliver_acked(&mut self) {
        let number = self.acked.min(self.next.number - 1);
        if number > self.delivered {
            self.deliver(number);
        }
    }

    fn deliver(&mut self, number: u64) {
        self.delivered = self.delivered.max(number);
        let passed = self.milestones.partition_point(|stone| stone.number <= number + 1);
        let near = self.milestones.drain(..passed).next_back().unwrap_or(self.released);
        let to = self.spool.ring.behind(near, number, self.spool.owner);
        self.spool.ring.release_to(self.released, to);
        self.released = to;
    }

    /// Appends the next record to what is to be written; `false` when there is none.
    fn gather(&mut self) -> bool {
        let start = self.out.len();
        let spool = self.spool;
        let last = self.milestones.back().unwrap_or(&self.released).position;
        if self.next.position >= last + MILE {
            self.milestones.push_back(self.next);
        }
        if !spool.read(&mut self.next, &mut self.out) {
            return self.tell_losses();
        }
        self.end_line(start);
        true
    }

    /// The last record of a dead sender tells of the losses it had no time to tell of.
    fn tell_losses(&mut self) -> bool {
        if self.spool.owner == Owner::Alive || self.told {
            return false;
        }
        self.told = true;
        let Some(line) = self.spool.untold() else { return false };
        let start = self.out.len();
        self.out.extend_from_slice(&line);
        self.end_line(start);
        self.next.number += 1;
        true
    }

    /// Makes what stands in `out` from `start` a line of the endpoint's format.
    fn end_line(&mut self, start: usize) {
        if self.format == Format::Json {
            return self.out.push(b'\n');
        }
        self.line.clear();
        self.line.extend_from_slice(&self.out[start..]);
        self.out.truncate(start);
        push_text(self.spool, &self.line, &mut self.out);
    }
}

/// A record as a line for people, under its program's name.
pub(crate) fn push_text(spool: &Spool, line: &[u8], out: &mut Vec<u8>) {
    let app = Identity { app: Some(spool.origin.app.clone()), ..Identity::default() };
    let mut stamped = vec![b'{'];
    app.push(&mut stamped);
    stamped.extend_from_slice(line.get(1..).unwrap_or_default());
    if let Some(line) = Line::parse(&stamped) {
        Text::PLAIN.push(out, &line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::Origin;
    use netlog_wire::Level;

    const LINE: &str = r#"{"time":"2026-11-22T18:42:23.123456Z","level":"INFO","msg":"m"}"#;

    fn spool(records: usize) -> Spool {
        let spool = Spool::anonymous(Origin::here("app", "host", 64 * 1024)).unwrap();
        for _ in 0..records {
            spool.append(Level::Info, LINE.as_bytes()).unwrap();
        }
        spool
    }

    fn write_all(session: &mut Session<'_>, now: Instant) -> String {
        let text = String::from_utf8(session.pending().to_vec()).unwrap();
        session.wrote(text.len(), now);
        text
    }

    #[test]
    fn a_collector_gets_a_hello_and_the_records_and_gives_them_back_by_acks() {
        let (spool, now) = (spool(3), Instant::now());
        let mut session = Session::begin(&spool, (Format::Json, &Token::default()), false, now);
        let hello = write_all(&mut session, now);
        assert!(hello.starts_with("{\"netlog\":1,") && hello.ends_with("\"next\":1}\n"), "{hello}");
        assert_eq!(write_all(&mut session, now), format!("{LINE}\n").repeat(3));
        session.heard(b"{\"netlog\":1,\"ack\":0}\n{\"ack\":2}").unwrap();
        assert_eq!(spool.ring.first().number, 1, "an ack counts when its line is whole");
        session.heard(b"\n").unwrap();
        assert_eq!(spool.ring.first().number, 3);
        session.heard(b"{\"ack\":3}\n").unwrap();
        assert_eq!(spool.ring.held(), 0);
    }

    #[test]
    fn an_ack_of_any_number_gives_back_just_the_records_up_to_it() {
        let (spool, now) = (spool(700), Instant::now());
        let mut session = Session::begin(&spool, (Format::Json, &Token::default()), false, now);
        while !write_all(&mut session, now).is_empty() {}
        assert!(spool.ring.held() > 10 * MILE);
        session.heard(b"{\"netlog\":1,\"ack\":0}\n").unwrap();
        for ack in [1, 2, 57, 58, 300, 299, 699, 700] {
            session.heard(format!("{{\"ack\":{ack}}}\n").as_bytes()).unwrap();
            assert_eq!(spool.ring.first().number, ack.max(session.delivered) + 1);
        }
        assert_eq!(spool.ring.held(), 0);
        assert!(session.milestones.is_empty());
    }

    #[test]
    fn what_was_not_acked_is_sent_again_from_its_number() {
        let (spool, now) = (spool(3), Instant::now());
        let mut first = Session::begin(&spool, (Format::Json, &Token::default()), false, now);
        write_all(&mut first, now);
        write_all(&mut first, now);
        first.heard(b"{\"netlog\":1,\"ack\":0}\n{\"ack\":1}\n").unwrap();
        let mut second = Session::begin(&spool, (Format::Json, &Token::default()), true, now);
        assert!(write_all(&mut second, now).ends_with("\"next\":2}\n"));
        assert_eq!(write_all(&mut second, now), "", "it waits for the welcome");
        second.heard(b"{\"netlog\":1,\"ack\":2}\n").unwrap();
        assert_eq!(write_all(&mut second, now), "{\"next\":3}\n");
        assert_eq!(write_all(&mut second, now), format!("{LINE}\n"));
    }

    #[test]
    fn an_ack_ahead_of_what_was_sent_counts_once_that_is_sent() {
        let (spool, now) = (spool(2), Instant::now());
        let mut session = Session::begin(&spool, (Format::Json, &Token::default()), false, now);
        session.heard(b"{\"netlog\":1,\"ack\":0}\n{\"ack\":9}\n").unwrap();
        assert_eq!(spool.ring.first().number, 1);
        write_all(&mut session, now);
        write_all(&mut session, now);
        assert_eq!((spool.ring.first().number, spool.ring.held()), (3, 0));
    }

    #[test]
    fn an_endpoint_that_never_welcomes_is_plain_after_two_seconds_and_may_still_become_a_collector()
    {
        let (spool, now) = (spool(2), Instant::now());
        let mut session = Session::begin(&spool, (Format::Json, &Token::default()), false, now);
        write_all(&mut session, now);
        write_all(&mut session, now);
        session.tick(now + Duration::from_millis(1900)).unwrap();
        assert_eq!(spool.ring.first().number, 1);
        session.tick(now + Duration::from_millis(2100)).unwrap();
        assert_eq!((spool.ring.first().number, spool.ring.held()), (3, 0));
        session.heard(b"{\"netlog\":1,\"ack\":2}\n").unwrap();
        assert!(session.welcomed());
        spool.append(Level::Info, LINE.as_bytes()).unwrap();
        write_all(&mut session, now);
        assert_eq!(spool.ring.first().number, 3, "from now on an ack is needed");
    }

    #[test]
    fn a_collector_that_stays_silent_is_left() {
        let (spool, now) = (spool(1), Instant::now());
        let mut session = Session::begin(&spool, (Format::Json, &Token::default()), true, now);
        write_all(&mut session, now);
        assert!(session.tick(now + Duration::from_secs(9)).is_ok());
        let refusal = session.tick(now + Duration::from_secs(11)).unwrap_err();
        assert_eq!(refusal.to_string(), "it did not answer");
    }

    #[test]
    fn a_refusal_is_told() {
        let (spool, now) = (spool(1), Instant::now());
        let mut session = Session::begin(&spool, (Format::Json, &Token::default()), false, now);
        let refusal = session.heard(b"hello?\n{\"error\":\"bad token\"}\n").unwrap_err();
        assert_eq!(refusal.to_string(), "it refused us: bad token");
    }

    #[test]
    fn an_idle_connection_is_kept_alive_by_an_empty_line() {
        let (spool, now) = (spool(0), Instant::now());
        let mut session = Session::begin(&spool, (Format::Json, &Token::default()), false, now);
        write_all(&mut session, now);
        session.heard(b"{\"netlog\":1,\"ack\":0}\n").unwrap();
        session.tick(now + Duration::from_secs(29)).unwrap();
        assert_eq!(write_all(&mut session, now), "");
        session.tick(now + Duration::from_secs(31)).unwrap();
        assert_eq!(write_all(&mut session, now), "\n");
    }

    #[test]
    fn an_empty_line_ends_what_a_dead_sender_left_once_all_of_it_is_acked() {
        let (mut spool, now) = (spool(2), Instant::now());
        spool.owner = Owner::Dead;
        let mut session = Session::begin(&spool, (Format::Json, &Token::default()), false, now);
        write_all(&mut session, now);
        write_all(&mut session, now);
        session.heard(b"{\"netlog\":1,\"ack\":0}\n{\"ack\":1}\n").unwrap();
        assert!(!session.drained() && write_all(&mut session, now).is_empty());
        session.heard(b"{\"ack\":2}\n").unwrap();
        assert!(!session.drained());
        assert_eq!(write_all(&mut session, now), "\n");
        assert!(session.drained());
    }

    #[test]
    fn a_collector_that_takes_nothing_for_long_is_not_owed_one_empty_line_after_another() {
        let (spool, now) = (spool(1), Instant::now());
        let mut session = Session::begin(&spool, (Format::Json, &Token::default()), false, now);
        write_all(&mut session, now);
        session.heard(b"{\"netlog\":1,\"ack\":0}\n").unwrap();
        for second in 31..1000 {
            session.tick(now + Duration::from_secs(second)).unwrap();
        }
        assert_eq!(write_all(&mut session, now), "\n");
        assert_eq!(write_all(&mut session, now), format!("{LINE}\n"));
    }

    #[test]
    fn text_is_for_people_and_delivered_when_written() {
        let (spool, now) = (spool(1), Instant::now());
        let mut session = Session::begin(&spool, (Format::Text, &Token::default()), false, now);
        assert_eq!(write_all(&mut session, now), "2026-11-22 18:42:23.123456 INFO  [app] m\n");
        assert_eq!(spool.ring.held(), 0);
    }

    #[test]
    fn losses_are_told_once_there_is_room() {
        let (spool, now) = (spool(0), Instant::now());
        while spool.append(Level::Info, LINE.as_bytes()).is_ok() {}
        spool.lose(Level::Info, 1);
        spool.lose(Level::Debug, 1);
        spool.report_losses();
        assert_eq!(spool.unreported(), 2, "there is no room yet");
        let mut session = Session::begin(&spool, (Format::Text, &Token::default()), false, now);
        write_all(&mut session, now);
        spool.report_losses();
        spool.report_losses();
        assert_eq!(spool.unreported(), 0);
        let told = write_all(&mut session, now);
        let expected = "2 records were lost for want of room in the spool (so far in all: 1 INFO, 1 DEBUG) lost=2\n";
        assert_eq!(told.matches("lost=").count(), 1);
        assert!(told.ends_with(expected), "{told}");
    }
}
