//! The worker: the thread that owns the socket. It connects, sends the records of the ring, reads
//! acks, backs off, and starts over; for a dead sender's ring it ends when everything is delivered.

mod backoff;
mod connection;
mod context;
mod datagrams;
mod first_choice;
mod intervals;
mod outage;
mod patience;
mod removed_spool;
mod status;
mod stream;
#[cfg(all(test, target_os = "linux", not(netlog_portable)))]
pub(crate) mod tests;

pub(crate) use context::{Context, Destination, RetryPolicy};
pub(crate) use removed_spool::SpoolWatch;
pub(crate) use status::WorkerStatus;

use crate::endpoint::Transport;
use crate::identity;
use crate::waker::SleepMode;
use backoff::{Round, pause};
use connection::Connection;
use context::ConnectionEnd;
use intervals::BUSY;
use std::io;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Longest sleep between attempts to connect, because the clock must be set that often.
const AWAY_INTERVAL: Duration = Duration::from_millis(500);

/// Delivers one spool.
pub(crate) struct Worker {
    pub(crate) context: Context,
}

impl Worker {
    /// Delivers until nothing is left: for a living sender's ring, when the program ends; for a
    /// dead one's, when the ring is empty.
    ///
    /// # Errors
    ///
    /// The reason why the records could not be delivered, under [`RetryPolicy::Once`].
    pub(crate) fn run(self) -> Result<(), String> {
        let status = &self.context.status;
        let mut attempt = 0;
        let mut round = Round::default();
        loop {
            let end = match self.connect() {
                Ok(connection) => self.deliver(connection),
                Err(error) => ConnectionEnd::failed(&error),
            };
            status.connected.store(false, Ordering::Release);
            status.connected_since.store(0, Ordering::Release);
            status.set_peer(None);
            match end {
                ConnectionEnd::Done => return Ok(()),
                ConnectionEnd::Closed => attempt = 0,
                ConnectionEnd::FirstIsBack => {
                    self.context.turn_to_first();
                    continue;
                }
                ConnectionEnd::Lost { reason, took_records, refused } => {
                    attempt = if took_records { 0 } else { attempt };
                    round.add(refused);
                    let failed = self.context.collector().endpoint.clone();
                    if self.context.turn_to_next(&reason, refused) {
                        continue;
                    }
                    status.failures.fetch_add(1, Ordering::AcqRel);
                    if self.context.retry == RetryPolicy::Once {
                        return Err(reason);
                    }
                    self.context.report_outage(&failed, &reason, refused);
                }
            }
            if self.back_off(attempt, std::mem::take(&mut round).longest_backoff()) {
                return Ok(());
            }
            attempt += 1;
        }
    }

    fn connect(&self) -> io::Result<Connection> {
        let Context { status, .. } = &self.context;
        status.connect_now.store(false, Ordering::Release);
        let connection = self.context.connect()?;
        status.connected.store(true, Ordering::Release);
        let now = u64::try_from(identity::now()).unwrap_or(0);
        status.connected_since.store(now, Ordering::Release);
        status.set_peer(connection.peer());
        Ok(connection)
    }

    fn deliver(&self, connection: Connection) -> ConnectionEnd {
        let datagrams = self.context.collector().endpoint.transport == Transport::Udp;
        let end = match connection {
            Connection::Plain(socket) if datagrams => datagrams::deliver(&self.context, &socket),
            stream => stream::deliver(&self.context, stream),
        };
        if let ConnectionEnd::Done = end {
            self.context.finish();
        }
        end
    }

    /// Sleeps until the next attempt is due; `true` when the program ends and nothing is left.
    fn back_off(&self, attempt: u32, longest: Duration) -> bool {
        let Context { spool, status, waker, .. } = &self.context;
        let pause = pause(attempt, longest);
        // Senders that lost the same collector must not all come back in the same moment.
        let id = u32::from_str_radix(&spool.identity.sender[..2], 16).unwrap_or(0);
        let jitter = id + attempt;
        let until = Instant::now() + pause / 2 + pause * (jitter % 256) / 512;
        while Instant::now() < until && !status.connect_now.load(Ordering::Acquire) {
            if self.context.close_at_end() {
                self.context.finish();
                return true;
            }
            self.context.tend();
            self.context.count_waiting();
            let left = until.saturating_duration_since(Instant::now());
            waker.sleep(SleepMode::Deep, left.clamp(BUSY, AWAY_INTERVAL));
        }
        false
    }
}
