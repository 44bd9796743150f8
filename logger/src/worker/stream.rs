//! Delivery over a stream: a session's conversation on a TCP or Unix socket.

use super::context::{ConnectionEnd, Context};
use super::intervals::{self, BUSY};
use crate::session::{Session, SessionError, SessionOptions};
use crate::waker::SleepMode;
use rustix::io::ioctl_fionbio;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{Shutdown, shutdown};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// Time given to the other side to close after us.
const CLOSE_LIMIT: Duration = Duration::from_millis(100);

/// Delivers over `stream` until the connection is lost or everything is delivered.
pub(super) fn deliver(context: &Context, mut stream: impl Read + Write + AsFd) -> ConnectionEnd {
    let destination = &context.destination;
    let options = SessionOptions {
        format: destination.format,
        token: &destination.token,
        known_collector: destination.known.is_known(),
    };
    let mut session = Session::begin(&context.spool, &options, Instant::now());
    let mut interval = BUSY;
    loop {
        let took_records = session.took_records();
        let lost = |reason| ConnectionEnd::Lost { reason, took_records };
        context.set_clock();
        context.spool.report_losses();
        match exchange(&mut session, &mut stream) {
            Ok(true) => interval = BUSY,
            Ok(false) => {}
            Err(e) => return lost(e.to_string()),
        }
        if let Err(error) = session.tick(Instant::now()) {
            return lost(explain(context, &error));
        }
        if session.welcomed() {
            destination.known.remember();
        }
        if session.drained() || context.close_at_end() {
            close(&mut stream);
            return ConnectionEnd::Done;
        }
        let blocked = !session.pending().is_empty();
        let mode = if blocked { SleepMode::Blocked } else { SleepMode::Light };
        let reason = context.waker.sleep(&mode(stream.as_fd()), interval);
        interval = intervals::next(interval, reason.notified || reason.readable || reason.writable);
    }
}

/// Adds the remedy to an error: another program may now listen at the collector's address.
fn explain(context: &Context, error: &SessionError) -> String {
    match (error, context.destination.known.path()) {
        (SessionError::Silent, Some(path)) => {
            format!("{error}; if it is no longer a collector, remove {}", path.display())
        }
        _ => error.to_string(),
    }
}

/// Reads what is readable and writes until the kernel takes no more; `true` if anything moved.
fn exchange(session: &mut Session<'_>, stream: &mut (impl Read + Write)) -> io::Result<bool> {
    let mut moved = false;
    loop {
        moved |= receive(session, stream)?;
        let pending = session.pending();
        if pending.is_empty() {
            return Ok(moved);
        }
        match stream.write(pending) {
            Ok(count) => session.wrote(count, Instant::now()),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(moved),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
        moved = true;
    }
}

/// Reads everything the other side has sent; `true` if there was anything.
fn receive(session: &mut Session<'_>, stream: &mut impl Read) -> io::Result<bool> {
    let mut received = false;
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => {
                let closed = "the other side closed the connection";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, closed));
            }
            Ok(count) => {
                session.received(&buffer[..count]).map_err(|e| io::Error::other(e.to_string()))?;
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(received),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
        received = true;
    }
}

/// Half-closes, and reads on for a moment until the other side has closed too. Unread bytes at a
/// close would reset the connection, and the collector could not tell a clean end from a crash.
fn close(stream: &mut (impl Read + AsFd)) {
    let _ = shutdown(&stream, Shutdown::Write);
    let _ = ioctl_fionbio(&stream, false);
    let _ = set_socket_timeout(&stream, Timeout::Recv, Some(CLOSE_LIMIT));
    let until = Instant::now() + CLOSE_LIMIT;
    while Instant::now() < until && matches!(stream.read(&mut [0; 4096]), Ok(1..)) {}
}
