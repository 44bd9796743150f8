//! Writing the parts of a batch, each into its file.

use super::split::BatchPart;
use super::{FilesSink, taken};
use crate::hub::batch::Batch;
use crate::hub::recent::WrittenPart;
use crate::hub::sink::SinkError;
use crate::layout::fingerprint;
use crate::layout::order_segments::{OrderSegment, SegmentKey};
use crate::sink::file::SettledPart;
use crate::stderr::Chain;
use std::io;
use std::path::Path;
use std::time::Instant;

/// Bytes of somebody else between two batches that are not in the order any more.
const MOST_FOREIGN: u64 = 8 << 20;

/// Number of places taken by something else that are remembered, for each to be reported once.
const MAX_REPORTED: usize = 100;

impl FilesSink {
    pub(super) fn write_part(&mut self, part: &mut BatchPart) -> Result<(), SinkError> {
        let other = self.other.clone();
        let records = part.batch.records();
        let over = self.known.len() >= self.most.all && !self.known.contains(&part.place);
        if over && part.place != other {
            if !std::mem::replace(&mut self.reported_over, true) {
                let most = self.most.all;
                let path = self.path(&other);
                self.reports.stderr.log(format_args!(
                    "there are {most} files (--max-files): what belongs to more is in {}",
                    path.display()
                ));
            }
            self.write_at(&other, &mut part.batch)?;
            self.reports.stats.records_over_max_files.add(records);
            return Ok(());
        }
        match self.write_at(&part.place, &mut part.batch) {
            Err(error) if taken(&error.cause) && part.place != other => {
                self.leave(&part.place, &mut part.batch)?;
                self.tell(&part.place, &error.cause);
                self.write_at(&other, &mut part.batch)?;
                self.reports.stats.records_out_of_place.add(records);
                Ok(())
            }
            outcome => outcome,
        }
    }

    /// Writes a batch into the file at `place`. After a failure, `batch` is what is left of it.
    fn write_at(&mut self, place: &Path, batch: &mut Batch) -> Result<(), SinkError> {
        let written = self.try_write_at(place, batch);
        if written.is_err() {
            self.take_settled(place, batch);
        }
        written
    }

    fn try_write_at(&mut self, place: &Path, batch: &Batch) -> Result<(), SinkError> {
        let path = self.path(place);
        let failed = |cause| SinkError { deed: format!("open {}", path.display()), cause };
        let part = self.announce(place, batch).map_err(failed)?;
        let open = self.reach(place).map_err(failed)?;
        open.used = Instant::now();
        open.sink.append(batch)?;
        if let Some(order) = &mut self.order {
            order.settle();
            self.written.push(part);
        }
        Ok(())
    }

    /// Takes note of what is written of a batch that failed, and leaves the rest of it in `batch`.
    fn take_settled(&mut self, place: &Path, batch: &mut Batch) {
        let Some(open) = self.open.get_mut(place) else { return };
        let Some(SettledPart { range, front, rest }) = open.sink.take_settled() else { return };
        *batch = rest;
        let Some(order) = &mut self.order else { return };
        let fingerprint = open.sink.fingerprint().ok().flatten().unwrap_or_default();
        let key = SegmentKey { fingerprint, log: place.to_owned() };
        let segment = OrderSegment { key, generation: open.sink.generation() };
        let offset = range.start;
        // In place of the entry that was announced. What it lacks the next start finds in the file.
        if order.add(&segment, range).is_ok() {
            let records = front.records();
            self.written.push(WrittenPart { fingerprint, offset, lines: front.lines(), records });
        }
    }

    /// Makes ready for a part of a batch, and writes its entry into the order.
    fn announce(&mut self, place: &Path, batch: &Batch) -> io::Result<WrittenPart> {
        let open = self.reach(place)?;
        let foreign = open.sink.prepare(batch)?;
        let offset = open.sink.end;
        let generation = open.sink.generation();
        let first = batch.runs.first().map(|run| run.lines.as_slice()).unwrap_or_default();
        let known = open.sink.fingerprint()?.or_else(|| fingerprint::fingerprint(first));
        let fingerprint = known.unwrap_or_default();
        // More than that was not meant for those who watch.
        let lines = match foreign.end - foreign.start {
            0 | MOST_FOREIGN.. => Vec::new(),
            _ => open.sink.read(foreign.clone())?,
        };
        if let Some(order) = &mut self.order {
            let key = SegmentKey { fingerprint, log: place.to_owned() };
            let segment = OrderSegment { key, generation };
            if !lines.is_empty() {
                order.add(&segment, foreign.clone())?;
                let records = memchr::memchr_iter(b'\n', &lines).count() as u64;
                let offset = foreign.start;
                self.written.push(WrittenPart { fingerprint, offset, lines, records });
            }
            order.announce(&segment, offset, batch.bytes())?;
        }
        let lines = if self.order.is_some() { batch.lines() } else { Vec::new() };
        Ok(WrittenPart { fingerprint, offset, lines, records: batch.records() })
    }

    /// Gives up a file whose place is taken; what is half written there is written elsewhere.
    fn leave(&mut self, place: &Path, batch: &mut Batch) -> Result<(), SinkError> {
        if let Some(open) = self.open.get_mut(place) {
            let deed = format!("cut {}", self.template.base.join(place).display());
            open.sink.give_up(batch).map_err(|cause| SinkError { deed, cause })?;
        }
        self.take_settled(place, batch);
        self.close_file(place);
        Ok(())
    }

    /// Says once what is wrong with a place.
    pub(super) fn tell(&mut self, place: &Path, cause: &io::Error) {
        if self.reported.len() < MAX_REPORTED && self.reported.insert(place.to_owned()) {
            let path = self.path(place);
            let other = self.path(&self.other);
            let path = path.display();
            let other = other.display();
            let cause = Chain(cause);
            self.reports.stderr.log(format_args!(
                "{path} cannot be used, what belongs there is in {other}: {cause}"
            ));
        }
    }
}
