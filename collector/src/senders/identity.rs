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
    /// Whether another program delivers for it, because it ended without a word.
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

    /// How each of its records begins: a brace, and who it is.
    pub(crate) fn stamp(&self) -> &[u8] {
        &self.stamp
    }

    /// The record that says how it ended.
    pub(crate) fn obituary(&self, recovered: u64, received: i64) -> Record<'static> {
        let Identity { app, host, pid, .. } = &self.identity;
        let (app, host) = (app.as_deref().unwrap_or_default(), host.as_deref().unwrap_or_default());
        let (pid, records) =
            (pid.unwrap_or_default(), if recovered == 1 { "record" } else { "records" });
        let end = format!("{app} pid {pid} on {host} did not end cleanly");
        let msg = format!("{end}; {recovered} {records} recovered");
        let mut record = Record::new(received, Level::Warn, msg);
        record.target = Some("netlog".into());
        record
    }
}
