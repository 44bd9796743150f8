//! Programs of Python and Node.js, and rsyslog, with the clients of HTTP protocols and of Lumberjack.

use super::{From, assert_came, client, ours, relay, script, send};
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

/// Runs the program of `words`, which sends `count` records to `port`, and kills the collector
/// under it again and again: each record is in the file, and at most `repeated` come again.
fn outlives_kills(words: impl Fn(&str) -> Vec<String>, count: usize, repeated: usize) {
    const KILLS: usize = 2;
    let scene = Scene::new();
    let port = Port::reserve();
    let listen = format!("--listen tcp://{}", port.address());
    let mut collector = Collector::with(&scene, &listen);
    let number = port.address().rsplit_once(':').expect("an address has a port").1.to_owned();
    let mut command = Command::new("python3");
    command.args(words(&number)).env("PYTHONPATH", client("python"));
    let mut sender = Child::start(&mut command);
    for kill in 1..=KILLS {
        collector.wait_for(kill * count / (KILLS + 1));
        collector.process.signal(Signal::KILL);
        collector.process.end();
        collector = Collector::with(&scene, &listen);
    }
    sender.succeed();
    collector.wait_for(count);
    let Records(records) = collector.stop();
    let mut all: Vec<&str> = records.iter().map(message).collect();
    let came = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count, "{}", sender.stderr());
    assert!(came <= count + KILLS * repeated, "{came} records of {count}");
}

fn otlp_words(protocol: &'static str) -> impl Fn(&str) -> Vec<String> {
    move |port| {
        let program = script("http_senders.py").display().to_string();
        vec![program, protocol.into(), format!("http://127.0.0.1:{port}"), "400".into()]
    }
}

/// Of a batch whose answer was on its way, all records come again.
#[test]
#[ignore = "needs tests/clients/get"]
fn the_exporters_of_opentelemetry_lose_nothing_when_the_collector_is_killed() {
    outlives_kills(otlp_words("otlp"), 400, 20);
    outlives_kills(otlp_words("grpc"), 400, 20);
}

/// Of a window whose acknowledgement was on its way, all events come again.
#[test]
#[ignore = "needs tests/clients/get"]
fn pylogbeat_loses_nothing_when_the_collector_is_killed() {
    let words = |port: &str| {
        let program = script("lumberjack.py").display().to_string();
        vec![program, "127.0.0.1".into(), port.into(), "1500".into()]
    };
    outlives_kills(words, 1500, 10);
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
