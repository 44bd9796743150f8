//! The hub: the one thread through which every batch passes, and the only writer. It is a thread,
//! not a task, because disks block.

pub(crate) mod batch;
mod buffer_pool;
pub(crate) mod coalesce;
mod end;
pub(crate) mod held_acks;
pub(crate) mod line_run;
pub(crate) mod marks;
pub(crate) mod progress;
pub(crate) mod recent;
pub(crate) mod recovered_run;
mod reopen;
pub(crate) mod sink;
pub(crate) mod submission;

pub use reopen::Reopen;

use crate::clock::{monotonic_seconds, now};
use crate::layout::forwarded::{ForwardPlace, LossRecord};
use crate::senders::identity::Sender;
use crate::stats::Stats;
use crate::stderr::{Chain, StderrLog};
use batch::Batch;
use coalesce::{Coalescer, WorkDone};
use held_acks::{HeldAcks, SenderAck};
use line_run::{LineRun, Source};
use marks::{Forgotten, Mark, Marks};
use netlog_wire::Identity;
use progress::{End, Progress};
use recovered_run::RecoveredRun;
use sink::{Sink, SinkError, Written};
use std::error::Error;
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};
use submission::Submission;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// The most that is written as one batch: large enough that the costs of a batch vanish, small
/// enough that acks keep flowing.
const BATCH: usize = 1 << 20;

/// Interval between checks of the sinks when nothing comes.
const TICK: Duration = Duration::from_secs(1);

/// Interval at which old marks are forgotten.
const MINUTE: Duration = Duration::from_secs(60);

const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Takes submissions, seals batches, writes them to the sinks, and lets the senders know.
pub(crate) struct Hub {
    pub(crate) submissions: Receiver<Submission>,
    pub(crate) sinks: Vec<Box<dyn Sink>>,
    pub(crate) marks: Arc<Marks>,
    pub(crate) patience: Arc<Patience>,
    pub(crate) progress: Arc<Progress>,
    /// With `--ack both`.
    pub(crate) held_acks: Option<Arc<HeldAcks>>,
    pub(crate) reopen: Reopen,
    pub(crate) stats: Arc<Stats>,
    pub(crate) stderr: StderrLog,
    /// Since when a sink fails.
    pub(crate) failing_since: Option<Instant>,
}

/// Time limit for the hub once the collector is to end.
#[derive(Debug, Default)]
pub(crate) struct Patience(OnceLock<Instant>);

impl Patience {
    /// From now on, a sink that still fails after `limit` is given up.
    pub(crate) fn limit(&self, limit: Duration) {
        let _ = self.0.set(Instant::now() + limit);
    }

    fn over(&self) -> bool {
        self.0.get().is_some_and(|end| Instant::now() >= *end)
    }
}

