//! Every option of the collector, with its default; the doc comments are the help text.

mod choices;
mod http;
mod page;

pub use choices::{AckPlace, Compress, Console, Format};
pub use {http::Http, page::PageOptions};

use crate::archive::ArchiveTarget;
use crate::forward::ForwardTarget;
use crate::hub::marks::{LEAST_MARKS_MEMORY, MARKS_MEMORY};
use crate::intake::{
    Endpoint, IN_FLIGHT_RANGE, LEAST_LINE, MOST_BODY, ProxyRange, RelaySource, Timeouts,
    WantedLimits,
};
use crate::jetstream::{NatsOptions, NatsTarget};
use crate::layout::template::Template;
use crate::senders::grant::SenderPattern;
use crate::tls::{ForwardTls, TlsOptions};
use crate::units::{Period, Size, number, within};
use clap::Parser;
use clap::builder::{PathBufValueParser, TypedValueParser};
use std::path::PathBuf;
use std::time::Duration;

/// Large enough to be worth a file, small enough for an editor.
const ROTATE_SIZE: Size = Size(256 << 20);

/// Plenty to keep the hub busy, and little to hold while a sink fails.
const IN_FLIGHT: Size = Size(32 << 20);

/// More than the connections of one address can fill with lines of 64 KiB.
const HALF_LINES: Size = Size(64 << 20);

/// A hundred thousand senders and more.
const MARKS: Size = Size(MARKS_MEMORY);

/// A hundred messages of the size that is worth sending in parts.
const CHUNKED: Size = Size(8 << 20);
const BODY: Size = Size(4 << 20);

/// Enough to start, and then for a few senders, a reader and a file.
const LEAST_OPEN_FILES: u64 = 40;

/// Programs that write into a pipe do so in blocks, and the rest of a line may be slow.
const PATIENCE: Period = Period(Duration::from_secs(300));

/// Collects the log records of many programs, prints them or appends them to files, and serves them
/// to readers.
///
/// Records go to stdout, everything else to stderr. SIGTERM and SIGINT write and acknowledge
/// everything received, then exit; a second one exits at once. SIGHUP reopens the file, and reads
/// the configuration file, the tokens and the TLS files again.
#[derive(Debug, Clone, Parser)]
#[command(name = "netlog-collector", version)]
pub struct Options {
    /// Address to listen on: tcp://HOST:PORT, tls://HOST:PORT, udp://HOST:PORT, http://HOST:PORT
    /// for HTTP only, unix://PATH, or unixgram://PATH for datagrams; repeat for several.
    /// `localhost` means both address families. Port 0 takes any free port; the bound address is
    /// printed on stderr. The format of each message is recognised; `?as=text`, `json`, `syslog`,
    /// `gelf` or `forward` after the address fixes it. With `?as=forward&key-file=PATH`, clients of
    /// Fluent forward must know the key in the file. `?mode=0660&owner=USER:GROUP` after a path
    /// sets who may send there [default: only the user of the collector]. `?proxy=on` after a
    /// tcp://, tls:// or http:// address requires a PROXY header from a proxy of --proxy-from.
    /// fd:// takes all sockets passed by systemd.
    #[arg(long, env = "NETLOG_LISTEN", value_name = "URL", value_delimiter = ',')]
    #[arg(default_values_t = [Endpoint::implied()])]
    pub listen: Vec<Endpoint>,

    /// Address or network of a proxy whose PROXY headers (version 1 or 2) are trusted on
    /// `?proxy=on` addresses; repeat for several.
    #[arg(long, env = "NETLOG_PROXY_FROM", value_name = "ADDRESS", value_delimiter = ',')]
    #[arg(default_values_t = ProxyRange::loopback())]
    pub proxy_from: Vec<ProxyRange>,

    /// File to append records to; turns the console off unless --console is given. With {app} and
    /// {host} in it, as in `/var/log/netlog/{app}/{host}.log`, each app and host gets a file of its
    /// own, created as needed below the fixed directory in front.
    #[arg(long, env = "NETLOG_FILE", value_name = "PATH", value_parser = path_or_template())]
    pub file: Option<PathBuf>,

