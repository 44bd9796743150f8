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
    /// The peer showed a token that is no longer valid.
    ExpiredToken,
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
}

impl PeerError {
    /// The answer to a peer that said hello.
    pub(crate) fn answer(&self) -> Option<String> {
        match self {
            Self::Rejected(_)
            | Self::HelloWithoutToken
            | Self::UnknownToken
            | Self::ExpiredToken => Some(self.to_string()),
            Self::MissingToken | Self::Unsupported(_) => None,
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
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls => {
                "TLS: this address takes unencrypted connections only; listen on tls:// too"
            }
            Self::Proxy2 => "a PROXY v2 header: send no header, or that of version 1",
            Self::Http => "HTTP: this address takes records as lines; the HTTP API has another",
            Self::Http2 => "HTTP/2 or gRPC: send records as lines",
            Self::Msgpack => "msgpack (Fluentd, Fluent Bit): choose the format json_lines",
            Self::Gzip => "a gzip stream: send it uncompressed",
            Self::Zstd => "a zstd stream: send it uncompressed",
            Self::Zlib => "a zlib stream: with rsyslog, use ziplevel instead of compression.mode",
            Self::Lumberjack => "Lumberjack (Beats, Logstash): send JSON lines",
            Self::Pickle => "a Python pickle (SocketHandler): use SysLogHandler, or JSON lines",
            Self::Java => "serialised Java (log4j 1 SocketAppender): choose a text or JSON layout",
            Self::Relp => "RELP: use omfwd",
        })
    }
}
