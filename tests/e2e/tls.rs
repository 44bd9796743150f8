//! Programs and foreign clients that log over TLS.

pub(crate) mod authority;
mod certificates;
mod endings;

use crate::harness::{
    Child, SOON, Scene, assert_each_once, example, messages, program, wait_until,
};
use authority::{Ca, collector, collector_for};
use std::process::Command;

/// The subject with these settings of the environment, each a name and a file of the scene.
fn subject(scene: &Scene, files: &[[&str; 2]], line: &str) -> Child {
    let mut command = scene.command(&example("subject"));
    for [name, file] in files {
        command.env(name, scene.path(file));
    }
    Child::start(command.args(line.split_whitespace()))
}

#[test]
fn a_program_logs_over_tls_and_what_it_left_when_it_was_killed_comes_too() {
    let scene = Scene::new();
    let ca = Ca::new(&scene);
    let collector = collector(&ca);
    let to = collector.address().to_owned();
    scene.subject(&format!("to={to} records=5000")).succeed();
    assert_each_once(&collector.records().of("subject"), 1, 5000);
    scene.subject(&format!("to={to} app=killed records=1000 end=kill")).end();
    scene.netlog(&format!("ship --to {to}")).succeed();
    let came = || collector.records().of("killed").0.len() >= 1000;
    assert!(wait_until(SOON, came), "{} came", collector.records().of("killed").0.len());
}

#[test]
fn a_collector_with_an_unknown_certificate_gets_nothing_until_it_is_trusted() {
    let scene = Scene::new();
    let server = collector(&Ca::new(&scene));
    // Another CA of the same name takes the file's place.
    Ca::new(&scene);
    let to = server.address().to_owned();
    let mut distrustful = scene.subject(&format!("to={to} records=10"));
    distrustful.end();
    let said = distrustful.stderr();
    let reason = "is not trusted: it is not issued by a trusted CA; its fingerprint is sha256:";
    assert_eq!(said.matches(reason).count(), 1, "{said}");
    assert!(server.records().0.is_empty());
    let at = said.find("sha256:").expect("it has the fingerprint");
    let pin = &said[at..at + "sha256:".len() + 64];
    let mut ship = scene.command(&program("netlog"));
    Child::start(ship.env("NETLOG_PIN", pin).args(["ship", "--to", &to])).succeed();
    assert_each_once(&server.wait_for(10).of("subject"), 1, 10);
    let mut other = scene.command(&example("subject"));
    let wrong = format!("sha256:{}", "0".repeat(64));
    let mut other = Child::start(other.env("NETLOG_PIN", &wrong).arg(format!("to={to}")));
    other.end();
    let expected = format!("the expected fingerprint is {wrong}; its fingerprint is {pin}");
    assert!(other.stderr().contains(&expected), "{}", other.stderr());
}

#[test]
fn a_certificate_for_another_host_is_reported_with_the_host_it_is_for() {
    let scene = Scene::new();
    let collector = collector_for(&Ca::new(&scene), &["logs.example"], "");
    let mut subject = scene.subject(&format!("to={} records=10", collector.address()));
    subject.end();
    let reason = "the certificate of 127.0.0.1 is not trusted: it is for logs.example; its finger";
    assert!(subject.stderr().contains(reason), "{}", subject.stderr());
    assert!(collector.records().0.is_empty());
}

/// A renewed client certificate is used without a restart of the program.
#[test]
fn a_program_without_an_accepted_certificate_is_told_so_and_delivers_once_it_has_one() {
    let scene = Scene::new();
    let ca = Ca::new(&scene);
    let collector = collector_for(&ca, &["127.0.0.1"], "--tls-client-ca ca.pem --tls-identity any");
    let stranger = Scene::new();
    Ca::new(&stranger).issue("client", &["web1"]);
    let copy = |from: &Scene, name: &str| {
        std::fs::copy(from.path(name), scene.path(&format!("shown-{name}"))).expect("a copy");
    };
    copy(&stranger, "client.pem");
    copy(&stranger, "client.key");
    let shown = [["NETLOG_CERT", "shown-client.pem"], ["NETLOG_KEY", "shown-client.key"]];
    let line = format!("to={} records=100 wait=1", collector.address());
    let mut refused = subject(&scene, &shown, &line);
    refused.says("the other side does not accept our certificate");
    collector.process.says("the certificate is not issued by a known CA");
    ca.issue("client", &["web1"]);
    copy(&scene, "client.key");
    copy(&scene, "client.pem");
    assert_each_once(&collector.wait_for(100).of("subject"), 1, 100);
    refused.hang_up();
    refused.succeed();
}

