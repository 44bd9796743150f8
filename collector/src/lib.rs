//! Gathers what many programs log into one stream, prints it and appends it to a file.
//!
//! ```text
//!  streams    one task a connection ─┐ decode     runs          batches ┌─► console
//!  datagrams  one task a socket     ─┴──────► channel ──► hub ─────────┴─► file
//!                 ▲                          (bounded      │ (a thread, the only writer)
//!                 └───────── acks, once a batch is written ┘  in bytes)
//! ```
//!
//! | thread or task | waits on |
//! |---|---|
//! | one task per TCP or Unix listener | a connection to accept, a connection task that ended, the end |
//! | one task per connection | bytes to read, room on the way to the hub, the hub's mark, the end |
//! | one task per UDP or Unix datagram socket | a datagram, a timer while datagrams are missing, the end |
//! | the hub, a thread | a submission of runs; then disks |
//! | the HTTP API, two threads: one task per reader | a request, news of the hub, room to write |
//! | compression and retention, a thread | a rotated file, a minute, the end |
//! | archive, a thread, with `--archive` | a rotated file, the store's answer, the end |
//! | forward, a thread, with `--forward-to` | a batch of the hub, the other collector's acks, the end |
//!
//! A program may run a collector within itself:
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use netlog_collector::{Collector, Options};
//!
//! let options = Options { listen: vec!["localhost:0".parse()?], ..Options::default() };
//! let collector = Collector::bind(options)?;
//! println!("{}", collector.addresses()[0]);
//! collector.run(async { /* returns when it is to end */ }).await?;
//! # Ok(())
//! # }
//! ```

mod archive;
mod backoff;
mod clock;
mod collector;
mod config;
mod decode;
mod descriptors;
mod error;
mod forward;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod glob;
mod hub;
mod intake;
mod jetstream;
mod layout;
mod ledger;
mod link_state;
mod options;
mod priority;
mod read;
mod retention;
mod seekable_zstd;
mod senders;
mod sink;
mod stats;
mod stderr;
mod thread_runtime;
mod tls;
mod turns;
mod units;
mod web_origin;
mod write_times;

pub use archive::{ArchiveError, ArchiveTarget, UnknownArchiveTarget};
pub use collector::{Collector, Reload};
pub use config::Config;
pub use descriptors::allow_descriptors;
pub use error::{BindError, RunError};
pub use forward::{ForwardTarget, UnknownTarget};
pub use hub::coalesce::runtime;
pub use hub::{GaveUp, Reopen};
pub use intake::{
    Address, Endpoint, InvalidRange, ProxyRange, RelaySource, UnknownEndpoint, UnknownRelaySource,
};
pub use jetstream::{NatsOptions, NatsTarget, UnknownNatsTarget};
pub use layout::template::BadTemplate;
pub use options::{AckPlace, Compress, Console, Format, Http, Options, PageOptions};
pub use senders::grant::{InvalidPattern, SenderPattern};
pub use stats::{Counter, Stats};
pub use tls::{
    ClientCertificates, Fingerprint, ForwardPin, ForwardTls, PeerRule, TlsError, TlsIdentity,
    TlsOptions, TlsVersion, UnknownForwardPin, UnknownPeerRule,
};
pub use units::{Period, Size, UnknownAmount};
pub use web_origin::{InvalidOrigin, WebOrigin};

use std::error::Error;
use stderr::{Chain, StderrLog};

/// Writes an error and all its causes to stderr, as one line.
pub fn report(error: &(dyn Error + 'static)) {
    StderrLog::default().log(format_args!("{}", Chain(error)));
}
