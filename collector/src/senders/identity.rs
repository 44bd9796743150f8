//! A sender: a running program that logs, known by its id.

use super::owner::Owner;
use netlog_wire::{Identity, Level, Record};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::sync::atomic::{AtomicBool, AtomicU64};
use tokio::sync::watch;

/// A sender id, drawn at random by each run of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SenderId(pub(crate) u128);

/// Last 32 bits of an id that was derived.
const DERIVED: u128 = 0x7265_6c79;

impl SenderId {
    /// Id under which the relay with the id `relay` forwards records that have no numbers, of one
    /// app and host: each of these is in one file of whoever receives them.
    pub(crate) fn derived(relay: u128, app: Option<&str>, host: Option<&str>) -> Self {
        let text = format!("{relay:032x}\n{app:?}\n{host:?}");
        let digest = digest(&SHA256, text.as_bytes());
        let hash =
            digest.as_ref().iter().take(12).fold(0, |hash, byte| hash << 8 | u128::from(*byte));
        Self(hash << 32 | DERIVED)
    }

    /// Tells whether it was derived. Numbers between two runs of such a sender are those of others.
    pub(crate) fn is_derived(self) -> bool {
        self.0 & u128::from(u32::MAX) == DERIVED
    }
}

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
    /// Number of the last record in the sinks before that began, if it is known.
    pub(crate) recovered_after: Option<u64>,
    /// Number of the last record that its dead program left, if another one delivers for it.
    pub(crate) last_left: Option<u64>,
    /// True once readers were told that records of a dead program follow.
    pub(crate) announced: AtomicBool,
    /// True if the program obeys orders to log by another filter.
    pub(crate) takes_filters: bool,
    /// The token or the certificate that it came with.
    pub(crate) owner: Owner,
    /// The mark, as far as this connection is to be told; the hub moves it.
    pub(crate) acked: watch::Sender<u64>,
    /// Count of records from this connection that the sinks had already.
    pub(crate) repeated: AtomicU64,
    /// True once the hub has had records of this connection.
    pub(crate) met: AtomicBool,
    /// True if it was known before this connection.
    pub(crate) returned: AtomicBool,
}

impl Sender {
    pub(crate) fn new(id: SenderId, identity: Identity, recovered: bool) -> Self {
        let mut stamp = vec![b'{'];
        identity.push(&mut stamp);
        let acked = watch::Sender::new(0);
        let repeated = AtomicU64::new(0);
        let owner = Owner::NOBODY;
        let recovered_after = None;
        Self {
            id,
            identity,
            stamp,
            recovered,
            recovered_after,
            last_left: None,
            announced: AtomicBool::new(false),
            takes_filters: false,
            owner,
            acked,
            repeated,
            met: AtomicBool::new(false),
            returned: AtomicBool::new(false),
        }
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
