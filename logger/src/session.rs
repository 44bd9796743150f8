//! The protocol of one connection, without its socket: bytes to write, the meaning of answers, and
//! the records that may be released from the ring.

use crate::builder::Format;
use crate::ring::{Cursor, Owner};
use crate::spool::Spool;
use crate::token::Token;
use netlog_wire::{CollectorMessage, FilterOrder, Lines, SenderMessage, push_sanitized};
use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

/// Time after which an endpoint that never welcomed us is treated as a plain one.
const PLAIN_AFTER: Duration = Duration::from_secs(2);

/// Interval of empty lines on an idle connection, so that no firewall forgets it.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Bytes of records gathered for one write.
const BATCH: usize = 64 * 1024;

/// Distance of the positions that a session remembers: in a ring of 8 MiB at most 2048 of them.
const MILESTONE: u64 = 4096;

/// Longest answer that is read.
const REPLY_LIMIT: usize = 4096;

/// Kind of the other side, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PeerKind {
    /// A collector has welcomed us at this address before: nothing is sent until it does again.
    Expected,
    /// Unknown: records are sent but not released yet.
    Unknown,
    /// A collector: acked records are delivered.
    Collector,
    /// Anything else: written records are delivered.
    Plain,
}

/// Options of a connection.
pub(crate) struct SessionOptions<'a> {
    pub(crate) format: Format,
    pub(crate) token: &'a Token,
    /// A collector has welcomed us at this address before.
    pub(crate) known_collector: bool,
    /// Time after which a known collector that does not answer the hello is given up.
    pub(crate) welcome_limit: Duration,
    /// The program obeys orders to log by another filter.
    pub(crate) takes_filters: bool,
}

/// The state of one connection.
pub(crate) struct Session<'a> {
    spool: &'a Spool,
    format: Format,
    welcome_limit: Duration,
    peer: PeerKind,
    /// End of the records that were released from the ring.
    released: Cursor,
    /// The next record to send.
    next: Cursor,
    /// Cursors between those two, `MILESTONE` apart: the position of an ack is searched from the one
    /// before it. A walk over all records would fetch all of the ring once more, long after it has
    /// left the caches.
    milestones: VecDeque<Cursor>,
    /// Number of the last delivered record.
    delivered: u64,
    /// The highest number the collector has acked.
    acked: u64,
    /// `true` once a dead sender's last losses are reported.
    losses_reported: bool,
    /// `true` once the collector knows that a dead sender left nothing more.
    concluded: bool,
    /// `true` if no further records are to be sent.
    held: bool,
    takes_filters: bool,
    /// The last order, until it is obeyed.
    order: Option<FilterOrder>,
    out: Vec<u8>,
    /// Bytes of `out` that are written.
    written: usize,
    line: Vec<u8>,
    replies: Lines,
    began: Instant,
    last_write: Instant,
}

/// Reason why a session cannot go on.
#[derive(Debug)]
pub(crate) enum SessionError {
    /// The collector refused our records.
    Refused(String),
    /// It did not answer the hello.
    Silent,
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "the collector refused the connection: {why}"),
            Self::Silent => f.write_str("the collector did not answer"),
        }
    }
}

impl<'a> Session<'a> {
    /// Starts the protocol on a connection opened at `now`.
    pub(crate) fn begin(spool: &'a Spool, options: &SessionOptions<'_>, now: Instant) -> Self {
        let SessionOptions { format, token, known_collector, welcome_limit, takes_filters } =
            *options;
        let released = spool.ring.first();
        let mut out = Vec::new();
        let peer = match (format, known_collector) {
            (Format::Text, _) => PeerKind::Plain,
            (Format::Json, true) => PeerKind::Expected,
            (Format::Json, false) => PeerKind::Unknown,
        };
        if format == Format::Json {
            let mut hello = spool.identity.hello(released.number, token);
            hello.recovered = spool.crashed();
            hello.recovered_after = spool.recovered_after();
            hello.left = spool.left();
            hello.takes_filters = takes_filters;
            SenderMessage::Hello(hello).push(&mut out);
        }
        Self {
            spool,
            format,
            welcome_limit,
            peer,
            released,
            next: released,
            milestones: VecDeque::new(),
            delivered: released.number - 1,
            acked: 0,
            losses_reported: false,
            concluded: false,
            held: false,
            takes_filters,
            order: None,
            out,
            written: 0,
            line: Vec::new(),
            replies: Lines::new(REPLY_LIMIT),
            began: now,
            last_write: now,
        }
    }

