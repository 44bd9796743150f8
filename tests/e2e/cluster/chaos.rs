//! Three servers, two collectors that publish to them, a reader, and programs, some of which are at
//! the other collector after every reconnect: all of them are killed, stopped and go on again as a
//! seed has it, servers lose what they have stored, and two of three are away for a while. Then each
//! record must be at the reader once, and those of a program that stayed at one collector in order.
//!
//! ```text
//! NETLOG_NATS_SEED=7 NETLOG_NATS_SECONDS=1800 NETLOG_NATS_VERSIONS=2.15.1 \
//!   cargo test --test e2e -- --ignored cluster::chaos
//! ```

use super::servers::NatsCluster;
use super::stage::Stage;
use crate::clients::jetstream::server::versions;
use crate::harness::{Dice, pause};
use crate::relay::asked;
use std::io::{self, Write};
use std::time::{Duration, Instant, SystemTime};

/// Seconds of a short run with each version.
const SECONDS: u64 = 20;

/// A record is in the collector's file exactly once, whoever was killed, whenever; over a relay or an
/// engine too.
#[test]
#[ignore = "needs tests/clients/get"]
fn whatever_befalls_three_servers_each_record_is_at_the_reader_once_and_in_order() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is late");
    let seed = asked("NETLOG_NATS_SEED").unwrap_or_else(|| u64::from(now.subsec_nanos()));
    let seconds = asked("NETLOG_NATS_SECONDS").unwrap_or(SECONDS);
    for version in versions() {
        let name =
            format!("3 × nats {version}: NETLOG_NATS_SEED={seed} NETLOG_NATS_SECONDS={seconds}");
        let _ = writeln!(io::stderr(), "{name}");
        let mut dice = Dice::new(seed, "cluster");
        let mut stage = Stage::new(NatsCluster::start(&version), "--nats-replicas 3");
        stage.wait_until_all_log();
        let end = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < end {
            pause(dice.millis(50..400));
            stage.mend_what_is_due();
            stage.harm(&mut dice);
        }
        stage.mend();
        stage.finish_programs();
        stage.settle(&name);
        stage.close(&name);
    }
}
