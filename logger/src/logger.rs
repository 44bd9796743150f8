//! The `log::Log` behind the facade: filter, encode, append.

use crate::builder::Builder;
use crate::clock;
use crate::encode::{self, LineEncoder};
use crate::endpoints::Endpoints;
use crate::exit::{self, ExitHooks};
use crate::init_error::InitError;
use crate::remote_filter;
use crate::ring::ForkLocal;
use crate::sender::{Flushed, Sender, Succession};
use crate::spool::Directory;
use crate::stats::Stats;
use crate::stderr::{self, is_internal_thread, report};
use env_filter::Filter;
use log::{Log, Metadata, Record};
use netlog_wire::{Level, Line, Text};
use std::cell::RefCell;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

static LOGGER: OnceLock<Logger> = OnceLock::new();

/// The wait of the guard's drop, a part of the time that the end of the program may take.
static GUARD_WAIT: OnceLock<GuardWait> = OnceLock::new();

struct GuardWait {
    ended: Instant,
    waited: Duration,
}

thread_local! {
    static ENCODER: RefCell<Option<LineEncoder>> = const { RefCell::new(None) };
}

struct Logger {
    filter: Filter,
    builder: Builder,
    endpoints: Endpoints,
    line_limit: usize,
    /// The sender of this process; a forked child gets its own. `None` in it where that failed.
    senders: ForkLocal<Option<Sender>>,
}

/// The object registered with `log`; the logger itself exists only once everything is started.
struct LogFacade;

/// Flushes the log when dropped, at the end of `main`.
///
/// The drop waits for delivery, up to [`Builder::flush_limit`]. The logger keeps running after it.
#[derive(Debug)]
#[must_use = "bind the guard, `let _guard = …`, to flush the log at the end of main"]
pub struct Guard {
    limit: Duration,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let began = Instant::now();
        let _ = flush(self.limit);
        let ended = Instant::now();
        let _ = GUARD_WAIT.set(GuardWait { ended, waited: ended - began });
    }
}

impl Builder {
    /// Starts the logger, and registers it with `log` if it is to `take_facade`.
    pub(crate) fn start(mut self, take_facade: bool) -> Result<Guard, InitError> {
        let endpoints = self.endpoints()?;
        let filter = self.filters()?;
        #[cfg(feature = "tls")]
        self.check_tls()?;
        if LOGGER.get().is_some() || (take_facade && log::set_logger(&LogFacade).is_err()) {
            return Err(InitError::AlreadySet);
        }
        stderr::remember();
        remote_filter::begin(take_facade);
        self.spool_dir.get_or_insert_with(Directory::default_path);
        let first = Succession { predecessor: None, succeed };
        let sender = Sender::start(&self, endpoints.clone(), first).map_err(InitError::System)?;
        let level = filter.filter();
        let limit = self.flush_limit;
        let line_limit = self.line_limit(&endpoints);
        let senders = ForkLocal::new(Some(sender)).map_err(InitError::System)?;
        let logger = Logger { filter, builder: self, endpoints, line_limit, senders };
        LOGGER.set(logger).map_err(|_| InitError::AlreadySet)?;
        exit::install(ExitHooks { write, flush, end });
        if take_facade {
            log::set_max_level(level);
        }
        Ok(Guard { limit })
    }
}

/// Waits until everything logged before is delivered, for at most `limit`.
///
/// If the endpoint cannot be reached it returns at once: the spool keeps the records.
///
/// ```no_run
/// use std::time::Duration;
///
/// let flushed = netlog::flush(Duration::from_secs(1));
/// if !flushed.acked {
///     eprintln!("{} bytes are not delivered yet", flushed.pending);
/// }
/// ```
pub fn flush(limit: Duration) -> Flushed {
    let sender = LOGGER.get().and_then(Logger::own_sender);
    sender.map_or(Flushed { acked: true, pending: 0, lost: 0 }, |sender| sender.flush(limit))
}

/// Returns the counters of this process' logger; `None` before it is started, and in a forked child
/// that has not logged yet.
///
/// It never waits and makes no system call.
///
/// ```no_run
/// if let Some(stats) = netlog::stats() {
///     println!("netlog_pending_bytes {}", stats.pending_bytes);
/// }
/// ```
pub fn stats() -> Option<Stats> {
    let logger = LOGGER.get()?;
    Some(logger.own_sender()?.stats(&logger.endpoints))
}

