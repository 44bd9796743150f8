//! Every option of the collector, with its default; the doc comments are the help text.

use crate::intake::{Endpoint, Timeouts, UnknownEndpoint, WantedLimits};
use crate::layout::template::Template;
use crate::units::{Period, Size};
use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Parser, ValueEnum};
use netlog_wire::READ_PORT;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Large enough to be worth a file, small enough to be looked into with an editor.
const ROTATE_SIZE: Size = Size(256 << 20);

/// Plenty to keep the hub busy, and little to hold while a sink fails.
const IN_FLIGHT: Size = Size(32 << 20);

/// More than the connections of one address can fill with lines of 64 KiB.
const HALF_LINES: Size = Size(64 << 20);

/// A hundred messages of the size that is worth sending in parts.
const CHUNKED: Size = Size(8 << 20);

/// Programs that write into a pipe do so in blocks, and the rest of a line may take its time.
const PATIENCE: Period = Period(Duration::from_secs(300));

/// Gathers what many programs log into one stream, prints it or appends it to a file.
///
/// Records go to stdout, everything else to stderr. SIGTERM and SIGINT write and acknowledge what
/// was received and exit; a second one exits at once. SIGHUP reopens the file and
/// reads the tokens again.
#[derive(Debug, Clone, Parser)]
#[command(name = "netlog-collector", version)]
pub struct Options {
    /// Where to listen: tcp://HOST:PORT, udp://HOST:PORT, unix://PATH or, for datagrams,
    /// unixgram://PATH; may be repeated. `localhost` means both address families, port 0 any free
    /// port; the address really bound is printed on stderr. What peers speak is found out message
    /// by message; `?as=text`, `json`, `syslog` or `gelf` behind the address says it instead.
    /// `?mode=0660&owner=USER:GROUP` behind a path says who may send there [default: only who runs
    /// the collector]. fd:// takes the sockets that systemd passes, of whatever kind.
    #[arg(long, env = "NETLOG_LISTEN", value_name = "URL", value_delimiter = ',')]
    #[arg(default_values_t = [Endpoint::implied()])]
    pub listen: Vec<Endpoint>,

    /// The file to append records to. Turns the console off unless it is asked for. With {app} and
    /// {host} in it, as in `/var/log/netlog/{app}/{host}.log`, there is a file for each app and
    /// host, made below the fixed directory in front as need be.
    #[arg(long, env = "NETLOG_FILE", value_name = "PATH", value_parser = path_or_template())]
    pub file: Option<PathBuf>,

    /// How many files a path with {app} and {host} may come to; what belongs to more is kept in the
    /// file of the app `other` on the host `other`, and counted.
    #[arg(long, env = "NETLOG_MAX_FILES", value_name = "N", default_value_t = 1000)]
    pub max_files: usize,

    /// The form of records in the file.
    #[arg(long, env = "NETLOG_FORMAT", default_value = "json")]
    pub format: Format,

    /// Rotate the file before it grows beyond this; 0 lets it grow. It is renamed to PATH and the
    /// time, its ledger with it.
    #[arg(long, env = "NETLOG_ROTATE_SIZE", value_name = "SIZE", default_value_t = ROTATE_SIZE)]
    pub rotate_size: Size,

    /// Rotate the file at every full period, counted in UTC: 1d is midnight; 0 is never.
    #[arg(long, env = "NETLOG_ROTATE_EVERY", value_name = "TIME", default_value_t = Period::NEVER)]
    pub rotate_every: Period,

    /// What becomes of rotated files: zstd makes PATH and the time into PATH, the time and .zst, some
    /// ten times smaller; `zstdcat` reads it, and so does whatever looks.
    #[arg(long, env = "NETLOG_COMPRESS", default_value = "zstd")]
    pub compress: Compress,

    /// Remove rotated files this long after they were rotated away; 0 keeps them.
    #[arg(long, env = "NETLOG_KEEP_AGE", value_name = "TIME", default_value_t = Period::NEVER)]
    pub keep_age: Period,

    /// Remove the oldest rotated file when there are more than this; 0 keeps them all.
    #[arg(long, env = "NETLOG_KEEP_FILES", value_name = "N", default_value_t = 0)]
    pub keep_files: u64,

    /// Remove the oldest rotated file when all of them, with their ledgers, are larger than this; 0
    /// lets them grow.
    #[arg(long, env = "NETLOG_KEEP_SIZE", value_name = "SIZE", default_value_t = Size(0))]
    pub keep_size: Size,

    /// Acknowledge records only when the disk has them, so that they outlive a power failure too.
    #[arg(long, env = "NETLOG_SYNC")]
    pub sync: bool,

    /// Print records to stdout, and in which form [default: text, or off with --file].
    #[arg(long, env = "NETLOG_CONSOLE", value_name = "FORM", num_args = 0..=1)]
    #[arg(require_equals = true, default_missing_value = "text")]
    pub console: Option<Console>,

    /// Where what is held can be looked at: HOST:PORT, or off [default: localhost:1903].
    #[arg(long, env = "NETLOG_HTTP", value_name = "ADDRESS")]
    pub http: Option<Http>,

    /// How many may tail at once; more are refused, and counted.
    #[arg(long, env = "NETLOG_MAX_TAILS", value_name = "N", default_value_t = 1000)]
    pub max_tails: usize,

    /// The longest line taken from a peer; a longer one is cut there, marked and counted. At
    /// least 1KiB.
    #[arg(long, env = "NETLOG_MAX_LINE", value_name = "SIZE", default_value_t = Size(64 << 10))]
    pub max_line: Size,

