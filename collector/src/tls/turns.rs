//! Turns of handshakes to compute: one at a time, and each address in its turn, so that an address
//! with a thousand handshakes delays those of others by one.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// The handshakes that wait. They are no more than there may be connections.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<TurnQueue>);

#[derive(Debug, Default)]
struct TurnQueue {
    taken: bool,
    /// Addresses with waiting handshakes, in the order of their turns.
    order: VecDeque<IpAddr>,
    of: HashMap<IpAddr, VecDeque<oneshot::Sender<Turn>>>,
}

/// Permission to compute, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Option<Arc<Turns>>,
}

impl Turns {
    /// Waits for the next turn of `address`.
    pub(super) async fn next(self: &Arc<Self>, address: IpAddr) -> Turn {
        loop {
            let given = {
                let mut waiting = self.waiting();
                if !waiting.taken {
                    waiting.taken = true;
                    return Turn::of(self);
                }
                waiting.add(address)
            };
            // Each of those that wait is given a turn, or has gone.
            if let Ok(turn) = given.await {
                return turn;
            }
        }
    }

    /// Gives the turn to the first who still waits for it.
    fn pass_on(self: &Arc<Self>) {
        loop {
            let first = {
                let mut waiting = self.waiting();
                let first = waiting.take_first();
                waiting.taken = first.is_some();
                first
            };
            match first.map(|first| first.send(Turn::of(self))) {
                // It has gone, and its turn is the next one's.
                Some(Err(mut turn)) => turn.turns = None,
                Some(Ok(())) | None => return,
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, TurnQueue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TurnQueue {
    fn add(&mut self, address: IpAddr) -> oneshot::Receiver<Turn> {
        let (give, given) = oneshot::channel();
        let of_address = self.of.entry(address).or_default();
        if of_address.is_empty() {
            self.order.push_back(address);
        }
        of_address.push_back(give);
        given
    }

    fn take_first(&mut self) -> Option<oneshot::Sender<Turn>> {
        let address = self.order.pop_front()?;
        let of_address = self.of.get_mut(&address)?;
        let first = of_address.pop_front();
        if of_address.is_empty() {
            self.of.remove(&address);
        } else {
            self.order.push_back(address);
        }
        first
    }
}

impl Turn {
    fn of(turns: &Arc<Turns>) -> Self {
        Self { turns: Some(turns.clone()) }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = &self.turns {
            turns.pass_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    type Wait = Pin<Box<dyn Future<Output = Turn>>>;

    fn wait(turns: &Arc<Turns>, last_byte: u8) -> Wait {
        let turns = turns.clone();
        let mut wait: Wait =
            Box::pin(async move { turns.next([10, 0, 0, last_byte].into()).await });
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
        let turns = Arc::<Turns>::default();
        let mut turn = turns.next([10, 0, 0, 9].into()).await;
        let mut waiting: Vec<(u8, Wait)> =
            [1, 1, 1, 2, 3, 2].into_iter().map(|of| (of, wait(&turns, of))).collect();
        let mut order = Vec::new();
        while !waiting.is_empty() {
            drop(turn);
            let next = waiting
                .iter_mut()
                .enumerate()
                .find_map(|(at, (_, wait))| given(wait).map(|turn| (at, turn)));
            let (at, given) = next.expect("one of them has the turn");
            turn = given;
            order.push(waiting.remove(at).0);
        }
        assert_eq!(order, [1, 2, 3, 1, 2, 1]);
        drop(turn);
        assert!(turns.waiting().of.is_empty() && turns.waiting().order.is_empty());
    }

    #[tokio::test]
    async fn a_handshake_that_is_given_up_loses_no_turn() {
        let turns = Arc::<Turns>::default();
        let turn = turns.next([10, 0, 0, 9].into()).await;
        let gone = wait(&turns, 1);
        let given_and_gone = wait(&turns, 2);
        let mut last = wait(&turns, 3);
        drop(gone);
        drop(turn);
        assert!(given(&mut last).is_none());
        drop(given_and_gone);
        assert!(given(&mut last).is_some());
        let _ = turns.next([10, 0, 0, 1].into()).await;
    }
}
