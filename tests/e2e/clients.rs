//! What real clients send in each of their ways: every record complete, once, with its level, app,
//! host and message.
//!
//! Those that few machines have are brought by `tests/clients/get`; their tests are left out
//! unless asked for (`cargo test --test e2e -- --ignored clients::`), as `./check` does.

mod acked;
mod docker;
pub(crate) mod jetstream;
mod seaweedfs;
mod senders;
mod tls;

use crate::harness::{Child, Collector, Records, SOON, Scene, message, wait_until};
use rustix::process::Signal;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A record as it must arrive: its level and message.
type Said<'a> = (&'a str, &'a str);

const ORDERS: [Said<'_>; 2] = [("WARN", "order 7 is late"), ("WARN", "order 8 is late")];

/// Who it must be from.
#[derive(Clone, Copy)]
struct From<'a> {
    app: Option<&'a str>,
    host: &'a str,
}

const NOBODY: From<'_> = From { app: None, host: "127.0.0.1" };

/// A collector that takes everything, and the place of its sockets.
fn collector(scene: &Scene) -> Collector {
    let stream = scene.path("stream");
    let datagrams = scene.path("datagrams");
    let stream = stream.display();
    let datagrams = datagrams.display();
    let line = "--listen tcp://127.0.0.1:0 --listen udp://127.0.0.1:0";
    let line = format!("{line} --listen unix://{stream} --listen unixgram://{datagrams}");
    Collector::with(scene, &line)
}

fn port<'a>(collector: &'a Collector, scheme: &str) -> &'a str {
    collector.at(scheme).rsplit_once(':').expect("an address has a port").1
}

/// The first part of this machine's name: what all but some clients make of it.
fn ours() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    name.split('.').next().unwrap_or_default().to_owned()
}

/// Something of `tests/clients`.
fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

/// Something that `tests/clients/get` has brought.
fn client(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients").join(name);
    assert!(path.exists(), "{} is missing: run tests/clients/get", path.display());
    path
}

/// Runs the client that `line` says, with `{tcp}` and the like in it for where to send to, and
/// answers all that came of it.
fn send(line: &str, input: &str, count: usize) -> Vec<Value> {
    let scene = Scene::new();
    let collector = collector(&scene);
    let place = |word: &str| {
        let word = word.replace("{tcp}", port(&collector, "tcp"));
        let word = word.replace("{udp}", port(&collector, "udp"));
        let word = word.replace("{unix}", collector.at("unix"));
        word.replace("{unixgram}", collector.at("unixgram"))
    };
    let mut words = line.split_whitespace().map(place);
    let program = words.next().expect("a line has a first word");
    let mut command = scene.command(Path::new(&program));
    command.args(words);
    if ["gelf.py", "http_senders.py", "forward.py", "lumberjack.py"]
        .iter()
        .any(|py| line.contains(py))
    {
        command.env("PYTHONPATH", client("python"));
    }
    let mut child = Child::start(&mut command);
    if !input.is_empty() {
        child.feed(input.as_bytes());
    }
    child.succeed();
    collector.wait_for(count);
    collector.stop().0
}

#[track_caller]
fn assert_came(line: &str, records: &[Value], from: From<'_>, expected: &[Said<'_>]) {
    let level = |record: &Value| record["level"].as_str().expect("a level").to_owned();
    let came: Vec<_> = records.iter().map(|r| (level(r), message(r).to_owned())).collect();
    let came: Vec<Said<'_>> = came.iter().map(|(level, msg)| (&level[..], &msg[..])).collect();
    assert_eq!(came, expected, "{line}");
    for record in records {
        assert_eq!(record["app"].as_str(), from.app, "{line}: {record}");
        let host = record["host"].as_str().expect("a host");
        let same = host == from.host || host.split('.').next() == Some(from.host);
        assert!(same, "{line}: {record} is not of {}", from.host);
    }
}

#[test]
fn nc_and_socat_send_lines() {
    let here = ours();
    let input = "order 7 filled\nERROR order 9 failed\n";
    let expected = [("INFO", "order 7 filled"), ("ERROR", "ERROR order 9 failed")];
    let local = From { app: None, host: &here };
    for (line, from) in [
        ("nc -N 127.0.0.1 {tcp}", NOBODY),
        ("nc -u -w1 127.0.0.1 {udp}", NOBODY),
        ("nc -N -U {unix}", local),
        ("nc -u -w1 -U {unixgram}", local),
        ("socat -u - TCP:127.0.0.1:{tcp}", NOBODY),
        ("socat -u - UDP:127.0.0.1:{udp}", NOBODY),
        ("socat -u - UNIX-CONNECT:{unix}", local),
        ("socat -u - UNIX-SENDTO:{unixgram}", local),
    ] {
        assert_came(line, &send(line, input, 2), from, &expected);
    }
}

