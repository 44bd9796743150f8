//! The hub: the one thread through which every batch passes, and the only writer. It is a thread,
//! not a task, because disks block.

use crate::decode::{now, seconds};
use crate::error::GaveUp;
use crate::fresh::Fresh;
use crate::marks::{Mark, Marks};
use crate::pace::Pace;
use crate::run::{Parcel, Run, Source, spare};
use crate::sender::Sender;
use crate::sink::{Batch, Sink, SinkError};
use crate::stats::Stats;
use crate::tokens::Tokens;
use crate::voice::{Chain, Voice};
use netlog_wire::Identity;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// The most that is written as one batch: large enough that the costs of a batch vanish, small
/// enough that acks keep flowing.
const BATCH: usize = 1 << 20;

/// How often the sinks look around when nothing comes.
const TICK: Duration = Duration::from_secs(1);

/// How often marks are forgotten.
const MINUTE: Duration = Duration::from_secs(60);

const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Takes parcels, seals batches, writes them to the sinks, and lets the senders know.
pub(crate) struct Hub {
    pub(crate) parcels: Receiver<Parcel>,
    pub(crate) sinks: Vec<Box<dyn Sink>>,
    pub(crate) marks: Arc<Marks>,
    pub(crate) patience: Arc<Patience>,
    pub(crate) fresh: Arc<Fresh>,
    pub(crate) reopen: Reopen,
    pub(crate) stats: Arc<Stats>,
    pub(crate) voice: Voice,
}

/// Asks a running collector to look whether its file was moved, and to go on in a new one if so;
/// and to read its tokens again.
#[derive(Debug, Clone, Default)]
pub struct Reopen {
    asked: Arc<AtomicBool>,
    tokens: Option<Arc<Tokens>>,
}

impl Reopen {
    pub(crate) fn new(tokens: Option<Arc<Tokens>>) -> Self {
        Self { asked: Arc::default(), tokens }
    }

    /// Asks; it is done before the next batch, or within a second. The tokens are read at once.
    pub fn ask(&self) {
        if let Some(tokens) = &self.tokens {
            tokens.read_again();
        }
        self.asked.store(true, Relaxed);
    }

    fn asked(&self) -> bool {
        self.asked.load(Relaxed) && self.asked.swap(false, Relaxed)
    }
}

