//! `GET /status`: where records wait on their way to other collectors, to the archive and from streams.

use super::read_context::ReadContext;
use super::segment::Segment;
use super::stream::Outlet;
use crate::archive::Archive;
use crate::clock::{now, utc};
use crate::hub::progress::Progress;
use crate::layout::forward_place::ForwardPlace;
use crate::layout::forwarded::Forwarded;
use crate::layout::segment_name::rotated;
use crate::link_state::{LinkReport, LinkState, StreamLag};
use crate::write_times::WriteTimes;
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Attempts to see the files between two rotations.
const ATTEMPTS: usize = 3;

/// The way to another collector or a stream: `--forward-to`.
#[derive(Debug)]
pub(crate) struct ForwardStatus {
    pub(crate) link: Arc<LinkState>,
    pub(crate) forwarded: Arc<Forwarded>,
    pub(crate) times: Arc<WriteTimes>,
}

/// The way from a stream: `--from`.
#[derive(Debug)]
pub(crate) struct ReaderStatus {
    pub(crate) link: Arc<LinkState>,
    pub(crate) lag: Arc<StreamLag>,
}

/// Both, and the host and the start of this collector.
#[derive(Debug)]
pub(crate) struct StatusSources {
    pub(crate) host: String,
    pub(crate) started: i64,
    pub(crate) forward: Option<ForwardStatus>,
    pub(crate) reader: Option<ReaderStatus>,
}

/// Records that are in the files and were not acknowledged by the other side.
#[derive(Debug, Default, PartialEq, Eq)]
struct WaitingRecords {
    bytes: u64,
    files: u64,
}

/// Writes the status, which takes a look at the disk.
pub(super) async fn write(server: Arc<ReadContext>, outlet: Outlet) {
    let Ok(room) = outlet.room().await else { return };
    if let Ok(status) = spawn_blocking(move || status(&server)).await {
        // A client that is gone needs none.
        let _ = outlet.send(room, format!("{status}\n").into_bytes()).await;
    }
}

fn status(server: &ReadContext) -> Value {
    let view = &server.view;
    let StatusSources { host, started, forward, reader } = &view.status;
    let error = view.progress.failing();
    let stats = &view.stats;
    let log = view.file.as_deref();
    let forward = forward.as_ref().zip(log).map(|(forward, log)| forward.json(log, server));
    json!({
        "host": host,
        "version": env!("CARGO_PKG_VERSION"),
        "time": utc(now()),
        "started": utc(*started),
        "healthy": error.is_none(),
        "error": error,
        "forward": forward,
        "archive": view.archive.as_deref().map(archive),
        "from": reader.as_ref().map(ReaderStatus::json),
        "records_not_forwarded": stats.records_not_forwarded.get(),
        "segments_not_archived": stats.segments_not_archived.get(),
        "stream_gaps": stats.stream_gaps.get(),
        "stream_batches_damaged": stats.stream_batches_damaged.get(),
    })
}

impl ForwardStatus {
    fn json(&self, log: &Path, server: &ReadContext) -> Value {
        let view = &server.view;
        let LinkReport { connected, since, error } = self.link.report();
        // Asked first: what is written meanwhile then waits since now at the latest.
        let written = view.stats.bytes_written.get();
        let waiting = WaitingRecords::find(log, self.forwarded.now().place, &view.progress);
        let bytes = waiting.as_ref().map_or(0, |waiting| waiting.bytes);
        let oldest = self.times.after(written.saturating_sub(bytes));
        json!({
            "to": self.link.target(),
            "connected": connected,
            "since": utc(since),
            "error": error,
            "waiting_bytes": waiting.as_ref().ok().map(|waiting| waiting.bytes),
            "waiting_files": waiting.as_ref().ok().map(|waiting| waiting.files),
            "waiting_since": oldest.filter(|_| bytes > 0).map(utc),
        })
    }
}

/// The way into the archive: `--archive`.
fn archive(archive: &Archive) -> Value {
    let LinkReport { since, error, .. } = archive.link.report();
    let waiting = archive.waiting_segments();
    json!({
        "to": archive.link.target(),
        "since": utc(since),
        "error": error,
        "waiting_bytes": waiting.bytes,
        "waiting_files": waiting.files,
        "waiting_since": waiting.since.map(utc),
    })
}

impl ReaderStatus {
    fn json(&self) -> Value {
        let LinkReport { connected, since, error } = self.link.report();
        let sequence = self.lag.sequence();
        let published = (sequence > 0).then(|| utc(self.lag.published()));
        json!({
            "stream": self.link.target(),
            "connected": connected,
            "since": utc(since),
            "error": error,
            "sequence": sequence,
            "read_up_to": published,
            "waiting_messages": connected.then(|| self.lag.waiting()),
        })
    }
}

impl WaitingRecords {
    /// Those of the log that are behind `place`.
    fn find(log: &Path, place: ForwardPlace, progress: &Progress) -> io::Result<Self> {
        let mut found = Err(io::ErrorKind::Interrupted.into());
        for _ in 0..ATTEMPTS {
            let end = progress.end();
            found = Self::list(log, place, end.len);
            if found.is_ok() && progress.end().begun == end.begun {
                break;
            }
        }
        found
    }

    /// The same, if `active` bytes are in the file being written.
    fn list(log: &Path, place: ForwardPlace, active: u64) -> io::Result<Self> {
        let mut waiting = Self::default();
        let mut offset = place.offset;
        let behind = rotated(log)?.into_iter().filter(|name| name.generation >= place.generation);
        for name in behind {
            let len = Segment::open(&name.path(log), true)?.len()?;
            let passed = if name.generation == place.generation { offset } else { 0 };
            offset = 0;
            waiting.add(len.saturating_sub(passed));
        }
        waiting.add(active.saturating_sub(offset));
        Ok(waiting)
    }

    fn add(&mut self, bytes: u64) {
        self.bytes += bytes;
        self.files += u64::from(bytes > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::segment_name::SegmentName;
    use std::fs;

    #[test]
    fn what_is_behind_the_position_waits_in_compressed_files_too() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("app.log");
        for generation in [7, 8, 9] {
            let path = SegmentName::new(generation, 0).path(&log);
            fs::write(&path, "x\n".repeat(50)).unwrap();
            if generation == 8 {
                crate::seekable_zstd::pack(&path, &mut || Ok(())).unwrap();
                let _ = fs::remove_file(&path);
            }
        }
        for (generation, offset, bytes, files) in [
            (7, 0, 330, 4),
            (7, 40, 290, 4),
            (8, 100, 130, 2),
            (10, 0, 30, 1),
            (10, 20, 10, 1),
            (10, 30, 0, 0),
        ] {
            let place = ForwardPlace { generation, offset };
            let waiting = WaitingRecords::list(&log, place, 30).unwrap();
            assert_eq!(waiting, WaitingRecords { bytes, files }, "{place:?}");
        }
    }
}
