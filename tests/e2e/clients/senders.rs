//! Programs of Python, Node.js and Rust, and rsyslog, with the clients of HTTP protocols and of
//! Lumberjack.

use super::{From, ORDERS, assert_came, client, ours, relay, script, send};
use crate::harness::{Child, Collector, Port, Records, Scene, message};
use crate::tls::authority::{Ca, collector_for};
use rustix::process::Signal;
use std::path::Path;
use std::process::Command;

#[test]
#[ignore = "needs tests/clients/get"]
fn programs_of_python_send_with_each_client_of_http() {
    let url = "http://127.0.0.1:{tcp}";
    for (protocol, app, host) in [
        ("otlp", Some("orders"), "web1"),
        ("grpc", Some("orders"), "web1"),
        ("loki", Some("orders"), "web1"),
        ("splunk", None, "web1"),
        ("gelf", None, &*ours()),
        ("elastic", Some("orders"), "web1"),
        ("seq", None, &*ours()),
    ] {
        let line = format!("python3 {} {protocol} {url}", script("http_senders.py").display());
        let records = send(&line, "", 2);
        let said: Vec<_> = records.iter().map(message).collect();
        assert_eq!(said, ["order 7 is late", "order 8 is late"], "{protocol}");
        for record in &records {
            assert_eq!(record["app"].as_str(), app, "{protocol}: {record}");
            let same = record["host"].as_str().is_some_and(|came| came.starts_with(host));
            assert!(same, "{protocol}: {record} is not of {host}");
        }
    }
}

#[test]
#[ignore = "needs tests/clients/get"]
fn programs_of_node_send_with_each_client() {
    let modules = client("node/node_modules");
    for (protocol, app) in [
        ("otlp", Some("orders")),
        ("otlp-proto", Some("orders")),
        ("otlp-grpc", Some("orders")),
        ("winston-loki", Some("orders")),
        ("pino-loki", Some("orders")),
        ("winston-elasticsearch", Some("orders")),
        ("pino-elasticsearch", Some("orders")),
        ("pino-seq", Some("orders")),
        ("winston-seq", Some("orders")),
        ("splunk-logging", None),
        ("fluent-logger", Some("orders")),
        ("lumberjack-client", Some("orders")),
    ] {
        let program = script("http_senders.mjs");
        let at = "http://127.0.0.1:{tcp}";
        let line = format!("node {} {} {protocol} {at}", program.display(), modules.display());
        let records = send(&line, "", 2);
        let mut said: Vec<&str> = records.iter().map(message).collect();
        // Some have several requests on their way.
        said.sort_unstable();
        // winston-loki adds what else it knows.
        assert!(said[0].starts_with("order 7 is late"), "{protocol}: {said:?}");
        assert!(said[1].starts_with("order 8 is late"), "{protocol}: {said:?}");
        for record in &records {
            assert_eq!(record["app"].as_str(), app, "{protocol}: {record}");
            let who = (&record["host"], &record["level"]);
            assert_eq!(who, (&"web1".into(), &"WARN".into()), "{protocol}: {record}");
        }
    }
}

#[test]
#[ignore = "needs tests/clients/get"]
fn programs_of_rust_send_with_the_exporter_of_opentelemetry() {
    for protocol in ["http", "json", "grpc"] {
        let line =
            format!("{} {protocol} http://127.0.0.1:{{tcp}}", client("otlp-client").display());
        let records = send(&line, "", 2);
        assert_came(&line, &records, From { app: Some("orders"), host: "web1" }, &ORDERS);
        for record in &records {
            let what = (&record["kv"]["client"], &record["target"]);
            assert_eq!(
                what,
                (&"acme".into(), &"netlog_otlp_client".into()),
                "{protocol}: {record}"
            );
        }
    }
}

#[test]
#[ignore = "needs tests/clients/get"]
fn rsyslog_sends_documents_of_elasticsearch() {
    let start = |scene: &Scene, _: &Path| {
        let mut rsyslogd = scene.command(&client("rsyslogd-elasticsearch"));
        rsyslogd.arg("-n").arg("-i").arg(scene.path("pid"));
        rsyslogd.arg("-M").arg(client("rsyslog-elasticsearch-modules"));
        rsyslogd.arg("-f").arg(script("rsyslog-elasticsearch.conf"));
        rsyslogd
    };
    relay(start, &[("PORT_ELASTIC", "tcp")]);
}

/// A program that sends numbered records while the collector is killed again and again.
struct Outlasting<'a> {
    program: &'a Path,
    /// Its arguments, with `{port}` for the collector's.
    args: &'a str,
    count: usize,
    /// The most records that may come again after a kill.
    repeated: usize,
    /// The words that it prints for each batch that it gives up.
    gives_up: Option<&'a str>,
}

