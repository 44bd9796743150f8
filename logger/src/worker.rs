//! The worker: the thread that owns the socket. It connects, sends the records of the ring, reads
//! acks, backs off, and starts over; for a dead sender's ring it ends when everything is delivered.

mod context;
mod datagrams;
mod intervals;
mod stream;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use context::{Context, Destination, WorkerStatus};

use crate::endpoint::Socket;
use crate::stderr::report;
use crate::waker::SleepMode;
use context::ConnectionEnd;
use intervals::BUSY;
use std::io;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Longest sleep between attempts to connect, because the clock must be set that often.
const AWAY_INTERVAL: Duration = Duration::from_millis(500);

/// Pause before the second attempt to connect; it doubles with each further attempt.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// Longest pause between attempts to connect.
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// Delivers one spool.
pub(crate) struct Worker {
    pub(crate) context: Context,
    pub(crate) retry: RetryPolicy,
}

/// Behaviour of a worker that cannot deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryPolicy {
    /// Retries until the program ends; reports on stderr when the endpoint goes and comes back.
    Report,
    /// Retries until the program ends, without a word: beside the program's own worker.
    Quiet,
    /// Gives up at the first failure.
    Once,
}

/// A time without a connection.
struct Outage {
    /// Records lost before it.
    lost_before: u64,
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
        let mut outage = None;
        loop {
            let reason = match self.connect() {
                Ok(socket) => {
                    self.report_back(&mut outage);
                    match self.deliver(socket) {
                        ConnectionEnd::Done => return Ok(()),
                        ConnectionEnd::Lost { reason, took_records } => {
                            attempt = if took_records { 0 } else { attempt };
                            reason
                        }
                    }
                }
                Err(e) => e.to_string(),
            };
            status.connected.store(false, Ordering::Release);
            status.failures.fetch_add(1, Ordering::AcqRel);
            if self.retry == RetryPolicy::Once {
                return Err(reason);
            }
            self.report_outage(&mut outage, &reason);
            if self.back_off(attempt) {
                return Ok(());
            }
            attempt += 1;
        }
    }

    fn connect(&self) -> io::Result<Socket> {
        let Context { status, destination, .. } = &self.context;
        status.connect_now.store(false, Ordering::Release);
        let socket = destination.endpoint.connect()?;
        status.connected.store(true, Ordering::Release);
        Ok(socket)
    }

    fn deliver(&self, socket: Socket) -> ConnectionEnd {
        let end = match socket {
            Socket::Tcp(socket) => stream::deliver(&self.context, socket),
            Socket::Unix(socket) => stream::deliver(&self.context, socket),
            Socket::Udp(socket) => datagrams::deliver(&self.context, &socket),
        };
        if let ConnectionEnd::Done = end {
            self.context.finish();
        }
        end
    }

    /// Sleeps until the next attempt is due; `true` when the program ends and nothing is left.
    fn back_off(&self, attempt: u32) -> bool {
        let Context { spool, status, waker, .. } = &self.context;
        let pause = LONGEST_BACKOFF.min(FIRST_BACKOFF * 2_u32.saturating_pow(attempt));
        // Senders that lost the same collector must not all come back in the same moment.
        let id = u32::from_str_radix(&spool.identity.sender[..2], 16).unwrap_or(0);
        let jitter = id + attempt;
        let until = Instant::now() + pause / 2 + pause * (jitter % 256) / 512;
        while Instant::now() < until && !status.connect_now.load(Ordering::Acquire) {
            if self.context.close_at_end() {
                self.context.finish();
                return true;
            }
            self.context.set_clock();
            let left = until.saturating_duration_since(Instant::now());
            waker.sleep(&SleepMode::Deep, left.clamp(BUSY, AWAY_INTERVAL));
        }
        false
    }

    fn report_outage(&self, outage: &mut Option<Outage>, reason: &str) {
        if outage.is_some() || self.retry != RetryPolicy::Report {
            return;
        }
        let Context { spool, destination, .. } = &self.context;
        *outage = Some(Outage { lost_before: spool.lost().iter().sum() });
        let path = spool.path();
        let place = path.map_or_else(|| "memory".into(), |path| path.display().to_string());
        let endpoint = &destination.endpoint;
        report(&format!("{endpoint} cannot be reached ({reason}); records wait in {place}"));
    }

    fn report_back(&self, outage: &mut Option<Outage>) {
        let Some(Outage { lost_before }) = outage.take() else { return };
        let Context { spool, destination, .. } = &self.context;
        let lost = spool.lost().iter().sum::<u64>() - lost_before;
        report(&format!("{} is back; {lost} records were lost meanwhile", destination.endpoint));
    }
}
