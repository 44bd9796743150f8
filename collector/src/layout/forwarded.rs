//! The position of the relay in its log: `app.log.forwarded`, beside the file, and shared with those
//! who must not remove what it has not sent.
//!
//! All before it is in the sinks of the collector that the relay forwards to. It is written after
//! that collector's acknowledgement, some time after it at most: a position that is too early only
//! makes the relay repeat what the other side drops.
//!
//! Towards a stream it is written much later, since a stream may lose what it has acknowledged. The
//! stream itself says where to go on.

pub(crate) use crate::layout::forward_place::{ForwardPlace, Reached};
use crate::layout::forward_trail::ForwardTrail;
use crate::layout::paths::beside;
use crate::layout::state_file;
use ring::rand::SystemRandom;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Version of the format.
const VERSION: u32 = 1;

/// Numbers left out where it is not known how many were given: more than a file has lines.
const UNKNOWN: u64 = 1 << 32;

/// Time to wait for what is on its way: longer than the other side may take to acknowledge it.
const LANDING: Duration = Duration::from_secs(300);

/// Position of the relay, and the records that it has given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ForwardState {
    version: u32,
    /// Id of the relay, under which it numbers the records that have no number.
    #[serde(with = "hex")]
    pub(crate) relay: u128,
    #[serde(flatten)]
    pub(crate) place: ForwardPlace,
    /// Count of numbers given to records without one.
    pub(crate) numbered: u64,
    /// Records removed before they were sent, and those of them that a record in the log reports.
    pub(crate) lost: u64,
    pub(crate) reported: u64,
    /// The last such record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    report: Option<LossReport>,
    /// Id of the first relay here, if this is another one: the subject in a stream stays the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first: Option<FirstRelay>,
}

/// A record in the log that reports a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct LossReport {
    /// The place behind it.
    #[serde(flatten)]
    end: ForwardPlace,
    /// Lost records that it reports.
    records: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct FirstRelay(#[serde(with = "hex")] u128);

impl ForwardState {
    /// Id by which a stream knows the log.
    pub(crate) fn subject(&self) -> u128 {
        self.first.map_or(self.relay, |first| first.0)
    }

    /// Takes back the report of a loss if it is among what was not sent and was `removed`.
    fn take_back_report(
        &mut self,
        removed: impl FnOnce(ForwardPlace) -> bool,
    ) -> Option<LossReport> {
        let place = self.place;
        let report = self.report.take_if(|report| place < report.end && removed(report.end))?;
        self.reported = self.reported.saturating_sub(report.records);
        Some(report)
    }
}

/// A record on its way to the log, which reports a loss.
#[derive(Debug)]
pub(crate) struct LossRecord {
    pub(crate) forwarded: Arc<Forwarded>,
    /// Lost records that it reports.
    pub(crate) records: u64,
}

impl LossRecord {
    /// Takes note that it is in the log, in front of `end`. To be called before another file is
    /// begun, since it may be removed from then on.
    pub(crate) fn written(self, end: ForwardPlace) {
        let Self { forwarded, records } = self;
        let mut state = forwarded.lock();
        state.now.reported += records;
        state.now.report = Some(LossReport { end, records });
    }
}

/// Direction in which the position was moved to where the other side is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resumed {
    Onward,
    /// The other side has less than it had acknowledged.
    Back,
    /// The other side has more than the log, which has lost its end.
    Beyond,
}

/// The position, in memory and on the disk.
#[derive(Debug)]
pub(crate) struct Forwarded {
    path: PathBuf,
    state: Mutex<Saved>,
    flight: Mutex<Flight>,
    landed: Condvar,
}

/// State of the records on their way: some are, or none, and more may be sent or not.
#[derive(Debug, Default)]
struct Flight {
    sending: bool,
    paused: bool,
}

/// No records are on their way, and none are sent, until it is dropped.
#[derive(Debug)]
pub(crate) struct ForwardPause<'a>(&'a Forwarded);

impl Drop for ForwardPause<'_> {
    fn drop(&mut self) {
        self.0.flight().paused = false;
    }
}

#[derive(Debug)]
struct Saved {
    now: ForwardState,
    /// The place that the disk has.
    saved: ForwardPlace,
    /// Earlier places, if what the other side has acknowledged may be lost there.
    trail: Option<ForwardTrail>,
    /// End of the log when it was opened, until the other side was asked where it is.
    opened: Option<ForwardPlace>,
}

impl Saved {
    fn new(now: ForwardState) -> Self {
        Self { now, saved: now.place, trail: None, opened: None }
    }

