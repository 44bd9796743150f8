//! The record that says how many were removed before they were forwarded.

use super::target::ForwardTarget;
use crate::clock::now;
use crate::hub::line_run::{LineRun, Source};
use crate::hub::submission::HubHandle;
use crate::layout::forwarded::{Forwarded, LossRecord};
use netlog_wire::{Identity, Level, Record};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// Interval between checks for new losses.
const CHECK: Duration = Duration::from_secs(1);

/// Room for the record.
const ROOM: usize = 4 << 10;

/// Adds such a record to the stream whenever more were removed and the last one was sent, or was
/// removed itself, until it is dropped.
pub(crate) async fn report_lost(
    forwarded: Arc<Forwarded>,
    target: ForwardTarget,
    host: String,
    hub: HubHandle,
) {
    let mut saved = true;
    loop {
        sleep(CHECK).await;
        // Until the disk has this, a restart reports them again.
        saved = saved || forwarded.save().is_ok();
        let lost = forwarded.unreported();
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
        let loss = LossRecord { forwarded: forwarded.clone(), records: lost };
        hub.give_loss(run, loss, room);
        if hub.settled().await.is_err() {
            return;
        }
        saved = forwarded.save().is_ok();
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

    /// The next record, once it is in the log, in front of `end`.
    async fn next(
        hub: &Receiver<Submission>,
        end: ForwardPlace,
        reporting: &mut JoinSet<()>,
    ) -> String {
        let mut lines = Vec::new();
        loop {
            assert!(reporting.try_join_next().is_none(), "it goes on");
            for submission in hub.try_iter() {
                submission.runs.iter().for_each(|run| lines.extend_from_slice(&run.lines));
                submission.loss.into_iter().for_each(|loss| loss.written(end));
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
        let place = |generation, offset| ForwardPlace { generation, offset };
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
        let first = next(&submissions, place(8, 100), &mut reporting).await;
        assert!(first.contains("20 records were removed"), "{first}");
        sleep(CHECK * 3).await;
        let on_disk = || Forwarded::read(&log).unwrap().unwrap().now().reported;
        assert_eq!((on_disk(), submissions.try_iter().count()), (0, 0));
        std::fs::remove_dir(&obstacle).unwrap();
        forwarded.advance(place(8, 100), 1);
        assert_eq!(forwarded.give_up_before(9, Some(1)).unwrap(), 1);
        let second = next(&submissions, place(9, 100), &mut reporting).await;
        assert!(second.contains("1 record was removed"), "{second}");
        sleep(CHECK * 3).await;
        assert_eq!(on_disk(), 21);
        // With what is in front of it, the report is removed unsent.
        forwarded.advance(place(9, 50), 1);
        assert_eq!(forwarded.give_up_before(10, Some(5)).unwrap(), 4);
        let third = next(&submissions, place(12, 100), &mut reporting).await;
        assert!(third.contains("5 records were removed"), "{third}");
        // While it is on its way, there is no other.
        assert_eq!(forwarded.give_up_before(11, Some(3)).unwrap(), 3);
        sleep(CHECK * 3).await;
        assert_eq!((on_disk(), submissions.try_iter().count()), (25, 0));
        forwarded.advance(place(12, 100), 1);
        forwarded.save().unwrap();
        let fourth = next(&submissions, place(12, 200), &mut reporting).await;
        assert!(fourth.contains("3 records were removed"), "{fourth}");
    }
}
