//! Places for connections: so many in all, and so many for one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The places there are, and who has taken them.
#[derive(Debug)]
pub(crate) struct Places {
    all: usize,
    of_one: usize,
    taken: Mutex<Taken>,
}

/// At most as many addresses as there are places.
#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by: HashMap<IpAddr, usize>,
}

/// A place, taken until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    by: IpAddr,
}

/// Which limit a peer came up against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// Of all connections.
    All,
    /// Of those from its address.
    Address,
}

impl Places {
    /// `all` places, `of_one` of them for one address.
    pub(crate) fn new(all: usize, of_one: usize) -> Arc<Self> {
        Arc::new(Self { all, of_one, taken: Mutex::default() })
    }

    /// Takes a place for a connection from `peer`.
    pub(crate) fn take(self: &Arc<Self>, peer: IpAddr) -> Result<Place, Full> {
        let (by, mut taken) = (home(peer), self.lock());
        if taken.all >= self.all {
            return Err(Full::All);
        }
        if taken.by.get(&by).is_some_and(|count| *count >= self.of_one) {
            return Err(Full::Address);
        }
        *taken.by.entry(by).or_default() += 1;
        taken.all += 1;
        drop(taken);
        Ok(Place { places: self.clone(), by })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all -= 1;
        if let Some(count) = taken.by.get_mut(&self.by) {
            *count -= 1;
            if *count == 0 {
                taken.by.remove(&self.by);
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
    fn a_place_is_free_again_when_its_connection_has_ended() {
        let places = Places::new(3, 2);
        let one = places.take(at("10.0.0.1")).unwrap();
        let _two = places.take(at("10.0.0.1")).unwrap();
        assert_eq!(places.take(at("10.0.0.1")).unwrap_err(), Full::Address);
        let other = places.take(at("10.0.0.2")).unwrap();
        assert_eq!(places.take(at("10.0.0.3")).unwrap_err(), Full::All);
        drop((one, other));
        assert_eq!(places.lock().by.len(), 1, "who has gone is forgotten");
        places.take(at("10.0.0.1")).unwrap();
    }

    #[test]
    fn an_address_is_the_same_however_it_calls() {
        assert_eq!(home(at("::ffff:10.0.0.1")), at("10.0.0.1"));
        assert_eq!(home(at("2001:db8::1")), home(at("2001:db8::ffff:2")));
        assert_ne!(home(at("2001:db8::1")), home(at("2001:db8:0:1::1")));
        assert_ne!(home(at("10.0.0.1")), home(at("10.0.0.2")));
    }
}