    /// The state for the disk to have once the position is `next`.
    fn durable(&self, next: ForwardState) -> ForwardState {
        let kept = self.trail.as_ref().map(ForwardTrail::kept);
        match kept.filter(|kept| kept.place < next.place) {
            Some(Reached { place, numbered }) => ForwardState { place, numbered, ..next },
            None => next,
        }
    }
}

impl Forwarded {
    /// Reads the position beside the log at `path`, if there is one.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is damaged, or of another version.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Self>> {
        let path = beside(path, ".forwarded");
        let now: Option<ForwardState> = state_file::read(&path)?;
        let Some(now) = now else { return Ok(None) };
        if now.version != VERSION {
            return Err(state_file::damaged());
        }
        Ok(Some(Self::new(path, Saved::new(now))))
    }

    /// Begins at `place` of the log at `path`, for a relay with a new id.
    pub(crate) fn begin(path: &Path, place: ForwardPlace, relay: u128) -> io::Result<Self> {
        let now = ForwardState {
            version: VERSION,
            relay,
            place,
            numbered: 0,
            lost: 0,
            reported: 0,
            report: None,
            first: None,
        };
        let begun = Self::new(beside(path, ".forwarded"), Saved::new(now));
        begun.save()?;
        Ok(begun)
    }

    fn new(path: PathBuf, state: Saved) -> Self {
        let state = Mutex::new(state);
        Self { path, state, flight: Mutex::default(), landed: Condvar::new() }
    }

    /// Takes note that records are about to be sent; `false` if they must not be now.
    pub(crate) fn begin_sending(&self) -> bool {
        let mut flight = self.flight();
        flight.sending |= !flight.paused;
        !flight.paused
    }

    /// Takes note that all that was sent was acknowledged, or never will be.
    pub(crate) fn all_landed(&self) {
        self.flight().sending = false;
        self.landed.notify_all();
    }

    /// Waits until nothing is on its way, so that the position says exactly what has arrived and
    /// which numbers were given.
    ///
    /// # Errors
    ///
    /// When that takes too long.
    pub(crate) fn pause(&self) -> io::Result<ForwardPause<'_>> {
        let mut flight = self.flight();
        flight.paused = true;
        let pause = ForwardPause(self);
        let waited = self.landed.wait_timeout_while(flight, LANDING, |flight| flight.sending);
        let (flight, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        drop(flight);
        if timeout.timed_out() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(pause) }
    }

    fn flight(&self) -> MutexGuard<'_, Flight> {
        self.flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> ForwardState {
        self.lock().now
    }

    /// Lost records to be reported now: none before the disk has that the last report was sent,
    /// since until then it may be removed as they were.
    pub(crate) fn unreported(&self) -> u64 {
        let Saved { now, saved, .. } = &*self.lock();
        let waiting = now.report.is_some_and(|report| *saved < report.end);
        if waiting { 0 } else { now.lost.saturating_sub(now.reported) }
    }

    /// The place that a relay begins at which starts now.
    pub(crate) fn saved(&self) -> ForwardPlace {
        self.lock().saved
    }

    /// Moves on to `place`, all before which was acknowledged, `numbered` records without a number
    /// among it. It stays where it is if it was moved further meanwhile.
    pub(crate) fn advance(&self, place: ForwardPlace, numbered: u64) {
        let mut state = self.lock();
        if state.now.place < place {
            state.now.place = place;
            state.now.numbered += numbered;
            let reached = Reached { place, numbered: state.now.numbered };
            if let Some(trail) = &mut state.trail {
                trail.push(Instant::now(), reached);
            }
        }
    }

    /// From now on, the disk has a place that was passed a while ago.
    pub(crate) fn lag(&self) {
        let mut state = self.lock();
        let ForwardState { place, numbered, .. } = state.now;
        state.trail = Some(ForwardTrail::new(Reached { place, numbered }));
    }

    /// Moves to where the other side is, forward or back, but not to before what is kept for it.
    pub(crate) fn resume(&self, there: Option<Reached>) -> io::Result<Resumed> {
        let mut state = self.lock();
        let before = state.now.place;
        let opened = state.opened.take();
        if let Some(end) = opened.filter(|end| there.is_some_and(|there| there.place > *end)) {
            // Which of the records at these offsets were numbered how is not known.
            let relay = random_id()?;
            let first = Some(FirstRelay(state.now.subject()));
            let numbered = state.now.numbered + UNKNOWN;
            let next = ForwardState { relay, first, place: end, numbered, ..state.now };
            state.trail = Some(ForwardTrail::new(Reached { place: end, numbered }));
            self.write(&mut state, next)?;
            return Ok(Resumed::Beyond);
        }
        let kept = state.trail.as_ref().map(ForwardTrail::kept);
        let floor = kept.filter(|kept| there.is_none_or(|there| there.place < kept.place));
        if let Some(Reached { place, numbered }) = floor.or(there) {
            state.now.place = place;
            state.now.numbered = numbered;
        }
        let after = state.now.place;
        if let Some(trail) = &mut state.trail {
            trail.go_back_to(after);
        }
        Ok(if after < before { Resumed::Back } else { Resumed::Onward })
    }

    /// Tells whether [`Self::save`] would change anything.
    pub(crate) fn is_unsaved(&self) -> bool {
        let mut state = self.lock();
        if let Some(trail) = &mut state.trail {
            trail.forget(Instant::now());
        }
        state.durable(state.now).place != state.saved
    }

    /// Gives up what was not sent of all files before `generation`: so many records, if that is
    /// known. Returns how many of them are lost: not the report of a loss, which is made again.
    /// Which numbers were given to what was on its way when a connection broke is not known, so they
    /// are left out. Nothing is to be removed before the disk has this.
    pub(crate) fn give_up_before(&self, generation: u64, records: Option<u64>) -> io::Result<u64> {
        let mut state = self.lock();
        let mut next = state.now;
        if next.place.generation >= generation {
            return Ok(0);
        }
        let place = ForwardPlace { generation, offset: 0 };
        let report = next.take_back_report(|end| end <= place);
        // Of the last of these files, the records are known.
        let own = report.is_some_and(|report| report.end.generation + 1 == generation);
        let lost = records.map_or(1, |records| records.saturating_sub(own.into()));
        next.place = place;
        next.numbered += UNKNOWN;
        next.lost += lost;
        let ForwardState { place, numbered, .. } = next;
        let trail = state.trail.replace(ForwardTrail::new(Reached { place, numbered }));
        let written = self.write(&mut state, next);
        if written.is_err() || trail.is_none() {
            state.trail = trail;
        }
        written.map(|()| lost)
    }

    /// Goes back to where the log ends at the latest. After a power failure it may have lost more
    /// than the position has.
    pub(crate) fn go_back_to(&self, end: ForwardPlace) -> io::Result<()> {
        let mut state = self.lock();
        state.opened = Some(end);
        let mut next = state.now;
        next.take_back_report(|report| report > end);
        // One that was sent is gone from the log.
        next.report = next.report.filter(|report| report.end <= end);
        next.place = next.place.min(end);
        if next == state.now { Ok(()) } else { self.write(&mut state, next) }
    }

    /// From now on, records without a number are sent under another id: nobody knows which of them
    /// were numbered how.
    pub(crate) fn renew(&self, relay: u128) -> io::Result<()> {
        let mut state = self.lock();
        let first = Some(FirstRelay(state.now.subject()));
        let next = ForwardState { relay, first, ..state.now };
        self.write(&mut state, next)
    }

    /// Makes the disk have the position, and what was reported.
    pub(crate) fn save(&self) -> io::Result<()> {
        let mut state = self.lock();
        let next = state.now;
        self.write(&mut state, next)
    }

    /// Moves on to `next` once the disk has it.
    fn write(&self, state: &mut Saved, next: ForwardState) -> io::Result<()> {
        let durable = state.durable(next);
        state_file::write(&self.path, &durable)?;
        state.now = next;
        state.saved = durable.place;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Saved> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An id that nobody else has.
pub(crate) fn random_id() -> io::Result<u128> {
    let id = ring::rand::generate::<[u8; 16]>(&SystemRandom::new());
    id.map(|id| u128::from_ne_bytes(id.expose())).map_err(|_| io::ErrorKind::Other.into())
}

/// An id as 32 hex digits.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(id: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{id:032x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        let digits = String::deserialize(from)?;
        u128::from_str_radix(&digits, 16).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::paths::next_of;
    use std::fs;
    use tempfile::tempdir;

    fn place(generation: u64, offset: u64) -> ForwardPlace {
        ForwardPlace { generation, offset }
    }

    #[test]
    fn a_position_is_written_in_these_bytes_and_read_back() {
        let dir = tempdir().unwrap();
        let log = dir.path().join("app.log");
        assert!(Forwarded::read(&log).unwrap().is_none());
        let forwarded = Forwarded::begin(&log, place(7, 100), 0x9f).unwrap();
        forwarded.advance(place(7, 200), 3);
        forwarded.advance(place(7, 150), 9);
        assert_eq!((forwarded.saved(), forwarded.now().place), (place(7, 100), place(7, 200)));
        forwarded.save().unwrap();
        let text = fs::read_to_string(&forwarded.path).unwrap();
        let expected = "{\"version\":1,\"relay\":\"0000000000000000000000000000009f\",\
                        \"generation\":7,\"offset\":200,\"numbered\":3,\"lost\":0,\"reported\":0} ";
        assert!(text.starts_with(expected), "{text}");
        let again = Forwarded::read(&log).unwrap().unwrap();
        assert_eq!(again.now(), forwarded.now());
        fs::write(&forwarded.path, text.replace("200", "201")).unwrap();
        let error = Forwarded::read(&log).err().unwrap();
        assert_eq!(error.to_string(), "damaged, or of another version");
    }

    #[test]
    fn what_is_given_up_is_counted_once_and_its_numbers_are_not_given_again() {
        let dir = tempdir().unwrap();
        let log = dir.path().join("app.log");
        let forwarded = Forwarded::begin(&log, place(7, 100), 1).unwrap();
        forwarded.advance(place(7, 300), 5);
        for _ in 0..2 {
            forwarded.give_up_before(8, Some(20)).unwrap();
        }
        // What was under way when it was given up.
        forwarded.advance(place(7, 400), 5);
        let again = Forwarded::read(&log).unwrap().unwrap().now();
        assert_eq!((again.place, again.numbered, again.lost), (place(8, 0), 5 + UNKNOWN, 20));
        forwarded.give_up_before(9, None).unwrap();
        assert_eq!(forwarded.now().numbered, 5 + 2 * UNKNOWN);
    }

    #[test]
    fn a_report_of_a_loss_that_a_power_failure_took_is_made_again() {
        let dir = tempdir().unwrap();
        let log = dir.path().join("app.log");
        let forwarded = Arc::new(Forwarded::begin(&log, place(7, 100), 1).unwrap());
        forwarded.give_up_before(8, Some(20)).unwrap();
        LossRecord { forwarded: forwarded.clone(), records: 20 }.written(place(8, 300));
        forwarded.save().unwrap();
        let again = || Forwarded::read(&log).unwrap().unwrap();
        let shorter = again();
        shorter.go_back_to(place(8, 300)).unwrap();
        assert_eq!((shorter.unreported(), shorter.now().reported), (0, 20));
        shorter.go_back_to(place(8, 299)).unwrap();
        assert_eq!((shorter.unreported(), shorter.now().place), (20, place(8, 0)));
        // Had it been sent, it would not be.
        forwarded.advance(place(8, 300), 1);
        forwarded.save().unwrap();
        let shorter = again();
        shorter.go_back_to(place(8, 299)).unwrap();
        assert_eq!((shorter.unreported(), shorter.now().reported), (0, 20));
        assert_eq!(shorter.give_up_before(9, Some(5)).unwrap(), 5);
        assert_eq!(shorter.unreported(), 5);
    }

    #[test]
    fn a_report_of_a_loss_is_no_loss_where_its_file_is_counted() {
        for (generation, counted) in [(9, 4), (10, 5)] {
            let dir = tempdir().unwrap();
            let log = dir.path().join("app.log");
            let forwarded = Arc::new(Forwarded::begin(&log, place(8, 100), 1).unwrap());
            LossRecord { forwarded: forwarded.clone(), records: 20 }.written(place(8, 300));
            assert_eq!(forwarded.give_up_before(generation, Some(5)).unwrap(), counted);
        }
    }

    #[test]
    fn what_the_disk_did_not_take_is_given_up_and_reported_later() {
        let dir = tempdir().unwrap();
        let log = dir.path().join("app.log");
        let forwarded = Forwarded::begin(&log, place(7, 100), 1).unwrap();
        let before = forwarded.now();
        let obstacle = next_of(&forwarded.path);
        fs::create_dir(&obstacle).unwrap();
        forwarded.give_up_before(8, Some(20)).unwrap_err();
        forwarded.renew(2).unwrap_err();
        forwarded.go_back_to(place(6, 0)).unwrap_err();
        assert_eq!(forwarded.now(), before);
        fs::remove_dir(&obstacle).unwrap();
        forwarded.give_up_before(8, Some(20)).unwrap();
        assert_eq!((forwarded.now().lost, forwarded.now().place), (20, place(8, 0)));
    }
}
