//! Checks, while records go to another collector, whether the first one is there again.

use crate::endpoint::{CONNECT_LIMIT, Endpoint};
use crate::stderr::mark_internal_thread;
use std::cell::{Cell, RefCell};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::{Duration, Instant};

/// Pause between checks; it doubles each time that the first collector accepts a connection and no
/// records.
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(300);

/// The state of the checks of one worker.
pub(super) struct FirstChoice {
    pause: Cell<Duration>,
    /// `true` from a failure until it has acknowledged records.
    doubted: Cell<bool>,
    due: Cell<Option<Instant>>,
    answer: RefCell<Option<Receiver<bool>>>,
}

impl Default for FirstChoice {
    fn default() -> Self {
        let pause = Cell::new(SHORTEST);
        let doubted = Cell::new(false);
        Self { pause, doubted, due: Cell::default(), answer: RefCell::default() }
    }
}

impl FirstChoice {
    /// Takes note that it took records.
    pub(super) fn works(&self) {
        self.pause.set(SHORTEST);
        self.doubted.set(false);
        self.due.set(None);
        // Of a check that began while it was away.
        self.answer.replace(None);
    }

    /// Takes note that it is not there.
    pub(super) fn failed(&self) {
        self.doubted.set(true);
        self.due.set(Some(Instant::now() + self.pause.get()));
    }

    /// True if it failed and has not acknowledged any records since.
    pub(super) fn is_doubted(&self) -> bool {
        self.doubted.get()
    }

    /// True if `first` has just accepted a connection. The attempts are made on threads of their
    /// own: they take time.
    pub(super) fn is_back(&self, first: &Endpoint) -> bool {
        let answered = self.answer.borrow().as_ref().map(Receiver::try_recv);
        match answered {
            Some(Ok(true)) => {
                self.answer.replace(None);
                // Until it has taken records, it may be in this state for long.
                self.pause.set(LONGEST.min(self.pause.get() * 2));
                return true;
            }
            Some(Ok(false) | Err(TryRecvError::Disconnected)) => {
                self.answer.replace(None);
                self.failed();
            }
            Some(Err(TryRecvError::Empty)) => {}
            None if self.due.get().is_none_or(|due| Instant::now() >= due) => self.ask(first),
            None => {}
        }
        false
    }

    fn ask(&self, first: &Endpoint) {
        let (tell, answer) = mpsc::sync_channel(1);
        let first = first.clone();
        let asking = std::thread::Builder::new().name("netlog-probe".into()).spawn(move || {
            mark_internal_thread();
            let _ = tell.send(first.connect(CONNECT_LIMIT).is_ok());
        });
        match asking {
            Ok(_) => drop(self.answer.replace(Some(answer))),
            Err(_) => self.failed(),
        }
    }
}
