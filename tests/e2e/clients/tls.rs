//! Relays of syslog that send over TLS (RFC 5425), with certificates of both sides.

use super::{From, assert_came, client, ours, script};
use crate::harness::{Child, SOON, Scene, wait_until};
use crate::tls::authority::{Ca, collector_for};
use rustix::process::Signal;
use std::path::Path;
use std::process::Command;

/// Has the relay that `start` makes, in the scene and for a socket, send two messages.
fn relay(start: impl Fn(&Scene) -> Command) {
    let scene = Scene::new();
    let local = scene.path("local");
    let ca = Ca::new(&scene);
    let collector = collector_for(&ca, &["127.0.0.1", "localhost"], "--tls-client-ca ca.pem");
    ca.issue("relay", &[&ours()]);
    let mut command = start(&scene);
    command.env("LOCAL", &local);
    for (name, file) in [("CA", "ca.pem"), ("CERT", "relay.pem"), ("KEY", "relay.key")] {
        command.env(name, scene.path(file));
    }
    command.env("PORT_TLS", collector.at("tls").rsplit_once(':').expect("a port").1);
    let mut relay = Child::start(&mut command);
    let up = wait_until(SOON, || local.exists());
    assert!(up, "it does not start:\n{}{}", relay.stdout(), relay.stderr());
    let expected = [("WARN", "order 8 is late"), ("ERROR", "order 9 failed")];
    for (level, msg) in [("user.warning", expected[0].1), ("user.err", expected[1].1)] {
        let mut logger = Command::new("logger");
        logger.arg("-u").arg(&local).args(["-t", "orders", "-i", "-p", level, msg]);
        Child::start(&mut logger).succeed();
    }
    let records = collector.wait_for(2);
    assert_came("over TLS", &records.0, From { app: Some("orders"), host: &ours() }, &expected);
    let peer = format!("tls:{}", ours());
    assert!(records.0.iter().all(|record| record["peer"] == peer[..]), "{:?}", records.0);
    relay.signal(Signal::TERM);
    relay.end();
}

fn rsyslog(package: &str, driver: &str) {
    relay(|scene| {
        let mut rsyslogd = scene.command(&client(&format!("rsyslogd-{driver}")));
        rsyslogd.arg("-n").arg("-i").arg(scene.path("pid")).arg("-M");
        rsyslogd.arg(client(&format!("{package}-modules")));
        rsyslogd.arg("-f").arg(script("rsyslog-tls.conf")).env("DRIVER", driver);
        rsyslogd
    });
}

#[test]
#[ignore = "needs tests/clients/get"]
fn rsyslog_sends_over_tls_by_gnutls() {
    rsyslog("rsyslog-gnutls", "gtls");
}

#[test]
#[ignore = "needs tests/clients/get"]
fn rsyslog_sends_over_tls_by_openssl() {
    rsyslog("rsyslog-openssl", "ossl");
}

#[test]
#[ignore = "needs tests/clients/get"]
fn syslog_ng_sends_over_tls() {
    relay(|scene| {
        let mut daemon = scene.command(&client("syslog-ng"));
        daemon.args(["--foreground", "--no-caps"]);
        daemon.arg("-f").arg::<&Path>(&script("syslog-ng-tls.conf"));
        for (option, name) in [("-R", "persist"), ("-p", "pid"), ("-c", "control")] {
            daemon.arg(option).arg(scene.path(name));
        }
        daemon
    });
}
