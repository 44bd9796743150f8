//! The URL of the collector that records are forwarded to.

use crate::jetstream::NatsTarget;
use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The address of another collector, or of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardTarget(pub(super) TargetKind);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TargetKind {
    Tcp(String),
    Tls(String),
    Unix(PathBuf),
    Nats(NatsTarget),
}

/// A URL that is not the address of a collector or of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownTarget;

impl FromStr for ForwardTarget {
    type Err = UnknownTarget;

    /// Reads `tcp://host:port`, `tls://host:port`, `host:port`, `unix://path`, `nats://host/stream`
    /// or `nats+tls://host/stream`.
    fn from_str(url: &str) -> Result<Self, UnknownTarget> {
        if url.starts_with("nats://") || url.starts_with("nats+tls://") {
            let stream = url.parse().map_err(|_| UnknownTarget)?;
            return Ok(Self(TargetKind::Nats(stream)));
        }
        if let Some(path) = url.strip_prefix("unix://") {
            let fits = !path.is_empty() && !path.ends_with('/');
            return fits.then(|| Self(TargetKind::Unix(path.into()))).ok_or(UnknownTarget);
        }
        let encrypted = url.strip_prefix("tls://");
        let address = encrypted.or_else(|| url.strip_prefix("tcp://")).unwrap_or(url);
        let (host, port) = address.rsplit_once(':').ok_or(UnknownTarget)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let fits = !bare.is_empty() && !host.contains('/') && (bare != host || !host.contains(':'));
        match port.parse::<u16>() {
            Ok(1..) if fits && encrypted.is_some() => Ok(Self(TargetKind::Tls(address.to_owned()))),
            Ok(1..) if fits => Ok(Self(TargetKind::Tcp(address.to_owned()))),
            _ => Err(UnknownTarget),
        }
    }
}

impl ForwardTarget {
    pub(crate) fn is_tls(&self) -> bool {
        match &self.0 {
            TargetKind::Tls(_) => true,
            TargetKind::Nats(stream) => stream.encrypted,
            TargetKind::Tcp(_) | TargetKind::Unix(_) => false,
        }
    }

    /// The stream, if it is one.
    pub(crate) fn nats(&self) -> Option<&NatsTarget> {
        match &self.0 {
            TargetKind::Nats(stream) => Some(stream),
            _ => None,
        }
    }
}

impl fmt::Display for ForwardTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            TargetKind::Tcp(address) => write!(f, "tcp://{address}"),
            TargetKind::Tls(address) => write!(f, "tls://{address}"),
            TargetKind::Unix(path) => write!(f, "unix://{}", path.display()),
            TargetKind::Nats(stream) => stream.fmt(f),
        }
    }
}

impl fmt::Display for UnknownTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "invalid address: expected tcp://HOST:PORT, tls://HOST:PORT, unix://PATH, \
             nats://HOST:PORT/STREAM or nats+tls://HOST:PORT/STREAM",
        )
    }
}

impl Error for UnknownTarget {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_read_and_written_back() {
        for (url, shown) in [
            ("tcp://central:1902", "tcp://central:1902"),
            ("tls://central:1902", "tls://central:1902"),
            ("central:1902", "tcp://central:1902"),
            ("tcp://[::1]:1902", "tcp://[::1]:1902"),
            ("unix:///run/netlog.sock", "unix:///run/netlog.sock"),
            ("nats://a,b", "nats://a:4222,b:4222/NETLOG"),
            ("nats+tls://a/AUDIT", "nats+tls://a:4222/AUDIT"),
        ] {
            assert_eq!(url.parse::<ForwardTarget>().unwrap().to_string(), shown);
        }
        for bad in [
            "",
            "central",
            "tcp://:1",
            "tcp://::1:80",
            "udp://x:1",
            "x:0",
            "unix://",
            "x:y",
            "nats://",
        ] {
            assert_eq!(bad.parse::<ForwardTarget>(), Err(UnknownTarget), "{bad}");
        }
    }
}
