//! `tracing`: events with the spans around them, as records of the same logger.
//!
//! ```text
//!  span!      → RecordLayer::on_new_span → SpanText, encoded once ─┐
//!  event!     → RecordLayer::on_event    → EventRecord ────────────┼→ SpanContext → record → spool
//!  log::info! → LogFacade                → log::Record ────────────┘
//! ```

mod event;
mod fields;
mod filter;
mod gather;
mod ids;
mod layer;
mod locks;
mod log_records;
mod open_span;
#[cfg(feature = "opentelemetry")]
mod otel;
mod span;
mod span_end;
mod span_text;
#[cfg(all(tracing_unstable, feature = "valuable"))]
mod structured;
mod table;

pub use filter::RecordFilter;
pub use layer::RecordLayer;

use crate::builder::Builder;
use crate::init_error::InitError;
use crate::logger::Guard;
use tracing_core::{Dispatch, Subscriber, dispatcher};
use tracing_subscriber::filter::Filtered;
use tracing_subscriber::layer::{Layer as _, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// Sends events, with the spans around them, to a collector; one layer of somebody's own subscriber.
pub type Layer<S> = Filtered<RecordLayer, RecordFilter, S>;

/// A layer that sends to `address`, with every option at its default: see [`Builder::layer`].
///
/// ```no_run
/// use tracing_subscriber::layer::SubscriberExt;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (layer, _guard) = netlog::layer("localhost:1902")?;
/// tracing_core::dispatcher::set_global_default(tracing_subscriber::registry().with(layer).into())?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`crate::init`].
pub fn layer<S>(address: &str) -> Result<(Layer<S>, Guard), InitError>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    crate::builder(address).layer()
}

impl Builder {
    /// Starts the logger as a layer for a subscriber of your own. Keep the guard until the end of
    /// `main`.
    ///
    /// ```no_run
    /// use tracing_subscriber::layer::SubscriberExt;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (layer, _guard) = netlog::builder("localhost:1902").app("orders").layer()?;
    /// let subscriber = tracing_subscriber::registry().with(layer);
    /// tracing_core::dispatcher::set_global_default(subscriber.into())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// netlog becomes the logger of the `log` facade too, so that those records keep their values
    /// and get the spans around them. `tracing-subscriber`'s own `init()`, with its default features,
    /// wants to be that and fails then: use `set_global_default`, or leave the facade to it with
    /// [`Builder::log_facade`]`(false)`.
    ///
    /// # Errors
    ///
    /// As [`Builder::init`].
    pub fn layer<S>(self) -> Result<(Layer<S>, Guard), InitError>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let take_facade = self.log_facade;
        let guard = self.start(take_facade)?;
        log_records::look_up_in::<S>();
        Ok((RecordLayer::NEW.with_filter(RecordFilter::NEW), guard))
    }

    /// Lets [`Builder::layer`] make netlog the logger of the `log` facade too; on by default.
    ///
    /// ```no_run
    /// use tracing_subscriber::layer::SubscriberExt;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (layer, _guard) = netlog::builder("localhost:1902").log_facade(false).layer()?;
    /// // Another logger may have the facade now, such as `tracing_log::LogTracer`.
    /// let subscriber = tracing_subscriber::registry().with(layer);
    /// # tracing_core::dispatcher::set_global_default(subscriber.into())?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn log_facade(mut self, take: bool) -> Self {
        self.log_facade = take;
        self
    }

    /// Logs the end of each span as a record, with the time in which the span was entered
    /// (`busy_us`) and the rest (`idle_us`); off by default.
    ///
    /// ```
    /// let builder = netlog::builder("localhost:1902").span_ends(true);
    /// ```
    pub fn span_ends(mut self, log: bool) -> Self {
        self.span_ends = log;
        self
    }
}

/// Makes the logger the program's subscriber, if it has none.
pub(crate) fn install() {
    log_records::look_up_in::<Registry>();
    let subscriber = Registry::default().with(RecordLayer::NEW).with(RecordFilter::NEW);
    let _ = dispatcher::set_global_default(Dispatch::new(subscriber));
}
