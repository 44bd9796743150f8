//! Errors of a collector at its start and while it runs.

use crate::archive::ArchiveError;
use crate::hub::GaveUp;
use crate::layout::template::BadTemplate;
use crate::tls::TlsError;
use crate::web_origin::WebOrigin;
use std::error::Error;
use std::path::PathBuf;
use std::{fmt, io};

/// Error at the start of a collector.
#[derive(Debug)]
#[non_exhaustive]
pub enum BindError {
    /// An address cannot be listened on.
    Listen {
        /// The address as it was given.
        url: String,
        /// The system's error.
        cause: io::Error,
    },
    /// The file cannot be appended to.
    File {
        /// Path of the file.
        path: PathBuf,
        /// The system's error.
        cause: io::Error,
    },
    /// The path of the file has braces, and is no template.
    Template(BadTemplate),
    /// The tokens cannot be read.
    Tokens {
        /// Path of the token file.
        path: PathBuf,
        /// The system's error, or the fault in the file.
        cause: io::Error,
    },
    /// The key of an address for Fluent forward cannot be read.
    KeyFile {
        /// Path of the key.
        path: PathBuf,
        /// The system's error, or the fault in the file.
        cause: io::Error,
    },
    /// The credentials or the NKEY for NATS servers cannot be read.
    NatsFile {
        /// Path of the file.
        path: PathBuf,
        /// The system's error, or the fault in the file.
        cause: io::Error,
    },
    /// TLS cannot be offered.
    Tls(TlsError),
    /// There is no stdout.
    Console(io::Error),
    /// Records cannot be forwarded.
    Forward {
        /// The file with the position, the token or the records.
        path: PathBuf,
        /// The fault in the file, or the system's error.
        cause: io::Error,
    },
    /// Records are to be forwarded, but there is no file that they could wait in.
    ForwardWhat,
    /// The position in the stream cannot be used.
    From {
        /// The file with the position.
        path: PathBuf,
        /// The fault in the file, or the system's error.
        cause: io::Error,
    },
    /// Records are to be read from a stream, but there is no file to keep them in.
    FromWhat,
    /// Acks are to wait for another collector, but nothing is forwarded.
    AckWhat,
    /// Some senders of a stream are named, but no stream is read.
    OnlyWhat,
    /// TLS of forwarding is set up, but the address is not encrypted.
    ForwardTls,
    /// No archive can be set up.
    Archive(ArchiveError),
    /// Segments are to be archived, but there is no file that has some.
    ArchiveWhat,
    /// The page has more peers than this.
    TooManyPeers(usize),
    /// The page cannot read a peer, because browsers refuse it.
    InsecurePeer(WebOrigin),
    /// Neither a file nor the console is asked for.
    NoSink,
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { url, .. } => write!(f, "failed to bind {url}"),
            Self::File { path, .. } => write!(f, "failed to open {}", path.display()),
            Self::Tokens { path, .. } => write!(f, "failed to read tokens of {}", path.display()),
            Self::KeyFile { path, .. } => {
                write!(f, "failed to read the key file {}", path.display())
            }
            Self::NatsFile { path, .. } => {
                write!(f, "failed to read the NATS credentials in {}", path.display())
            }
            Self::Forward { path, .. } => {
                write!(f, "failed to forward records: {}", path.display())
            }
            Self::ForwardWhat => f.write_str(
                "--forward-to needs --file with the path of one file, in the format json",
            ),
            Self::From { path, .. } => {
                write!(f, "failed to read the position in the stream: {}", path.display())
            }
            Self::FromWhat => f.write_str("--from needs --file, in the format json"),
            Self::AckWhat => f.write_str("--ack both needs --forward-to"),
            Self::OnlyWhat => f.write_str("--only needs --from: it names senders of a stream"),
            Self::ForwardTls => f.write_str(
                "--forward-ca, --forward-pin, --forward-cert and --forward-key need --forward-to tls://HOST:PORT, or nats+tls://HOST:PORT there or in --from",
            ),
            Self::Archive(_) => f.write_str("failed to set up the archive"),
            Self::ArchiveWhat => f.write_str("--archive needs --file"),
            Self::Template(_) => f.write_str("failed to read the path of the file"),
            Self::Tls(_) => f.write_str("failed to set up TLS"),
            Self::Console(_) => f.write_str("failed to open stdout"),
            Self::TooManyPeers(most) => write!(f, "too many --peers: at most {most}"),
            Self::InsecurePeer(peer) => write!(
                f,
                "--peers {peer}: browsers let a page over https:// read only https:// addresses"
            ),
            Self::NoSink => f.write_str("records have nowhere to go: use --file or --console"),
        }
    }
}

impl Error for BindError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Listen { cause, .. }
            | Self::File { cause, .. }
            | Self::Tokens { cause, .. }
            | Self::KeyFile { cause, .. }
            | Self::NatsFile { cause, .. }
            | Self::Forward { cause, .. }
            | Self::From { cause, .. }
            | Self::Console(cause) => Some(cause),
            Self::Template(cause) => Some(cause),
            Self::Tls(cause) => Some(cause),
            Self::Archive(cause) => Some(cause),
            Self::NoSink
            | Self::ArchiveWhat
            | Self::TooManyPeers(_)
            | Self::InsecurePeer(_)
            | Self::ForwardWhat
            | Self::FromWhat
            | Self::AckWhat
            | Self::OnlyWhat
            | Self::ForwardTls => None,
        }
    }
}

/// Error that ends a running collector.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError {
    /// The system refuses a thread or a socket.
    Serve(io::Error),
    /// A sink failed to the end.
    GaveUp(GaveUp),
    /// The hub panicked: a fault in the collector itself.
    Hub,
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serve(_) => f.write_str("failed to serve"),
            Self::GaveUp(gave_up) => gave_up.fmt(f),
            Self::Hub => f.write_str("the hub broke off"),
        }
    }
}

impl Error for RunError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Serve(cause) => Some(cause),
            Self::GaveUp(gave_up) => gave_up.source(),
            Self::Hub => None,
        }
    }
}