    /// Maximum number of files for a path with {app} and {host}; further records go to the file of
    /// the app `other` on the host `other`, and are counted.
    #[arg(long, env = "NETLOG_MAX_FILES", value_name = "N", default_value_t = 1000)]
    #[arg(value_parser = number::<usize>)]
    pub max_files: usize,

    /// Format of records in the file.
    #[arg(long, env = "NETLOG_FORMAT", default_value = "json")]
    pub format: Format,

    /// Size beyond which the file is rotated; 0 never rotates by size. A rotated file is renamed to
    /// PATH.TIME, its ledger with it.
    #[arg(long, env = "NETLOG_ROTATE_SIZE", value_name = "SIZE", default_value_t = ROTATE_SIZE)]
    pub rotate_size: Size,

    /// Period after which the file is rotated, counted in UTC: 1d rotates at midnight; 0 never
    /// rotates by time.
    #[arg(long, env = "NETLOG_ROTATE_EVERY", value_name = "TIME", default_value_t = Period::NEVER)]
    pub rotate_every: Period,

    /// Compression of rotated files. `zstd`: PATH.TIME becomes PATH.TIME.zst, about a tenth of the
    /// size, readable by `zstdcat`, tail and search. `off`: leave them.
    #[arg(long, env = "NETLOG_COMPRESS", default_value = "zstd")]
    pub compress: Compress,

    /// Age at which rotated files are removed, counted from their rotation; 0 keeps all.
    #[arg(long, env = "NETLOG_KEEP_AGE", value_name = "TIME", default_value_t = Period::NEVER)]
    pub keep_age: Period,

    /// Maximum number of rotated files of a log; the oldest are removed; 0 keeps all.
    #[arg(long, env = "NETLOG_KEEP_FILES", value_name = "N", default_value_t = 0)]
    #[arg(value_parser = number::<u64>)]
    pub keep_files: u64,

    /// Maximum bytes of all rotated files of a log with their ledgers; the oldest are removed; 0
    /// keeps all.
    #[arg(long, env = "NETLOG_KEEP_SIZE", value_name = "SIZE", default_value_t = Size(0))]
    pub keep_size: Size,

    /// Store that each rotated file is copied to before --keep-age or --keep-files removes it:
    /// s3://BUCKET or s3://BUCKET/PREFIX, with a prefix of its own for each collector. --keep-size
    /// does not wait for it. Credentials, region and endpoint are those of AWS_ACCESS_KEY_ID,
    /// AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL and the like.
    #[arg(long, env = "NETLOG_ARCHIVE", value_name = "URL")]
    pub archive: Option<ArchiveTarget>,

    /// Acknowledge records only when they are on the disk, so that they survive a power failure.
    #[arg(long, env = "NETLOG_SYNC")]
    pub sync: bool,

    /// Print records to stdout in this format [default: text, or off with --file].
    #[arg(long, env = "NETLOG_CONSOLE", value_name = "FORMAT", num_args = 0..=1)]
    #[arg(require_equals = true, default_missing_value = "text")]
    pub console: Option<Console>,

    /// Address of the HTTP API and web page: HOST:PORT, https://HOST:PORT with --tls-cert and
    /// --tls-key, or `off` [default: localhost:1903].
    #[arg(long, env = "NETLOG_HTTP", value_name = "ADDRESS")]
    pub http: Option<Http>,

    /// Name by which clients reach the HTTP API, besides `localhost`, IP addresses and the name in
    /// --http; repeat for several. On loopback addresses, requests for other names are refused,
    /// unless --token-file is set.
    #[arg(long, env = "NETLOG_HTTP_HOST", value_name = "NAME", value_delimiter = ',')]
    pub http_host: Vec<String>,

    /// The pages of several collectors.
    #[command(flatten)]
    pub page: PageOptions,

