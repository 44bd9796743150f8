//! A remote logger that keeps the last lines before a crash.
//!
//! netlog sends everything a program logs through the [`log`] facade to a netlog collector on
//! another machine.
//!
//! ```no_run
//! fn main() -> Result<(), netlog::InitError> {
//!     let _guard = netlog::init("localhost:1902")?;
//!     log::info!("hello, world");
//!     Ok(())
//! }
//! ```
//!
//! The collector (or `nc -lk 1902`, after two seconds) then prints
//!
//! ```text
//! 2026-11-22 18:42:23.123456 INFO  [hello] src/main.rs:3 hello, world
//! ```
//!
//! A log call formats the record as one line of JSON and copies it into the *spool*, a ring buffer
//! in shared memory. It never waits for the network, takes no lock, and makes no system call. A
//! background thread, the *worker*, sends the records and releases those that the collector has
//! acknowledged. When the log call returns, the record no longer depends on the process: if the program
//! crashes, its next start delivers it.
//!
//! # When the collector is unreachable
//!
//! The program keeps running at full speed. The spool holds 8 MiB of records by default, about
//! 40,000 of them. The worker retries with a backoff of up to 5 seconds, and prints one line on
//! stderr when the connection is lost and one when it is back. Records are resent until they are
//! acknowledged, and the collector skips those it already has, so each arrives once.
//!
//! An endpoint that does not answer the worker's hello within two seconds is treated as a *plain*
//! one, which sends no acknowledgements: records count as delivered once they are written to it. For
//! `nc -lk 1902` set [`Builder::format`]`(Format::Text)`. An endpoint that has ever answered a
//! program of this user is remembered (in a file `*.collector` beside the spools): if it hangs
//! later, records wait for it.
//!
//! # When the spool is full
//!
//! Log calls drop records rather than wait. The last eighth of the spool is reserved for warnings
//! and errors. Dropped records are counted by level, and a record in the stream reports them as
//! soon as there is room. With [`Full::Block`] a log call waits for room instead.
//!
//! # When the program ends
//!
//! | end | effect |
//! |---|---|
//! | `main` returns | the [`Guard`]'s drop waits for delivery, up to [`Builder::flush_limit`] |
//! | `process::exit`, a leaked guard | the same, at exit |
//! | a panic | it is logged as an ERROR and flushed for up to 100 ms (2 s with `panic = "abort"`), then the previous hook runs |
//! | `abort`, SIGSEGV, SIGTERM, SIGKILL, out of memory | the spool keeps everything, and the next start of the same app by the same user delivers it |
//! | `fork` | the child gets a sender of its own with its first record; the parent keeps its own |
//!
//! The default spool is in `/dev/shm`: it survives the process, but not a reboot and not the end of
//! its container. [`Builder::spool_dir`] moves it.
//!
//! # Filter
//!
//! `RUST_LOG` selects the records, in [the syntax of env_logger](https://docs.rs/env_logger); the
//! default is `info`. [`Builder::filter`] and [`Builder::level`] set it in code.
//!
//! # Features
//!
//! - `tls`: addresses of the form `tls://host:port`, by rustls with ring. The collector is verified by
//!   the system's CAs, by `Builder::ca` or by `Builder::pin`; `Builder::client_cert` shows it a
//!   certificate. Only the worker encrypts: a log call costs the same.
//! - `tls-aws-lc-rs`: `tls` with aws-lc-rs in place of ring. It has a post-quantum key exchange, and
//!   needs a C compiler.
//! - `tracing`: events of `tracing` become records too, with the spans around them. [`init()`] then also
//!   installs a subscriber, unless there is one; `netlog::layer` is a layer for one of your own.
//! - `opentelemetry`: records in a span have the trace id of `tracing-opentelemetry` 0.34.
//! - `valuable`: values of `valuable` are nested JSON, in programs compiled with `--cfg tracing_unstable`.
//!
//! # Platform
//!
//! All of the above holds on Linux 4.14 or later. On macOS, Windows and the BSDs the same crate compiles
//! and logs, with the spool in ordinary memory: what is delivered at a return from `main`, an exit, a
//! panic, a drop of the guard or a flush is the same, but a crash or a kill loses the records that are
//! not delivered yet. One line on stderr reports that at the start, unless [`Builder::memory_spool`] is
//! set. There, `unix://` addresses and [`Builder::ship`] do not work either. On Windows, `std::process::exit` runs
//! no exit hooks: call [`flush`] first.
//!
//! Systems of 32 bits, and of either byte order, are supported where they have atomics of 64 bits. The
//! spool of a dead program is delivered by a program of the same byte order only.
#![cfg_attr(not(all(target_os = "linux", not(netlog_portable))), allow(dead_code))]

#[cfg(not(target_has_atomic = "64"))]
compile_error!("netlog needs atomics of 64 bits, which this processor does not have");

mod builder;
mod clock;
#[cfg(all(target_os = "linux", not(netlog_portable)))]
mod descriptor;
mod encode;
mod endpoint;
mod endpoints;
mod exit;
mod filter_text;
#[cfg(all(any(test, fuzzing), target_os = "linux", not(netlog_portable)))]
pub mod fuzz;
mod identity;
mod init;
mod init_error;
mod known_collectors;
mod logger;
mod loss;
mod machine;
mod recovery;
mod remote_filter;
mod ring;
mod sender;
mod session;
mod ship;
mod socket;
#[cfg(feature = "tracing")]
mod span_context;
mod spool;
mod stats;
mod stderr;
#[cfg(feature = "tls")]
#[doc(hidden)]
pub mod tls;
mod token;
#[cfg(feature = "tracing")]
mod tracing;
mod waiting;
mod waker;
mod worker;

pub use builder::{Builder, Format, Full};
pub use endpoint::BadAddress;
pub use init_error::InitError;
pub use logger::{Guard, flush, stats};
pub use sender::Flushed;
pub use ship::{ShipError, Shipped};
pub use spool::WaitingSpool;
pub use stats::Stats;
#[cfg(feature = "tracing")]
pub use tracing::{Layer, RecordFilter, RecordLayer, layer};

/// Starts a logger that sends to `address`, with default options.
///
/// The address is `host:port` or `tcp://host:port`, `tls://host:port` (with the feature `tls`),
/// `unix:///path` for a collector on the same machine, or `udp://host:port` for one record a
/// datagram without acknowledgements. Several collectors, with commas between them, are tried in order.
///
/// ```no_run
/// # fn main() -> Result<(), netlog::InitError> {
/// let _guard = netlog::init("localhost:1902")?;
/// log::warn!("disk is almost full");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// When the address or `RUST_LOG` is invalid, the program already has a logger, or the system has no
/// memory or thread for one. An unreachable collector is not an error: records wait in the spool.
pub fn init(address: &str) -> Result<Guard, InitError> {
    builder(address).init()
}

/// Returns a builder of a logger that sends to `address`.
///
/// ```no_run
/// # fn main() -> Result<(), netlog::InitError> {
/// let _guard = netlog::builder("logs.example.com:1902").app("orders").tee(true).init()?;
/// # Ok(())
/// # }
/// ```
pub fn builder(address: &str) -> Builder {
    Builder::new(address)
}

/// The programs in README and docs compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
#[doc = include_str!("../../docs/install.md")]
#[doc = include_str!("../../docs/rust.md")]
pub struct Pages;