impl Hub {
    /// Runs until every intake has ended and all they gave is written, or no sink is left.
    ///
    /// # Errors
    ///
    /// When a sink failed until the patience was over.
    pub(crate) fn run(mut self) -> Result<(), GaveUp> {
        let mut tidied = Instant::now();
        let mut coalescer = Coalescer::of_writer();
        self.look();
        while !self.sinks.is_empty() {
            if tidied.elapsed() > MINUTE {
                let forgotten = self.marks.forget(monotonic_seconds());
                self.count_forgotten(&forgotten);
                tidied = Instant::now();
            }
            if self.reopen.asked() {
                self.look();
            }
            coalescer.wait();
            let submission = self.submissions.recv_timeout(TICK);
            coalescer.wake();
            match submission {
                Ok(submission) => {
                    coalescer.nap();
                    coalescer.done(self.pass(submission)?);
                }
                Err(RecvTimeoutError::Timeout) => {
                    buffer_pool::forget();
                    self.look();
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.sinks.iter_mut().for_each(|sink| sink.close());
        Ok(())
    }

    /// Makes one batch of `submission` and what else is there, and writes it.
    fn pass(&mut self, submission: Submission) -> Result<WorkDone, GaveUp> {
        let mut bytes = submission.bytes();
        let mut submissions = vec![submission];
        // The report of a loss ends its batch: the place behind it is where the file ends then.
        while bytes < BATCH
            && submissions.last().is_none_or(|last| last.loss.is_none())
            && let Ok(submission) = self.submissions.try_recv()
        {
            bytes += submission.bytes();
            submissions.push(submission);
        }
        let work = WorkDone { items: submissions.len(), bytes };
        // The file may be packed and removed as soon as we were asked.
        if self.reopen.asked() {
            self.look();
        }
        let sealed = self.seal(submissions);
        if !sealed.batch.runs.is_empty() {
            let written = self.write(&sealed.batch)?;
            if self.sinks.is_empty() {
                // Nobody has it: nothing is acked, and whoever waits for a word gets none.
                self.stats.records_given_up.add(sealed.batch.records());
                return Ok(work);
            }
            self.progress.announce(sealed.recovered);
            self.progress.written(&sealed.batch.runs, written);
            if let Some(loss) = sealed.loss {
                loss.written(self.place());
            }
            self.stats.batches.add(1);
            self.stats.records_written.add(sealed.batch.records());
            self.stats.bytes_written.add(sealed.batch.bytes());
        }
        let acks = self.written(sealed.senders);
        self.ack(acks, sealed.acked);
        for settled in sealed.settled {
            let _ = settled.send(());
        }
        sealed.batch.runs.into_iter().for_each(LineRun::recycle);
        Ok(work)
    }

    /// Leaves out what the sinks have already, and moves the marks ahead of the write.
    fn seal(&self, submissions: Vec<Submission>) -> Sealed {
        let mut sealed = Sealed::default();
        let mut marks = self.marks.lock();
        for submission in submissions {
            sealed.rooms.push(submission.room);
            sealed.settled.extend(submission.settled);
            sealed.acked.extend(submission.acked);
            for run in submission.runs {
                let Source::Netlog(sender) = &run.source else {
                    sealed.batch.runs.extend((run.count > 0).then_some(run));
                    continue;
                };
                let sender = sender.clone();
                let passed = sealed.batch.runs.len();
                let repeated = marks.pass(run, &sender, &mut sealed.batch);
                let first = sealed.batch.runs.get(passed).map(|run| run.first);
                sealed.recovered.extend(first.and_then(|first| RecoveredRun::new(&sender, first)));
                self.stats.records_repeated.add(repeated);
                sender.repeated.fetch_add(repeated, Relaxed);
                sealed.senders.push(sender);
            }
            if let Some(sender) = submission.recovered {
                let end = marks.change(sender.id, |mark| report_end(mark, sender));
                sealed.batch.runs.extend(end);
            }
            sealed.loss = submission.loss;
        }
        sealed
    }

    /// Lets the sinks look around, and reports when that begins or ceases to fail.
    fn look(&mut self) {
        let mut failed = None;
        for sink in &mut self.sinks {
            match sink.look() {
                Ok(None) => {}
                Ok(end) => self.progress.written(&[], Written { end, parts: Vec::new() }),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match failed {
            Some(error) => self.report_failure(&error),
            None => self.report_recovery(),
        }
    }

    fn write(&mut self, batch: &Batch) -> Result<Written, GaveUp> {
        let mut at = 0;
        let mut all = Written::default();
        while at < self.sinks.len() {
            match self.write_to(at, batch) {
                Ok(written) => {
                    all.end = all.end.or(written.end);
                    all.parts.extend(written.parts);
                    at += 1;
                }
                Err(error) if error.closed() => {
                    drop(self.sinks.remove(at));
                    if !self.sinks.is_empty() {
                        self.stderr.log(format_args!("stdout is closed, printing no more"));
                    }
                }
                Err(cause) => return Err(self.give_up(batch, cause)),
            }
        }
        Ok(all)
    }

    /// Writes to one sink, however long it takes: nothing is acked or read meanwhile.
    fn write_to(&mut self, at: usize, batch: &Batch) -> Result<Written, SinkError> {
        let mut pause = PAUSE_MIN;
        loop {
            let error = match self.sinks[at].write(batch) {
                Ok(written) => {
                    self.report_recovery();
                    return Ok(written);
                }
                Err(error) if error.closed() || self.patience.over() => return Err(error),
                Err(error) => error,
            };
            self.stats.writes_failed.add(1);
            self.report_failure(&error);
            self.wait(pause);
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Reports a failure once, when it begins.
    fn report_failure(&mut self, error: &SinkError) {
        let chain = Chain(error).to_string();
        if self.failing_since.is_none() {
            self.failing_since = Some(Instant::now());
            self.stderr.log(format_args!("{chain}, will go on trying"));
        }
        self.progress.health(Some(chain));
    }

    fn report_recovery(&mut self) {
        if let Some(since) = self.failing_since.take() {
            let seconds = since.elapsed().as_secs_f32();
            self.progress.health(None);
            self.stderr.log(format_args!("writing again after {seconds:.1} s, nothing is lost"));
        }
    }
    /// Pauses, but not beyond the end of patience, which may begin meanwhile.
    fn wait(&self, pause: Duration) {
        let end = Instant::now() + pause;
        while Instant::now() < end && !self.patience.over() {
            thread::park_timeout(PAUSE_MIN);
        }
    }

    fn give_up(&self, batch: &Batch, cause: SinkError) -> GaveUp {
        let waiting = self.submissions.try_iter().flat_map(|submission| submission.runs);
        let records = batch.records() + waiting.map(|run| run.count).sum::<u64>();
        self.stats.records_given_up.add(records);
        GaveUp { records, cause }
    }

    /// Moves the marks behind the write.
    fn written(&self, senders: Vec<Arc<Sender>>) -> Vec<SenderAck> {
        let mut marks = self.marks.lock();
        let seconds = monotonic_seconds();
        let written = |sender: Arc<Sender>| {
            marks.change(sender.id, |mark| {
                let before = std::mem::replace(&mut mark.written, mark.sealed);
                mark.seen = seconds;
                SenderAck { sender, number: mark.written, before }
            })
        };
        let acks = senders.into_iter().map(written).collect();
        marks.leave(seconds);
        drop(marks);
        let forgotten = self.marks.forget_beyond(seconds);
        self.count_forgotten(&forgotten);
        acks
    }

    /// Wakes each sender's connections once, now or when its records were forwarded.
    fn ack(&self, acks: Vec<SenderAck>, answers: Vec<oneshot::Sender<()>>) {
        if let Some(held) = &self.held_acks {
            return held.hold(self.place(), acks, answers);
        }
        for SenderAck { sender, number, .. } in acks {
            sender.acked.send_if_modified(|acked| std::mem::replace(acked, number) != number);
        }
        for answer in answers {
            let _ = answer.send(());
        }
    }

    /// The place behind all that was written.
    fn place(&self) -> ForwardPlace {
        let End { generation, len, .. } = self.progress.end();
        ForwardPlace { generation, offset: len }
    }

    fn count_forgotten(&self, forgotten: &Forgotten) {
        self.stats.senders_forgotten.add(forgotten.senders);
        self.stats.gaps_forgotten.add(forgotten.gaps);
    }
}

/// The record on a sender's end, the first time it is asked for.
fn report_end(mark: &mut Mark, sender: Arc<Sender>) -> Option<LineRun> {
    if std::mem::replace(&mut mark.ended, true) {
        return None;
    }
    // What this collector has counted misses what another run of it has written.
    let since = sender.recovered_after.map(|after| mark.sealed.saturating_sub(after));
    let record = sender.crash_notice(since.unwrap_or(mark.recovered), now());
    let mut run = LineRun::new(Source::Ended(sender.clone()), 1, 0);
    run.record(&record, &Identity { peer: None, ..sender.identity.clone() });
    Some(run)
}

/// The collector ended while a sink failed.
#[derive(Debug)]
pub struct GaveUp {
    pub(crate) records: u64,
    pub(crate) cause: SinkError,
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ended with {} records not written", self.records)
    }
}

impl Error for GaveUp {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

#[derive(Default)]
struct Sealed {
    batch: Batch,
    senders: Vec<Arc<Sender>>,
    /// Dead programs of which the batch has the first records.
    recovered: Vec<RecoveredRun>,
    /// The loss that its last record reports.
    loss: Option<LossRecord>,
    /// Answered when all of it is written.
    settled: Vec<oneshot::Sender<()>>,
    /// Answered when it may be acknowledged.
    acked: Vec<oneshot::Sender<()>>,
    /// Given back when the batch is done with.
    rooms: Vec<OwnedSemaphorePermit>,
}

impl Drop for Hub {
    fn drop(&mut self) {
        // Whatever still waits to be written is dropped with its room, so that nobody waits on.
        self.submissions.try_iter().for_each(drop);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::forwarded::Forwarded;

    #[test]
    fn patience_has_no_end_until_one_is_set() {
        let patience = Patience::default();
        assert!(!patience.over());
        patience.limit(Duration::ZERO);
        assert!(patience.over());
    }

    /// A pipe whose reader is gone.
    struct Gone;

    impl Sink for Gone {
        fn write(&mut self, _: &Batch) -> Result<Written, SinkError> {
            Err(SinkError { deed: "write".into(), cause: std::io::ErrorKind::BrokenPipe.into() })
        }
    }

    #[test]
    fn what_nobody_reads_any_more_is_not_acked_and_is_counted() {
        let (stats, marks) = (Arc::<Stats>::default(), Arc::<Marks>::default());
        let (feed, submissions) = submission::feed(1 << 20, stats.clone());
        let id = crate::senders::identity::SenderId(7);
        let sender = Arc::new(Sender::new(id, Identity::default(), false));
        let mut run = LineRun::new(Source::Netlog(sender.clone()), 1, 0);
        run.record(&netlog_wire::Record::new(0, netlog_wire::Level::Info, "m"), &sender.identity);
        let room = feed.room().try_acquire_many_owned(1 << 12).unwrap();
        feed.give(vec![run], room);
        drop(feed);
        let mut hub = hub(submissions, Gone);
        hub.marks = marks.clone();
        hub.stats = stats.clone();
        hub.run().unwrap();
        assert_eq!((*sender.acked.borrow(), marks.written(id)), (0, 0));
        assert_eq!(stats.records_given_up.get(), 1);
    }

    /// A file without a disk.
    struct Length(u64);

    impl Sink for Length {
        fn write(&mut self, batch: &Batch) -> Result<Written, SinkError> {
            self.0 += batch.bytes();
            let end = Some(End { len: self.0, ..End::default() });
            Ok(Written { end, parts: Vec::new() })
        }
    }

    #[test]
    fn the_place_of_a_report_is_behind_it_and_not_behind_what_came_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("app.log");
        let begun = Forwarded::begin(&log, ForwardPlace::default(), 1).unwrap();
        let forwarded = Arc::new(begun);
        let (feed, submissions) = submission::feed(1 << 20, Arc::default());
        let run = || {
            let mut run = LineRun::new(Source::Plain, 1, 0);
            let record = netlog_wire::Record::new(0, netlog_wire::Level::Info, "m");
            run.record(&record, &Identity::default());
            run
        };
        let room = || feed.room().try_acquire_many_owned(1 << 12).unwrap();
        feed.give(vec![run()], room());
        let loss = LossRecord { forwarded: forwarded.clone(), records: 20 };
        feed.give_loss(run(), loss, room());
        feed.give(vec![run()], room());
        drop(feed);
        hub(submissions, Length(0)).run().unwrap();
        // Of these three, the first two were sent: the report is not taken back.
        let offset = 2 * run().lines.len() as u64;
        forwarded.advance(ForwardPlace { offset, ..ForwardPlace::default() }, 2);
        assert_eq!(forwarded.give_up_before(1, Some(1)).unwrap(), 1);
        assert_eq!(forwarded.now().reported, 20);
    }

    fn hub(submissions: Receiver<Submission>, sink: impl Sink + 'static) -> Hub {
        Hub {
            submissions,
            sinks: vec![Box::new(sink)],
            marks: Arc::default(),
            patience: Arc::default(),
            progress: Arc::new(Progress::new(None, None)),
            held_acks: None,
            reopen: Reopen::new(None, None),
            stats: Arc::default(),
            stderr: StderrLog::default(),
            failing_since: None,
        }
    }
}
