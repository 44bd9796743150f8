//! Programs and foreign clients that log over TLS.

use crate::harness::{
    Child, Collector, SOON, Scene, assert_each_once, example, messages, program, wait_until,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::process::Command;

/// Makes a CA and the collector's pair of it in the scene.
fn certify(scene: &Scene, ca: &str) {
    let mut params = CertificateParams::new([]).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("randomness");
    let issuer = CertifiedIssuer::self_signed(params, key).expect("a CA");
    let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
    let params = CertificateParams::new(names).expect("names");
    let key = KeyPair::generate().expect("randomness");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    let write = |name: &str, text: String| {
        std::fs::write(scene.path(name), text).expect("the scene has room");
    };
    write(ca, issuer.pem());
    write("server.pem", certificate.pem());
    write("server.key", key.serialize_pem());
}

fn listening(scene: &Scene) -> Collector {
    let line = "--listen tls://127.0.0.1:0 --tls-cert server.pem --tls-key server.key";
    Collector::with(scene, line)
}

fn subject(scene: &Scene, ca: &str, line: &str) -> Child {
    let mut command = scene.command(&example("subject"));
    Child::start(command.env("NETLOG_CA", scene.path(ca)).args(line.split_whitespace()))
}

#[test]
fn a_program_logs_over_tls_and_what_it_left_when_it_was_killed_comes_too() {
    let scene = Scene::new();
    certify(&scene, "ca.pem");
    let collector = listening(&scene);
    let to = collector.address().to_owned();
    subject(&scene, "ca.pem", &format!("to={to} records=5000")).succeed();
    assert_each_once(&collector.records().of("subject"), 1, 5000);
    subject(&scene, "ca.pem", &format!("to={to} app=killed records=1000 end=kill")).end();
    let mut ship = scene.command(&program("netlog"));
    Child::start(ship.env("NETLOG_CA", scene.path("ca.pem")).args(["ship", "--to", &to])).succeed();
    let came = || collector.records().of("killed").0.len() >= 1000;
    assert!(wait_until(SOON, came), "{} came", collector.records().of("killed").0.len());
}

#[test]
fn a_collector_with_an_unknown_certificate_gets_nothing_until_it_is_trusted() {
    let scene = Scene::new();
    certify(&scene, "other.pem");
    certify(&scene, "ca.pem");
    let collector = listening(&scene);
    let to = collector.address().to_owned();
    let mut distrustful = subject(&scene, "other.pem", &format!("to={to} records=10"));
    distrustful.end();
    let said = distrustful.stderr();
    assert!(
        said.contains("is not accepted: not issued by a known CA; its pin is sha256:"),
        "{said}"
    );
    assert!(collector.records().0.is_empty());
    let (_, pin) = said.split_once("its pin is ").expect("it is said");
    let pin = &pin[..71];
    let mut ship = scene.command(&program("netlog"));
    Child::start(ship.env("NETLOG_PIN", pin).args(["ship", "--to", &to])).succeed();
    assert_each_once(&collector.wait_for(10).of("subject"), 1, 10);
}

#[test]
fn what_openssl_sends_is_kept() {
    let scene = Scene::new();
    certify(&scene, "ca.pem");
    let collector = listening(&scene);
    let mut client = Command::new("openssl");
    client.args(["s_client", "-quiet", "-CAfile"]).arg(scene.path("ca.pem"));
    client.args(["-connect", collector.authority()]);
    let mut client = Child::start(&mut client);
    client.feed(b"one\ntwo\n");
    assert_eq!(messages(&collector.wait_for(2)), ["one", "two"]);
}
