//! Delivery over a stream: a session's conversation on a TCP or Unix socket, with TLS or
//! without.

use super::connection::Connection;
use super::context::{ConnectionEnd, Context};
use super::intervals::{self, ACK_INTERVAL, BUSY, IDLE};
use crate::session::{Session, SessionError, SessionOptions};
use crate::socket::{PollFlags, was_closed};
use crate::waker::SleepMode;
use std::io;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Time given to the other side to close after us.
const CLOSE_LIMIT: Duration = Duration::from_millis(100);

/// Time to wait for a moment in which everything is acknowledged, before the connection is left for
/// the first collector.
const LEAVE_LIMIT: Duration = Duration::from_secs(1);

/// Traffic of one exchange with the other side.
#[derive(Default)]
struct Exchanged {
    /// `true` if something was written or delivered.
    moved: bool,
    /// `true` if the other side talks, and nothing of it matters.
    chatter: bool,
}

/// The last moment in which no acknowledgement was due, or one came.
struct AckWatch {
    progress: (bool, u64),
    since: Instant,
}

impl AckWatch {
    /// Takes note of the state of `session`; `true` if records were acknowledged.
    fn advanced(&mut self, session: &Session<'_>) -> bool {
        let progress = session.progress();
        let advanced = progress.1 > self.progress.1;
        if progress != self.progress || !session.expects_answer() {
            self.since = Instant::now();
        }
        self.progress = progress;
        advanced
    }
}

/// Delivers over `connection` until the connection is lost or everything is delivered.
pub(super) fn deliver(context: &Context, mut connection: Connection) -> ConnectionEnd {
    let mut session = Session::begin(&context.spool, &options(context), Instant::now());
    let mut interval = BUSY;
    let mut leaving = None;
    let mut acks = AckWatch { progress: session.progress(), since: Instant::now() };
    loop {
        let took_records = session.took_records();
        context.tend();
        context.spool.report_losses();
        let mut exchanged = Exchanged::default();
        match exchange(&mut session, &mut connection, &mut exchanged) {
            Ok(()) if exchanged.moved => interval = BUSY,
            Ok(()) => {}
            Err(e) if was_closed(&e) => return ConnectionEnd::Closed,
            Err(e) if took_records => {
                let reason = e.to_string();
                return ConnectionEnd::Lost { reason, took_records, refused: false };
            }
            Err(e) => return ConnectionEnd::failed(&e),
        }
        context.count_read(session.gathered(), interval == IDLE);
        if let Err(error) = session.tick(Instant::now()) {
            let reason = explain(context, &error);
            return ConnectionEnd::Lost { reason, took_records, refused: false };
        }
        if session.welcomed() {
            context.collector().known.remember();
        }
        if let Some(order) = session.take_order() {
            context.obey(&order);
        }
        let advanced = acks.advanced(&session);
        // One of several is left again if it takes no records.
        if advanced || (session.took_records() && !context.has_several()) {
            context.report_recovery();
        }
        if advanced {
            context.first_works();
        } else if context.patience().ack.is_some_and(|limit| acks.since.elapsed() > limit) {
            let reason = "the collector does not acknowledge records".into();
            return ConnectionEnd::Lost { reason, took_records: false, refused: false };
        }
        if session.drained() || context.close_at_end() {
            connection.close(CLOSE_LIMIT);
            return ConnectionEnd::Done;
        }
        if leaving.is_none() && context.first_is_back() {
            leaving = Some(Instant::now());
            session.hold();
        }
        // What is not acknowledged here is sent there again.
        if leaving.is_some_and(|since| !session.expects_answer() || since.elapsed() > LEAVE_LIMIT) {
            connection.close(CLOSE_LIMIT);
            return ConnectionEnd::FirstIsBack;
        }
        match wait(context, &mut session, &connection, &exchanged, interval) {
            Ok(active) => interval = intervals::next(interval, active),
            Err(_) => return ConnectionEnd::Closed,
        }
    }
}

fn options(context: &Context) -> SessionOptions<'_> {
    let destination = &context.destination;
    SessionOptions {
        format: destination.format,
        token: &destination.token,
        welcome_limit: context.patience().welcome,
        // With a plain one among several, records would go wherever it is that nobody answers.
        known_collector: context.collector().known.is_known() || context.has_several(),
        takes_filters: context.obeys(),
    }
}

/// Waits for something to do; `true` if there is. The socket is polled only while an answer is near,
/// because the futex, by which log calls and flushes wake the worker, cannot be waited for with it.
fn wait(
    context: &Context,
    session: &mut Session<'_>,
    connection: &Connection,
    exchanged: &Exchanged,
    interval: Duration,
) -> io::Result<bool> {
    if exchanged.chatter {
        // There is more of it to read at any time.
        context.waker.sleep(SleepMode::Light, interval);
        return Ok(false);
    }
    if !session.pending().is_empty() {
        return connection.poll(PollFlags::OUT, interval);
    }
    let flushing = context.status.flushing.load(Ordering::Acquire) > 0;
    if session.expects_answer() && (flushing || interval <= ACK_INTERVAL) {
        // What is there to read is not activity yet: the peer may say nothing that matters.
        connection.poll(PollFlags::IN, interval.min(ACK_INTERVAL))?;
        return Ok(false);
    }
    Ok(context.waker.sleep(SleepMode::Light, interval))
}

/// Adds the remedy to an error: another program may now listen at the collector's address.
fn explain(context: &Context, error: &SessionError) -> String {
    match (error, context.collector().known.path()) {
        (SessionError::Silent, Some(path)) => {
            format!("{error}; if another program listens there now, remove {}", path.display())
        }
        _ => error.to_string(),
    }
}

/// Reads what is readable and writes until the kernel takes no more.
fn exchange(
    session: &mut Session<'_>,
    connection: &mut Connection,
    exchanged: &mut Exchanged,
) -> io::Result<()> {
    loop {
        receive(session, connection, exchanged)?;
        let pending = session.pending();
        if pending.is_empty() {
            return Ok(());
        }
        match connection.send(pending) {
            Ok(count) => session.wrote(count, Instant::now()),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
        exchanged.moved = true;
    }
}

/// Reads what the other side has sent, once: acks are short, and a peer that never stops talking
/// must not keep the worker busy.
fn receive(
    session: &mut Session<'_>,
    connection: &mut Connection,
    exchanged: &mut Exchanged,
) -> io::Result<()> {
    let mut buffer = [0; 4096];
    match connection.receive(&mut buffer) {
        Ok(0) => {
            let closed = "the other side closed the connection";
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, closed))
        }
        Ok(count) => {
            let before = session.progress();
            let refused =
                |e: SessionError| io::Error::new(io::ErrorKind::InvalidData, e.to_string());
            session.received(&buffer[..count]).map_err(refused)?;
            exchanged.chatter = session.progress() == before;
            exchanged.moved |= !exchanged.chatter;
            Ok(())
        }
        Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
            Ok(())
        }
        Err(e) => Err(e),
    }
}
