//! The output of a tail: records and notices, in their order.

use super::connection::TailEvent;
use crate::read::{Arrival, Printer, ReorderBuffer, record_time};
use serde_json::Value;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

/// Bytes that are gathered before they are written.
const WRITE_SIZE: usize = 64 << 10;

pub(super) struct TailView {
    pub(super) printer: Printer,
    pub(super) reorder: Option<ReorderBuffer>,
    pub(super) json: bool,
}

impl TailView {
    /// Shows all events until the end of the last of `running` connections. Returns false if one of
    /// them could not be opened.
    pub(super) fn run(
        &mut self,
        events: &Receiver<TailEvent>,
        mut running: usize,
    ) -> anyhow::Result<bool> {
        let mut complete = true;
        while running > 0 {
            match self.next(events) {
                Some(TailEvent::Line(line)) => self.line(line),
                Some(TailEvent::Notice(notice)) => self.notice(&notice),
                Some(TailEvent::End) => running -= 1,
                Some(TailEvent::Away) => {
                    complete = false;
                    running -= 1;
                }
                Some(TailEvent::Failed(error)) => {
                    self.finish();
                    return Err(error);
                }
                None => {}
            }
            let now = Instant::now();
            while let Some(line) = self.reorder.as_mut().and_then(|buffer| buffer.pop_due(now)) {
                self.printer.record(&line);
            }
            if self.printer.pending() > WRITE_SIZE {
                self.printer.flush();
            }
        }
        self.finish();
        Ok(complete)
    }

    /// The next event, or `None` when a record has waited long enough. Before waiting, everything
    /// gathered is written.
    fn next(&mut self, events: &Receiver<TailEvent>) -> Option<TailEvent> {
        if let Ok(event) = events.try_recv() {
            return Some(event);
        }
        self.printer.flush();
        let Some(due) = self.reorder.as_ref().and_then(ReorderBuffer::next_due) else {
            return Some(events.recv().unwrap_or(TailEvent::End));
        };
        match events.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(TailEvent::End),
        }
    }

    fn line(&mut self, line: Vec<u8>) {
        if line.starts_with(b"{\"notice\":") {
            if let Ok(notice) = serde_json::from_slice(&line) {
                self.notice(&notice);
            }
            return;
        }
        match (&mut self.reorder, record_time(&line)) {
            (Some(buffer), Some(time)) => buffer.push(line, time, Arrival::now()),
            _ => self.printer.record(&line),
        }
    }

    /// Shows a notice behind the records that came before it.
    fn notice(&mut self, notice: &Value) {
        let live = notice["notice"] == "live";
        // In text, the records that follow say as much.
        if self.json || !live {
            self.release();
            self.printer.notice(notice);
        }
    }

    fn release(&mut self) {
        while let Some(line) = self.reorder.as_mut().and_then(ReorderBuffer::pop) {
            self.printer.record(&line);
        }
    }

    fn finish(&mut self) {
        self.release();
        self.printer.flush();
    }
}
