//! The program the tests of `tracing` start: it logs events in spans, beside other layers and
//! loggers, as `do=` says.

use std::collections::HashMap;
use std::fmt;
use std::hint::black_box;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing::{Instrument, Span, debug, debug_span, error, info, info_span, trace, warn};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt as console, registry};

fn main() {
    let pairs = std::env::args().skip(1);
    let told: HashMap<String, String> = pairs
        .filter_map(|arg| arg.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())))
        .collect();
    let builder = || netlog::builder(&told["to"]);
    let _guard = match told["do"].as_str() {
        "fields" => start(builder(), fields),
        "scopes" => start(builder(), scopes),
        "later" => start(builder(), record_later),
        "long" => start(builder(), long),
        "log" => start(builder(), log_records),
        "panic" => start(builder(), panic_in_a_span),
        "ends" => start(builder().span_ends(true), span_ends),
        "filter" => start(builder().filter("info,traced::quiet=warn,traced::loud=trace"), filtered),
        "displays" => start(builder(), displays_that_log),
        "requests" => start(builder().when_full(netlog::Full::Block(WAIT)), requests),
        "beside" => beside(builder().filter("info,traced::quiet=warn,traced::loud=trace")),
        "forwarded" => forwarded(builder().log_facade(false)),
        "asked" => asked(builder()),
        "disabled" => disabled(builder().filter("info,traced::quiet=warn")),
        "taken" => taken(builder()),
        other => panic!("do={other}"),
    };
}

/// Longer than any collector of a test hangs.
const WAIT: Duration = Duration::from_secs(60);

fn start(builder: netlog::Builder, log: fn()) -> netlog::Guard {
    let guard = builder.init().expect("netlog starts");
    log();
    guard
}

#[derive(Debug)]
struct Failure;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed to fill \"7\"")
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&fmt::Error)
    }
}

