//! Every logger, set up to send lines to a TCP address and to lose none while it runs: where its
//! queue is full, it waits. All else is as its documentation has it.

use crate::floor::Floor;
use crate::spans;
use std::any::Any;
use std::io::{BufWriter, Write};
use std::net::TcpStream;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Their names; the first is what the others are measured by.
pub(crate) const NAMES: [&str; 8] = [
    "floor",
    "netlog",
    "env_logger",
    "tracing-appender",
    "slog-async",
    "fast_log",
    "ftlog",
    "spdlog-rs",
];

/// What is written at once by those who buffer.
pub(crate) const BUFFER: usize = 64 * 1024;

/// The queue of those whose default is shorter than a burst of all threads.
const QUEUE: usize = 100_000;

static SLOG: OnceLock<slog::Logger> = OnceLock::new();

/// A logger at work.
pub(crate) struct Logging {
    /// Logs the record of a number.
    pub(crate) call: fn(u64),
    /// Waits until what was logged has been handed over, as far as the logger can.
    pub(crate) flush: Box<dyn Fn()>,
    /// To be dropped at the end of `main`.
    pub(crate) guard: Box<dyn Any>,
}

/// The message of every case: an integer, a float, a string and another integer.
macro_rules! call {
    ($($macro:ident)::+ $(, $logger:expr)?) => {
        |number: u64| {
            const CLIENTS: [&str; 4] = ["acme-capital", "bluebird", "client-00417", "zed"];
            let price = 100.0 + (number % 1000) as f64 * 0.37;
            let client = CLIENTS[(number & 3) as usize];
            let id = 1_000_000 + number;
            let micros = 10 + (number % 977) as u32;
            $($macro)::+!(
                $($logger,)? "order {} filled at {:.2} for client {} in {} us",
                id, price, client, micros
            )
        }
    };
}

fn through_log(guard: impl Any) -> Logging {
    let flush = Box::new(|| log::logger().flush());
    Logging { call: call!(log::info), flush, guard: Box::new(guard) }
}

/// Sets up the logger of this name; one a process.
pub(crate) fn start(name: &str, address: &str) -> Logging {
    match name {
        "floor" => {
            log::set_logger(&Floor).expect("no logger is set yet");
            log::set_max_level(log::LevelFilter::Info);
            through_log(())
        }
        "netlog" => {
            let builder = netlog::builder(address).level(log::LevelFilter::Info);
            let builder = builder.when_full(netlog::Full::Block(Duration::from_secs(60)));
            through_log(builder.init().expect("netlog starts"))
        }
        "env_logger" => env_logger(connect(address)),
        "tracing-appender" => tracing_appender(connect(address)),
        "slog-async" => slog_async(connect(address)),
        "fast_log" => fast_log(connect(address)),
        "ftlog" => ftlog(connect(address)),
        "spdlog-rs" => spdlog(connect(address)),
        "fmt-json" => spans::fmt_json(connect(address)),
        "tracing-loki" => spans::loki(address),
        other => panic!("no logger is called {other}"),
    }
}

fn connect(address: &str) -> TcpStream {
    TcpStream::connect(address).expect("the sink listens")
}

/// It has no thread and no buffer: a call is a write.
fn env_logger(to: TcpStream) -> Logging {
    env_logger::Builder::new()
        .target(env_logger::Target::Pipe(Box::new(to)))
        .filter_level(log::LevelFilter::Info)
        .format_timestamp_micros()
        .format_file(true)
        .format_line_number(true)
        .format_target(false)
        .init();
    through_log(())
}

/// Its queue of 128,000 lines as it comes, but not lossy; its thread writes through a buffer.
fn tracing_appender(to: TcpStream) -> Logging {
    let builder = tracing_appender::non_blocking::NonBlockingBuilder::default().lossy(false);
    let (writer, guard) = builder.finish(BufWriter::with_capacity(BUFFER, to));
    tracing_subscriber::fmt()
        .with_writer(writer)
        .with_ansi(false)
        .with_file(true)
        .with_line_number(true)
        .with_target(false)
        .init();
    Logging { call: call!(tracing::info), flush: Box::new(|| ()), guard: Box::new(guard) }
}

/// Its queue, of 128 by default, as long as a program of many records needs it.
fn slog_async(to: TcpStream) -> Logging {
    use slog::Drain;
    let lines = slog_term::PlainSyncDecorator::new(BufWriter::with_capacity(BUFFER, to));
    let lines = slog_term::FullFormat::new(lines)
        .use_custom_timestamp(slog_term::timestamp_utc)
        .use_file_location()
        .build()
        .fuse();
    let (queue, guard) = slog_async::Async::new(lines)
        .chan_size(16_384)
        .overflow_strategy(slog_async::OverflowStrategy::Block)
        .build_with_guard();
    let logger = slog::Logger::root(queue.fuse(), slog::o!());
    assert!(SLOG.set(logger).is_ok(), "there is one logger");
    let call = call!(slog::info, SLOG.get().expect("it was set"));
    Logging { call, flush: Box::new(|| ()), guard: Box::new(guard) }
}

struct Joined(TcpStream);

impl fast_log::appender::LogAppender for Joined {
    /// As its own file appender does: what has gathered becomes one write.
    fn do_logs(&mut self, records: &[fast_log::appender::FastLogRecord]) {
        let all: String = records.iter().map(|record| record.formated.as_str()).collect();
        self.0.write_all(all.as_bytes()).expect("the sink takes all");
    }
}

/// Its queue is without bounds by default, and then grows by hundreds of megabytes.
fn fast_log(to: TcpStream) -> Logging {
    let format = fast_log::FastLogFormat::new();
    let config = fast_log::Config::new()
        .level(log::LevelFilter::Info)
        .format(format.set_display_line_level(log::LevelFilter::Trace))
        .custom(Joined(to))
        .chan_len(Some(QUEUE));
    fast_log::init(config).expect("fast_log starts");
    through_log(())
}

/// It drops by default, of a queue as long as this.
fn ftlog(to: TcpStream) -> Logging {
    let form = "[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:6]";
    let form = time::format_description::parse_owned::<1>(form).expect("a form of times");
    let builder = ftlog::builder().max_log_level(log::LevelFilter::Info).time_format(form).utc();
    let builder = builder.root(BufWriter::with_capacity(BUFFER, to)).bounded(QUEUE, true);
    through_log(builder.try_init().expect("ftlog starts"))
}

/// Its thread pool as it comes, which waits; it flushes once a second, as its examples do.
fn spdlog(to: TcpStream) -> Logging {
    use spdlog::formatter::{PatternFormatter, pattern};
    use spdlog::sink::{AsyncPoolSink, OverflowPolicy, WriteSink};
    let form = PatternFormatter::new(pattern!(
        "[{year}-{month}-{day} {hour}:{minute}:{second}.{microsecond}] [{level}] \
         [{file_name}:{line}] {payload}{eol}"
    ));
    let lines = WriteSink::builder().target(BufWriter::with_capacity(BUFFER, to)).formatter(form);
    let lines = Arc::new(lines.build().expect("spdlog has a sink"));
    let queue = AsyncPoolSink::builder().sink(lines).overflow_policy(OverflowPolicy::Block);
    let queue = Arc::new(queue.build().expect("spdlog has a queue"));
    let logger = spdlog::Logger::builder().sink(queue).build().expect("spdlog starts");
    let logger = Arc::new(logger);
    logger.set_flush_period(Some(Duration::from_secs(1)));
    spdlog::set_default_logger(logger.clone());
    let flush = Box::new(move || logger.flush());
    Logging { call: call!(spdlog::info), flush, guard: Box::new(()) }
}
