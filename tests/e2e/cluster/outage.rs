//! The machines of all servers lose power at once: what they had acknowledged and not yet written to
//! their disks is lost.

use super::servers::NatsCluster;
use super::stage::Stage;
use crate::clients::jetstream::server::versions;
use crate::harness::{SOON, metric, pause, wait_until};
use crate::relay::{Post, asked};
use std::path::PathBuf;
use std::time::Duration;

/// Seconds for which records are acknowledged that are then lost.
const SECONDS: u64 = 20;

/// Has the first `servers` of three lose what they acknowledged for some seconds, and checks that a reader
/// has each record once; `check` is of what collectors counted.
fn lose_power(servers: usize, check: impl Fn(&Stage, &str)) {
    let seconds = asked("NETLOG_NATS_SECONDS").unwrap_or(SECONDS);
    for version in versions() {
        let mut stage =
            Stage::new(NatsCluster::start(&version), "--nats-replicas 3 --http 127.0.0.1:0");
        stage.wait_until_all_log();
        let sequence = |stage: &Stage| {
            stage.cluster.ask_stream(async |stream| Some(stream.cached_info().state.last_sequence))
        };
        assert!(wait_until(SOON, || sequence(&stage).is_some_and(|last| last > 10)), "{version}");
        let before = sequence(&stage);
        let copies: Vec<PathBuf> =
            (0..3).map(|number| stage.reader.scene.path(&format!("copy-{number}"))).collect();
        stage.cluster.copy_stores(&copies);
        pause(Duration::from_secs(seconds));
        let lost = sequence(&stage);
        assert!(lost > before, "{version}: {before:?} {lost:?}");
        stage.cluster.go_back_to(&copies[..servers]);
        stage.finish_programs();
        let name = format!(
            "power failure of {servers} of 3 × nats {version}: {before:?} messages of {lost:?} were left"
        );
        stage.settle(&name);
        check(&stage, &name);
        stage.close(&name);
    }
}

/// Records that a stream had acknowledged and then lost are published again from the file, and a reader has
/// each record once.
#[test]
#[ignore = "needs tests/clients/get"]
fn what_three_servers_lose_in_a_power_failure_is_published_again_read_once_and_counted() {
    lose_power(3, |stage, name| {
        let counted = |post: &Post| {
            let server = post.collector.as_ref().expect("it runs").server();
            metric(&server, "stream_rollbacks")
        };
        assert!(stage.sites.iter().all(|site| counted(site) > 0), "{name}");
        assert!(wait_until(SOON, || counted(&stage.reader) > 0), "{name}");
    });
}

/// The third one may give them back what they lost, or lose it too.
#[test]
#[ignore = "needs tests/clients/get"]
fn what_two_of_three_servers_lose_in_a_power_failure_is_read_once() {
    lose_power(2, |_, _| {});
}
