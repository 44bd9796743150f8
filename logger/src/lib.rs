//! A logger whose last lines before a crash arrive.
mod bell;
mod builder;
mod encode;
mod endpoint;
mod exit;
mod logger;
mod origin;
mod ring;
mod sender;
mod session;
mod spool;
mod worker;

pub use builder::{Builder, Format, Full, InitError};
pub use endpoint::BadAddress;
pub use logger::{Guard, flush};
pub use sender::Flushed;

/// Logs to `address`.
pub fn init(address: &str) -> Result<Guard, InitError> {
    builder(address).init()
}

/// Options.
pub fn builder(address: &str) -> Builder {
    Builder::new(address)
}
