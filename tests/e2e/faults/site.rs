//! Faults of the calls of a collector that forwards, archives, asks for tokens and has a
//! configuration file.

use super::collector::{Run, ended};
use super::sender::{TOKEN, deliver};
use super::stored::{messages, messages_so_far, not_once};
use super::strace::{Fault, failing, missing, seen_calls, target, traced};
use super::{Attempt, Victim, tell, try_all};
use crate::archive::{Bucket, environment};
use crate::harness::{Collector, Port, SOON, Scene, wait_until};
use rustix::process::Signal;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

/// Enough for some rotations.
const RECORDS: u64 = 40;

/// The site's scene, the collector that it forwards to, and the store that it archives to.
struct Stage {
    scene: Scene,
    central: (Scene, Collector),
    bucket: Bucket,
}

/// Whatever call of a collector fails that forwards and archives, each record is at the central
/// collector once, and kept or archived.
///
/// ```text
/// NETLOG_FAULTS=sites cargo test --test e2e faults::site -- --ignored --nocapture
/// ```
#[test]
#[ignore = "takes a quarter of an hour and more"]
fn whatever_call_of_a_site_fails_each_record_is_forwarded_once_and_archived() {
    if let Some(reason) = missing() {
        return tell(reason);
    }
    let stage = Stage::set();
    let ended = stage.run(traced(&stage.scene, &target("netlog-collector")));
    assert!(matches!(ended, Ok(Run { acked: RECORDS, .. })), "{ended:?}");
    let victim = Victim { test: "site", program: "netlog-collector", scene: &stage.scene };
    try_all(&victim, attempt);
}

fn attempt(fault: &Fault) -> Result<Attempt, String> {
    let stage = Stage::set();
    let command = failing(&stage.scene, &target("netlog-collector"), fault);
    let run = stage.run(command)?;
    run.check(&stage.scene, RECORDS)?;
    let Run { acked, outcome } = run;
    let seen = seen_calls(&stage.scene, "netlog-collector");
    stage.recover(acked).map(|()| Attempt { outcome, seen })
}

impl Stage {
    fn set() -> Self {
        let (scene, there) = (Scene::new(), Scene::new());
        let central = Collector::with(&there, "--listen tcp://127.0.0.1:0 --relay-from 127.0.0.1");
        let tokens =
            format!("[all]\ntoken = \"{TOKEN}\"\nsend = true\nread = true\ncontrol = true\n");
        for (name, text) in [("tokens.toml", &*tokens), ("collector.toml", "max-tails = 50\n")] {
            std::fs::write(scene.path(name), text).expect("the scene has room");
        }
        Self { scene, central: (there, central), bucket: Bucket::start() }
    }

    /// A site's short life: records, a request of a reader, a reload, more records, the end.
    fn run(&self, mut command: Command) -> Result<Run, String> {
        environment(&mut command, &self.bucket);
        let (port, reading) = (Port::reserve(), Port::reserve());
        let address = port.address();
        let options = format!("--listen tcp://{address} --http {}", reading.address());
        let options = self.options(&options);
        let mut collector = Collector::by(command, self.scene.path("app.log"), &options);
        let mut acked = deliver(&address, RECORDS / 2, || collector.process.running());
        for request in ["GET /metrics", "POST /filter?filter=debug", "GET /search?n=5"] {
            let _ = ask(&reading.address(), request);
        }
        if collector.process.running() {
            collector.process.signal(Signal::HUP);
            acked = deliver(&address, RECORDS, || collector.process.running()).max(acked);
        }
        if collector.process.running() {
            collector.process.signal(Signal::TERM);
        }
        ended(&self.scene, &mut collector).map(|outcome| Run { acked, outcome })
    }

    fn options(&self, listen: &str) -> String {
        format!(
            "{listen} --sync --rotate-size 1500 --keep-files 20 --forward-to tcp://{} --archive s3://logs/site \
             --token-file tokens.toml --config collector.toml",
            self.central.1.authority()
        )
    }

    /// The next site sends and archives the rest.
    fn recover(self, acked: u64) -> Result<(), String> {
        let mut command = self.scene.command(&target("netlog-collector"));
        environment(&mut command, &self.bucket);
        let options = self.options("--listen tcp://127.0.0.1:0");
        let mut collector = Collector::by(command, self.scene.path("app.log"), &options);
        if !collector.listening(1) {
            return Err(format!("the next one does not start:\n{}", collector.process.stderr()));
        }
        let address = collector.authority().to_owned();
        let total = deliver(&address, RECORDS, || collector.process.running());
        if total < RECORDS {
            return Err(format!("the next collector acknowledged {total}"));
        }
        let number = |number| format!("number {number}");
        let mut wrong = Vec::new();
        let (there, central) = self.central;
        let all = wait_until(SOON / 2, || {
            wrong = not_once(&messages_so_far(&there.path("")), RECORDS, number);
            wrong.is_empty()
        });
        if !all {
            let stderr = collector.process.stderr();
            return Err(format!("central, acknowledged {acked}; {}\n{stderr}", wrong.join(", ")));
        }
        // Until it ends, files are compressed and removed while they are looked for.
        collector.process.signal(Signal::TERM);
        collector.process.succeed();
        let mut kept = messages(&self.scene.path(""));
        kept.extend(self.bucket.messages());
        let lost: Vec<_> = (1..=RECORDS).filter(|n| !kept.contains(&number(*n))).collect();
        central.stop();
        match lost.is_empty() {
            true => Ok(()),
            false => Err(format!("neither kept nor archived: {lost:?}")),
        }
    }
}

/// Asks, and reads what comes, if anything does.
fn ask(address: &str, request: &str) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let head = format!(
        "{request} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.read_to_end(&mut Vec::new()).map(drop)
}