#[test]
fn records_are_searched_and_tailed_over_https() {
    let scene = Scene::new();
    let ca = Ca::new(&scene);
    let collector = collector_for(&ca, &["127.0.0.1"], "--http https://127.0.0.1:0");
    let at = collector.server();
    assert!(at.starts_with("https://"), "{at}");
    let to = collector.address().to_owned();
    let mut send = scene.netlog(&format!("send --to {to}"));
    send.feed(b"one\ntwo\n");
    send.hang_up();
    send.succeed();
    let mut search = scene.netlog(&format!("search --at {at} -o json"));
    search.succeed();
    assert_eq!(search.stdout().matches("\"msg\":\"").count(), 2, "{}", search.stdout());
    let tail = scene.netlog(&format!("tail --at {at} -n 1"));
    assert!(tail.prints(|text| text.contains("two")), "{}", tail.stdout());
    scene.netlog(&format!("doctor --at {at}")).succeed();
    let mut more = scene.netlog(&format!("send --to {to}"));
    more.feed(b"three\n");
    more.hang_up();
    more.succeed();
    assert!(tail.prints(|text| text.contains("three")), "{}", tail.stdout());
    assert!(!collector.process.stderr().contains("unencrypted"));
}

#[test]
fn a_reader_trusts_the_collector_and_shows_a_certificate_where_one_is_required() {
    let scene = Scene::new();
    let ca = Ca::new(&scene);
    let tls = "--http https://127.0.0.1:0 --tls-client-ca ca.pem --tls-client off";
    let collector = collector_for(&ca, &["127.0.0.1"], &format!("{tls} --tls-readers required"));
    ca.issue("reader", &["reader"]);
    let at = collector.server();
    let mut stranger = scene.netlog(&format!("search --at {at}"));
    assert_eq!(stranger.end().code(), Some(2));
    let words = "the other side does not accept our certificate (CertificateRequired)";
    assert!(stranger.stderr().contains(words), "{}", stranger.stderr());
    let shown = "--client-cert reader.pem --client-key reader.key";
    let mut known = scene.netlog(&format!("search --at {at} {shown}"));
    assert_eq!(known.end().code(), Some(1), "{}", known.stderr());
    let pin = format!("sha256:{}", "0".repeat(64));
    let mut pinned = scene.netlog(&format!("search --at {at} {shown} --pin {pin}"));
    assert_eq!(pinned.end().code(), Some(2));
    let words = format!("is not trusted: the expected fingerprint is {pin}; its fingerprint is");
    assert!(pinned.stderr().contains(&words), "{}", pinned.stderr());
    let mut plain = scene.netlog(&format!("search --at {}", at.replace("https", "http")));
    assert_eq!(plain.end().code(), Some(2));
    collector.process.says("it does not speak TLS; use https://");
    // Senders need none.
    let mut send = scene.netlog(&format!("send --to {}", collector.address()));
    send.feed(b"one\n");
    send.hang_up();
    send.succeed();
}

#[test]
fn renegotiation_is_refused() {
    let scene = Scene::new();
    let collector = collector(&Ca::new(&scene));
    let mut client = Command::new("openssl");
    client.args(["s_client", "-tls1_2", "-CAfile"]).arg(scene.path("ca.pem"));
    let mut client = Child::start(client.args(["-connect", collector.authority()]));
    assert!(client.prints(|text| text.contains("Verify return code: 0")));
    // Its command for a renegotiation.
    client.feed(b"R\n");
    client.end();
    assert!(client.stderr().contains("no renegotiation"), "{}", client.stderr());
    let mut send = scene.netlog(&format!("send --to {}", collector.address()));
    send.feed(b"one\n");
    send.hang_up();
    send.succeed();
}

#[test]
fn what_openssl_sends_is_kept() {
    let scene = Scene::new();
    let collector = collector(&Ca::new(&scene));
    let mut client = Command::new("openssl");
    client.args(["s_client", "-quiet", "-CAfile"]).arg(scene.path("ca.pem"));
    client.args(["-connect", collector.authority()]);
    let mut client = Child::start(&mut client);
    client.feed(b"one\ntwo\n");
    assert_eq!(messages(&collector.wait_for(2)), ["one", "two"]);
}
