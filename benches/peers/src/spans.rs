//! Those that know spans: an event of `tracing` in a span with three values, as JSON.

use crate::loggers::{BUFFER, Logging};
use std::io::BufWriter;
use std::net::TcpStream;
use std::time::Duration;
use tracing::info_span;
use tracing::span::EnteredSpan;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Their names; the first is what the others are measured by.
pub(crate) const NAMES: [&str; 4] = ["floor", "netlog", "fmt-json", "tracing-loki"];

thread_local! {
    /// The span that each thread is in.
    static REQUEST: EnteredSpan =
        info_span!("request", id = 7, path = "/orders/7", user = "ann").entered();
}

/// Logs the event of a number, with the same message as everywhere.
pub(crate) fn call(number: u64) {
    const CLIENTS: [&str; 4] = ["acme-capital", "bluebird", "client-00417", "zed"];
    let price = 100.0 + (number % 1000) as f64 * 0.37;
    let client = CLIENTS[(number & 3) as usize];
    let id = 1_000_000 + number;
    let micros = 10 + (number % 977) as u32;
    REQUEST.with(|_| {
        tracing::info!("order {id} filled at {price:.2} for client {client} in {micros} us");
    });
}

/// Its queue is not lossy, as elsewhere here; its thread writes through a buffer.
pub(crate) fn fmt_json(to: TcpStream) -> Logging {
    let builder = tracing_appender::non_blocking::NonBlockingBuilder::default().lossy(false);
    let (writer, guard) = builder.finish(BufWriter::with_capacity(BUFFER, to));
    tracing_subscriber::fmt()
        .json()
        .with_writer(writer)
        .with_file(true)
        .with_line_number(true)
        .init();
    Logging { call, flush: Box::new(|| ()), guard: Box::new(guard) }
}

/// Its queue holds 512 events and drops what comes beyond; its task runs on a thread of its own.
pub(crate) fn loki(address: &str) -> Logging {
    let url = format!("http://{address}").parse().expect("a URL");
    let (layer, task) = tracing_loki::builder().build_url(url).expect("tracing-loki starts");
    tracing_subscriber::registry().with(layer).init();
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("tokio starts").block_on(task);
    });
    // It has no flush without an end: what is queued is sent within this time.
    let flush = Box::new(|| std::thread::sleep(Duration::from_millis(500)));
    Logging { call, flush, guard: Box::new(()) }
}
