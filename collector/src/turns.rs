//! Turns of handshakes and of other work that peers cause: one computes at a time, and one of each
//! address begins, so that an address with a thousand of them delays those of others by one. An address
//! whose work has taken much processor time rests before the next begins.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

/// Processor time that an address may take at once: that of a thousand handshakes.
const AT_ONCE: Duration = Duration::from_millis(200);

/// An address may take one part in so many of a processor after that.
const SHARE: u32 = 10;

/// Addresses that are remembered before those that have rested are forgotten.
const FEW: usize = 64;

/// Everybody who waits. They are no more than there may be connections.
#[derive(Debug)]
pub(crate) struct Turns {
    processor: Arc<Semaphore>,
    addresses: Mutex<KnownAddresses>,
}

#[derive(Debug)]
struct KnownAddresses {
    by: HashMap<IpAddr, Arc<AddressTurns>>,
    /// Number of addresses at which those that have rested are forgotten.
    most: usize,
}

/// The work of an address, of which one piece may begin, and the processor time that it has taken.
#[derive(Debug)]
pub(crate) struct AddressTurns {
    beginning: Arc<Semaphore>,
    usage: Mutex<Usage>,
}

/// Processor time taken, of which time makes up for a part.
#[derive(Debug)]
struct Usage {
    taken: Duration,
    at: Instant,
}

/// Permission to compute, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _processor: Option<OwnedSemaphorePermit>,
    _beginning: Option<OwnedSemaphorePermit>,
}

impl Turns {
    pub(crate) fn new() -> Self {
        let addresses = KnownAddresses { by: HashMap::new(), most: FEW };
        Self { processor: Arc::new(Semaphore::new(1)), addresses: Mutex::new(addresses) }
    }

    /// The turns of an address.
    pub(crate) fn of(&self, address: IpAddr) -> Arc<AddressTurns> {
        let mut known = lock(&self.addresses);
        if known.by.len() >= known.most {
            let now = Instant::now();
            known.by.retain(|_, own| Arc::strong_count(own) > 1 || !own.has_rested(now));
            known.most = FEW + 2 * known.by.len();
        }
        known.by.entry(address).or_default().clone()
    }

    /// Waits until work of an address may begin.
    pub(crate) async fn begin(&self, own: &AddressTurns) -> Turn {
        let beginning = own.beginning.clone().acquire_owned().await.ok();
        own.rest().await;
        Turn { _beginning: beginning, ..self.resume().await }
    }

    /// Waits until work that has begun may go on. It does not rest: if its time ran out meanwhile, what
    /// it has computed would be for nothing.
    pub(crate) async fn resume(&self) -> Turn {
        let processor = self.processor.clone().acquire_owned().await.ok();
        Turn { _processor: processor, _beginning: None }
    }
}

impl AddressTurns {
    /// Counts processor time that has been taken.
    pub(crate) fn charge(&self, taken: Duration) {
        lock(&self.usage).add(taken, Instant::now());
    }

    /// Waits until no more has been taken than may be.
    pub(crate) async fn rest(&self) {
        let rest = lock(&self.usage).rest(Instant::now());
        if !rest.is_zero() {
            sleep(rest).await;
        }
    }

    fn has_rested(&self, now: Instant) -> bool {
        lock(&self.usage).left(now).is_zero()
    }
}

impl Default for AddressTurns {
    fn default() -> Self {
        let usage = Usage { taken: Duration::ZERO, at: Instant::now() };
        Self { beginning: Arc::new(Semaphore::new(1)), usage: Mutex::new(usage) }
    }
}

impl Usage {
    fn left(&self, now: Instant) -> Duration {
        self.taken.saturating_sub(now.saturating_duration_since(self.at) / SHARE)
    }

    fn add(&mut self, taken: Duration, now: Instant) {
        *self = Self { taken: self.left(now) + taken, at: now };
    }

    /// Time until no more has been taken than may be at once.
    fn rest(&self, now: Instant) -> Duration {
        self.left(now).saturating_sub(AT_ONCE) * SHARE
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    type Wait = Pin<Box<dyn Future<Output = Turn>>>;

    fn address(last_byte: u8) -> IpAddr {
        [10, 0, 0, last_byte].into()
    }

    fn wait(turns: &Arc<Turns>, last_byte: u8) -> Wait {
        let turns = turns.clone();
        let mut wait: Wait =
            Box::pin(async move { turns.begin(&turns.of(address(last_byte))).await });
        assert!(given(&mut wait).is_none(), "another has the turn");
        wait
    }

    fn given(wait: &mut Wait) -> Option<Turn> {
        match wait.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(turn) => Some(turn),
            Poll::Pending => None,
        }
    }

    #[tokio::test]
    async fn an_address_with_many_handshakes_delays_those_of_others_by_one() {
        let turns = Arc::new(Turns::new());
        let mut turn = turns.begin(&turns.of(address(9))).await;
        let mut waiting: Vec<(u8, Wait)> =
            [1, 1, 1, 2, 3, 2].into_iter().map(|of| (of, wait(&turns, of))).collect();
        let mut order = Vec::new();
        while !waiting.is_empty() {
            drop(turn);
            let mut polled: Vec<_> = waiting.iter_mut().map(|(_, wait)| given(wait)).collect();
            let at = polled.iter().position(Option::is_some).expect("one of them has the turn");
            turn = polled.swap_remove(at).expect("it was found");
            assert!(polled.iter().all(Option::is_none), "two have the turn");
            order.push(waiting.remove(at).0);
        }
        assert_eq!(order, [1, 2, 3, 1, 2, 1]);
    }

    #[tokio::test]
    async fn a_handshake_that_is_given_up_loses_no_turn() {
        let turns = Arc::new(Turns::new());
        let turn = turns.begin(&turns.of(address(9))).await;
        let gone = wait(&turns, 1);
        let given_and_gone = wait(&turns, 2);
        let mut last = wait(&turns, 3);
        drop(gone);
        drop(turn);
        assert!(given(&mut last).is_none());
        drop(given_and_gone);
        assert!(given(&mut last).is_some());
        turns.begin(&turns.of(address(1))).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_whose_handshakes_take_a_tenth_of_a_processor_rests_and_others_do_not() {
        let turns = Turns::new();
        let own = turns.of(address(1));
        own.charge(AT_ONCE);
        let start = Instant::now();
        turns.begin(&own).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        own.charge(Duration::from_millis(100));
        turns.begin(&turns.of(address(2))).await;
        turns.resume().await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        turns.begin(&own).await;
        assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_that_have_rested_are_forgotten() {
        let turns = Turns::new();
        for nth in 0..1000 {
            let own = turns.of([10, 0, (nth / 256) as u8, nth as u8].into());
            own.charge(Duration::from_millis(1));
            sleep(Duration::from_millis(10)).await;
        }
        assert!(lock(&turns.addresses).by.len() <= 2 * FEW, "{:?}", turns.addresses);
    }
}
