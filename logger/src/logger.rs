//! The `log::Log` behind the facade: filter, encode, append.

use crate::builder::{Builder, InitError};
use crate::clock;
use crate::encode::{self, Scratch};
use crate::endpoint::Endpoint;
use crate::exit::{self, Ends};
use crate::ring::Fork;
use crate::sender::{Flushed, Sender};
use crate::voice::{muted, say};
use env_filter::Filter;
use log::{Log, Metadata, Record};
use netlog_wire::{Line, Text};
use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

static LOGGER: OnceLock<Logger> = OnceLock::new();

thread_local! {
    static SCRATCH: RefCell<Option<Scratch>> = const { RefCell::new(None) };
}

struct Logger {
    filter: Filter,
    builder: Builder,
    endpoint: Endpoint,
    line_limit: usize,
    fork: Fork,
    generations: AtomicU64,
    first: Generation,
}

/// The sender of a process, and in its forked children theirs, each behind its parent's. A child
/// that could not be given one has none.
struct Generation {
    sender: Option<Sender>,
    next: OnceLock<Box<Self>>,
}

/// What the `log` facade holds; the logger itself exists only after everything could be started.
struct Facade;

/// Keeps the promise that what was logged is flushed when `main` returns: its drop waits for
/// delivery, within the builder's flush limit. It stops nothing.
#[derive(Debug)]
#[must_use = "bind the guard, `let _guard = …`, so that records are flushed at the end of main"]
pub struct Guard {
    limit: Duration,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = flush(self.limit);
    }
}

impl Builder {
    /// Makes this the program's logger and starts it. Keep the guard until the end of `main`.
    ///
    /// # Errors
    ///
    /// When the address or the filter cannot be read, the program has a logger already, or the
    /// system gives no thread. That nobody listens at the address is no error: records wait.
    pub fn init(self) -> Result<Guard, InitError> {
        let (endpoint, filter) = (self.endpoint()?, self.filters()?);
        log::set_logger(&Facade).map_err(|_| InitError::AlreadySet)?;
        let fork = Fork::new(1).map_err(InitError::System)?;
        let sender = Sender::start(&self, endpoint.clone()).map_err(InitError::System)?;
        let (level, limit) = (filter.filter(), self.flush_limit);
        let line_limit = self.line_limit(endpoint.transport);
        let first = Generation { sender: Some(sender), next: OnceLock::new() };
        let (builder, generations) = (self, AtomicU64::new(1));
        let logger = Logger { filter, builder, endpoint, line_limit, fork, generations, first };
        LOGGER.set(logger).map_err(|_| InitError::AlreadySet)?;
        exit::install(Ends { write, flush, end });
        log::set_max_level(level);
        Ok(Guard { limit })
    }
}

/// Waits until everything logged before now is delivered, for at most `limit`, and says whether it
/// is. When the endpoint cannot be reached it does not wait: the spool keeps the records.
pub fn flush(limit: Duration) -> Flushed {
    let sender = LOGGER.get().and_then(Logger::own_sender);
    sender.map_or(Flushed { acked: true, pending: 0, lost: 0 }, |sender| sender.flush(limit))
}

/// The program ends: flushes as the builder said, and takes leave of the collector.
fn end() {
    if let Some(logger) = LOGGER.get()
        && let Some(sender) = logger.own_sender()
    {
        sender.end(logger.builder.flush_limit);
    }
}

impl Log for Facade {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        LOGGER.get().is_some_and(|logger| logger.filter.enabled(metadata))
    }

    #[inline]
    fn log(&self, record: &Record<'_>) {
        if let Some(logger) = LOGGER.get()
            && logger.filter.matches(record)
        {
            logger.write(record);
        }
    }

    fn flush(&self) {
        if let Some(logger) = LOGGER.get() {
            let _ = flush(logger.builder.flush_limit);
        }
    }
}

/// Logs `record` whatever the filter says: a panic.
fn write(record: &Record<'_>) {
    if let Some(logger) = LOGGER.get() {
        logger.write(record);
    }
}

impl Logger {
    fn write(&self, record: &Record<'_>) {
        if muted() {
            return;
        }
        let kept = SCRATCH.try_with(|scratch| match scratch.try_borrow_mut() {
            Ok(mut scratch) => {
                self.append(record, scratch.get_or_insert_with(Scratch::new));
                true
            }
            Err(_) => false,
        });
        // A Display that logs while it is being logged, or a thread that is ending: the record
        // gets a buffer of its own.
        if !kept.unwrap_or(false) {
            self.append(record, &mut Scratch::new());
        }
    }

    #[inline]
    fn append(&self, record: &Record<'_>, scratch: &mut Scratch) {
        let line = scratch.encode(record, clock::now(), self.line_limit);
        if let Some(sender) = self.sender() {
            sender.append(encode::level(record.level()), line, self.builder.when_full);
        }
        if self.builder.tee {
            tee(line);
        }
    }

    /// This process' sender, if it has one: a forked child has none until it logs.
    fn own_sender(&self) -> Option<&Sender> {
        let state = self.fork.state().load(Ordering::Acquire);
        if state == Fork::CHILD { None } else { self.generation(state) }
    }

    #[inline]
    fn sender(&self) -> Option<&Sender> {
        let state = self.fork.state().load(Ordering::Acquire);
        if state == Fork::CHILD { self.after_fork() } else { self.generation(state) }
    }

    fn generation(&self, generation: u64) -> Option<&Sender> {
        let mut at = &self.first;
        for _ in 1..generation {
            at = at.next.get()?;
        }
        at.sender.as_ref()
    }

    /// Gives a forked child a sender of its own; of its threads that come here, all wait for one.
    #[cold]
    fn after_fork(&self) -> Option<&Sender> {
        let generation = self.generations.load(Ordering::Acquire);
        let state = self.fork.state().load(Ordering::Acquire);
        if state != Fork::CHILD {
            return self.generation(state);
        }
        let mut last = &self.first;
        for _ in 1..generation {
            last = last.next.get()?;
        }
        let next = last.next.get_or_init(|| {
            if let Some(parent) = &last.sender {
                parent.disown();
            }
            let sender = Sender::start(&self.builder, self.endpoint.clone());
            let sender = sender.inspect_err(|e| say(&format!("a forked child cannot log: {e}")));
            Box::new(Generation { sender: sender.ok(), next: OnceLock::new() })
        });
        // In this order: whoever sees the count sees the state.
        self.fork.state().store(generation + 1, Ordering::Release);
        self.generations.store(generation + 1, Ordering::Release);
        next.sender.as_ref()
    }
}

fn tee(line: &[u8]) {
    if let Some(line) = Line::parse(line) {
        let mut text = Vec::new();
        Text::PLAIN.push(&mut text, &line);
        let _ = io::stderr().write_all(&text);
    }
}