    /// Bytes to write next; gathers records when nothing is left over.
    pub(crate) fn pending(&mut self) -> &[u8] {
        if self.out.is_empty() && self.peer != PeerKind::Expected && !self.held {
            while self.out.len() < BATCH && self.gather() {}
        }
        &self.out[self.written..]
    }

    /// End of the records gathered so far.
    pub(crate) fn gathered(&self) -> Cursor {
        self.next
    }

    /// Sends no further records, so that all that were sent can be acknowledged.
    pub(crate) fn hold(&mut self) {
        self.held = true;
    }

    /// Notes that `count` of the pending bytes were written at `now`.
    pub(crate) fn wrote(&mut self, count: usize, now: Instant) {
        self.last_write = now;
        self.written += count;
        if self.written < self.out.len() {
            return;
        }
        self.out.clear();
        self.written = 0;
        match self.peer {
            PeerKind::Plain => self.deliver(self.next.number - 1),
            PeerKind::Collector => self.deliver_acked(),
            PeerKind::Expected | PeerKind::Unknown => {}
        }
    }

    /// Processes bytes from the other side.
    ///
    /// # Errors
    ///
    /// When the collector refuses our records.
    pub(crate) fn received(&mut self, bytes: &[u8]) -> Result<(), SessionError> {
        let mut answers = Vec::new();
        self.replies.feed(bytes, |line| answers.extend(CollectorMessage::parse(line.bytes)));
        for answer in answers {
            match answer {
                CollectorMessage::Welcome { ack } if self.format == Format::Json => {
                    self.welcome(ack)
                }
                CollectorMessage::Ack(number) if self.peer == PeerKind::Collector => {
                    self.acked = self.acked.max(number);
                    self.deliver_acked();
                }
                CollectorMessage::Filter(order)
                    if self.takes_filters && self.peer == PeerKind::Collector =>
                {
                    self.order = Some(order);
                }
                CollectorMessage::Error(why) if self.format == Format::Json => {
                    return Err(SessionError::Refused(sanitize(&why)));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Applies the time limits: gives up waiting for a welcome, keeps an idle connection alive.
    ///
    /// # Errors
    ///
    /// When a known collector does not answer.
    pub(crate) fn tick(&mut self, now: Instant) -> Result<(), SessionError> {
        let waited = now.saturating_duration_since(self.began);
        let silent = now.saturating_duration_since(self.last_write);
        match self.peer {
            PeerKind::Expected if waited > self.welcome_limit => return Err(SessionError::Silent),
            PeerKind::Unknown if waited > PLAIN_AFTER => {
                self.peer = PeerKind::Plain;
                self.wrote(0, self.last_write);
            }
            PeerKind::Collector if self.out.is_empty() && silent > KEEP_ALIVE => {
                self.out.push(b'\n')
            }
            _ => {}
        }
        Ok(())
    }

    /// The last order that came, once.
    pub(crate) fn take_order(&mut self) -> Option<FilterOrder> {
        self.order.take()
    }

    /// Changes whenever an answer of the other side meant something.
    pub(crate) fn progress(&self) -> (bool, u64) {
        (self.welcomed(), self.delivered)
    }

    /// `true` while a welcome or an ack is due.
    pub(crate) fn expects_answer(&self) -> bool {
        match self.peer {
            PeerKind::Expected | PeerKind::Unknown => true,
            PeerKind::Collector => self.delivered + 1 < self.next.number,
            PeerKind::Plain => false,
        }
    }

    /// `true` if the other side is a collector.
    pub(crate) fn welcomed(&self) -> bool {
        self.peer == PeerKind::Collector
    }

    /// `true` if the other side takes records as a healthy endpoint does.
    pub(crate) fn took_records(&self) -> bool {
        matches!(self.peer, PeerKind::Collector | PeerKind::Plain)
    }

    /// `true` when everything a dead sender left behind is delivered.
    pub(crate) fn drained(&mut self) -> bool {
        let all = self.spool.owner == Owner::Dead
            && self.took_records()
            && self.pending().is_empty()
            && self.losses_reported
            && self.delivered + 1 >= self.next.number;
        // An empty line tells the collector so. Without it, a deliverer that is killed half-way
        // would end the connection in the same way.
        if all && self.peer == PeerKind::Collector && !self.concluded {
            self.concluded = true;
            self.out.push(b'\n');
        }
        all && self.out.is_empty()
    }

    /// Handles a welcome: everything up to `ack` was in the sinks before this connection.
    fn welcome(&mut self, ack: u64) {
        self.peer = PeerKind::Collector;
        self.deliver(ack);
        self.spool.begin_recovery(self.delivered);
        if self.next.number < self.released.number {
            self.next = self.released;
            SenderMessage::Jump(self.next.number).push(&mut self.out);
        }
    }

    /// Releases acked records. Records of an older connection can be acked before they are sent
    /// here again, but nothing is released that was never sent.
    fn deliver_acked(&mut self) {
        let number = self.acked.min(self.next.number - 1);
        if number > self.delivered {
            self.deliver(number);
        }
    }

    fn deliver(&mut self, number: u64) {
        let passed =
            self.milestones.partition_point(|stone| stone.number <= number.saturating_add(1));
        let near = self.milestones.drain(..passed).next_back().unwrap_or(self.released);
        let to = self.spool.ring.behind(near, number, self.spool.owner);
        self.spool.ring.release_to(self.released, to);
        self.released = to;
        // A report of losses may follow the last record. No other number is true behind it.
        self.delivered = self.delivered.max(number.min(to.number));
    }

    /// Appends the next record to the bytes to write; `false` when there is none.
    fn gather(&mut self) -> bool {
        let start = self.out.len();
        let spool = self.spool;
        let last = self.milestones.back().unwrap_or(&self.released).position;
        if self.next.position >= last + MILESTONE {
            self.milestones.push_back(self.next);
        }
        if !spool.read(&mut self.next, &mut self.out) {
            return self.gather_losses();
        }
        self.end_line(start);
        true
    }

    /// Appends a last record that reports the losses a dead sender had no time to report.
    fn gather_losses(&mut self) -> bool {
        if self.spool.owner == Owner::Alive || self.losses_reported {
            return false;
        }
        self.losses_reported = true;
        let Some(line) = self.spool.unreported_losses() else { return false };
        let start = self.out.len();
        self.out.extend_from_slice(&line);
        self.end_line(start);
        self.next.number += 1;
        true
    }

    /// Turns the record at `start` of `out` into a line of the endpoint's format.
    fn end_line(&mut self, start: usize) {
        if self.format == Format::Json {
            return self.out.push(b'\n');
        }
        self.line.clear();
        self.line.extend_from_slice(&self.out[start..]);
        self.out.truncate(start);
        self.spool.identity.push_text(&self.line, &mut self.out);
    }
}

/// Text of a peer that is safe to print, and not longer than a line.
fn sanitize(text: &str) -> String {
    const LONGEST: usize = 200;
    let mut safe = Vec::new();
    push_sanitized(&mut safe, &text[..text.floor_char_boundary(LONGEST)]);
    String::from_utf8_lossy(&safe).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::SenderIdentity;
    use netlog_wire::Level;

    const LINE: &str = r#"{"time":"2026-11-22T18:42:23.123456Z","level":"INFO","msg":"m"}"#;

    fn spool(records: usize) -> Spool {
        let spool = Spool::anonymous(SenderIdentity::current("app", "host", 64 * 1024)).unwrap();
        for _ in 0..records {
            spool.append(Level::Info, LINE.as_bytes()).unwrap();
        }
        spool
    }

    fn begin(spool: &Spool, format: Format, known_collector: bool, now: Instant) -> Session<'_> {
        let token = &Token::default();
        let options = SessionOptions {
            format,
            token,
            known_collector,
            welcome_limit: Duration::from_secs(10),
            takes_filters: false,
        };
        Session::begin(spool, &options, now)
    }

    fn write_all(session: &mut Session<'_>, now: Instant) -> String {
        let text = String::from_utf8(session.pending().to_vec()).unwrap();
        session.wrote(text.len(), now);
        text
    }

    #[test]
    fn a_collector_gets_a_hello_and_the_records_and_gives_them_back_by_acks() {
        let spool = spool(3);
        let now = Instant::now();
        let mut session = begin(&spool, Format::Json, false, now);
        let hello = write_all(&mut session, now);
        assert!(hello.starts_with("{\"netlog\":1,") && hello.ends_with("\"next\":1}\n"), "{hello}");
        assert_eq!(write_all(&mut session, now), format!("{LINE}\n").repeat(3));
        session.received(b"{\"netlog\":1,\"ack\":0}\n{\"ack\":2}").unwrap();
        assert_eq!(spool.ring.first().number, 1, "an ack counts when its line is whole");
        session.received(b"\n").unwrap();
        assert_eq!(spool.ring.first().number, 3);
        session.received(b"{\"ack\":3}\n").unwrap();
        assert_eq!(spool.ring.held(), 0);
    }

    #[test]
    fn an_ack_of_any_number_gives_back_just_the_records_up_to_it() {
        let spool = spool(700);
        let now = Instant::now();
        let mut session = begin(&spool, Format::Json, false, now);
        while !write_all(&mut session, now).is_empty() {}
        assert!(spool.ring.held() > 10 * MILESTONE);
        session.received(b"{\"netlog\":1,\"ack\":0}\n").unwrap();
        for ack in [1, 2, 57, 58, 300, 299, 699, 700] {
            session.received(format!("{{\"ack\":{ack}}}\n").as_bytes()).unwrap();
            assert_eq!(spool.ring.first().number, ack.max(session.delivered) + 1);
        }
        assert_eq!(spool.ring.held(), 0);
        assert!(session.milestones.is_empty());
    }

    #[test]
    fn a_session_that_holds_sends_what_it_has_begun_and_no_more() {
        let spool = spool(2);
        let now = Instant::now();
        let mut session = begin(&spool, Format::Json, false, now);
        write_all(&mut session, now);
        session.received(b"{\"netlog\":1,\"ack\":0}\n").unwrap();
        assert!(!session.pending().is_empty());
        session.hold();
        spool.append(Level::Info, LINE.as_bytes()).unwrap();
        assert_eq!(write_all(&mut session, now), format!("{LINE}\n").repeat(2));
        assert_eq!(write_all(&mut session, now), "");
        session.received(b"{\"ack\":2}\n").unwrap();
        assert!(!session.expects_answer());
    }

    #[test]
    fn what_was_not_acked_is_sent_again_from_its_number() {
        let spool = spool(3);
        let now = Instant::now();
        let mut first = begin(&spool, Format::Json, false, now);
        write_all(&mut first, now);
        write_all(&mut first, now);
        first.received(b"{\"netlog\":1,\"ack\":0}\n{\"ack\":1}\n").unwrap();
        let mut second = begin(&spool, Format::Json, true, now);
        assert!(write_all(&mut second, now).ends_with("\"next\":2}\n"));
        assert_eq!(write_all(&mut second, now), "", "it waits for the welcome");
        second.received(b"{\"netlog\":1,\"ack\":2}\n").unwrap();
        assert_eq!(write_all(&mut second, now), "{\"next\":3}\n");
        assert_eq!(write_all(&mut second, now), format!("{LINE}\n"));
    }

    #[test]
    fn an_ack_of_the_greatest_number_overflows_nothing_and_the_session_ends() {
        for answers in [
            "{\"netlog\":1,\"ack\":18446744073709551615}\n",
            "{\"netlog\":1,\"ack\":0}\n{\"ack\":18446744073709551615}\n",
        ] {
            let mut spool = spool(3);
            let now = Instant::now();
            spool.owner = Owner::Dead;
            let mut session = begin(&spool, Format::Json, false, now);
            session.received(answers.as_bytes()).unwrap();
            for _ in 0..4 {
                write_all(&mut session, now);
                session.drained();
            }
            assert!(session.drained(), "{answers}");
            assert_eq!(spool.ring.held(), 0);
        }
    }

    #[test]
    fn an_ack_ahead_of_what_was_sent_counts_once_that_is_sent() {
        let spool = spool(2);
        let now = Instant::now();
        let mut session = begin(&spool, Format::Json, false, now);
        session.received(b"{\"netlog\":1,\"ack\":0}\n{\"ack\":9}\n").unwrap();
        assert_eq!(spool.ring.first().number, 1);
        write_all(&mut session, now);
        write_all(&mut session, now);
        assert_eq!((spool.ring.first().number, spool.ring.held()), (3, 0));
    }

    #[test]
    fn an_endpoint_that_never_welcomes_is_plain_after_two_seconds_and_may_still_become_a_collector()
    {
        let spool = spool(2);
        let now = Instant::now();
        let mut session = begin(&spool, Format::Json, false, now);
        write_all(&mut session, now);
        write_all(&mut session, now);
        session.tick(now + Duration::from_millis(1900)).unwrap();
        assert_eq!(spool.ring.first().number, 1);
        session.tick(now + Duration::from_millis(2100)).unwrap();
        assert_eq!((spool.ring.first().number, spool.ring.held()), (3, 0));
        session.received(b"{\"netlog\":1,\"ack\":2}\n").unwrap();
        assert!(session.welcomed());
        spool.append(Level::Info, LINE.as_bytes()).unwrap();
        write_all(&mut session, now);
        assert_eq!(spool.ring.first().number, 3, "from now on an ack is needed");
    }

    #[test]
    fn a_collector_that_stays_silent_is_left() {
        let spool = spool(1);
        let now = Instant::now();
        let mut session = begin(&spool, Format::Json, true, now);
        write_all(&mut session, now);
        assert!(session.tick(now + Duration::from_secs(9)).is_ok());
        let error = session.tick(now + Duration::from_secs(11)).unwrap_err();
        assert_eq!(error.to_string(), "the collector did not answer");
    }

    #[test]
    fn a_refusal_is_an_error() {
        let spool = spool(1);
        let now = Instant::now();
        let mut session = begin(&spool, Format::Json, false, now);
        let error = session.received(b"hello?\n{\"error\":\"bad token\"}\n").unwrap_err();
        assert_eq!(error.to_string(), "the collector refused the connection: bad token");
        let long = "x".repeat(3000);
        let hostile = format!("{{\"error\":\"\\u001b[2J\\u202e{long}\"}}\n");
        let error = session.received(hostile.as_bytes()).unwrap_err().to_string();
        assert!(!error.contains(['\u{1b}', '\u{202e}']) && error.len() < 300, "{error}");
    }

    #[test]
    fn only_a_collector_gives_orders_and_only_to_a_program_that_offers_to_obey() {
        let order = b"{\"filter\":\"debug\",\"until\":\"2026-11-22T19:12:00Z\",\"by\":\"ann\"}\n";
        let welcome = b"{\"netlog\":1,\"ack\":0}\n";
        let spool = spool(0);
        let now = Instant::now();
        let mut deaf = begin(&spool, Format::Json, false, now);
        assert!(!write_all(&mut deaf, now).contains("\"can\""));
        deaf.received(welcome).unwrap();
        deaf.received(order).unwrap();
        assert_eq!(deaf.take_order(), None);
        let options = SessionOptions {
            format: Format::Json,
            token: &Token::default(),
            known_collector: false,
            welcome_limit: Duration::from_secs(10),
            takes_filters: true,
        };
        let mut session = Session::begin(&spool, &options, now);
        assert!(write_all(&mut session, now).ends_with(",\"can\":[\"filter\"]}\n"));
        session.received(order).unwrap();
        assert_eq!(session.take_order(), None, "nobody has welcomed us");
        session.received(welcome).unwrap();
        session.received(order).unwrap();
        assert_eq!(session.take_order().unwrap().directives.as_deref(), Some("debug"));
        assert_eq!(session.take_order(), None);
    }

    #[test]
    fn an_idle_connection_is_kept_alive_by_an_empty_line() {
        let spool = spool(0);
        let now = Instant::now();
        let mut session = begin(&spool, Format::Json, false, now);
        write_all(&mut session, now);
        session.received(b"{\"netlog\":1,\"ack\":0}\n").unwrap();
        session.tick(now + Duration::from_secs(29)).unwrap();
        assert_eq!(write_all(&mut session, now), "");
        session.tick(now + Duration::from_secs(31)).unwrap();
        assert_eq!(write_all(&mut session, now), "\n");
    }

    #[test]
    fn an_empty_line_ends_what_a_dead_sender_left_once_all_of_it_is_acked() {
        let mut spool = spool(2);
        let now = Instant::now();
        spool.owner = Owner::Dead;
        let mut session = begin(&spool, Format::Json, false, now);
        write_all(&mut session, now);
        write_all(&mut session, now);
        session.received(b"{\"netlog\":1,\"ack\":0}\n{\"ack\":1}\n").unwrap();
        assert!(!session.drained() && write_all(&mut session, now).is_empty());
        session.received(b"{\"ack\":2}\n").unwrap();
        assert!(!session.drained());
        assert_eq!(write_all(&mut session, now), "\n");
        assert!(session.drained());
    }

    #[test]
    fn a_collector_that_takes_nothing_for_long_is_not_owed_one_empty_line_after_another() {
        let spool = spool(1);
        let now = Instant::now();
        let mut session = begin(&spool, Format::Json, false, now);
        write_all(&mut session, now);
        session.received(b"{\"netlog\":1,\"ack\":0}\n").unwrap();
        for second in 31..1000 {
            session.tick(now + Duration::from_secs(second)).unwrap();
        }
        assert_eq!(write_all(&mut session, now), "\n");
        assert_eq!(write_all(&mut session, now), format!("{LINE}\n"));
    }

    #[test]
    fn text_is_for_people_and_delivered_when_written() {
        let spool = spool(1);
        let now = Instant::now();
        let mut session = begin(&spool, Format::Text, false, now);
        assert_eq!(write_all(&mut session, now), "2026-11-22 18:42:23.123456 INFO  [app] m\n");
        assert_eq!(spool.ring.held(), 0);
    }

    #[test]
    fn losses_are_reported_once_there_is_room() {
        let spool = spool(0);
        let now = Instant::now();
        while spool.append(Level::Info, LINE.as_bytes()).is_ok() {}
        spool.lose(Level::Info, 1);
        spool.lose(Level::Debug, 1);
        spool.report_losses();
        assert_eq!(spool.unreported(), 2, "there is no room yet");
        let mut session = begin(&spool, Format::Text, false, now);
        write_all(&mut session, now);
        spool.report_losses();
        spool.report_losses();
        assert_eq!(spool.unreported(), 0);
        let text = write_all(&mut session, now);
        let expected = "2 records were lost because the spool was full (since the start: 1 INFO, 1 DEBUG) lost=2\n";
        assert_eq!(text.matches("lost=").count(), 1);
        assert!(text.ends_with(expected), "{text}");
    }
}