/// Starts a sender in the place of the present one, whose spool was removed; `false` if there is none
/// yet.
fn succeed() -> bool {
    let Some(logger) = LOGGER.get() else { return false };
    let Some(before) = logger.own_sender() else { return false };
    let succession = Succession { predecessor: Some(before), succeed };
    match Sender::start(&logger.builder, logger.endpoints.clone(), succession) {
        Ok(sender) => logger.senders.replace(Some(sender)),
        Err(e) => {
            report(&format!("failed to start another worker: {e}"));
            return false;
        }
    }
    true
}

/// Ends the logger at exit: flushes, and closes the connection.
fn end() {
    if let Some(logger) = LOGGER.get()
        && let Some(sender) = logger.own_sender()
    {
        sender.end(rest_of(logger.builder.flush_limit));
    }
}

/// The part of `limit` that the guard's drop has left, if the program ends right after it.
fn rest_of(limit: Duration) -> Duration {
    let wait = GUARD_WAIT.get().filter(|wait| wait.ended.elapsed() < limit);
    wait.map_or(limit, |wait| limit.saturating_sub(wait.waited))
}

impl Log for LogFacade {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        LOGGER.get().is_some_and(|logger| logger.enabled(metadata))
    }

    #[inline]
    fn log(&self, record: &Record<'_>) {
        if let Some(logger) = LOGGER.get()
            && remote_filter::with(&logger.filter, |filter| filter.matches(record))
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

/// Logs a panic, which no filter suppresses.
fn write(record: &Record<'_>) {
    log(record);
}

/// Logs what a filter has let pass.
#[inline]
pub(crate) fn log(record: &impl Loggable) {
    if let Some(logger) = LOGGER.get() {
        logger.write(record);
    }
}

/// A log call of either facade, to be encoded when it is known in which buffer.
pub(crate) trait Loggable {
    fn level(&self) -> Level;

    fn encode<'e>(&self, encoder: &'e mut LineEncoder, now: i64, limit: usize) -> &'e [u8];
}

impl Loggable for Record<'_> {
    #[inline]
    fn level(&self) -> Level {
        encode::level(self.level())
    }

    #[inline]
    fn encode<'e>(&self, encoder: &'e mut LineEncoder, now: i64, limit: usize) -> &'e [u8] {
        #[cfg(feature = "tracing")]
        encoder.spans.take_current(limit / 2);
        encoder.encode(self, now, limit)
    }
}

#[cfg(feature = "tracing")]
pub(crate) mod for_tracing {
    //! The layer's view of the logger.

    use super::{LOGGER, Logger};
    use crate::remote_filter;
    use env_filter::Filter;

    pub(crate) fn enabled(metadata: &log::Metadata<'_>) -> bool {
        LOGGER.get().is_some_and(|logger| logger.enabled(metadata))
    }

    pub(crate) fn max_level() -> log::LevelFilter {
        let level = |logger: &Logger| remote_filter::with(&logger.filter, Filter::filter);
        LOGGER.get().map_or(log::LevelFilter::Off, level)
    }

    pub(crate) fn logs_span_ends() -> bool {
        LOGGER.get().is_some_and(|logger| logger.builder.span_ends)
    }

    /// `true` in a forked child, in which locks may be held by threads it does not have.
    pub(crate) fn is_forked() -> bool {
        LOGGER.get().is_some_and(|logger| logger.senders.is_forked())
    }
}

