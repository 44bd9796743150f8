//! Options of the logger, with their defaults.

use crate::endpoints::Endpoints;
use crate::filter_text::Directives;
use crate::identity;
use crate::init_error::InitError;
use crate::machine::memory_limit;
use crate::stderr::report;
#[cfg(feature = "tls")]
use crate::tls::TlsSettings;
use crate::token::Token;
use env_filter::Filter;
use netlog_wire::MAX_LINE;
use std::path::PathBuf;
use std::time::Duration;

/// Longest line in a datagram: IPv4 leaves 65,507 bytes, of which identity and number take some.
const MAX_DATAGRAM_LINE: usize = 65_507 - 1024;

/// Smallest line limit; less would leave no room for a message.
const MIN_MAX_LINE: usize = 4096;

/// Smallest size of a spool.
const MIN_SPOOL_SIZE: usize = 64 * 1024;

/// Largest size of a spool.
const MAX_SPOOL_SIZE: usize = 1 << 30;

/// Format of the records on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// One JSON object a line, for netlog's collector. Any other server that reads lines can receive
    /// it too; it is recognised by not answering the hello within two seconds.
    Json,
    /// One line of text a record, for `nc -lk 1902` and other log servers.
    Text,
}

/// Behaviour of a log call when the spool is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Full {
    /// Drops the record and counts it, by level; a record in the stream reports the count as soon
    /// as there is room. The last eighth of the spool is reserved for warnings and errors.
    Drop,
    /// Waits up to this long for room, then drops the record.
    Block(Duration),
}

/// Builder of a logger, with all its options.
///
/// Created by [`builder`](crate::builder()); [`init`](Self::init) starts the logger.
///
/// ```no_run
/// # fn main() -> Result<(), netlog::InitError> {
/// use std::time::Duration;
///
/// let _guard = netlog::builder("logs.example.com:1902")
///     .app("orders")
///     .filter("info,hyper=warn")
///     .flush_limit(Duration::from_secs(1))
///     .init()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `init`"]
pub struct Builder {
    pub(crate) address: String,
    pub(crate) app: String,
    pub(crate) host: String,
    filter: Option<String>,
    pub(crate) spool_dir: Option<PathBuf>,
    pub(crate) spool_size: usize,
    pub(crate) memory_spool: bool,
    pub(crate) keep: usize,
    pub(crate) format: Format,
    pub(crate) flush_limit: Duration,
    pub(crate) when_full: Full,
    pub(crate) max_line: usize,
    pub(crate) tee: bool,
    pub(crate) token: Token,
    pub(crate) remote: bool,
    #[cfg(feature = "tls")]
    pub(crate) tls: TlsSettings,
    #[cfg(feature = "tracing")]
    pub(crate) log_facade: bool,
    #[cfg(feature = "tracing")]
    pub(crate) span_ends: bool,
}

