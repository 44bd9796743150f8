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

/// How often it is checked.
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
    loop {
        sleep(CHECK).await;
        let state = forwarded.now();
        let lost = state.lost - state.reported;
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
        // If the position cannot be written, it is reported again.
        if hub.settled().await.is_err() || forwarded.report(state.lost).is_err() {
            return;
        }
    }
}
