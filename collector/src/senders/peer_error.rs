//! Reasons to close the connection of a peer, or to drop its datagram.

use std::fmt;

/// Reason to close the connection of a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PeerError {
    /// The peer said hello, and gets this message.
    Rejected(String),
    /// The peer speaks a protocol that is not supported here.
    Unsupported(Protocol),
    /// The peer said no hello where a token is required, and would not understand an answer.
    MissingToken,
    /// The peer said hello without the token that is required.
    HelloWithoutToken,
    /// The peer showed a token that is not in the file.
    UnknownToken,
    /// The peer does not know the key of the listener.
    UnknownKey,
    /// The peer sent bytes that its protocol does not have.
    Malformed { protocol: &'static str, words: &'static str },
    /// The peer showed a token that is no longer valid.
    ExpiredToken,
    /// The connection of a proxy cannot be taken for that of a peer.
    Proxy(ProxyFault),
}

/// Fault of a connection that should begin with a PROXY header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProxyFault {
    /// Its address is not in `--proxy-from`.
    Untrusted,
    /// There is no header, or a broken one.
    Malformed,
    /// The header did not come in time.
    Late,
}

/// Protocol of a connection that is recognised, and not supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Protocol {
    Tls,
    Proxy2,
    Http,
    Http2,
    Msgpack,
    Gzip,
    Zstd,
    Zlib,
    Lumberjack,
    Pickle,
    Java,
    Relp,
    /// A collector that forwards; served by code of its own.
    Relay,
}

impl PeerError {
    /// The answer to a peer that said hello.
    pub(crate) fn answer(&self) -> Option<String> {
        match self {
            Self::Rejected(_)
            | Self::HelloWithoutToken
            | Self::UnknownToken
            | Self::ExpiredToken => Some(self.to_string()),
            Self::MissingToken
            | Self::UnknownKey
            | Self::Malformed { .. }
            | Self::Unsupported(_)
            | Self::Proxy(_) => None,
        }
    }
}

impl fmt::Display for PeerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(words) => f.write_str(words),
            Self::Unsupported(protocol) => write!(f, "unsupported protocol: {protocol}"),
            Self::MissingToken | Self::HelloWithoutToken => f.write_str("a token is required"),
            Self::UnknownToken => f.write_str("unknown token"),
            Self::ExpiredToken => f.write_str("the token has expired"),
            Self::Proxy(ProxyFault::Untrusted) => f.write_str("not a proxy of --proxy-from"),
            Self::Proxy(ProxyFault::Malformed) => {
                f.write_str("no PROXY header, or a malformed one, where ?proxy=on requires it")
            }
            Self::Proxy(ProxyFault::Late) => f.write_str("the PROXY header did not come in time"),
            Self::UnknownKey => f.write_str("shared key mismatch"),
            Self::Malformed { protocol, words } => write!(f, "{protocol}: {words}"),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls => {
                "TLS: this address takes unencrypted connections only; listen on tls:// too"
            }
            Self::Proxy2 => "a PROXY v2 header: add ?proxy=on to this --listen address",
            Self::Http => "HTTP: this address takes records as lines; the HTTP API has another",
            Self::Http2 => "HTTP/2 or gRPC: send records as lines",
            Self::Msgpack => "msgpack (Fluentd, Fluent Bit): its connections show no token",
            Self::Gzip => "a gzip stream: send it uncompressed",
            Self::Zstd => "a zstd stream: send it uncompressed",
            Self::Zlib => "a zlib stream: with rsyslog, use ziplevel instead of compression.mode",
            Self::Lumberjack => "Lumberjack (Beats, Logstash): its connections show no token",
            Self::Pickle => "a Python pickle (SocketHandler): use SysLogHandler, or JSON lines",
            Self::Java => "serialised Java (log4j 1 SocketAppender): choose a text or JSON layout",
            Self::Relay => "batches of a relay: begin a connection with them",
            Self::Relp => "RELP: its connections show no token",
        })
    }
}