impl Outlasting<'_> {
    const KILLS: usize = 2;

    /// Each record is in the file unless the sender gave it up and said so, and few come again.
    fn loses_nothing_in_silence(&self) {
        let scene = Scene::new();
        let port = Port::reserve();
        let listen = format!("--listen tcp://{}", port.address());
        let mut collector = Collector::with(&scene, &listen);
        let address = port.address();
        let (_, number) = address.rsplit_once(':').expect("an address has a port");
        let mut command = Command::new(self.program);
        command.args(self.args.replace("{port}", number).split_whitespace());
        let mut sender = Child::start(command.env("PYTHONPATH", client("python")));
        for kill in 1..=Self::KILLS {
            collector.wait_for(kill * self.count / (Self::KILLS + 1));
            collector.process.signal(Signal::KILL);
            collector.process.end();
            collector = Collector::with(&scene, &listen);
        }
        sender.succeed();
        let given_up = self.gives_up.map_or(0, |words| sender.stderr().matches(words).count());
        assert!(given_up <= Self::KILLS, "one batch is on its way: {}", sender.stderr());
        let least = self.count - given_up * self.repeated;
        collector.wait_for(least);
        let Records(records) = collector.stop();
        let mut all: Vec<&str> = records.iter().map(message).collect();
        let came = all.len();
        all.sort_unstable();
        all.dedup();
        assert!((least..=self.count).contains(&all.len()), "{}: {}", self.args, sender.stderr());
        let most = self.count + Self::KILLS * self.repeated;
        assert!(came <= most, "{}: {came} records of {}", self.args, self.count);
    }
}

/// Of a batch whose answer was on its way, all records come again.
fn exporter_loses_nothing(program: &Path, args: &str) {
    exporter_outlasts(program, args, None);
}

fn exporter_outlasts(program: &Path, args: &str, gives_up: Option<&str>) {
    let args = format!("{args} http://127.0.0.1:{{port}} 400");
    Outlasting { program, args: &args, count: 400, repeated: 20, gives_up }
        .loses_nothing_in_silence();
}

#[test]
#[ignore = "needs tests/clients/get"]
fn the_exporters_of_opentelemetry_lose_nothing_when_the_collector_is_killed() {
    let python = script("http_senders.py").display().to_string();
    for protocol in ["otlp", "grpc"] {
        exporter_loses_nothing(Path::new("python3"), &format!("{python} {protocol}"));
    }
    exporter_loses_nothing(&client("otlp-client"), "http");
    for protocol in ["otlp", "otlp-proto", "otlp-grpc"] {
        client_of_node_loses_nothing(protocol);
    }
}

/// Over gRPC the exporter of Rust tries no batch again whose connection was reset.
#[test]
#[ignore = "needs tests/clients/get"]
fn the_exporter_of_rust_says_which_batches_it_gives_up_over_grpc() {
    exporter_outlasts(&client("otlp-client"), "grpc", Some("BatchLogProcessor.ExportError"));
}

/// Clients that send at least once lose nothing when the collector is killed.
#[test]
#[ignore = "needs tests/clients/get"]
fn clients_of_splunk_seq_and_elasticsearch_lose_nothing_when_the_collector_is_killed() {
    let python = script("http_senders.py").display().to_string();
    for protocol in ["splunk", "seq"] {
        exporter_loses_nothing(Path::new("python3"), &format!("{python} {protocol}"));
    }
    for protocol in ["winston-elasticsearch", "pino-elasticsearch", "pino-seq", "winston-seq"] {
        client_of_node_loses_nothing(protocol);
    }
}

/// Batches are of any size.
fn client_of_node_loses_nothing(protocol: &str) {
    let program = script("http_senders.mjs");
    let modules = client("node/node_modules");
    let args = format!(
        "{} {} {protocol} http://127.0.0.1:{{port}} 400",
        program.display(),
        modules.display()
    );
    let program = Path::new("node");
    Outlasting { program, args: &args, count: 400, repeated: 400, gives_up: None }
        .loses_nothing_in_silence();
}

/// Of a window whose acknowledgement was on its way, all events come again.
#[test]
#[ignore = "needs tests/clients/get"]
fn pylogbeat_loses_nothing_when_the_collector_is_killed() {
    let args = format!("{} 127.0.0.1 {{port}} 1500", script("lumberjack.py").display());
    let program = Path::new("python3");
    Outlasting { program, args: &args, count: 1500, repeated: 10, gives_up: None }
        .loses_nothing_in_silence();
}

#[test]
#[ignore = "needs tests/clients/get"]
fn pylogbeat_with_a_certificate_is_believed_over_tls() {
    let line = format!("python3 {} 127.0.0.1 {{tcp}} 2", script("lumberjack.py").display());
    let expected = [("WARN", "thread 1 number 1"), ("WARN", "thread 1 number 2")];
    let from = From { app: Some("orders"), host: "web1" };
    assert_came(&line, &send(&line, "", 2), from, &expected);
    let scene = Scene::new();
    std::fs::write(scene.path("tokens"), "correct-horse-7f2a\n").expect("the scene has room");
    let ca = Ca::new(&scene);
    let more = "--tls-client-ca ca.pem --token-file tokens";
    let collector = collector_for(&ca, &["127.0.0.1", "localhost"], more);
    ca.issue("web1", &["web1"]);
    let port = collector.at("tls").rsplit_once(':').expect("a port").1;
    let mut command = scene.command(Path::new("python3"));
    command.arg(script("lumberjack.py")).args(["127.0.0.1", port, "2"]);
    command.args(["ca.pem", "web1.pem", "web1.key"].map(|file| scene.path(file)));
    Child::start(command.env("PYTHONPATH", client("python"))).succeed();
    let records = collector.wait_for(2);
    assert_came("over TLS", &records.0, from, &expected);
    assert!(records.0.iter().all(|record| record["peer"] == "tls:web1"), "{:?}", records.0);
}
