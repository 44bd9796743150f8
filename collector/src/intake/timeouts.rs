//! The timeouts of a connection: one timer for all of them, which is set again when it has gone off
//! and not whenever a line comes.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// The silence that ends a syslog message without an end: longer than a client pauses within one,
/// and short enough for whoever waits to see it.
const SILENCE: Duration = Duration::from_millis(200);

/// Time limits of a connection; `None` is no limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// Until its first byte.
    pub(crate) first_byte: Option<Duration>,
    /// From the first byte of a line to its end.
    pub(crate) half_line: Option<Duration>,
    /// Without any byte.
    pub(crate) idle: Option<Duration>,
}

/// The time limit that has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timeout {
    /// The silence that ends a message without an end.
    Message,
    /// The time for the first byte.
    FirstByte,
    /// The time for a line.
    HalfLine,
    /// The time for anything.
    Idle,
}

/// The times from which the limits count.
pub(super) struct Deadlines {
    limits: Arc<Timeouts>,
    /// When something came last, or the peer itself.
    heard: Instant,
    mute: bool,
    /// When the line that has not ended began.
    half: Option<Instant>,
    /// That line may be a whole message.
    whole: bool,
    /// Never later than the next thing due; as long as nothing is, there is none.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Deadlines {
    pub(super) fn new(limits: Arc<Timeouts>) -> Self {
        let heard = Instant::now();
        Self { limits, heard, mute: true, half: None, whole: false, alarm: None }
    }

    /// Something came: now a line has begun that has not ended, if `half`, which is not the one
    /// from before, if `ended`; and it may be a whole message, if `whole`.
    pub(super) fn heard(&mut self, half: bool, ended: bool, whole: bool) {
        if self.mute {
            self.alarm = None;
        }
        (self.heard, self.mute, self.whole) = (Instant::now(), false, whole);
        let earlier = self.half.filter(|_| !ended);
        self.half = half.then(|| earlier.unwrap_or(self.heard));
    }

    /// Waits until a time limit has passed. To be dropped and called again whenever something came.
    pub(super) async fn over(&mut self) -> Timeout {
        loop {
            let Some((at, due)) = self.next() else { return pending().await };
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(at)));
            if alarm.deadline() > at {
                alarm.as_mut().reset(at);
            }
            alarm.as_mut().await;
            self.alarm = None;
            if Instant::now() >= at {
                return due;
            }
        }
    }

    fn next(&self) -> Option<(Instant, Timeout)> {
        let Timeouts { first_byte, half_line, idle } = *self.limits;
        let after =
            |since: Instant, limit: Option<Duration>, due| Some((since.checked_add(limit?)?, due));
        let all = [
            after(self.heard, Some(SILENCE).filter(|_| self.whole), Timeout::Message),
            after(self.heard, first_byte.filter(|_| self.mute), Timeout::FirstByte),
            self.half.and_then(|began| after(began, half_line, Timeout::HalfLine)),
            after(self.heard, idle, Timeout::Idle),
        ];
        all.into_iter().flatten().min_by_key(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{advance, timeout};

    const SECOND: Duration = Duration::from_secs(1);
    const LIMITS: Timeouts =
        Timeouts { first_byte: Some(SECOND), half_line: Some(SECOND), idle: None };

    async fn due_within(deadlines: &mut Deadlines, limit: Duration) -> Option<Timeout> {
        timeout(limit, deadlines.over()).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_of_a_line_do_not_prolong_its_time() {
        let mut deadlines = Deadlines::new(LIMITS.into());
        deadlines.heard(true, false, false);
        for _ in 0..3 {
            assert_eq!(due_within(&mut deadlines, SECOND / 4).await, None);
            deadlines.heard(true, false, false);
        }
        assert_eq!(due_within(&mut deadlines, SECOND / 2).await, Some(Timeout::HalfLine));
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_ends_in_time_costs_no_new_timer() {
        let mut deadlines = Deadlines::new(LIMITS.into());
        deadlines.heard(true, false, false);
        assert_eq!(due_within(&mut deadlines, SECOND / 2).await, None);
        let alarm = deadlines.alarm.as_ref().map(|alarm| alarm.deadline());
        deadlines.heard(true, true, false);
        assert_eq!(due_within(&mut deadlines, SECOND / 4).await, None);
        assert_eq!(deadlines.alarm.as_ref().map(|alarm| alarm.deadline()), alarm);
        assert_eq!(due_within(&mut deadlines, SECOND).await, Some(Timeout::HalfLine));
        deadlines.heard(false, true, false);
        advance(SECOND * 9).await;
        assert_eq!(due_within(&mut deadlines, SECOND * 9).await, None);
        assert!(deadlines.alarm.is_none(), "between lines nothing is due");
    }

    #[tokio::test(start_paused = true)]
    async fn the_earliest_limit_is_reported_first() {
        let mut deadlines = Deadlines::new(LIMITS.into());
        assert_eq!(due_within(&mut deadlines, SECOND * 2).await, Some(Timeout::FirstByte));
        deadlines.heard(true, false, true);
        assert_eq!(due_within(&mut deadlines, SECOND / 2).await, Some(Timeout::Message));
        let idle = Some(SECOND / 3);
        let mut deadlines = Deadlines::new(Timeouts { idle, ..LIMITS }.into());
        assert_eq!(due_within(&mut deadlines, SECOND / 2).await, Some(Timeout::Idle));
    }
}
