//! The connection to the other collector.

use super::link::{Departure, ForwardLink};
use super::socket::{LinkSocket, connect, is_slice};
use super::target::ForwardTarget;
use crate::tls::ForwardTls;
use netlog_wire::{CollectorMessage, RelayHello};
use std::io;
use std::time::{Duration, Instant};

/// Time for it to answer, or to take what is sent: longer than a disk hangs as a rule.
const PATIENCE: Duration = Duration::from_secs(60);

/// Batches that may be on their way at once.
const WINDOW: usize = 4;

/// Time without a record after which an empty line shows whether the other side is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// The longest line that it may answer.
const LONGEST: usize = 4096;

/// A connection on which a hello was answered.
pub(super) struct RelayLink<'a> {
    socket: Box<dyn LinkSocket>,
    answers: Vec<u8>,
    spoke: Instant,
    /// Tells when it is not worth waiting any more.
    given_up: &'a dyn Fn() -> bool,
}

impl<'a> RelayLink<'a> {
    /// Connects to `target` and says `hello`.
    pub(super) fn open(
        target: &ForwardTarget,
        tls: &ForwardTls,
        hello: &RelayHello,
        given_up: &'a dyn Fn() -> bool,
    ) -> io::Result<Self> {
        let socket = connect(target, tls)?;
        let mut link = Self { socket, answers: Vec::new(), spoke: Instant::now(), given_up };
        let mut line = Vec::new();
        hello.push(&mut line);
        link.write(&line)?;
        match link.answer()? {
            CollectorMessage::Welcome { .. } => Ok(link),
            other => Err(unexpected(&other)),
        }
    }

    /// Sends all of `bytes`.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut sent = 0;
        let mut until = Instant::now() + PATIENCE;
        while sent < bytes.len() {
            match self.socket.write(&bytes[sent..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(more) => {
                    sent += more;
                    until = Instant::now() + PATIENCE;
                }
                Err(error) if is_slice(&error) => self.check(until)?,
                Err(error) => return Err(error),
            }
        }
        // TLS takes bytes before the system does.
        while let Err(error) = self.socket.flush() {
            if !is_slice(&error) {
                return Err(error);
            }
            self.check(until)?;
        }
        Ok(())
    }

    fn answer(&mut self) -> io::Result<CollectorMessage> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.answers) {
                let line: Vec<u8> = self.answers.drain(..=end).collect();
                let answer = CollectorMessage::parse(line.trim_ascii_end());
                return answer.ok_or_else(|| invalid("it does not answer like a collector".into()));
            }
            if self.answers.len() > LONGEST {
                return Err(invalid("it does not answer like a collector".into()));
            }
            let mut bytes = [0; 1024];
            match self.socket.read(&mut bytes) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(len) => self.answers.extend_from_slice(&bytes[..len]),
                Err(error) if is_slice(&error) => self.check(until)?,
                Err(error) => return Err(error),
            }
        }
    }

    fn check(&self, until: Instant) -> io::Result<()> {
        if (self.given_up)() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match Instant::now() < until {
            true => Ok(()),
            false => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl ForwardLink for RelayLink<'_> {
    fn window(&self) -> usize {
        WINDOW
    }

    fn send(&mut self, departure: Departure) -> io::Result<u64> {
        let bytes = departure.batch.encode(departure.number)?;
        self.write(&bytes)?;
        self.spoke = Instant::now();
        Ok(bytes.len() as u64)
    }

    fn acknowledged(&mut self) -> io::Result<u64> {
        match self.answer()? {
            CollectorMessage::Ack(batch) => Ok(batch),
            other => Err(unexpected(&other)),
        }
    }

    fn idle(&mut self) -> io::Result<()> {
        if self.spoke.elapsed() > KEEP_ALIVE {
            self.write(b"\n")?;
            self.spoke = Instant::now();
        }
        Ok(())
    }
}

fn unexpected(answer: &CollectorMessage) -> io::Error {
    match answer {
        CollectorMessage::Error(words) => io::Error::new(io::ErrorKind::PermissionDenied, &**words),
        _ => invalid("it does not answer like a collector".into()),
    }
}

fn invalid(words: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words)
}