    /// Maximum number of tails; more are refused, and counted.
    #[arg(long, env = "NETLOG_MAX_TAILS", value_name = "N", default_value_t = 1000)]
    #[arg(value_parser = number::<usize>)]
    pub max_tails: usize,

    /// Longest line accepted from a peer; a longer one is cut, marked and counted. At least 1KiB.
    #[arg(long, env = "NETLOG_MAX_LINE", value_name = "SIZE", default_value_t = Size(64 << 10))]
    #[arg(value_parser = |text: &str| within(text, LEAST_LINE..))]
    pub max_line: Size,

    /// Maximum number of connections of senders; more are closed at once, and counted.
    #[arg(long, env = "NETLOG_MAX_CONNECTIONS", value_name = "N", default_value_t = 10_000)]
    #[arg(value_parser = number::<usize>)]
    pub max_connections: usize,

    /// Maximum number of connections of one address, or of one IPv6 /64; more are closed at once,
    /// and counted.
    #[arg(long, env = "NETLOG_MAX_PER_ADDRESS", value_name = "N", default_value_t = 1000)]
    #[arg(value_parser = number::<usize>)]
    pub max_per_address: usize,

    /// Maximum number of open files and sockets, at least 40 [default: as many as the system
    /// allows]. If this is less than all limits together need, 3/4 are reserved for senders, 1/8 for
    /// readers, 1/8 for files; unused shares are lent to the others.
    #[arg(long, env = "NETLOG_MAX_OPEN_FILES", value_name = "N")]
    #[arg(value_parser = |text: &str| within::<u64>(text, LEAST_OPEN_FILES..))]
    pub max_open_files: Option<u64>,

    /// Maximum bytes of records that are received and not yet written; beyond that, sockets are
    /// read more slowly. 1MiB to 2GiB.
    #[arg(long, env = "NETLOG_MAX_IN_FLIGHT", value_name = "SIZE", default_value_t = IN_FLIGHT)]
    #[arg(value_parser = |text: &str| within(text, IN_FLIGHT_RANGE))]
    pub max_in_flight: Size,

    /// Maximum bytes of unfinished lines in memory, not counting 4KiB of each; beyond that, long
    /// lines wait. At least one line.
    #[arg(long, env = "NETLOG_MAX_HALF_LINES", value_name = "SIZE", default_value_t = HALF_LINES)]
    pub max_half_lines: Size,

    /// Maximum memory for the highest numbers of senders, by which repeated records are recognised,
    /// about 400 bytes for each; beyond that, those that came only once are forgotten first, and
    /// counted. At least 1MiB.
    #[arg(long, env = "NETLOG_MAX_MARKS_MEMORY", value_name = "SIZE", default_value_t = MARKS)]
    #[arg(value_parser = |text: &str| within(text, Size(LEAST_MARKS_MEMORY)..))]
    pub max_marks_memory: Size,

    /// Maximum bytes of GELF messages whose chunks have not all arrived, for each UDP socket;
    /// beyond that, the oldest are dropped, and counted.
    #[arg(long, env = "NETLOG_MAX_CHUNKED", value_name = "SIZE", default_value_t = CHUNKED)]
    pub max_chunked: Size,

    /// Largest body of an HTTP request with records, and largest message of Fluent forward or RELP,
    /// each compressed and uncompressed. At most 8MiB.
    #[arg(long, env = "NETLOG_MAX_BODY", value_name = "SIZE", default_value_t = BODY)]
    #[arg(value_parser = |text: &str| within(text, ..=MOST_BODY))]
    pub max_body: Size,

    /// Time after which a connection that has sent nothing is closed; 0 never.
    #[arg(long, env = "NETLOG_FIRST_BYTE_TIMEOUT", value_name = "TIME")]
    #[arg(default_value_t = PATIENCE)]
    pub first_byte_timeout: Period,

    /// Time after which a connection with an unfinished line is closed; 0 never.
    #[arg(long, env = "NETLOG_HALF_LINE_TIMEOUT", value_name = "TIME")]
    #[arg(default_value_t = PATIENCE)]
    pub half_line_timeout: Period,

