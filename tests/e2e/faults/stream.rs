//! Faults of the calls of a collector that publishes to JetStream, and of one that reads there.
//!
//! ```text
//! tests/clients/get
//! NETLOG_FAULTS=sites cargo test --test e2e faults::stream -- --ignored --nocapture
//! ```

use super::collector::{Run, ended};
use super::sender::deliver;
use super::stored::{messages_so_far, not_once};
use super::strace::{Fault, failing, happened, missing, seen_calls, target, traced};
use super::{Attempt, Victim, tell, try_all};
use crate::clients::jetstream::server::{NatsServer, versions};
use crate::harness::{Collector, Port, SOON, Scene, wait_until};
use rustix::process::Signal;
use std::process::Command;

/// Enough for some rotations.
const RECORDS: u64 = 40;

/// A stream, a site that publishes to it, and a collector that reads it.
struct Stage {
    server: NatsServer,
    site: Scene,
    central: Scene,
}

/// Each record is at a reader once, also when a call of the collector that publishes it fails.
#[test]
#[ignore = "takes a quarter of an hour and more"]
fn whatever_call_of_a_publisher_fails_each_record_is_at_a_reader_once() {
    if let Some(reason) = missing() {
        return tell(reason);
    }
    let stage = Stage::set();
    let ended = stage.publish(traced(&stage.site, &target("netlog-collector")));
    assert!(matches!(ended, Ok(Run { acked: RECORDS, .. })), "{ended:?}");
    let victim = Victim { test: "publisher", program: "netlog-collector", scene: &stage.site };
    try_all(&victim, |fault| {
        let stage = Stage::set();
        let run = stage.publish(failing(&stage.site, &target("netlog-collector"), fault))?;
        run.check(&stage.site, RECORDS)?;
        stage.finish(&run)?;
        Ok(Attempt { outcome: run.outcome, seen: seen_calls(&stage.site, "netlog-collector") })
    });
}

/// A collector that reads a stream has each record once, also when one of its calls fails.
#[test]
#[ignore = "takes a quarter of an hour and more"]
fn whatever_call_of_a_reader_fails_it_has_each_record_once() {
    if let Some(reason) = missing() {
        return tell(reason);
    }
    let attempt = |command: &dyn Fn(&Scene) -> Command| {
        let stage = Stage::set();
        let site = stage.start_site();
        deliver(site.authority(), RECORDS, || true);
        let run = stage.read(command(&stage.central))?;
        site.stop();
        stage.finish(&run)?;
        Ok::<_, String>((stage, run))
    };
    let whole = attempt(&|scene| traced(scene, &target("netlog-collector")));
    let (stage, _) = whole.expect("nothing fails");
    let victim = Victim { test: "reader", program: "netlog-collector", scene: &stage.central };
    try_all(&victim, |fault: &Fault| {
        let (stage, run) = attempt(&|scene| failing(scene, &target("netlog-collector"), fault))?;
        Ok(Attempt { outcome: run.outcome, seen: seen_calls(&stage.central, "netlog-collector") })
    });
}

impl Stage {
    fn set() -> Self {
        let version = versions().pop().expect("there is one");
        Self { server: NatsServer::start(&version), site: Scene::new(), central: Scene::new() }
    }

    fn site_options(&self) -> String {
        let url = self.server.url();
        format!("--sync --rotate-size 1500 --keep-files 40 --forward-to {url}")
    }

    fn reader_options(&self) -> String {
        format!("--sync --rotate-size 1500 --keep-files 40 --from {}", self.server.url())
    }

    fn start_site(&self) -> Collector {
        let line = format!("--listen tcp://127.0.0.1:0 {}", self.site_options());
        Collector::with(&self.site, &line)
    }

    /// A publisher's short life: records, and the end.
    fn publish(&self, command: Command) -> Result<Run, String> {
        let port = Port::reserve();
        let address = port.address();
        let options = format!("--listen tcp://{address} {}", self.site_options());
        let mut site = Collector::by(command, self.site.path("app.log"), &options);
        let acked = deliver(&address, RECORDS, || site.process.running());
        if site.process.running() {
            site.process.signal(Signal::TERM);
        }
        ended(&self.site, &mut site).map(|outcome| Run { acked, outcome })
    }

    /// A reader's short life, which ends when it has all.
    fn read(&self, command: Command) -> Result<Run, String> {
        let mut reader =
            Collector::by(command, self.central.path("app.log"), &self.reader_options());
        let all = wait_until(SOON, || self.wrong().is_empty() || !reader.process.running());
        let survived = reader.process.running();
        if survived {
            reader.process.signal(Signal::TERM);
        }
        let stderr = reader.process.stderr();
        let outcome = ended(&self.central, &mut reader)?;
        match all || !happened(&self.central) {
            true => Ok(Run { acked: RECORDS, outcome }),
            false => Err(format!("it reads no more:\n{stderr}")),
        }
    }

    /// Numbers that the reader does not have once.
    fn wrong(&self) -> Vec<String> {
        let stored = messages_so_far(&self.central.path(""));
        not_once(&stored, RECORDS, |number| format!("number {number}"))
    }

    /// The next site publishes the rest, and the next reader reads it.
    fn finish(&self, run: &Run) -> Result<(), String> {
        let mut site = self.start_site();
        let address = site.authority().to_owned();
        let total = deliver(&address, RECORDS, || site.process.running());
        if total < RECORDS {
            return Err(format!("the next site acknowledged {total}"));
        }
        let line = format!("--listen tcp://127.0.0.1:0 {}", self.reader_options());
        let reader = Collector::with(&self.central, &line);
        let all = wait_until(SOON / 2, || self.wrong().is_empty());
        let wrong = self.wrong().join(", ");
        let stderr = reader.process.stderr();
        reader.stop();
        site.process.signal(Signal::TERM);
        site.process.succeed();
        match all {
            true => Ok(()),
            false => Err(format!("acknowledged {}; {wrong}\n{stderr}", run.acked)),
        }
    }
}
