//! A sender: a running program that logs, known by its id.

use netlog_wire::{Identity, Level, Record};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use tokio::sync::watch;

/// A sender id, drawn at random by each run of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SenderId(pub(crate) u128);

impl Serialize for SenderId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", self.0))
    }
}

impl<'de> Deserialize<'de> for SenderId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = <&str>::deserialize(deserializer)?;
        u128::from_str_radix(digits, 16).map(Self).map_err(de::Error::custom)
    }
}

/// One connection's sender.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) id: SenderId,
    pub(crate) identity: Identity,
    stamp: Vec<u8>,
    /// True if another program delivers for it, because it did not end cleanly.
    pub(crate) recovered: bool,
    /// The mark, as far as this connection is to be told; the hub moves it.
    pub(crate) acked: watch::Sender<u64>,
}

impl Sender {
    pub(crate) fn new(id: SenderId, identity: Identity, recovered: bool) -> Self {
        let mut stamp = vec![b'{'];
        identity.push(&mut stamp);
        Self { id, identity, stamp, recovered, acked: watch::Sender::new(0) }
    }

    /// The beginning of each of its records: a brace, and its identity.
    pub(crate) fn stamp(&self) -> &[u8] {
        &self.stamp
    }

    /// Record that reports its end without a word, after `recovered` records were delivered for it.
    pub(crate) fn crash_notice(&self, recovered: u64, received: i64) -> Record<'static> {
        let app = self.identity.app.as_deref().unwrap_or_default();
        let host = self.identity.host.as_deref().unwrap_or_default();
        let pid = self.identity.pid.unwrap_or_default();
        let records = if recovered == 1 { "record" } else { "records" };
        let msg = format!(
            "{app} pid {pid} on {host} did not end cleanly; {recovered} {records} recovered"
        );
        let mut record = Record::new(received, Level::Warn, msg);
        record.target = Some("netlog".into());
        record
    }
}