    /// Time after which an idle connection is closed; 0 never.
    #[arg(long, env = "NETLOG_IDLE_TIMEOUT", value_name = "TIME", default_value_t = Period::NEVER)]
    pub idle_timeout: Period,

    /// File of tokens, in TOML with names and rights, or one on each line. Only senders and readers
    /// that show one of them are accepted: senders in netlog's hello, HTTP clients in
    /// `Authorization: Bearer`. Read again on SIGHUP.
    #[arg(long, env = "NETLOG_TOKEN_FILE", value_name = "PATH")]
    pub token_file: Option<PathBuf>,

    /// Collector to forward all records of --file to, each once: tls://HOST:PORT, tcp://HOST:PORT,
    /// which is not encrypted, or unix://PATH. It must allow this one with --relay-from. Or a stream
    /// of NATS JetStream: nats+tls://HOST:PORT/STREAM, or nats://, which is encrypted only if the
    /// server demands it; more servers follow after commas; it is made if there is none. While
    /// neither can be reached, the files are the buffer.
    #[arg(long, visible_alias = "to", env = "NETLOG_FORWARD_TO", value_name = "URL")]
    pub forward_to: Option<ForwardTarget>,

    /// Place that records have to be in when they are acknowledged to their senders. `file`: in
    /// the file. `both`: in the file, and with the collector or stream of --forward-to.
    #[arg(long, env = "NETLOG_ACK", value_name = "PLACE", default_value = "file")]
    pub ack: AckPlace,

    /// File whose first token is shown to the collector or NATS server of --forward-to.
    #[arg(long, env = "NETLOG_FORWARD_TOKEN_FILE", value_name = "PATH")]
    pub forward_token_file: Option<PathBuf>,

    /// Stream of NATS JetStream to read the records of many collectors from, each once:
    /// nats+tls://HOST:PORT/STREAM or nats://HOST:PORT/STREAM. Needs --file. Nothing is listened on
    /// unless --listen is given. The token and TLS options of --forward-to are those of this too.
    #[arg(long, env = "NETLOG_FROM", value_name = "URL")]
    pub from: Option<NatsTarget>,

    /// Senders whose records are kept of the stream of --from: app=NAME, host=NAME or both, as in
    /// `app=orders* host=web?`; `*` and `?` are wildcards; repeat for alternatives [default: all].
    #[arg(long, env = "NETLOG_ONLY", value_name = "SENDERS", value_delimiter = ',')]
    pub only: Vec<SenderPattern>,

    /// Place from which other collectors may forward records in the name of their senders: an
    /// address such as 10.1.0.7, a network such as 10.1.0.0/16, `unix` for Unix sockets, or
    /// tls:NAME for the name in a client's certificate; repeat for several [default: none].
    #[arg(long, env = "NETLOG_RELAY_FROM", value_name = "PLACE", value_delimiter = ',')]
    pub relay_from: Vec<RelaySource>,

    /// TLS of the collector that records are forwarded to.
    #[command(flatten)]
    pub forward_tls: ForwardTls,

    /// NATS JetStream.
    #[command(flatten)]
    pub nats: NatsOptions,

    /// TLS.
    #[command(flatten)]
    pub tls: TlsOptions,

    /// Report events on stderr, such as opened and closed connections.
    #[arg(short, long, env = "NETLOG_VERBOSE")]
    pub verbose: bool,
}

