//! Which spans and events are taken: `RUST_LOG`'s directives, a level for each target.

use crate::logger::for_tracing;
use tracing_core::{Interest, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter, Layer};

/// Takes what the logger's filter does.
///
/// As a layer of its own it decides for the whole subscriber, once for each call site; as a filter of
/// one layer it leaves the others alone.
#[derive(Debug, Clone, Copy)]
pub struct RecordFilter {
    _private: (),
}

impl RecordFilter {
    pub(super) const NEW: Self = Self { _private: () };
}

fn takes(metadata: &Metadata<'_>) -> bool {
    let level = log_level(*metadata.level());
    for_tracing::enabled(&log::Metadata::builder().level(level).target(metadata.target()).build())
}

pub(super) fn log_level(level: tracing_core::Level) -> log::Level {
    match level {
        tracing_core::Level::ERROR => log::Level::Error,
        tracing_core::Level::WARN => log::Level::Warn,
        tracing_core::Level::INFO => log::Level::Info,
        tracing_core::Level::DEBUG => log::Level::Debug,
        tracing_core::Level::TRACE => log::Level::Trace,
    }
}

fn most_verbose() -> LevelFilter {
    match for_tracing::max_level() {
        log::LevelFilter::Off => LevelFilter::OFF,
        log::LevelFilter::Error => LevelFilter::ERROR,
        log::LevelFilter::Warn => LevelFilter::WARN,
        log::LevelFilter::Info => LevelFilter::INFO,
        log::LevelFilter::Debug => LevelFilter::DEBUG,
        log::LevelFilter::Trace => LevelFilter::TRACE,
    }
}

impl<S: Subscriber> Layer<S> for RecordFilter {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if takes(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        takes(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(most_verbose())
    }
}

impl<S> Filter<S> for RecordFilter {
    /// Never "always": where a registry need not ask its layers' filters, it goes by what they last
    /// said of something else, and somebody's `log_enabled!` in between would cost us a span.
    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if takes(metadata) { Interest::sometimes() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        takes(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(most_verbose())
    }
}
