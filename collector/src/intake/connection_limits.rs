//! Limits of open connections: in all, and for one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The limits, and the connections that count against them.
#[derive(Debug)]
pub(crate) struct ConnectionLimits {
    all: usize,
    of_one: usize,
    open: Mutex<OpenConnections>,
}

/// At most as many addresses as there may be connections.
#[derive(Debug, Default)]
struct OpenConnections {
    all: usize,
    by: HashMap<IpAddr, usize>,
}

/// Permission for one connection, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    limits: Arc<ConnectionLimits>,
    by: IpAddr,
}

/// The limit that a connection is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LimitReached {
    /// Of all connections.
    All,
    /// Of those from its address.
    Address,
}

impl ConnectionLimits {
    /// `all` connections, `of_one` of them from one address.
    pub(crate) fn new(all: usize, of_one: usize) -> Arc<Self> {
        Arc::new(Self { all, of_one, open: Mutex::default() })
    }

    /// Admits a connection from `peer`.
    pub(crate) fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<ConnectionPermit, LimitReached> {
        let by = home(peer);
        let mut open = self.lock();
        if open.all >= self.all {
            return Err(LimitReached::All);
        }
        if open.by.get(&by).is_some_and(|count| *count >= self.of_one) {
            return Err(LimitReached::Address);
        }
        *open.by.entry(by).or_default() += 1;
        open.all += 1;
        drop(open);
        Ok(ConnectionPermit { limits: self.clone(), by })
    }

    fn lock(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.limits.lock();
        open.all -= 1;
        if let Some(count) = open.by.get_mut(&self.by) {
            *count -= 1;
            if *count == 0 {
                open.by.remove(&self.by);
            }
        }
    }
}

/// The address whose connections are counted together: an IPv6 host has a whole /64 to call from,
/// and an IPv4 one is the same through an IPv6 socket.
fn home(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> IpAddr {
        address.parse().unwrap()
    }

    #[test]
    fn a_connection_that_has_ended_makes_room_for_another() {
        let limits = ConnectionLimits::new(3, 2);
        let one = limits.admit(at("10.0.0.1")).unwrap();
        let _two = limits.admit(at("10.0.0.1")).unwrap();
        assert_eq!(limits.admit(at("10.0.0.1")).unwrap_err(), LimitReached::Address);
        let other = limits.admit(at("10.0.0.2")).unwrap();
        assert_eq!(limits.admit(at("10.0.0.3")).unwrap_err(), LimitReached::All);
        drop((one, other));
        assert_eq!(limits.lock().by.len(), 1, "an address without connections is forgotten");
        limits.admit(at("10.0.0.1")).unwrap();
    }

    #[test]
    fn an_address_is_the_same_however_it_calls() {
        assert_eq!(home(at("::ffff:10.0.0.1")), at("10.0.0.1"));
        assert_eq!(home(at("2001:db8::1")), home(at("2001:db8::ffff:2")));
        assert_ne!(home(at("2001:db8::1")), home(at("2001:db8:0:1::1")));
        assert_ne!(home(at("10.0.0.1")), home(at("10.0.0.2")));
    }
}
