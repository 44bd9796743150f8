//! Reports of refused peers on stderr: a program that is set up wrongly tries again and again, and
//! is reported with growing pauses.

use crate::senders::peer_error::{PeerError, Protocol};
use std::collections::HashMap;
use std::mem::Discriminant;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The pause after the first report, doubled by each further one.
const PAUSE: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(86_400);

/// Addresses that are told apart; beyond them, all count as one.
const ADDRESSES: usize = 1000;

/// The refusals that were reported.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<HashMap<RefusalGroup, Report>>);

/// Peers that are reported together: all that speak one protocol, and those of one address that
/// have the same trouble with their token.
#[derive(Debug, PartialEq, Eq, Hash)]
enum RefusalGroup {
    Speaking(Protocol),
    At(Option<IpAddr>, Discriminant<PeerError>),
}

#[derive(Debug)]
struct Report {
    /// `None` is never again.
    next: Option<Instant>,
    pause: Duration,
}

impl Refusals {
    /// Decides if this one is to be reported, and gives the words for how often it will be.
    pub(crate) fn report(
        &self,
        error: &PeerError,
        address: IpAddr,
        now: Instant,
    ) -> Option<&'static str> {
        let mut reports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = match error {
            PeerError::Unsupported(protocol) => RefusalGroup::Speaking(*protocol),
            error => {
                let kind = std::mem::discriminant(error);
                let own = RefusalGroup::At(Some(address), kind);
                let full = reports.len() >= ADDRESSES && !reports.contains_key(&own);
                if full { RefusalGroup::At(None, kind) } else { own }
            }
        };
        let once = matches!(refused, RefusalGroup::Speaking(_));
        let report = reports.entry(refused);
        let report = report.or_insert(Report { next: Some(now), pause: PAUSE });
        report.next.filter(|&next| now >= next)?;
        report.next = if once { None } else { now.checked_add(report.pause) };
        report.pause = (report.pause * 2).min(LONGEST);
        Some(if once { "reported once" } else { "reported with growing pauses" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_token_is_reported_with_growing_pauses_for_each_address() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        let at = |address: &str, seconds: u64| {
            let now = start + Duration::from_secs(seconds);
            refusals.report(&PeerError::UnknownToken, address.parse().unwrap(), now).is_some()
        };
        let reported: Vec<u64> = (0..600).filter(|&second| at("10.0.0.1", second)).collect();
        assert_eq!(reported, [0, 60, 180, 420]);
        assert!(at("10.0.0.2", 0));
    }

    #[test]
    fn an_unsupported_protocol_is_reported_once_whoever_speaks_it() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        let error = PeerError::Unsupported(Protocol::Http);
        let at = |address: &str| refusals.report(&error, address.parse().unwrap(), start);
        assert_eq!(at("10.0.0.1"), Some("reported once"));
        assert_eq!(at("10.0.0.2"), None);
    }

    #[test]
    fn the_number_of_addresses_is_bounded() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        let report =
            |n: u32| refusals.report(&PeerError::MissingToken, IpAddr::from(n.to_be_bytes()), now);
        let reported = (0..5000).filter(|&n| report(n).is_some()).count();
        assert_eq!(reported, ADDRESSES + 1);
    }
}
