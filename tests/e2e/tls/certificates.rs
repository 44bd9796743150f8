//! Certificates: made by the hand tool, revoked, renewed, pinned, and outside their time.

use super::authority::{Ca, collector_with_pair, write_pair};
use crate::harness::{
    Child, Collector, SOON, Scene, assert_each_once, example, messages, wait_until,
};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustix::process::Signal;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

/// `netlog cert` makes all files that TLS with certificates of both sides needs.
#[test]
fn one_command_makes_the_certificates_and_a_renewal_keeps_the_ca() {
    let scene = Scene::new();
    scene.netlog("cert . 127.0.0.1 localhost").succeed();
    let read = |name: &str| std::fs::read_to_string(scene.path(name)).expect("a file");
    for name in ["ca.key", "server.key", "client.key"] {
        let mode = std::fs::metadata(scene.path(name)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let options = "--listen tls://127.0.0.1:0 --tls-cert server.pem --tls-key server.key";
    let collector = Collector::with(&scene, &format!("{options} --tls-client-ca ca.pem"));
    let shown = "--client-cert client.pem --client-key client.key";
    let send = |line: &str| {
        let mut send = scene.netlog(&format!("send --to {} {shown}", collector.address()));
        send.feed(line.as_bytes());
        send.hang_up();
        send.succeed();
    };
    send("one\n");
    let before = ["ca.pem", "server.pem", "server.key", "client.pem"].map(read);
    let mut again = scene.netlog("cert . 127.0.0.1");
    assert_eq!(again.end().code(), Some(1));
    assert!(again.stderr().contains("there is already ./server.pem"), "{}", again.stderr());
    assert_eq!(before, ["ca.pem", "server.pem", "server.key", "client.pem"].map(read));
    scene.netlog("cert . 127.0.0.1 --renew").succeed();
    let after = ["ca.pem", "server.pem", "server.key", "client.pem"].map(read);
    assert_eq!(before[0], after[0]);
    assert!(before[1..].iter().zip(&after[1..]).all(|(before, after)| before != after));
    send("two\n");
    assert_eq!(messages(&collector.wait_for(2)), ["one", "two"]);
}

/// `netlog cert DIR --revoke NAME` adds a certificate to the revocation list.
#[test]
fn a_revoked_certificate_is_refused_once_the_collector_has_read_the_list() {
    let scene = Scene::new();
    scene.netlog("cert . 127.0.0.1 --client web1 --client web2").succeed();
    let options = "--tls-client-ca ca.pem --tls-crl crl.pem --tls-identity any";
    let options = format!("{options} --http 127.0.0.1:0");
    let collector = collector_with_pair(&scene, &options);
    let send = |name: &str| {
        let shown = format!("--client-cert {name}.pem --client-key {name}.key");
        let mut send = scene.netlog(&format!("send --to {} {shown}", collector.address()));
        send.feed(name.as_bytes());
        send.hang_up();
        send
    };
    send("web1").succeed();
    let mut revoke = scene.netlog("cert . --revoke web1");
    revoke.succeed();
    assert!(revoke.stdout().contains("crl.pem: revokes 1 in all"), "{}", revoke.stdout());
    // The same again, and one more beside it.
    scene.netlog("cert . --client web3").succeed();
    let mut more = scene.netlog("cert . --revoke web1 --revoke web3");
    more.succeed();
    assert!(more.stdout().contains("crl.pem: revokes 2 in all"), "{}", more.stdout());
    collector.process.signal(Signal::HUP);
    let reloaded = || metric(&scene, &collector, "netlog_tls_reloads_total") == 1;
    assert!(wait_until(SOON, reloaded), "{}", collector.process.stderr());
    for name in ["web1", "web3"] {
        let mut refused = scene.command(&example("subject"));
        refused.env("NETLOG_CERT", format!("{name}.pem")).env("NETLOG_KEY", format!("{name}.key"));
        let to = format!("to={}", collector.address());
        let mut refused = Child::start(refused.args([&to, "records=1"]));
        refused.end();
        let said = refused.stderr();
        assert!(said.contains("the other side does not accept our certificate"), "{said}");
    }
    collector.process.says("the certificate is revoked (--tls-peer web1, or --tls-peer sha256:");
    assert_eq!(messages(&collector.records()), ["web1"]);
    // It may also deliver what waits in the spools of the others.
    send("web2").succeed();
    assert!(messages(&collector.records()).contains(&"web2"));
}

#[test]
fn only_certificates_of_the_ca_are_revoked_and_only_by_it() {
    let scene = Scene::new();
    let fails = |line: &str, reason: &str| {
        let mut netlog = scene.netlog(line);
        assert!(!netlog.end().success());
        assert!(netlog.stderr().contains(reason), "{}", netlog.stderr());
    };
    fails("cert . --revoke web1", "there is no CA: ./ca.pem does not exist");
    scene.netlog("cert other 127.0.0.1 --client web1").succeed();
    scene.netlog("cert . 127.0.0.1").succeed();
    fails("cert . --revoke web1", "failed to read ./web1.pem: no such file or directory\n");
    let port = "invalid host \"127.0.0.1:6514\": expected a host name or address, without a port";
    fails("cert third 127.0.0.1:6514", port);
    assert!(!scene.path("third").exists(), "nothing is made");
    fails("cert . --revoke ../other/web1", "invalid client name");
    fails("cert . --revoke server", "invalid client name");
    std::fs::copy(scene.path("other/web1.pem"), scene.path("web1.pem")).expect("a copy");
    fails("cert . --revoke web1", "./web1.pem was not issued by the CA in ./ca.pem");
    std::fs::copy(scene.path("other/crl.pem"), scene.path("crl.pem")).expect("a copy");
    fails("cert . --revoke client", "./crl.pem is not a list of the CA in ./ca.pem");
    std::fs::write(scene.path("crl.pem"), "mine").expect("room");
    fails("cert . 127.0.0.1 --renew", "./crl.pem has no revocation list in it");
}

/// A revocation cannot be undone by accident: `netlog cert` remembers that there was one.
#[test]
fn a_revocation_list_that_is_missing_or_old_is_not_replaced_by_one_with_fewer_certificates() {
    let scene = Scene::new();
    let crl = scene.path("crl.pem");
    let fails = |line: &str, reason: &str| {
        let mut netlog = scene.netlog(line);
        assert!(!netlog.end().success(), "{line}");
        assert!(netlog.stderr().contains(reason), "{}", netlog.stderr());
    };
    scene.netlog("cert . 127.0.0.1 --client web1 --client web2").succeed();
    // Nothing was revoked yet, so that an empty list is as good as the one that is gone.
    std::fs::remove_file(&crl).expect("the list");
    scene.netlog("cert . --client web3").succeed();
    let empty = std::fs::read(&crl).expect("the list");
    scene.netlog("cert . --revoke web1").succeed();
    std::fs::remove_file(&crl).expect("the list");
    let missing = "./crl.pem does not exist, but this CA has revoked certificates: copy it from";
    fails("cert . --revoke web2", missing);
    fails("cert . --client web4", missing);
    assert!(!crl.exists() && !scene.path("web4.pem").exists());
    std::fs::write(&crl, &empty).expect("room");
    fails("cert . --revoke web2", "./crl.pem is older than the last list of this CA");
    assert_eq!(std::fs::read(&crl).expect("the list"), empty);
    std::fs::remove_file(scene.path("ca.crl-number")).expect("the number");
    scene.netlog("cert . --revoke web2").succeed();
}

/// Private keys stay where they were written, whatever lies in their place.
#[test]
fn a_link_in_place_of_a_file_is_replaced_and_not_followed() {
    let scene = Scene::new();
    let outside = scene.path("outside");
    std::fs::write(&outside, "mine").expect("room");
    for name in ["ca.key.new", "client.key.new", "crl.pem.new", "ca.crl-number.new"] {
        std::os::unix::fs::symlink(&outside, scene.path(name)).expect("a link");
    }
    scene.netlog("cert . 127.0.0.1").succeed();
    assert_eq!(std::fs::read_to_string(&outside).expect("the file"), "mine");
    for name in ["ca.key", "client.key", "crl.pem", "ca.crl-number"] {
        let file = std::fs::symlink_metadata(scene.path(name)).expect("a file");
        assert!(file.is_file(), "{name} is a link");
    }
}

#[test]
fn a_collector_outside_the_time_of_its_certificate_gets_nothing() {
    for (change, reason, warned) in [
        (
            (|params| params.not_after = date_time_ymd(2020, 1, 1)) as fn(&mut CertificateParams),
            "is not trusted: it has expired; its fingerprint is sha256:",
            true,
        ),
        (
            |params| params.not_before = date_time_ymd(2999, 1, 1),
            "is not trusted: it is not valid yet; its fingerprint is sha256:",
            false,
        ),
    ] {
        let scene = Scene::new();
        Ca::new(&scene).issue_with("server", &["127.0.0.1"], change);
        let collector = collector_with_pair(&scene, "");
        let mut subject = scene.subject(&format!("to={} records=10", collector.address()));
        subject.end();
        assert!(subject.stderr().contains(reason), "{}", subject.stderr());
        assert!(collector.records().0.is_empty());
        let said = collector.process.stderr();
        let warning = "warning: the certificate in server.pem has expired: clients refuse it";
        assert_eq!(said.contains(warning), warned, "{said}");
    }
}

/// A certificate that nobody issued, for another name, and expired.
#[test]
fn a_pinned_certificate_that_signs_itself_is_trusted_by_its_fingerprint_alone() {
    let scene = Scene::new();
    let mut params = CertificateParams::new(["elsewhere.example".to_owned()]).expect("a name");
    params.not_after = date_time_ymd(2020, 1, 1);
    let key = KeyPair::generate().expect("randomness");
    let certificate = params.self_signed(&key).expect("a certificate");
    write_pair(&scene, "server", [certificate.pem(), key.serialize_pem()]);
    let collector = collector_with_pair(&scene, "");
    let to = collector.address();
    let mut unknown = scene.subject(&format!("to={to} records=10"));
    unknown.end();
    let said = unknown.stderr();
    let at = said.find("sha256:").unwrap_or_else(|| panic!("no fingerprint:\n{said}"));
    assert!(collector.records().0.is_empty());
    let mut pinned = scene.command(&example("subject"));
    pinned.env("NETLOG_PIN", &said[at..at + 71]).args([&format!("to={to}"), "records=10", "app=p"]);
    Child::start(&mut pinned).succeed();
    assert_each_once(&collector.wait_for(10).of("p"), 1, 10);
}

#[test]
fn the_end_of_a_certificate_is_announced_on_stderr_and_in_the_metrics() {
    let scene = Scene::new();
    let days = |days: u64| Duration::from_secs(86_400 * days);
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock");
    Ca::new(&scene).issue_with("server", &["127.0.0.1"], |params| {
        params.not_after = date_time_ymd(1970, 1, 1) + since_1970 + days(5);
    });
    let collector = collector_with_pair(&scene, "--http 127.0.0.1:0");
    collector.process.says("warning: the certificate in server.pem expires in 5 days");
    let left = metric(&scene, &collector, "netlog_tls_cert_expiry_seconds");
    assert!((days(4).as_secs()..=days(5).as_secs()).contains(&left), "{left}");
}

/// The number of this metric now.
fn metric(scene: &Scene, collector: &Collector, name: &str) -> u64 {
    let mut curl = scene.command("curl".as_ref());
    let curl = curl.arg("-s").arg(format!("{}/metrics", collector.server())).output();
    let text = String::from_utf8(curl.expect("curl runs").stdout).expect("text");
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let value = value.unwrap_or_else(|| panic!("no {name} in\n{text}"));
    value.parse::<f64>().expect("a number") as u64
}
