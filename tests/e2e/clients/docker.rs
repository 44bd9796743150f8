//! Docker's logging drivers, by their own code: what they send, and what they lose when the collector
//! is killed while a container writes.
//!
//! ```text
//! cargo test --test e2e -- --ignored --nocapture clients::docker
//! ```

use super::{client, port};
use crate::harness::{Child, Collector, Port, Records, Scene, message, pause};
use rustix::process::Signal;
use std::collections::HashSet;
use std::io::{Write, stderr};
use std::process::Command;
use std::time::Duration;

/// A driver and its options, with `{port}` for the collector's.
struct Driver {
    name: &'static str,
    options: &'static str,
}

impl Driver {
    fn start(&self, count: usize, port: &str) -> Child {
        let mut command = Command::new(client("go-docker"));
        command.arg(self.name).arg(count.to_string());
        command.args(self.options.replace("{port}", port).split_whitespace());
        // It sends every five seconds otherwise.
        command.env("SPLUNK_LOGGING_DRIVER_POST_MESSAGES_FREQUENCY", "100ms");
        Child::start(&mut command)
    }
}

const FLUENTD: Driver =
    Driver { name: "fluentd", options: "fluentd-address=127.0.0.1:{port} fluentd-retry-wait=20ms" };
const FLUENTD_ACK: Driver = Driver {
    name: "fluentd",
    options: "fluentd-address=127.0.0.1:{port} fluentd-retry-wait=20ms fluentd-request-ack=true",
};
const FLUENTD_ASYNC: Driver = Driver {
    name: "fluentd",
    options: "fluentd-address=127.0.0.1:{port} fluentd-retry-wait=20ms fluentd-async=true",
};
const SYSLOG: Driver = Driver {
    name: "syslog",
    options: "syslog-address=tcp://127.0.0.1:{port} syslog-format=rfc5424",
};
const SYSLOG_UDP: Driver =
    Driver { name: "syslog", options: "syslog-address=udp://127.0.0.77:{port}" };
const GELF: Driver = Driver {
    name: "gelf",
    options: "gelf-address=tcp://127.0.0.1:{port} gelf-tcp-reconnect-delay=1",
};
const GELF_UDP: Driver = Driver { name: "gelf", options: "gelf-address=udp://127.0.0.77:{port}" };
const SPLUNK: Driver =
    Driver { name: "splunk", options: "splunk-url=http://127.0.0.1:{port} splunk-token=none" };

/// Addresses of a collector; nothing else takes datagrams at the second.
fn listen(tcp: &str, udp_port: &str) -> String {
    format!("--listen {tcp} --listen udp://127.0.0.77:{udp_port}")
}

#[test]
#[ignore = "needs tests/clients/get"]
fn the_drivers_of_docker_send_the_lines_of_a_container() {
    for driver in [&FLUENTD, &FLUENTD_ACK, &SYSLOG, &SYSLOG_UDP, &GELF, &GELF_UDP, &SPLUNK] {
        let scene = Scene::new();
        let collector = Collector::with(&scene, &listen("tcp://127.0.0.1:0", "0"));
        let scheme = if driver.options.contains("udp:") { "udp" } else { "tcp" };
        driver.start(3, port(&collector, scheme)).succeed();
        collector.wait_for(3);
        let Records(records) = collector.stop();
        for (record, number) in records.iter().zip(1..) {
            let what = driver.options;
            assert_eq!(message(record), format!("thread 1 number {number}"), "{what}: {record}");
            assert_eq!(record["level"], "INFO", "{what}: {record}");
            assert!(record.to_string().contains("orders"), "{what}: {record}");
        }
    }
}

/// Lines of a container that are missing, and that are there twice.
struct Outcome {
    lost: usize,
    repeated: usize,
}

/// Has a container write lines, and kills the collector in their middle for half a second.
fn outcome(driver: &Driver) -> Outcome {
    const LINES: usize = 2000;
    let scene = Scene::new();
    let reserved = Port::reserve();
    let address = reserved.address();
    let (_, number) = address.rsplit_once(':').expect("an address has a port");
    let listen = listen(&format!("tcp://{address}"), number);
    let mut collector = Collector::with(&scene, &listen);
    let mut container = driver.start(LINES, number);
    collector.wait_for(LINES / 4);
    collector.process.signal(Signal::KILL);
    collector.process.end();
    pause(Duration::from_millis(500));
    let collector = Collector::with(&scene, &listen);
    container.succeed();
    let Records(records) = collector.stop();
    let distinct: HashSet<&str> = records.iter().map(message).collect();
    Outcome { lost: LINES - distinct.len(), repeated: records.len() - distinct.len() }
}

/// > The drivers `fluentd` with `fluentd-request-ack` and `splunk` lose no line when the collector is killed.
#[test]
#[ignore = "needs tests/clients/get"]
fn the_drivers_of_docker_that_wait_for_answers_lose_nothing_when_the_collector_is_killed() {
    let all = [FLUENTD_ACK, SPLUNK, FLUENTD, FLUENTD_ASYNC, SYSLOG, GELF, SYSLOG_UDP, GELF_UDP];
    std::thread::scope(|scope| {
        let outcomes = all.each_ref().map(|driver| scope.spawn(|| outcome(driver)));
        for (at, (driver, outcome)) in all.iter().zip(outcomes).enumerate() {
            let Outcome { lost, repeated } = outcome.join().expect("the container ended");
            let what = format!("{} {}", driver.name, driver.options);
            let _ = writeln!(stderr(), "{lost:4} lost, {repeated:4} twice: {what}");
            assert!(at >= 2 || lost == 0, "{what} lost {lost} lines");
        }
    });
}
