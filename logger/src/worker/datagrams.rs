//! Delivery over UDP: one record a datagram, each with its sender's id and its own number in front.

use super::context::{ConnectionEnd, Context};
use super::intervals::{self, BUSY};
use crate::builder::Format;
use crate::loss;
use crate::ring::{Cursor, Owner};
use crate::socket::{Socket, is_too_long, was_closed};
use crate::waker::SleepMode;
use netlog_wire::Identity;
use std::io;
use std::sync::atomic::Ordering;

/// Number of records that are sent before they are released from the ring.
const STEP: u64 = 64;

/// Delivers over `socket` until sending fails or everything is delivered.
pub(super) fn deliver(context: &Context, socket: &Socket) -> ConnectionEnd {
    let lost = |e: io::Error| match was_closed(&e) {
        true => ConnectionEnd::Closed,
        false => ConnectionEnd::Lost { reason: e.to_string(), took_records: true, refused: false },
    };
    let mut interval = BUSY;
    loop {
        context.tend();
        context.spool.report_losses();
        match send_batch(context, socket) {
            Ok(sent) => {
                interval = intervals::next(interval, sent);
                context.report_recovery();
            }
            Err(e) => return lost(e),
        }
        context.count_waiting();
        if context.close_at_end() {
            return ConnectionEnd::Done;
        }
        if context.spool.owner == Owner::Dead && context.spool.levels() == [0; 5] {
            let sent = send_unreported_losses(context, socket);
            return sent.map_or_else(lost, |()| ConnectionEnd::Done);
        }
        context.waker.sleep(SleepMode::Light, interval);
    }
}

/// Sends the records of the ring, releasing them in steps; `true` if there were any.
fn send_batch(context: &Context, socket: &Socket) -> io::Result<bool> {
    let spool = &context.spool;
    let mut first = spool.ring.first();
    let mut next = first;
    let mut line = Vec::new();
    let mut any = false;
    loop {
        let this = next;
        line.clear();
        let more = spool.read(&mut next, &mut line);
        let sent = more && send_record(context, socket, this, &line)?;
        if !sent {
            next = this;
        }
        if !sent || next.number == first.number + STEP {
            any |= next != first;
            first = spool.ring.release(first, next.number - 1, spool.owner);
        }
        if !sent {
            return Ok(any);
        }
    }
}

/// Sends a record. One that fits no datagram, from a program that used a stream, is replaced by a
/// record of its loss.
fn send_record(
    context: &Context,
    socket: &Socket,
    cursor: Cursor,
    line: &[u8],
) -> io::Result<bool> {
    let sent = send(socket, &datagram(context, cursor, line));
    if !sent.as_ref().is_err_and(is_too_long) {
        return sent;
    }
    context.status.too_long.fetch_add(1, Ordering::Relaxed);
    let lost = loss::too_long_record(line.len(), context.spool.identity.started);
    send(socket, &datagram(context, cursor, &lost))
}

/// Sends a last datagram that reports the losses a dead sender had no time to report.
fn send_unreported_losses(context: &Context, socket: &Socket) -> io::Result<()> {
    let spool = &context.spool;
    let Some(line) = spool.unreported_losses() else { return Ok(()) };
    let last = spool.ring.behind(spool.ring.first(), u64::MAX - 1, Owner::Dead);
    while !send_record(context, socket, last, &line)? {
        context.waker.sleep(SleepMode::Deep, BUSY);
    }
    Ok(())
}

fn datagram(context: &Context, cursor: Cursor, line: &[u8]) -> Vec<u8> {
    let spool = &context.spool;
    let mut out = Vec::with_capacity(line.len() + 256);
    if context.destination.format == Format::Text {
        spool.identity.push_text(line, &mut out);
        return out;
    }
    let sender = &spool.identity;
    let head = format!("{{\"sender\":\"{}\",\"seq\":{},", sender.sender, cursor.number);
    out.extend_from_slice(head.as_bytes());
    let identity = Identity {
        app: Some(sender.app.clone()),
        host: Some(sender.host.clone()),
        pid: Some(u64::from(sender.pid)),
        peer: None,
    };
    identity.push(&mut out);
    out.extend_from_slice(line.get(1..).unwrap_or_default());
    out
}

/// Sends one datagram; `false` when the kernel takes no more for now.
fn send(socket: &Socket, datagram: &[u8]) -> io::Result<bool> {
    let mut sent = socket.send(datagram);
    if sent.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused) {
        // The error is about an earlier datagram, that nobody listened then. Somebody may now.
        sent = socket.send(datagram);
    }
    match sent {
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => Ok(true),
        sent => sent.map(|_| true),
    }
}