    /// How many connections may be open at once; more are closed as they come, and counted.
    #[arg(long, env = "NETLOG_MAX_CONNECTIONS", value_name = "N", default_value_t = 10_000)]
    pub max_connections: usize,

    /// How many of them one address may have, or one IPv6 network of 64 bits; more are closed as
    /// they come, and counted.
    #[arg(long, env = "NETLOG_MAX_PER_ADDRESS", value_name = "N", default_value_t = 1000)]
    pub max_per_address: usize,

    /// How many files and sockets the collector may have open [default: as many as the system
    /// allows]. Where they are fewer than connections, tails and files may come to, connections are
    /// sure of three quarters, those who look of an eighth, files of an eighth, and what one does
    /// not need is shared by the others.
    #[arg(long, env = "NETLOG_MAX_OPEN_FILES", value_name = "N")]
    pub max_open_files: Option<u64>,

    /// How many bytes may be between sockets and sinks; when there are more, sockets are read more
    /// slowly. At least 1MiB.
    #[arg(long, env = "NETLOG_MAX_IN_FLIGHT", value_name = "SIZE", default_value_t = IN_FLIGHT)]
    pub max_in_flight: Size,

    /// How many bytes of lines that have not ended may be held, 4KiB of each line aside; when there
    /// are more, long lines wait. At least one line.
    #[arg(long, env = "NETLOG_MAX_HALF_LINES", value_name = "SIZE", default_value_t = HALF_LINES)]
    pub max_half_lines: Size,

    /// How many bytes of GELF messages in parts may wait for the rest, for each UDP socket; when
    /// there are more, the oldest are given up, and counted.
    #[arg(long, env = "NETLOG_MAX_CHUNKED", value_name = "SIZE", default_value_t = CHUNKED)]
    pub max_chunked: Size,

    /// Close a connection on which nothing has come for this long since it was opened; 0 leaves it.
    #[arg(long, env = "NETLOG_FIRST_BYTE_TIMEOUT", value_name = "TIME")]
    #[arg(default_value_t = PATIENCE)]
    pub first_byte_timeout: Period,

    /// Close a connection on which a line has begun and not ended for this long; 0 leaves it.
    #[arg(long, env = "NETLOG_HALF_LINE_TIMEOUT", value_name = "TIME")]
    #[arg(default_value_t = PATIENCE)]
    pub half_line_timeout: Period,

    /// Close a connection on which nothing came for this long; 0 leaves it open.
    #[arg(long, env = "NETLOG_IDLE_TIMEOUT", value_name = "TIME", default_value_t = Period::NEVER)]
    pub idle_timeout: Period,

    /// The file of tokens, one a line: only who shows one of them may send, in the hello of a netlog
    /// sender, or look, in `Authorization: Bearer`. Read again on SIGHUP.
    #[arg(long, env = "NETLOG_TOKEN_FILE", value_name = "PATH")]
    pub token_file: Option<PathBuf>,

    /// Say on stderr what is going on, such as connections opened and closed.
    #[arg(short, long, env = "NETLOG_VERBOSE")]
    pub verbose: bool,
}

impl Default for Options {
    /// The options of the bare command.
    fn default() -> Self {
        Self {
            listen: vec![Endpoint::default()],
            file: None,
            max_files: 1000,
            format: Format::Json,
            rotate_size: ROTATE_SIZE,
            rotate_every: Period::NEVER,
            compress: Compress::Zstd,
            keep_age: Period::NEVER,
            keep_files: 0,
            keep_size: Size(0),
            sync: false,
            console: None,
            http: None,
            max_tails: 1000,
            max_line: Size(64 << 10),
            max_connections: 10_000,
            max_per_address: 1000,
            max_open_files: None,
            max_in_flight: IN_FLIGHT,
            max_half_lines: HALF_LINES,
            max_chunked: CHUNKED,
            first_byte_timeout: PATIENCE,
            half_line_timeout: PATIENCE,
            idle_timeout: Period::NEVER,
            token_file: None,
            verbose: false,
        }
    }
}

impl Options {
    /// The files of each app and host, if there are to be those.
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
            max_in_flight: self.max_in_flight,
        }
    }

    /// The console's form, as asked for or as it follows from the other options.
    pub fn console(&self) -> Console {
        let implied = if self.file.is_some() { Console::Off } else { Console::Text };
        self.console.unwrap_or(implied)
    }
}

fn path_or_template() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| Template::parse(&path).map(|_| path))
}

/// Where what is held can be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Http {
    /// Nowhere.
    Off,
    /// At an address of its own: who may send and who may look are different matters.
    At(Endpoint),
}

impl Default for Http {
    /// `localhost:1903`.
    fn default() -> Self {
        Self::At(Endpoint::local(READ_PORT))
    }
}

impl FromStr for Http {
    type Err = UnknownEndpoint;

    /// Reads `off`, `host:port` or `http://host:port`.
    fn from_str(text: &str) -> Result<Self, UnknownEndpoint> {
        match text {
            "off" => Ok(Self::Off),
            _ => {
                let endpoint: Endpoint = text.strip_prefix("http://").unwrap_or(text).parse()?;
                match endpoint.is_tcp() {
                    true => Ok(Self::At(endpoint)),
                    false => Err(UnknownEndpoint::not_http()),
                }
            }
        }
    }
}

/// The form of records in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// One line for people.
    Text,
}

/// What becomes of rotated files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Compress {
    /// They are compressed with zstd.
    Zstd,
    /// They stay as they are.
    Off,
}

/// The form of records on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Console {
    /// One line for people; coloured on a terminal.
    Text,
    /// One JSON object a line.
    Json,
    /// Nothing.
    Off,
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
}
