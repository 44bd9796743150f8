//! The disk of one server of three gives back something else than what was written.

use super::servers::NatsCluster;
use super::stage::Stage;
use crate::clients::jetstream::server::versions;
use crate::harness::{SOON, wait_until};
use crate::relay::Post;

/// Messages before the one that is damaged.
const BEFORE: u64 = 5;

#[test]
#[ignore = "needs tests/clients/get"]
fn a_bit_that_flips_on_one_of_three_servers_costs_no_record() {
    for version in versions() {
        let mut stage = Stage::new(NatsCluster::start(&version), "--nats-replicas 3");
        stage.wait_until_all_log();
        let payload = |stage: &Stage| -> Option<Vec<u8>> {
            stage.cluster.ask_stream(async |stream| {
                let message = stream.get_raw_message(BEFORE + 1).await.ok()?;
                Some(message.payload.to_vec())
            })
        };
        let mut damaged = None;
        assert!(wait_until(SOON, || {
            damaged = payload(&stage);
            damaged.is_some()
        }));
        assert!(wait_until(SOON, || stage.cluster.is_whole()), "{version}");
        let leader = stage.cluster.leader().unwrap_or(0);
        stage.cluster.nodes[leader].kill();
        let payload = damaged.expect("it was read");
        assert!(stage.cluster.nodes[leader].flip_bit_of(&payload), "{version}");
        stage.cluster.wake(leader);
        // Another reader, from the first message on.
        stage.reader.end();
        stage.reader = Post::new(format!("--from {}", stage.cluster.url()));
        stage.finish_programs();
        let name = format!("a flipped bit on one of 3 × nats {version}");
        stage.settle(&name);
        stage.close(&name);
    }
}
