//! Limits of open connections: in all, and for one address.

use super::half_lines::{AddressShare, HalfLineBudget};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The limits, and the connections that count against them.
#[derive(Debug)]
pub(crate) struct ConnectionLimits {
    all: usize,
    of_one: usize,
    half_lines: Arc<HalfLineBudget>,
    open: Mutex<OpenConnections>,
}

/// At most as many addresses as there may be connections.
#[derive(Debug, Default)]
struct OpenConnections {
    all: usize,
    by: HashMap<IpAddr, OpenOfAddress>,
}

/// The connections of one address, and the memory that they share.
#[derive(Debug)]
struct OpenOfAddress {
    count: usize,
    share: Arc<AddressShare>,
}

/// Permission for one connection, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    limits: Arc<ConnectionLimits>,
    by: IpAddr,
    /// The memory for unfinished lines of all connections from the address.
    pub(super) share: Arc<AddressShare>,
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
    pub(crate) fn new(all: usize, of_one: usize, half_lines: Arc<HalfLineBudget>) -> Arc<Self> {
        Arc::new(Self { all, of_one, half_lines, open: Mutex::default() })
    }

    /// The same for readers, who send no lines.
    pub(crate) fn of_readers(all: usize, of_one: usize) -> Arc<Self> {
        Self::new(all, of_one, HalfLineBudget::new(1, 1))
    }

    /// Admits a connection from `peer`.
    pub(crate) fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<ConnectionPermit, LimitReached> {
        let by = address_block(peer);
        let mut open = self.lock();
        if open.all >= self.all {
            return Err(LimitReached::All);
        }
        if open.by.get(&by).is_some_and(|of_address| of_address.count >= self.of_one) {
            return Err(LimitReached::Address);
        }
        let new = || OpenOfAddress { count: 0, share: self.half_lines.share() };
        let of_address = open.by.entry(by).or_insert_with(new);
        of_address.count += 1;
        let share = of_address.share.clone();
        open.all += 1;
        drop(open);
        Ok(ConnectionPermit { limits: self.clone(), by, share })
    }

    fn lock(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.limits.lock();
        open.all -= 1;
        if let Some(of_address) = open.by.get_mut(&self.by) {
            of_address.count -= 1;
            if of_address.count == 0 {
                open.by.remove(&self.by);
            }
        }
    }
}

/// The address whose connections are counted together: an IPv6 host has a whole /64 to call from,
/// and an IPv4 one is the same through an IPv6 socket.
pub(crate) fn address_block(peer: IpAddr) -> IpAddr {
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
        let limits = ConnectionLimits::new(3, 2, HalfLineBudget::new(1 << 20, 1 << 16));
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
        assert_eq!(address_block(at("::ffff:10.0.0.1")), at("10.0.0.1"));
        assert_eq!(address_block(at("2001:db8::1")), address_block(at("2001:db8::ffff:2")));
        assert_ne!(address_block(at("2001:db8::1")), address_block(at("2001:db8:0:1::1")));
        assert_ne!(address_block(at("10.0.0.1")), address_block(at("10.0.0.2")));
    }
}