#[test]
fn logger_of_util_linux_sends_syslog() {
    let here = ours();
    let input = "order 7 is late\norder 8 is late\n";
    let local = From { app: Some("orders"), host: &here };
    let nameless = Some("orders");
    let nameless = From { app: nameless, host: "127.0.0.1" };
    for (how, from) in [
        ("-T -n 127.0.0.1 -P {tcp}", local),
        ("-T -n 127.0.0.1 -P {tcp} --rfc3164", local),
        ("-T -n 127.0.0.1 -P {tcp} --rfc5424", local),
        ("-T -n 127.0.0.1 -P {tcp} --rfc5424=notime,nohost", nameless),
        ("-T -n 127.0.0.1 -P {tcp} --rfc3164 --octet-count", local),
        ("-T -n 127.0.0.1 -P {tcp} --rfc5424 --octet-count", local),
        ("-d -n 127.0.0.1 -P {udp} --rfc3164", local),
        ("-d -n 127.0.0.1 -P {udp} --rfc5424", local),
        ("-u {unix}", local),
        ("-u {unix} --rfc5424", local),
        ("-u {unixgram}", local),
        ("-u {unixgram} --rfc5424", local),
    ] {
        let line = format!("logger -t orders -i -p user.warning {how}");
        let records = send(&line, input, 2);
        assert_came(&line, &records, from, &ORDERS);
        assert!(records.iter().all(|record| record["pid"].is_u64()), "{line}: {records:?}");
    }
}

#[test]
#[ignore = "needs tests/clients/get"]
fn loggen_of_syslog_ng_sends_syslog() {
    let loggen = client("loggen");
    for how in [
        "-i -S 127.0.0.1 {tcp}",
        "-i -S -P 127.0.0.1 {tcp}",
        "-i -S -P -F 127.0.0.1 {tcp}",
        "-i -D 127.0.0.1 {udp}",
        "-i -D -P 127.0.0.1 {udp}",
        "-x -S {unix}",
        "-x -D {unixgram}",
    ] {
        let line = format!("{} -Q -n 50 -r 2000 -s 300 {how}", loggen.display());
        let records = send(&line, "", 50);
        assert_eq!(records.len(), 50, "{line}");
        for (number, record) in records.iter().enumerate() {
            let begin = format!("seq: {number:010}, thread: 0000, runid: ");
            assert!(message(record).starts_with(&begin), "{line}: {record}");
            assert!(message(record).ends_with("PADD") || how.contains("-P"), "{line}: {record}");
            assert!(message(record).len() > 200, "{line}: {record}");
            let who = (&record["app"], &record["host"], &record["pid"], &record["level"]);
            let expected = (&"prg00000".into(), &"localhost".into(), &1234.into(), &"INFO".into());
            assert_eq!(who, expected, "{line}");
        }
    }
}

/// What a relay makes of two messages that logger gives it, in each of its ways.
fn relay(start: impl Fn(&Scene, &Path) -> Command, ways: &[(&str, &str)]) {
    let scene = Scene::new();
    let local = scene.path("local");
    let mut command = start(&scene, &local);
    command.env("LOCAL", &local);
    let mut collectors = Vec::new();
    for (name, scheme) in ways {
        let file = scene.path(&format!("{name}.log"));
        let mut collector =
            Collector::launch(&scene, file, &format!("--listen {scheme}://127.0.0.1:0"));
        assert!(collector.listening(1), "{}", collector.process.stderr());
        command.env(name, port(&collector, scheme));
        collectors.push(collector);
    }
    let mut relay = Child::start(&mut command);
    let up = wait_until(SOON, || local.exists());
    assert!(up, "it does not start:\n{}{}", relay.stdout(), relay.stderr());
    let long = format!("order 9 failed: {}", "word ".repeat(180)).trim_end().to_owned();
    let expected = [("WARN", "order 8 is late"), ("ERROR", &long[..])];
    for (level, msg) in expected {
        let level = level.to_lowercase().replace("error", "err");
        let mut logger = Command::new("logger");
        logger.arg("-u").arg(&local).args([
            "-t",
            "orders",
            "-i",
            "-p",
            &format!("user.{level}"),
            msg,
        ]);
        Child::start(&mut logger).succeed();
    }
    let here = ours();
    for ((name, _), collector) in ways.iter().zip(&collectors) {
        let records = collector.wait_for(2);
        assert_came(name, &records.0, From { app: Some("orders"), host: &here }, &expected);
    }
    relay.signal(Signal::TERM);
    relay.end();
    for collector in collectors {
        let Records(records) = collector.stop();
        assert_eq!(records.len(), 2, "each once: {records:?}");
    }
}

