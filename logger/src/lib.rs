//! A logger whose last lines before a crash arrive: everything a program logs through the [`log`]
//! facade reaches a netlog collector over TCP.
//!
//! ```no_run
//! fn main() -> Result<(), netlog::InitError> {
//!     let _guard = netlog::init("localhost:1902")?;
//!     log::info!("hello, world");
//!     Ok(())
//! }
//! ```
//!
//! The collector (or `nc -lk 1902`, after two seconds) then shows
//!
//! ```text
//! 2026-11-22 18:42:23.123456 INFO  [hello] src/main.rs:3 hello, world
//! ```
//!
//! A log call formats the record, as one line of JSON, and copies it into the *spool*: a ring in
//! shared memory. It never waits for the network, takes no lock, and makes no system call. A
//! thread of the logger's own, the *worker*, sends what is in the ring and gives back what the
//! collector has acked. What was logged is therefore out of the process' hands when the log call
//! returns: whatever then becomes of the process, somebody can still deliver it.
//!
//! # When the collector is away
//!
//! The program runs on at full speed. The spool takes the records (8 MiB by default, some 50,000
//! records), the worker tries again and again with growing pauses of up to 5 seconds, one line on
//! stderr says that it cannot reach the collector, and one that it is back. A record is resent
//! until it is acked; the collector skips what it has already, so that each arrives once.
//!
//! An endpoint that does not answer the worker's hello within two seconds, and never has (a note
//! beside the spools, `*.collector`, remembers those that did), is taken for something other than a
//! collector: records count as delivered when they are written to it.
//! For `nc -lk 1902` say [`Builder::format`]`(Format::Text)`. Where a collector has welcomed any
//! program of this user (an empty file beside the spools says so), one that does not answer hangs,
//! and records wait for it.
//!
//! # When the spool is full
//!
//! The program comes first. The last eighth is kept for warnings and errors; when that is full
//! too, records are given up and counted, by level, and as soon as there is room the stream itself
//! says how many were lost. With [`Full::Block`] a log call waits for room instead.
//!
//! # When the program ends
//!
//! | end | what happens |
//! |---|---|
//! | `main` returns | the [`Guard`]'s drop waits for delivery, up to [`Builder::flush_limit`] |
//! | `process::exit`, a leaked guard | the same, at exit |
//! | a panic | it becomes an ERROR record, is flushed for up to 100 ms (2 s with `panic = "abort"`), and then the previous hook runs |
//! | `abort`, SIGSEGV, SIGTERM, SIGKILL, out of memory | nothing can run; the spool keeps everything, and the next start of the same app by the same user delivers it |
//! | `fork` | the child gets a sender of its own at its next record; the parent keeps its |
//!
//! The default spool lies in `/dev/shm`: it survives the process, not a reboot and not the end of
//! its container. [`Builder::spool_dir`] puts it elsewhere.
//!
//! # What is logged
//!
//! What `RUST_LOG` says, in [its usual language](https://docs.rs/env_logger); when it is unset,
//! `info`. [`Builder::filter`] and [`Builder::level`] say it in code.
//!
//! # Platform
//!
//! Linux 4.14 or later. The ring is mapped memory with the kernel's help (`memfd_create`,
//! `fallocate`, pages wiped on fork), of which other systems have no equal.

#[cfg(not(target_os = "linux"))]
compile_error!("netlog's spool needs Linux");

mod acquaintance;
mod bell;
mod builder;
mod clock;
mod encode;
mod endpoint;
mod exit;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod logger;
mod loss;
mod origin;
mod ring;
mod sender;
mod session;
mod ship;
mod spool;
mod token;
mod voice;
mod worker;

pub use builder::{Builder, Format, Full, InitError};
pub use endpoint::BadAddress;
pub use logger::{Guard, flush};
pub use sender::Flushed;
pub use ship::{Shipped, ship};

/// Makes netlog the program's logger, sending to `address` with every option at its default.
///
/// The address is `host:port` or `tcp://host:port`, `unix:///path` for a collector on the same
/// machine, or `udp://host:port` for one record a datagram without acks.
///
/// # Errors
///
/// When the address or `RUST_LOG` cannot be read, the program has a logger already, or the system
/// gives no thread. That nobody listens at the address is no error: records wait in the spool.
pub fn init(address: &str) -> Result<Guard, InitError> {
    builder(address).init()
}

/// Every option, for a logger that sends to `address`.
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
