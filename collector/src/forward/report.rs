//! The record that says how many were removed before they were forwarded.

use super::target::ForwardTarget;
use crate::clock::now;
use crate::hub::line_run::{LineRun, Source};
use crate::hub::submission::HubHandle;
use crate::layout::forwarded::Forwarded;
use netlog_wire::{Identity, Level, Record};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// Interval between checks for new losses.
const CHECK: Duration = Duration::from_secs(1);

/// Room for the record.
const ROOM: usize = 4 << 10;

/// Adds such a record to the stream whenever more were removed, until it is dropped.
pub(crate) async fn report_lost(
    forwarded: Arc<Forwarded>,
    target: ForwardTarget,
    host: String,
    hub: HubHandle,
) {
    let mut reported = forwarded.now().reported;
    loop {
        sleep(CHECK).await;
        let state = forwarded.now();
        if reported > state.reported {
            // Until the disk has this, a restart reports them again.
            let _ = forwarded.report(reported);
        }
        let lost = state.lost.saturating_sub(reported);
        if lost == 0 {
            continue;
        }
        let Ok(room) = hub.reserve(ROOM).await else { return };
        let records = if lost == 1 { "record was" } else { "records were" };
        let msg = format!("{lost} {records} removed before being forwarded to {target}");
        let mut record = Record::new(now(), Level::Warn, msg);
        record.target = Some("netlog".into());
        record.lost = Some(lost);
        let app = Some("netlog-collector".into());
        let identity = Identity { app, host: Some(host.clone()), ..Identity::default() };
        let mut run = LineRun::new(Source::Plain, 1, 0);
        run.record(&record, &identity);
        hub.give(vec![run], room);
        if hub.settled().await.is_err() {
            return;
        }
        reported = state.lost;
        let _ = forwarded.report(reported);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::submission::{Submission, feed};
    use crate::layout::forwarded::ForwardPlace;
    use crate::layout::paths::{beside, next_of};
    use std::sync::mpsc::Receiver;
    use tokio::task::JoinSet;

    /// The next record, once it is in the sinks.
    async fn next(hub: &Receiver<Submission>, reporting: &mut JoinSet<()>) -> String {
        let mut lines = Vec::new();
        loop {
            assert!(reporting.try_join_next().is_none(), "it goes on");
            for submission in hub.try_iter() {
                submission.runs.iter().for_each(|run| lines.extend_from_slice(&run.lines));
                if let Some(settled) = submission.settled {
                    settled.send(()).unwrap();
                    return String::from_utf8(lines).unwrap();
                }
            }
            sleep(CHECK).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn losses_are_reported_once_each_also_after_the_position_could_not_be_written() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("app.log");
        let forwarded = Forwarded::begin(&log, ForwardPlace::default(), 1).unwrap();
        let forwarded = Arc::new(forwarded);
        forwarded.give_up_before(8, Some(20)).unwrap();
        let obstacle = next_of(&beside(&log, ".forwarded"));
        std::fs::create_dir(&obstacle).unwrap();
        let (hub, submissions) = feed(1 << 20, Arc::default());
        let target = "tcp://127.0.0.1:1".parse().unwrap();
        let mut reporting = JoinSet::new();
        reporting.spawn(report_lost(forwarded.clone(), target, "h".into(), hub));
        let first = next(&submissions, &mut reporting).await;
        assert!(first.contains("20 records were removed"), "{first}");
        sleep(CHECK * 3).await;
        assert_eq!((forwarded.now().reported, submissions.try_iter().count()), (0, 0));
        std::fs::remove_dir(&obstacle).unwrap();
        forwarded.give_up_before(9, Some(1)).unwrap();
        let second = next(&submissions, &mut reporting).await;
        assert!(second.contains("1 record was removed"), "{second}");
        sleep(CHECK * 3).await;
        assert_eq!(forwarded.now().reported, 21);
    }
}