impl Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        remote_filter::with(&self.filter, |filter| filter.enabled(metadata))
    }

    fn write(&self, record: &impl Loggable) {
        if is_internal_thread() {
            return;
        }
        let kept = ENCODER.try_with(|encoder| match encoder.try_borrow_mut() {
            Ok(mut encoder) => {
                self.append(record, encoder.get_or_insert_with(LineEncoder::new));
                true
            }
            Err(_) => false,
        });
        // A Display that logs while it is being logged, or a thread that is ending: the record
        // needs a buffer of its own.
        if !kept.unwrap_or(false) {
            self.append(record, &mut LineEncoder::new());
        }
    }

    #[inline]
    fn append(&self, record: &impl Loggable, encoder: &mut LineEncoder) {
        let line = record.encode(encoder, clock::now(), self.line_limit);
        if let Some(sender) = self.sender()
            && !sender.append(record.level(), line, self.builder.when_full)
        {
            self.append_late(sender, record.level(), line);
        }
        if self.builder.tee {
            tee(line);
        }
    }

    /// Appends a record whose sender has ended meanwhile: to the one that took its place, if there is one.
    #[cold]
    fn append_late(&self, mut ended: &Sender, level: Level, line: &[u8]) {
        while let Some(sender) = self.own_sender().filter(|sender| !std::ptr::eq(*sender, ended)) {
            if sender.append(level, line, self.builder.when_full) {
                return;
            }
            ended = sender;
        }
        ended.lose_after_end(level, line);
    }

    /// Sender of this process, if it has one: a forked child has none until it logs.
    fn own_sender(&self) -> Option<&'static Sender> {
        self.senders.get()?.as_ref()
    }

    #[inline]
    fn sender(&self) -> Option<&'static Sender> {
        match self.senders.get() {
            Some(sender) => sender.as_ref(),
            None => self.start_in_child(),
        }
    }

    /// Starts the sender of a forked child, once for all of its threads.
    #[cold]
    fn start_in_child(&self) -> Option<&'static Sender> {
        let start = || {
            let first = Succession { predecessor: None, succeed };
            let sender = Sender::start(&self.builder, self.endpoints.clone(), first);
            sender.inspect_err(|e| report(&format!("a forked child cannot log: {e}"))).ok()
        };
        self.senders.get_or_start(start)?.as_ref()
    }
}

fn tee(line: &[u8]) {
    if let Some(line) = Line::parse(line) {
        let mut text = Vec::new();
        Text::PLAIN.push(&mut text, &line);
        stderr::print(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logger() -> Logger {
        // Nobody listens there: what is logged stays in the spool.
        let builder = Builder::new("127.0.0.1:1").memory_spool(true);
        let endpoints = builder.endpoints().unwrap();
        Logger {
            filter: builder.filters().unwrap(),
            line_limit: builder.line_limit(&endpoints),
            senders: ForkLocal::new(Some(sender(&builder))).unwrap(),
            builder,
            endpoints,
        }
    }

    fn sender(builder: &Builder) -> Sender {
        let succession = Succession { predecessor: None, succeed: || false };
        Sender::start(builder, builder.endpoints().unwrap(), succession).unwrap()
    }

    /// Records that are counted as lost, of the sender in use.
    fn lost(logger: &Logger) -> u64 {
        logger.own_sender().unwrap().stats(&logger.endpoints).lost.iter().sum::<u64>()
    }

    /// Bytes of those that wait.
    fn pending(logger: &Logger) -> u64 {
        logger.own_sender().unwrap().stats(&logger.endpoints).accepted_bytes
    }

    #[test]
    fn a_log_call_whose_sender_ends_before_it_writes_goes_to_the_one_in_its_place() {
        let logger = logger();
        let first = logger.own_sender().unwrap();
        first.close();
        logger.senders.replace(Some(sender(&logger.builder)));
        let second = logger.own_sender().unwrap();
        second.close();
        logger.senders.replace(Some(sender(&logger.builder)));
        // It has taken the sender before both were replaced.
        let full = logger.builder.when_full;
        assert!(!first.append(Level::Info, b"{}", full), "a closed ring takes nothing");
        logger.append_late(first, Level::Info, b"{}");
        assert!(pending(&logger) > 0);
        assert_eq!(first.stats(&logger.endpoints).lost.iter().sum::<u64>(), 0);
        assert_eq!(second.stats(&logger.endpoints).lost.iter().sum::<u64>(), 0);
        // Where nobody takes its place, it is counted.
        logger.own_sender().unwrap().close();
        logger.append_late(logger.own_sender().unwrap(), Level::Info, b"{}");
        assert_eq!(lost(&logger), 1);
    }

    /// Complaints opentelemetry-rust#761, #2877, svix PR2521, tracing-elastic-apm#13: what delivers
    /// logs about itself for ever.
    #[test]
    fn what_is_logged_on_the_loggers_own_threads_is_not_sent() {
        let logger = logger();
        let write = || logger.write(&Record::builder().args(format_args!("about itself")).build());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                stderr::mark_internal_thread();
                write();
            });
        });
        assert_eq!(pending(&logger), 0);
        write();
        assert!(pending(&logger) > 0, "other threads' records are sent");
    }
}