#[test]
#[ignore = "needs tests/clients/get"]
fn rsyslog_forwards_over_tcp_udp_octet_counted_and_packed() {
    let start = |scene: &Scene, _: &Path| {
        let mut rsyslogd = scene.command(&client("rsyslogd"));
        rsyslogd
            .arg("-n")
            .arg("-i")
            .arg(scene.path("pid"))
            .arg("-M")
            .arg(client("rsyslog-modules"));
        rsyslogd.arg("-f").arg(script("rsyslog.conf"));
        rsyslogd
    };
    let packed = ("PORT_PACKED", "tcp");
    relay(start, &[("PORT_TCP", "tcp"), ("PORT_UDP", "udp"), ("PORT_COUNTED", "tcp"), packed]);
}

#[test]
#[ignore = "needs tests/clients/get"]
fn syslog_ng_forwards_by_network_and_by_syslog() {
    let start = |scene: &Scene, _: &Path| {
        let mut daemon = scene.command(&client("syslog-ng"));
        daemon.args(["--foreground", "--no-caps"]).arg("-f").arg(script("syslog-ng.conf"));
        for (option, name) in [("-R", "persist"), ("-p", "pid"), ("-c", "control")] {
            daemon.arg(option).arg(scene.path(name));
        }
        daemon
    };
    relay(start, &[("PORT_TCP", "tcp"), ("PORT_UDP", "udp"), ("PORT_COUNTED", "tcp")]);
}

#[test]
#[ignore = "needs tests/clients/get"]
fn the_syslog_handler_of_python_sends_what_is_logged() {
    let here = ours();
    let expected = [
        ("DEBUG", "looking at order 6"),
        ("INFO", "order 7 filled"),
        ("WARN", "order 8 is late"),
        ("ERROR", "order 9 failed\nTraceback (most recent call last):\nValueError: no such order"),
    ];
    for (how, host) in [
        ("tcp 127.0.0.1:{tcp}", "127.0.0.1"),
        ("udp 127.0.0.1:{udp}", "127.0.0.1"),
        ("unix {unixgram}", &here[..]),
        ("unix {unix}", &here[..]),
    ] {
        let line = format!("python3 {} {how}", script("syslog_handler.py").display());
        let records = send(&line, "", 4);
        assert_came(&line, &records, From { app: Some("orders"), host }, &expected);
        assert!(records.iter().all(|record| record["pid"].is_u64()), "{records:?}");
    }
}

#[test]
#[ignore = "needs tests/clients/get"]
fn graypy_and_pygelf_send_gelf() {
    let here = ours();
    let long: Vec<String> = (0..2000_u64).map(|n| (n * n * 7919).to_string()).collect();
    let long = format!("order 9 failed: {}", long.join(" "));
    let expected = [("INFO", "order 7 filled"), ("WARN", "order 8 is late"), ("ERROR", &long[..])];
    for package in ["graypy", "pygelf"] {
        for how in ["tcp 127.0.0.1 {tcp}", "udp 127.0.0.1 {udp}"] {
            let line = format!("python3 {} {package} {how}", script("gelf.py").display());
            let records = send(&line, "", 3);
            assert_came(&line, &records, From { app: None, host: &here }, &expected);
            assert_eq!(records[0]["kv"]["client"], "acme", "{line}");
        }
    }
}

#[test]
#[ignore = "needs tests/clients/get"]
fn the_log_of_go_sends_lines_and_its_syslog_syslog() {
    let here = ours();
    let log = client("go-log");
    let syslog = client("go-syslog");
    for (how, host) in [
        ("tcp 127.0.0.1:{tcp}", "127.0.0.1"),
        ("udp 127.0.0.1:{udp}", "127.0.0.1"),
        ("unix {unix}", &here[..]),
        ("unixgram {unixgram}", &here[..]),
    ] {
        let line = format!("{} {how}", log.display());
        let records = send(&line, "", 2);
        let said: Vec<&str> = records.iter().map(message).collect();
        let (prefix, date) = said[0].split_at("[example]".len());
        assert_eq!((prefix, date.matches('/').count()), ("[example]", 2), "{line}");
        let date = &date[.."2026/11/22".len()];
        let lines = [(16, "order 7 filled"), (17, "order 8 is late")];
        let lines = lines.map(|(at, text)| format!("[example]{date} log.go:{at}: {text}"));
        let expected = [("INFO", &lines[0][..]), ("INFO", &lines[1][..])];
        assert_came(&line, &records, From { app: None, host }, &expected);

        let line = format!("{} {how}", syslog.display());
        let expected =
            [("INFO", "order 7 filled"), ("WARN", "order 8 is late"), ("ERROR", "order 9 failed")];
        let from = From { app: Some("orders"), host: &here };
        assert_came(&line, &send(&line, "", 3), from, &expected);
    }
}
