//! The context that every intake is given.

use super::limits::IntakeLimits;
use super::proxy_header::ProxyRange;
use super::recent_chunks::RecentChunks;
use super::refusals::Refusals;
use super::relay_source::RelaySource;
use crate::hub::held_acks::HeldAcks;
use crate::hub::marks::Marks;
use crate::hub::submission::HubHandle;
use crate::senders::filter_orders::FilterOrders;
use crate::senders::peer::Peer;
use crate::senders::peer_error::{PeerError, ProxyFault};
use crate::senders::registry::SenderRegistry;
use crate::senders::tokens::Tokens;
use crate::stats::Stats;
use crate::stderr::StderrLog;
use crate::tls::Tls;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};
use tokio::sync::SetOnce;

/// Bytes read at once.
pub(crate) const READ: usize = 64 << 10;

/// Time for an intake to read what the kernel has received when the collector ends.
pub(crate) const DRAIN: Duration = Duration::from_secs(2);

/// Time for a sink to recover when the collector ends.
pub(crate) const GIVE_UP: Duration = Duration::from_secs(5);

/// Everything that all intakes share.
#[derive(Debug, Clone)]
pub(crate) struct IntakeContext {
    pub(crate) hub: HubHandle,
    pub(crate) marks: Arc<Marks>,
    /// With `--ack both`.
    pub(crate) held_acks: Option<Arc<HeldAcks>>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) senders: Arc<SenderRegistry>,
    pub(crate) stderr: StderrLog,
    pub(crate) limits: Arc<IntakeLimits>,
    pub(crate) refusals: Arc<Refusals>,
    /// Required of every sender, if there are any.
    pub(crate) tokens: Option<Arc<Tokens>>,
    /// Believed when they name the peer of a connection.
    pub(crate) proxies: Arc<[ProxyRange]>,
    /// The places that relays are accepted from.
    pub(crate) relay_from: Arc<[RelaySource]>,
    /// Of `tls://` addresses, if there are any.
    pub(crate) tls: Option<Arc<Tls>>,
    /// Chunks of Fluent forward that were taken lately.
    pub(crate) recent_chunks: Arc<RecentChunks>,
    /// The id of the next acknowledgement that a client of Splunk may ask for.
    pub(crate) ack_ids: Arc<AtomicU64>,
    /// Filters that were set for programs.
    pub(crate) filter_orders: Arc<FilterOrders>,
    /// Set when the collector is to end.
    pub(crate) stop: Arc<SetOnce<()>>,
}

impl IntakeContext {
    /// One of a collector that demands nothing and trusts nobody.
    pub(crate) fn new(
        hub: HubHandle,
        marks: Arc<Marks>,
        stats: Arc<Stats>,
        limits: Arc<IntakeLimits>,
    ) -> Self {
        Self {
            hub,
            marks,
            held_acks: None,
            stats,
            senders: Arc::default(),
            stderr: StderrLog::default(),
            limits,
            refusals: Arc::default(),
            tokens: None,
            proxies: Arc::default(),
            relay_from: Arc::default(),
            tls: None,
            recent_chunks: Arc::default(),
            ack_ids: Arc::default(),
            filter_orders: Arc::default(),
            stop: Arc::default(),
        }
    }

    /// True if nothing is acknowledged at the moment, the other side of `--ack both` being away.
    pub(crate) fn is_stalled(&self) -> bool {
        self.held_acks.as_ref().is_some_and(|held| held.is_stalled())
    }

    /// Counts a peer that is refused, and reports it unless that was done lately.
    pub(crate) fn refuse(&self, error: &PeerError, peer: Peer) {
        match error {
            PeerError::Unsupported(_) | PeerError::Malformed { .. } => {
                self.stats.foreign_refused.add(1);
            }
            PeerError::MissingToken | PeerError::UnknownKey => self.stats.strangers_refused.add(1),
            PeerError::HelloWithoutToken | PeerError::UnknownToken | PeerError::ExpiredToken => {
                self.stats.strangers_refused.add(1);
                self.stats.refused.add(1);
            }
            PeerError::Rejected(_) => self.stats.refused.add(1),
            PeerError::Proxy(ProxyFault::Untrusted) => self.stats.proxies_untrusted.add(1),
            PeerError::Proxy(ProxyFault::Malformed | ProxyFault::Late) => {
                self.stats.proxy_headers_malformed.add(1);
            }
        }
        match self.refusals.report(error, peer.place().machine, Instant::now()) {
            Some(again) => self.stderr.log(format_args!("refused {peer}: {error}; {again}")),
            None => self.stderr.debug(format_args!("refused {peer}: {error}")),
        }
    }

    /// The marks with the owners of sender ids, where tokens or certificates give peers names.
    pub(crate) fn owners(&self) -> Option<Arc<Marks>> {
        (self.tokens.is_some() || self.tls.is_some()).then(|| self.marks.clone())
    }

    /// Waits until the collector is to end.
    pub(crate) async fn stopped(&self) {
        self.stop.wait().await;
    }

    /// True once it is to end.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.get().is_some()
    }
}