fn fields() {
    let span = info_span!("request", id = 7, ratio = 0.5, r#type = "GET", trace_id = "4bf92f35");
    let _entered = span.enter();
    let failure = Failure;
    error!(
        signed = -7_i64,
        unsigned = u64::MAX,
        wide = i128::MIN,
        nan = f64::NAN,
        truth = true,
        text = "a \"b\"\n",
        debug = ?Some("x"),
        display = %failure,
        error = &failure as &(dyn std::error::Error + 'static),
        empty = tracing::field::Empty,
        "the message of {}",
        7
    );
    info!(first = 1, message = "named", last = 2);
    info!(only = "fields");
}

fn scopes() {
    let outer = info_span!("outer", a = 1);
    let inner = info_span!(parent: &outer, "inner");
    info!("in no span");
    inner.in_scope(|| {
        info!("in both");
        info!(parent: &outer, "in the outer one");
        info!(parent: None, "in none again");
    });
    let alone = info_span!(parent: None, "alone");
    let _entered = outer.enter();
    alone.in_scope(|| info!("in one that has no parent"));
}

/// The values of a span are known one after the other.
fn record_later() {
    let span = info_span!("request", id = 1, status = tracing::field::Empty, user = "?", bytes = 0);
    let child = info_span!(parent: &span, "query");
    let _entered = child.enter();
    info!("at first");
    span.record("status", 200);
    span.record("user", "ann");
    info!("then");
    span.record("status", "a longer one than before");
    span.record("bytes", 12);
    info!("at last");
}

fn long() {
    let spans: Vec<Span> =
        (0..100).map(|depth| info_span!("deep", depth).entered().exit()).collect();
    drop(spans);
    fn recurse(depth: u32) {
        let _entered = info_span!("level", depth, pad = "x".repeat(300)).entered();
        match depth {
            0 => info!("at the bottom"),
            depth => recurse(depth - 1),
        }
    }
    recurse(99);
    let span = info_span!("wide", a = "x".repeat(5000), b = 2);
    span.in_scope(|| info!(c = "y".repeat(100_000), d = 4, "{}", "z".repeat(200_000)));
}

fn log_records() {
    log::info!("in no span");
    let _entered = info_span!("request", id = 7).entered();
    log::warn!(target: "orders::fill", client = "acme", us = 31; "order {} is late", 7);
}

fn panic_in_a_span() {
    let _entered = info_span!("request", id = 7).entered();
    info!("before");
    panic!("the end");
}

fn span_ends() {
    let outer = info_span!("outer", id = 7);
    let _entered = outer.enter();
    info_span!("inner").in_scope(|| info!("inside"));
}

mod quiet {
    pub(crate) fn log() {
        let _entered = tracing::info_span!("unwanted").entered();
        tracing::info!("not wanted");
        tracing::warn!("wanted");
    }
}

mod loud {
    pub(crate) fn log() {
        tracing::trace!("every step");
    }
}

fn filtered() {
    let _entered = info_span!("request", id = 7).entered();
    debug!("too much");
    quiet::log();
    loud::log();
    debug_span!("details").in_scope(|| info!("in a span that is not taken"));
    assert!(!tracing::enabled!(tracing::Level::DEBUG), "nobody wants it");
}

/// Others write to stderr: what they want, all of it, with their own fields.
fn beside(builder: netlog::Builder) -> netlog::Guard {
    let (layer, guard) = builder.layer().expect("netlog starts");
    let text = console::layer().with_ansi(true).with_writer(io::stderr);
    let everything = text.with_filter(EnvFilter::new("traced=debug"));
    let subscriber = registry().with(layer).with(everything);
    tracing::subscriber::set_global_default(subscriber).expect("there is no other");
    filtered_without_its_assertion();
    record_later();
    log::info!(number = 7; "from log");
    guard
}

fn filtered_without_its_assertion() {
    let _entered = info_span!("request", id = 7).entered();
    debug!("too much");
    quiet::log();
    loud::log();
    debug_span!("details").in_scope(|| {
        info!("in a span that is not taken");
        log::info!("from log in a span that is not taken");
        info_span!("query").in_scope(|| info!("in a child of it"));
    });
}

/// The facade is somebody else's, who forwards it to `tracing`.
fn forwarded(builder: netlog::Builder) -> netlog::Guard {
    let (layer, guard) = builder.layer().expect("netlog starts");
    registry().with(layer).init();
    let _entered = info_span!("request", id = 7).entered();
    log::warn!(target: "orders::fill", "order {} is late", 7);
    guard
}

/// A library asks whether it should log, as sqlx does, and does not.
fn asked(builder: netlog::Builder) -> netlog::Guard {
    let (layer, guard) = builder.log_facade(false).layer().expect("netlog starts");
    let all = console::layer().with_writer(io::sink).with_filter(EnvFilter::new("traced=debug"));
    registry().with(layer).with(all).init();
    for id in 0..3 {
        black_box(log::log_enabled!(target: "sqlx", log::Level::Debug));
        let _entered = info_span!("request", id).entered();
        black_box(log::log_enabled!(target: "sqlx", log::Level::Trace));
        info!("still here");
    }
    guard
}

/// Asks the subscriber below whatever it is asked, and counts it.
struct Counting<S>(S);

static ASKED: AtomicU32 = AtomicU32::new(0);

impl<S: Subscriber> Subscriber for Counting<S> {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.0.register_callsite(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        ASKED.fetch_add(1, Ordering::Relaxed);
        self.0.enabled(metadata)
    }

    // Without this, the levels that nobody wants would not be cut off by the macros alone.
    fn max_level_hint(&self) -> Option<LevelFilter> {
        None
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.0.new_span(span)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        self.0.record(span, values);
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.0.record_follows_from(span, follows);
    }

    fn event(&self, event: &Event<'_>) {
        self.0.event(event);
    }

    fn enter(&self, span: &Id) {
        self.0.enter(span);
    }

    fn exit(&self, span: &Id) {
        self.0.exit(span);
    }
}

fn disabled(builder: netlog::Builder) -> netlog::Guard {
    let (layer, guard) = builder.log_facade(false).layer().expect("netlog starts");
    let below = registry().with(layer);
    assert_eq!(below.max_level_hint(), Some(LevelFilter::INFO), "the macros cut off the rest");
    tracing::subscriber::set_global_default(Counting(below)).expect("there is no other");
    for _ in 0..1000 {
        debug!("too much");
        debug_span!("too much").in_scope(|| trace!("even more"));
        tracing::info!(target: "traced::quiet", "not here");
    }
    assert_eq!(ASKED.load(Ordering::Relaxed), 0, "the call sites are disabled");
    (0..2).for_each(|_| info!("asked for"));
    assert!(ASKED.load(Ordering::Relaxed) > 0, "what is asked is counted");
    guard
}

/// Somebody is the subscriber already, with spans that have the same ids as ours would.
fn taken(builder: netlog::Builder) -> netlog::Guard {
    tracing::subscriber::set_global_default(registry()).expect("there is no other");
    let guard = builder.init().expect("netlog starts");
    let _entered = info_span!("somebody's").entered();
    trace!("not ours");
    warn!("nor this");
    log::info!("but this");
    guard
}

/// Logs, and opens a span, while it is being logged.
struct Talkative(u32);

impl fmt::Debug for Talkative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > 0 {
            let below = Self(self.0 - 1);
            let _entered = info_span!("below", value = ?below).entered();
            info!("{below:?}");
        }
        write!(f, "talkative {}", self.0)
    }
}

fn displays_that_log() {
    let span = info_span!("talks", value = ?Talkative(1), later = tracing::field::Empty);
    span.record("later", tracing::field::debug(Talkative(1)));
    span.in_scope(|| info!(value = ?Talkative(1), "{:?}", Talkative(1)));
}

/// A thousand requests at once, in tasks that move between threads, through both facades.
fn requests() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build();
    runtime.expect("tokio starts").block_on(async {
        let requests: Vec<_> = (0..1000).map(|id| tokio::spawn(request(id))).collect();
        for request in requests {
            request.await.expect("no request panics");
        }
    });
}

async fn request(id: u32) {
    let span = info_span!("request", id);
    let steps = async {
        for step in 0..100 {
            let query = info_span!("query", step);
            match step % 2 {
                0 => async { info!("request {id} step {step}") }.instrument(query).await,
                _ => query.in_scope(|| log::info!("request {id} step {step}")),
            }
            tokio::task::yield_now().await;
        }
    };
    steps.instrument(span).await;
}