impl Default for Options {
    /// The options of the bare command.
    fn default() -> Self {
        Self {
            listen: vec![Endpoint::default()],
            proxy_from: ProxyRange::loopback().into(),
            file: None,
            max_files: 1000,
            format: Format::Json,
            rotate_size: ROTATE_SIZE,
            rotate_every: Period::NEVER,
            compress: Compress::Zstd,
            keep_age: Period::NEVER,
            keep_files: 0,
            keep_size: Size(0),
            archive: None,
            sync: false,
            console: None,
            http: None,
            http_host: Vec::new(),
            page: PageOptions::default(),
            max_tails: 1000,
            max_line: Size(64 << 10),
            max_connections: 10_000,
            max_per_address: 1000,
            max_open_files: None,
            max_in_flight: IN_FLIGHT,
            max_half_lines: HALF_LINES,
            max_marks_memory: MARKS,
            max_chunked: CHUNKED,
            max_body: BODY,
            first_byte_timeout: PATIENCE,
            half_line_timeout: PATIENCE,
            idle_timeout: Period::NEVER,
            token_file: None,
            forward_to: None,
            ack: AckPlace::File,
            forward_token_file: None,
            from: None,
            only: Vec::new(),
            relay_from: Vec::new(),
            forward_tls: ForwardTls::default(),
            nats: NatsOptions::default(),
            tls: TlsOptions::default(),
            verbose: false,
        }
    }
}

impl Options {
    /// The template of a file for each app and host, if `--file` is one.
    pub(crate) fn template(&self) -> Option<Template> {
        self.file.as_deref().and_then(|path| Template::parse(path).ok().flatten())
    }

    /// The limits of the intakes.
    pub(crate) fn limits(&self) -> WantedLimits {
        WantedLimits {
            max_line: self.max_line,
            timeouts: Timeouts {
                first_byte: self.first_byte_timeout.limit(),
                half_line: self.half_line_timeout.limit(),
                idle: self.idle_timeout.limit(),
            },
            max_per_address: self.max_per_address,
            max_half_lines: self.max_half_lines,
            max_chunked: self.max_chunked,
            max_body: self.max_body,
            max_in_flight: self.max_in_flight,
        }
    }

    /// The address of the HTTP API, if it is one with TLS.
    pub(crate) fn https(&self) -> Option<&Endpoint> {
        match &self.http {
            Some(Http::At(endpoint)) if endpoint.is_tls() => Some(endpoint),
            _ => None,
        }
    }

    /// The names by which the HTTP API is reached.
    pub(crate) fn http_names(&self) -> Vec<String> {
        let own = match &self.http {
            Some(Http::At(endpoint)) => endpoint.host().map(str::to_owned),
            Some(Http::Off) | None => None,
        };
        self.http_host.iter().cloned().chain(own).collect()
    }

    /// The format of the console, as given or as implied by the other options.
    pub fn console(&self) -> Console {
        let implied = if self.file.is_some() { Console::Off } else { Console::Text };
        self.console.unwrap_or(implied)
    }
}

fn path_or_template() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| Template::parse(&path).map(|_| path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_bare_command_has_the_defaults() {
        Options::command().debug_assert();
        let bare = Options::parse_from(["netlog-collector"]);
        assert_eq!(format!("{bare:?}"), format!("{:?}", Options::default()));
        assert_eq!(bare.console(), Console::Text);
    }

    #[test]
    fn a_file_turns_the_console_off_unless_asked_for() {
        let console = |line: &str| Options::parse_from(line.split(' ')).console();
        assert_eq!(console("c --file x"), Console::Off);
        assert_eq!(console("c --file x --console"), Console::Text);
        assert_eq!(console("c --file x --console=json"), Console::Json);
        assert_eq!(console("c --console=off"), Console::Off);
    }

    #[test]
    fn a_wrong_address_of_the_http_api_is_an_error_that_names_the_right_forms() {
        for text in ["foo", ":0", "", "https://x", "http://", "udp://x:1", "unix:///s"] {
            let error = text.parse::<Http>().unwrap_err().to_string();
            assert!(error.ends_with("expected HOST:PORT, https://HOST:PORT or off"), "{error}");
        }
    }

    #[test]
    fn the_http_api_is_reached_by_the_name_in_its_address_and_by_those_given() {
        let names = |line: &str| Options::parse_from(line.split(' ')).http_names();
        let both = "c --http logs.example.org:1903 --http-host a.example --http-host b.example";
        assert_eq!(names(both), ["a.example", "b.example", "logs.example.org"]);
        assert_eq!(names("c --http off"), [""; 0]);
    }
}
