//! The thread that archives, one segment at a time.

use super::error::UploadError;
use super::segment_source::SegmentSource;
use super::state::Archive;
use super::upload::Uploader;
use crate::backoff::{Attempt, Backoff};
use crate::layout::segment_name::SegmentName;
use crate::priority::give_way;
use crate::stats::Stats;
use crate::stderr::StderrLog;
use crate::thread_runtime::ThreadRuntime;
use object_store::ObjectStore;
use std::fmt::Display;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

/// Niceness of the thread above that of the rest of the collector.
const NICE: i32 = 10;

/// Bytes of a part: what is in memory at a time. S3 wants at least 5 MiB.
const PART: u64 = 8 << 20;

/// Pause after an internal error.
const PAUSE: Duration = Duration::from_secs(60);

/// Time for its end: it gives up what is on its way.
const FAREWELL: Duration = Duration::from_secs(2);

/// Everything the thread needs.
pub(crate) struct Archiving {
    pub(crate) archive: Arc<Archive>,
    pub(crate) store: Arc<dyn ObjectStore>,
    /// Beginning of the names of all objects.
    pub(crate) prefix: String,
    /// Directory that logs are below. Their paths below it are the names of their objects.
    pub(crate) base: PathBuf,
    /// Called when nothing waits any more: retention may remove more than before.
    pub(crate) caught_up: Box<dyn Fn() + Send>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) stderr: StderrLog,
}

/// The running thread.
pub(crate) struct ArchiveEnd {
    stop: oneshot::Sender<()>,
    done: oneshot::Receiver<()>,
}

struct ArchiveWorker {
    archiving: Archiving,
    uploader: Uploader,
    backoff: Backoff,
}

impl Archiving {
    /// Starts the thread.
    pub(crate) fn start(self) -> io::Result<ArchiveEnd> {
        let runtime = ThreadRuntime::new(Builder::new_current_thread().enable_all())?;
        let (stop, mut stopped) = oneshot::channel();
        let (tell, done) = oneshot::channel();
        let mut worker = ArchiveWorker::new(self);
        let work = move || {
            give_way(NICE);
            // A library that panics over credentials or an answer must not end the archive for good:
            // retention waits for it.
            loop {
                let work = until(&mut stopped, worker.run());
                let worked = panic::catch_unwind(AssertUnwindSafe(|| runtime.get().block_on(work)));
                if worked.is_ok() {
                    break;
                }
                worker.panicked();
                if !runtime.get().block_on(until(&mut stopped, sleep(PAUSE))) {
                    break;
                }
            }
            // A name that is being looked up must not keep the collector from ending.
            drop(runtime);
            let _ = tell.send(());
        };
        thread::Builder::new().name("archive".into()).spawn(work)?;
        Ok(ArchiveEnd { stop, done })
    }
}

/// Waits for `work`; `false` if it was stopped before.
async fn until(stopped: &mut oneshot::Receiver<()>, work: impl Future<Output = ()>) -> bool {
    tokio::select! {
        _ = stopped => false,
        () = work => true,
    }
}

impl ArchiveEnd {
    /// Ends it. What was on its way is begun anew by the next collector.
    pub(crate) async fn end(self) {
        drop(self.stop);
        let _ = timeout(FAREWELL, self.done).await;
    }
}

impl ArchiveWorker {
    fn new(archiving: Archiving) -> Self {
        let Archiving { archive, store, prefix, stderr, .. } = &archiving;
        let target = archive.link.target();
        let uploader = Uploader { store: store.clone(), prefix: prefix.clone() };
        let attempt = Attempt {
            plain: format!("archive to {target}"),
            going_on: format!("archiving to {target}"),
        };
        let backoff = Backoff::new(attempt, archive.link.clone(), *stderr);
        Self { archiving, uploader, backoff }
    }

    fn panicked(&self) {
        let Archiving { archive, stats, stderr, .. } = &self.archiving;
        let target = archive.link.target();
        archive.link.failed("an internal error");
        stats.archiving_failed.add(1);
        let pause = PAUSE.as_secs();
        stderr.log(format_args!(
            "failed to archive to {target}: an internal error, will go on trying in {pause} s"
        ));
    }

    async fn run(&mut self) {
        let mut last: Option<PathBuf> = None;
        let mut news = false;
        loop {
            let Some((log, segment)) = self.archiving.archive.next(last.as_deref()) else {
                if std::mem::take(&mut news) {
                    (self.archiving.caught_up)();
                }
                self.archiving.archive.offered().await;
                continue;
            };
            match self.archive(&log, segment).await {
                Ok(()) => {
                    self.backoff.connected();
                    self.backoff.succeeded();
                    news = true;
                }
                Err(error) => {
                    self.archiving.stats.archiving_failed.add(1);
                    sleep(self.backoff.failed(&error)).await;
                }
            }
            last = Some(log);
        }
    }

    /// Archives a segment of `log`, unless it is gone.
    async fn archive(&self, log: &Path, segment: SegmentName) -> io::Result<()> {
        let Archiving { archive, base, stats, stderr, .. } = &self.archiving;
        let source = match SegmentSource::open(&segment.path(log), PART) {
            Ok(source) => source,
            Err(error) => {
                archive.leave(log, segment);
                let gone = error.kind() == io::ErrorKind::NotFound;
                return if gone { Ok(()) } else { Err(named(&segment.path(log), &error)) };
            }
        };
        let path = source.path.strip_prefix(base).unwrap_or(&source.path);
        let copied = self.uploader.copy(&path.to_string_lossy(), &source).await;
        let object = copied.map_err(|error| {
            if let UploadError::Segment(error) = &error {
                // Others are archived first: what the disk does not give now, it may never give.
                archive.leave(log, segment);
                return named(&source.path, error);
            }
            error.into()
        })?;
        archive.add(log, segment)?;
        stats.segments_archived.add(1);
        stats.bytes_archived.add(source.len);
        stderr.debug(format_args!("archived {} as {object}", source.path.display()));
        Ok(())
    }
}

/// The error with the file that it is about.
fn named(path: &Path, error: &dyn Display) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}