impl Builder {
    pub(crate) fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            app: identity::app_name(),
            host: identity::host_name(),
            filter: None,
            spool_dir: None,
            spool_size: default_spool_size(memory_limit()),
            memory_spool: false,
            keep: 256 << 20,
            format: Format::Json,
            flush_limit: Duration::from_secs(3),
            when_full: Full::Drop,
            max_line: MAX_LINE,
            tee: false,
            token: Token::from_environment(),
            remote: std::env::var_os("NETLOG_REMOTE").is_none_or(|value| value != "off"),
            #[cfg(feature = "tls")]
            tls: TlsSettings::default(),
            #[cfg(feature = "tracing")]
            log_facade: true,
            #[cfg(feature = "tracing")]
            span_ends: false,
        }
    }

    /// Sets the program's name in every record; by default the name of its executable.
    ///
    /// ```
    /// let builder = netlog::builder("localhost:1902").app("orders");
    /// ```
    pub fn app(mut self, name: impl Into<String>) -> Self {
        self.app = name.into();
        self
    }

    /// Sets the machine's name in every record; by default its host name.
    ///
    /// ```
    /// let builder = netlog::builder("localhost:1902").host("web1");
    /// ```
    pub fn host(mut self, name: impl Into<String>) -> Self {
        self.host = name.into();
        self
    }

    /// Sets the least severe level that is logged, for all targets. `RUST_LOG` is ignored then.
    ///
    /// ```
    /// let builder = netlog::builder("localhost:1902").level(log::LevelFilter::Debug);
    /// ```
    pub fn level(self, level: log::LevelFilter) -> Self {
        self.filter(level.as_str())
    }

    /// Sets the filter in the syntax of `RUST_LOG`: `info,hyper=warn,orders::fill=trace`. By default
    /// the value of `RUST_LOG`, or `info` if that is unset.
    ///
    /// ```
    /// let builder = netlog::builder("localhost:1902").filter("info,hyper=warn,orders::fill=trace");
    /// ```
    pub fn filter(mut self, directives: impl Into<String>) -> Self {
        self.filter = Some(directives.into());
        self
    }

    /// Sets the directory of the spool; by default `$NETLOG_SPOOL`, else `/dev/shm/netlog-<uid>`,
    /// which a reboot empties. A directory on a disk is a buffer for long outages, but log calls
    /// may then occasionally wait for the disk.
    ///
    /// ```
    /// let builder = netlog::builder("localhost:1902").spool_dir("/var/spool/orders");
    /// ```
    pub fn spool_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.spool_dir = Some(directory.into());
        self
    }

    /// Sets the size of the spool in bytes, from 64 KiB to 1 GiB, rounded up to a power of two; by
    /// default 8 MiB, or less in a container with less than 128 MiB of memory: at most a sixteenth
    /// of its limit, and at least 256 KiB.
    ///
    /// ```
    /// let builder = netlog::builder("localhost:1902").spool_size(64 << 20);
    /// ```
    pub fn spool_size(mut self, bytes: usize) -> Self {
        self.spool_size = bytes.clamp(MIN_SPOOL_SIZE, MAX_SPOOL_SIZE).next_power_of_two();
        self
    }

    /// Keeps the spool in ordinary memory, without a file; off by default. A crash or a kill then
    /// loses the records that are not delivered yet. On other systems than Linux it is always so,
    /// and a line on stderr reports it at the start; setting this silences that line.
    ///
    /// ```
    /// let builder = netlog::builder("localhost:1902").memory_spool(true);
    /// ```
    pub fn memory_spool(mut self, memory: bool) -> Self {
        self.memory_spool = memory;
        self
    }

    /// Limits the bytes of the spools that crashed programs of the same app left behind; by default
    /// 256 MiB. Beyond that the oldest are discarded when the program starts, and counted as lost.
    ///
    /// ```
    /// let builder = netlog::builder("localhost:1902").keep(1 << 30);
    /// ```
    pub fn keep(mut self, bytes: usize) -> Self {
        self.keep = bytes;
        self
    }

    /// Sets the format of the records on the wire; by default [`Format::Json`].
    ///
    /// ```
    /// let builder = netlog::builder("localhost:1902").format(netlog::Format::Text);
    /// ```
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Limits the time that the guard's drop and the program's exit wait for delivery; by default 3
    /// seconds. If the endpoint cannot be reached they do not wait: the spool keeps the records.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let builder = netlog::builder("localhost:1902").flush_limit(Duration::from_secs(1));
    /// ```
    pub fn flush_limit(mut self, limit: Duration) -> Self {
        self.flush_limit = limit;
        self
    }

    /// Sets the behaviour of a log call when the spool is full; by default [`Full::Drop`].
    ///
    /// ```
    /// use netlog::Full;
    /// use std::time::Duration;
    ///
    /// let limit = Duration::from_millis(100);
    /// let builder = netlog::builder("localhost:1902").when_full(Full::Block(limit));
    /// ```
    pub fn when_full(mut self, full: Full) -> Self {
        self.when_full = full;
        self
    }

    /// Limits the encoded size of a record in bytes; by default 64 KiB, the default limit of the
    /// collector, and at least 4 KiB. A longer record is cut and marked `truncated`.
    ///
    /// ```
    /// let builder = netlog::builder("localhost:1902").max_line(16 << 10);
    /// ```
    pub fn max_line(mut self, bytes: usize) -> Self {
        self.max_line = bytes.max(MIN_MAX_LINE);
        self
    }

    /// Sets the token for a collector that requires one; by default `$NETLOG_TOKEN`. Over `tcp://`
    /// and `udp://` it is sent unencrypted, as the records are.
    ///
    /// ```
    /// let builder = netlog::builder("localhost:1902").token("orders-8c1d…");
    /// ```
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Token::new(token.into());
        self
    }

    /// Lets the collector set the filter for up to an hour, when somebody who may do so asks it to
    /// (`netlog filter`); on by default, unless `$NETLOG_REMOTE` is `off`. A record of the target
    /// `netlog` reports each change.
    ///
    /// ```
    /// let builder = netlog::builder("localhost:1902").remote(false);
    /// ```
    pub fn remote(mut self, obey: bool) -> Self {
        self.remote = obey;
        self
    }

    /// Also writes every record to stderr, as text; off by default.
    ///
    /// ```
    /// let builder = netlog::builder("localhost:1902").tee(true);
    /// ```
    pub fn tee(mut self, tee: bool) -> Self {
        self.tee = tee;
        self
    }

    /// Trusts the CA certificates in this PEM file for `tls://` addresses; by default `$NETLOG_CA`,
    /// else the system's.
    ///
    /// ```
    /// let builder = netlog::builder("tls://logs.example.com:6514").ca("/etc/netlog/ca.pem");
    /// ```
    #[cfg(feature = "tls")]
    pub fn ca(mut self, path: impl Into<PathBuf>) -> Self {
        self.tls.ca = Some(path.into());
        self
    }

    /// Trusts only a collector whose certificate has this fingerprint, `sha256:` and 64 digits,
    /// whoever issued it and for whatever name and time. May be repeated, for a change of
    /// certificates; by default `$NETLOG_PIN`.
    ///
    /// ```
    /// let fingerprint = format!("sha256:{}", "81ce".repeat(16));
    /// let builder = netlog::builder("tls://logs.example.com:6514").pin(fingerprint);
    /// ```
    #[cfg(feature = "tls")]
    pub fn pin(mut self, fingerprint: impl Into<String>) -> Self {
        self.tls.pins.push(fingerprint.into());
        self
    }

    /// Shows the certificate in this PEM file to the collector, with its private key in the other;
    /// by default `$NETLOG_CERT` and `$NETLOG_KEY`. Both are read again for each connection.
    ///
    /// ```
    /// let builder = netlog::builder("tls://logs.example.com:6514")
    ///     .client_cert("/etc/orders/cert.pem", "/etc/orders/key.pem");
    /// ```
    #[cfg(feature = "tls")]
    pub fn client_cert(mut self, cert: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.tls.cert = Some(cert.into());
        self.tls.key = Some(key.into());
        self
    }

    /// Replaces all settings of TLS.
    #[cfg(feature = "tls")]
    #[doc(hidden)]
    pub fn tls(mut self, settings: TlsSettings) -> Self {
        self.tls = settings;
        self
    }

    /// Completes the TLS settings from the environment.
    #[cfg(feature = "tls")]
    pub(crate) fn check_tls(&mut self) -> Result<(), InitError> {
        self.tls.complete(TlsSettings::from_environment());
        self.tls.check().map_err(|error| InitError::Tls { why: error.to_string() })
    }

    pub(crate) fn endpoints(&self) -> Result<Endpoints, InitError> {
        Endpoints::parse(&self.address).map_err(InitError::Address)
    }

    pub(crate) fn filters(&self) -> Result<Filter, InitError> {
        let from_env = || std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
        let text = self.filter.clone().or_else(from_env).unwrap_or_else(|| "info".into());
        let Directives { plain, of_spans } = Directives::split(&text);
        for directive in &of_spans {
            report(&format!(
                "ignored the directive {directive:?}: records are selected by target and level, \
                 not by span"
            ));
        }
        let text = if plain.is_empty() && !of_spans.is_empty() { "info".into() } else { plain };
        let mut filter = env_filter::Builder::new();
        filter.try_parse(&text).map_err(|e| InitError::Filter { text, why: e.to_string() })?;
        Ok(filter.build())
    }

    /// Longest line that the spool can hold several times and a datagram once.
    pub(crate) fn line_limit(&self, endpoints: &Endpoints) -> usize {
        let limit = self.max_line.min(self.spool_size / 8);
        if endpoints.is_udp() { limit.min(MAX_DATAGRAM_LINE) } else { limit }
    }
}

/// 8 MiB, or the largest power of two within a sixteenth of a limit of the memory: the memory of a
/// spool counts against it.
fn default_spool_size(memory_limit: Option<u64>) -> usize {
    const USUAL: u64 = 8 << 20;
    const LEAST: u64 = 256 << 10;
    let share = memory_limit.map_or(USUAL, |limit| (limit / 16).clamp(LEAST, USUAL));
    1 << share.ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spool_takes_at_most_a_sixteenth_of_a_limited_memory_and_no_more_than_8_mib() {
        let sizes =
            [None, Some(u64::MAX), Some(128 << 20), Some(100 << 20), Some(64 << 20), Some(9)];
        let sizes = sizes.map(|limit| default_spool_size(limit) >> 10);
        assert_eq!(sizes, [8192, 8192, 8192, 4096, 4096, 256]);
    }
}
