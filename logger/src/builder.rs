//! Every option of a logger, with its default.

use crate::endpoint::{BadAddress, Endpoint, Transport};
use crate::origin;
use crate::token::Token;
use env_filter::Filter;
use netlog_wire::MAX_LINE;
use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// What a netlog datagram holds besides the line, at most; IPv4 leaves 65,507 bytes in all.
const MAX_DATAGRAM_LINE: usize = 65_507 - 1024;

/// The smallest line limit: less would leave no room for a message.
const MIN_MAX_LINE: usize = 4096;

/// The sizes a spool can have; it is rounded up to a power of two.
const SPOOL_SIZES: (usize, usize) = (64 * 1024, 1 << 30);

/// How records are written to the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// One JSON object a line, after a hello: for netlog's collector. Anything else that reads
    /// lines gets them too, when it has stayed silent for two seconds.
    Json,
    /// One line of text a record, for people: for `nc -lk 1902`, and other programs' log servers.
    Text,
}

/// What a log call does when the spool is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Full {
    /// Gives the record up and counts it, by level; the stream tells of it when there is room.
    /// The last eighth of the spool is kept for warnings and errors.
    Drop,
    /// Waits up to this long for room, and then does the same.
    Block(Duration),
}

/// Everything that can be chosen about a logger. Made by [`builder`](crate::builder()).
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `init`"]
pub struct Builder {
    address: String,
    pub(crate) app: String,
    pub(crate) host: String,
    filter: Option<String>,
    pub(crate) spool_dir: Option<PathBuf>,
    pub(crate) spool_size: usize,
    pub(crate) keep: usize,
    pub(crate) format: Format,
    pub(crate) flush_limit: Duration,
    pub(crate) when_full: Full,
    pub(crate) max_line: usize,
    pub(crate) tee: bool,
    pub(crate) token: Token,
}

impl Builder {
    pub(crate) fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            app: origin::app_name(),
            host: origin::host_name(),
            filter: None,
            spool_dir: None,
            spool_size: 8 << 20,
            keep: 256 << 20,
            format: Format::Json,
            flush_limit: Duration::from_secs(3),
            when_full: Full::Drop,
            max_line: MAX_LINE,
            tee: false,
            token: Token::of_environment(),
        }
    }

    /// The program's name in every record; by default the name of its executable.
    pub fn app(mut self, name: impl Into<String>) -> Self {
        self.app = name.into();
        self
    }

    /// The machine's name in every record; by default the kernel's name for it.
    pub fn host(mut self, name: impl Into<String>) -> Self {
        self.host = name.into();
        self
    }

    /// The least severe level that is logged, for all targets. `RUST_LOG` is not asked then.
    pub fn level(self, level: log::LevelFilter) -> Self {
        self.filter(level.as_str())
    }

    /// What is logged, in the language of `RUST_LOG`: `info,hyper=warn,orders::fill=trace`. By
    /// default `RUST_LOG` says it, and when that is unset, `info`.
    pub fn filter(mut self, directives: impl Into<String>) -> Self {
        self.filter = Some(directives.into());
        self
    }

    /// Where the spool lies. By default `$NETLOG_SPOOL`, else `/dev/shm/netlog-<uid>`, which a
    /// reboot empties. On a disk it is the buffer for long outages; log calls may then wait for
    /// the disk now and then.
    pub fn spool_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.spool_dir = Some(directory.into());
        self
    }

    /// How many bytes of records the spool holds, from 64 KiB to 1 GiB, rounded up to a power of
    /// two; by default 8 MiB.
    pub fn spool_size(mut self, bytes: usize) -> Self {
        let (least, most) = SPOOL_SIZES;
        self.spool_size = bytes.clamp(least, most).next_power_of_two();
        self
    }

    /// How many bytes the spools of dead programs of the same app may take, at most; by default 256
    /// MiB. Beyond that the oldest are given up when the program starts, and counted as lost.
    pub fn keep(mut self, bytes: usize) -> Self {
        self.keep = bytes;
        self
    }

    /// How records are written to the endpoint; by default [`Format::Json`].
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// How long the guard's drop and the program's exit wait for delivery, at most; by default 3
    /// seconds. When the endpoint cannot be reached they do not wait: the spool keeps the records.
    pub fn flush_limit(mut self, limit: Duration) -> Self {
        self.flush_limit = limit;
        self
    }

    /// What a log call does when the spool is full; by default [`Full::Drop`].
    pub fn when_full(mut self, full: Full) -> Self {
        self.when_full = full;
        self
    }

    /// The longest line a record may become, in bytes; by default 64 KiB, as much as a collector
    /// takes by default, and at least 4 KiB. What is too long is cut and marked `truncated`.
    pub fn max_line(mut self, bytes: usize) -> Self {
        self.max_line = bytes.max(MIN_MAX_LINE);
        self
    }

    /// What shows a collector that this program may send, where it asks for that; by default
    /// `$NETLOG_TOKEN`. Nothing on the way there hides it, nor what is logged.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Token::new(token.into());
        self
    }

    /// Whether every record is also written to stderr, as text; by default not.
    pub fn tee(mut self, tee: bool) -> Self {
        self.tee = tee;
        self
    }

    pub(crate) fn endpoint(&self) -> Result<Endpoint, InitError> {
        Endpoint::parse(&self.address).map_err(InitError::Address)
    }

    pub(crate) fn filters(&self) -> Result<Filter, InitError> {
        let from_env = || std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
        let text = self.filter.clone().or_else(from_env).unwrap_or_else(|| "info".into());
        let mut filter = env_filter::Builder::new();
        filter.try_parse(&text).map_err(|e| InitError::Filter { text, why: e.to_string() })?;
        Ok(filter.build())
    }

    /// A line must fit the spool many times over, and a datagram once.
    pub(crate) fn line_limit(&self, transport: Transport) -> usize {
        let limit = self.max_line.min(self.spool_size / 8);
        if transport == Transport::Udp { limit.min(MAX_DATAGRAM_LINE) } else { limit }
    }
}

/// Why a program got no logger.
#[derive(Debug)]
#[non_exhaustive]
pub enum InitError {
    /// The address is none.
    Address(BadAddress),
    /// The filter is not in the language of `RUST_LOG`.
    Filter {
        /// The filter.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// The program has a logger already; initialise one, once, at the start of `main`.
    AlreadySet,
    /// The system gives us no thread, or no memory that can be shared with one.
    System(io::Error),
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(bad) => write!(f, "{bad}"),
            Self::Filter { text, why } => write!(f, "bad log filter {text:?}: {why}"),
            Self::AlreadySet => f.write_str(
                "the program has a logger already; initialise one, once, at the start of main",
            ),
            Self::System(_) => f.write_str("failed to start the logger's worker"),
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
