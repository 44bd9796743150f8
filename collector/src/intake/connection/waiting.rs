//! What a peer is waited for, and until when: one timer for all of it, which is set anew when it
//! has gone off and not when a line comes.

use std::future::pending;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// The silence that ends a syslog message without an end: longer than a client pauses within one,
/// and short enough for whoever waits to see it.
const SILENCE: Duration = Duration::from_millis(200);

/// How long a peer may take; none is for ever.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// For its first byte.
    pub(crate) first_byte: Option<Duration>,
    /// For a line, from its first byte to its end.
    pub(crate) half_line: Option<Duration>,
    /// For anything.
    pub(crate) idle: Option<Duration>,
}

/// What has come to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// A message that nothing but silence ends.
    Message,
    /// The time for the first byte.
    FirstByte,
    /// The time for a line.
    HalfLine,
    /// The time for anything.
    Idle,
}

/// Since when what is waited for.
pub(super) struct Waiting {
    limits: Limits,
    /// When something came last, or the peer itself.
    heard: Instant,
    mute: bool,
    /// When the line that has not ended began.
    half: Option<Instant>,
    /// Whether that line may be a whole message.
    whole: bool,
    /// Never later than the next thing due; as long as nothing is, there is none.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Waiting {
    pub(super) fn new(limits: Limits) -> Self {
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

    /// Waits until something is due. To be dropped and called again whenever something came.
    pub(super) async fn over(&mut self) -> Due {
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

    fn next(&self) -> Option<(Instant, Due)> {
        let Limits { first_byte, half_line, idle } = self.limits;
        let after =
            |since: Instant, limit: Option<Duration>, due| Some((since.checked_add(limit?)?, due));
        let all = [
            after(self.heard, Some(SILENCE).filter(|_| self.whole), Due::Message),
            after(self.heard, first_byte.filter(|_| self.mute), Due::FirstByte),
            self.half.and_then(|began| after(began, half_line, Due::HalfLine)),
            after(self.heard, idle, Due::Idle),
        ];
        all.into_iter().flatten().min_by_key(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{advance, timeout};

    const SECOND: Duration = Duration::from_secs(1);
    const LIMITS: Limits = Limits { first_byte: Some(SECOND), half_line: Some(SECOND), idle: None };

    async fn due_within(waiting: &mut Waiting, limit: Duration) -> Option<Due> {
        timeout(limit, waiting.over()).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_of_a_line_do_not_prolong_its_time() {
        let mut waiting = Waiting::new(LIMITS);
        waiting.heard(true, false, false);
        for _ in 0..3 {
            assert_eq!(due_within(&mut waiting, SECOND / 4).await, None);
            waiting.heard(true, false, false);
        }
        assert_eq!(due_within(&mut waiting, SECOND / 2).await, Some(Due::HalfLine));
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_ends_in_time_costs_no_new_timer() {
        let mut waiting = Waiting::new(LIMITS);
        waiting.heard(true, false, false);
        assert_eq!(due_within(&mut waiting, SECOND / 2).await, None);
        let alarm = waiting.alarm.as_ref().map(|alarm| alarm.deadline());
        waiting.heard(true, true, false);
        assert_eq!(due_within(&mut waiting, SECOND / 4).await, None);
        assert_eq!(waiting.alarm.as_ref().map(|alarm| alarm.deadline()), alarm);
        assert_eq!(due_within(&mut waiting, SECOND).await, Some(Due::HalfLine));
        waiting.heard(false, true, false);
        advance(SECOND * 9).await;
        assert_eq!(due_within(&mut waiting, SECOND * 9).await, None);
        assert!(waiting.alarm.is_none(), "between lines nothing is due");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_due_first_is_told_first() {
        let mut waiting = Waiting::new(LIMITS);
        assert_eq!(due_within(&mut waiting, SECOND * 2).await, Some(Due::FirstByte));
        waiting.heard(true, false, true);
        assert_eq!(due_within(&mut waiting, SECOND / 2).await, Some(Due::Message));
        let idle = Some(SECOND / 3);
        let mut waiting = Waiting::new(Limits { idle, ..LIMITS });
        assert_eq!(due_within(&mut waiting, SECOND / 2).await, Some(Due::Idle));
    }
}
