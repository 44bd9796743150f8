//! The error of starting a logger.

use crate::endpoint::BadAddress;
use std::error::Error;
use std::fmt;
use std::io;

/// Error of [`init`](crate::init()) and [`Builder::init`](crate::Builder::init).
#[derive(Debug)]
#[non_exhaustive]
pub enum InitError {
    /// The address is invalid.
    Address(BadAddress),
    /// The filter does not follow the syntax of `RUST_LOG`.
    Filter {
        /// The filter.
        text: String,
        /// The error in it.
        why: String,
    },
    /// A pin is malformed, or a client certificate has no key.
    #[cfg(feature = "tls")]
    Tls {
        /// The error.
        why: String,
    },
    /// The program already has a logger. Initialise one logger, once, at the start of `main`.
    AlreadySet,
    /// The system has no memory or no thread for the logger.
    System(io::Error),
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(bad) => write!(f, "{bad}"),
            Self::Filter { text, why } => write!(f, "invalid log filter {text:?}: {why}"),
            #[cfg(feature = "tls")]
            Self::Tls { why } => write!(f, "invalid TLS settings: {why}"),
            Self::AlreadySet => f.write_str(
                "the program already has a logger; initialise one, once, at the start of main",
            ),
            Self::System(_) => f.write_str("failed to start the logger"),
        }
    }
}

impl Error for InitError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::System(e) => Some(e),
            _ => None,
        }
    }
}