/// How long the hub may go on trying once the collector is to end.
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
        let (mut tidied, mut pace) = (Instant::now(), Pace::of_writer());
        while !self.sinks.is_empty() {
            if tidied.elapsed() > MINUTE {
                self.marks.forget(seconds());
                tidied = Instant::now();
            }
            if self.reopen.asked() {
                self.sinks.iter_mut().for_each(|sink| sink.look());
            }
            pace.wait();
            let parcel = self.parcels.recv_timeout(TICK);
            pace.wake();
            match parcel {
                Ok(parcel) => {
                    pace.nap();
                    pace.done(self.pass(parcel)?);
                }
                Err(RecvTimeoutError::Timeout) => {
                    spare::forget();
                    self.sinks.iter_mut().for_each(|sink| sink.look());
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.sinks.iter_mut().for_each(|sink| sink.close());
        Ok(())
    }

    /// Makes one batch of `parcel` and what else is there, and sees it through; says of how many
    /// parcels and bytes.
    fn pass(&mut self, parcel: Parcel) -> Result<(usize, usize), GaveUp> {
        let mut bytes = parcel.bytes();
        let mut parcels = vec![parcel];
        while bytes < BATCH
            && let Ok(parcel) = self.parcels.try_recv()
        {
            bytes += parcel.bytes();
            parcels.push(parcel);
        }
        let found = (parcels.len(), bytes);
        let sealed = self.seal(parcels);
        if !sealed.batch.runs.is_empty() {
            self.write(&sealed.batch)?;
            if self.sinks.is_empty() {
                // Nobody has it: nothing is acked, and whoever waits for a word gets none.
                self.stats.records_given_up.add(sealed.batch.records());
                return Ok(found);
            }
            let streamed = self.sinks.iter_mut().find_map(|sink| sink.streamed());
            let end = self.sinks.iter().find_map(|sink| sink.end());
            self.fresh.written(&sealed.batch.runs, end, streamed);
            self.stats.batches.add(1);
            self.stats.records_written.add(sealed.batch.records());
            self.stats.bytes_written.add(sealed.batch.bytes());
        }
        self.ack(&sealed.senders);
        for settled in sealed.settled {
            let _ = settled.send(());
        }
        sealed.batch.runs.into_iter().for_each(Run::recycle);
        Ok(found)
    }

    /// Leaves out what the sinks have already, and moves the marks ahead of the write.
    fn seal(&self, parcels: Vec<Parcel>) -> Sealed {
        let mut sealed = Sealed::default();
        let mut marks = self.marks.lock();
        for parcel in parcels {
            sealed.rooms.push(parcel.room);
            sealed.settled.extend(parcel.settled);
            for mut run in parcel.runs {
                if let Source::Netlog(sender) = &run.source {
                    let sender = sender.clone();
                    let mark = marks.entry(sender.id).or_default();
                    self.stats.records_repeated.add(mark.pass(&mut run, sender.recovered));
                    sealed.senders.push(sender);
                }
                if run.count > 0 {
                    sealed.batch.runs.push(run);
                }
            }
            if let Some(sender) = parcel.recovered {
                let mark = marks.entry(sender.id).or_default();
                sealed.batch.runs.extend(report_end(mark, sender));
            }
        }
        sealed
    }

    fn write(&mut self, batch: &Batch) -> Result<(), GaveUp> {
        let mut at = 0;
        while at < self.sinks.len() {
            match self.write_to(at, batch) {
                Ok(()) => at += 1,
                Err(error) if error.closed() => {
                    drop(self.sinks.remove(at));
                    if !self.sinks.is_empty() {
                        self.voice.say(format_args!("stdout is closed, printing no more"));
                    }
                }
                Err(cause) => return Err(self.give_up(batch, cause)),
            }
        }
        Ok(())
    }

    /// Writes to one sink, however long it takes: nothing is acked or read meanwhile.
    fn write_to(&mut self, at: usize, batch: &Batch) -> Result<(), SinkError> {
        let (mut pause, started) = (PAUSE_MIN, Instant::now());
        while let Err(error) = self.sinks[at].write(batch) {
            if error.closed() || self.patience.over() {
                return Err(error);
            }
            self.stats.writes_failed.add(1);
            if pause == PAUSE_MIN {
                self.voice.say(format_args!("{}, will go on trying", Chain(&error)));
                self.fresh.health(Some(Chain(&error).to_string()));
            }
            self.wait(pause);
            pause = (pause * 2).min(PAUSE_MAX);
        }
        if pause > PAUSE_MIN {
            let seconds = started.elapsed().as_secs_f32();
            self.fresh.health(None);
            self.voice.say(format_args!("writing again after {seconds:.1} s, nothing is lost"));
        }
        Ok(())
    }

    /// Pauses, but not beyond the end of patience, which may begin meanwhile.
    fn wait(&self, pause: Duration) {
        let end = Instant::now() + pause;
        while Instant::now() < end && !self.patience.over() {
            thread::park_timeout(PAUSE_MIN);
        }
    }

    fn give_up(&self, batch: &Batch, cause: SinkError) -> GaveUp {
        let waiting = self.parcels.try_iter().flat_map(|parcel| parcel.runs);
        let records = batch.records() + waiting.map(|run| run.count).sum::<u64>();
        self.stats.records_given_up.add(records);
        GaveUp { records, cause }
    }

    /// Moves the marks behind the write, and wakes each sender's connections once.
    fn ack(&self, senders: &[Arc<Sender>]) {
        let (mut marks, seconds) = (self.marks.lock(), seconds());
        for sender in senders {
            let mark = marks.entry(sender.id).or_default();
            mark.written = mark.sealed;
            mark.seen = seconds;
            sender.acked.send_if_modified(|acked| {
                let moved = *acked != mark.written;
                *acked = mark.written;
                moved
            });
        }
    }
}

/// The record on a sender's end, the first time it is asked for.
fn report_end(mark: &mut Mark, sender: Arc<Sender>) -> Option<Run> {
    if std::mem::replace(&mut mark.ended, true) {
        return None;
    }
    let record = sender.obituary(mark.recovered, now());
    let mut run = Run::new(Source::Ended(sender.clone()), 1, 0);
    run.record(&record, &Identity { peer: None, ..sender.identity.clone() });
    Some(run)
}

#[derive(Default)]
struct Sealed {
    batch: Batch,
    senders: Vec<Arc<Sender>>,
    /// Told when all of it is written.
    settled: Vec<oneshot::Sender<()>>,
    /// Given back when the batch is done with.
    rooms: Vec<OwnedSemaphorePermit>,
}

impl Parcel {
    fn bytes(&self) -> usize {
        self.runs.iter().map(|run| run.lines.len()).sum()
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // Whatever still waits to be written is dropped with its room, so that nobody waits on.
        self.parcels.try_iter().for_each(drop);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        fn write(&mut self, _: &Batch) -> Result<(), SinkError> {
            Err(SinkError { deed: "write".into(), cause: std::io::ErrorKind::BrokenPipe.into() })
        }
    }

    #[test]
    fn what_nobody_reads_any_more_is_not_acked_and_is_counted() {
        let (stats, marks) = (Arc::<Stats>::default(), Arc::<Marks>::default());
        let (feed, parcels) = crate::intake::feed(1 << 20, stats.clone());
        let id = crate::sender::SenderId(7);
        let sender = Arc::new(Sender::new(id, Identity::default(), false));
        let mut run = Run::new(Source::Netlog(sender.clone()), 1, 0);
        run.record(&netlog_wire::Record::new(0, netlog_wire::Level::Info, "m"), &sender.identity);
        let room = feed.room().try_acquire_many_owned(1 << 12).unwrap();
        feed.give(vec![run], room);
        drop(feed);
        let hub = Hub {
            parcels,
            sinks: vec![Box::new(Gone)],
            marks: marks.clone(),
            patience: Arc::default(),
            fresh: Arc::new(Fresh::new(None, None)),
            reopen: Reopen::new(None),
            stats: stats.clone(),
            voice: Voice::default(),
        };
        hub.run().unwrap();
        assert_eq!((*sender.acked.borrow(), marks.written(id)), (0, 0));
        assert_eq!(stats.records_given_up.get(), 1);
    }
}
