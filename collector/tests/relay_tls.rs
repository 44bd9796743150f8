//! Collectors that forward over TLS: both sides show certificates, and nothing is sent to a stranger.

use crate::bench::authority::Ca;
use crate::bench::{Bench, message, wait_for};
use netlog_collector::{Collector, Fingerprint, ForwardPin, ForwardTls, Options, TlsOptions};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::io::Write;
use std::path::Path;

/// The name that relays of this machine go by.
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().to_lowercase()
}

/// A collector that accepts relays over TLS.
fn central(tls: TlsOptions, from: &str) -> Bench {
    let relay_from = vec![from.parse().unwrap()];
    Bench::start_tls(Options { relay_from, tls, ..Options::default() })
}

/// One that forwards to it, and has a record.
fn site(central: &Bench, forward_tls: ForwardTls) -> Bench {
    let to = format!("tls://localhost:{}", central.tcp.port());
    let forward_to = Some(to.parse().unwrap());
    let site = Bench::start(Options { forward_to, forward_tls, ..Options::default() });
    site.connect().write_all(b"one\n").unwrap();
    site
}

fn pin(cert: &Path) -> ForwardPin {
    let certificate = CertificateDer::from_pem_file(cert).unwrap();
    let digest = ring::digest::digest(&ring::digest::SHA256, &certificate);
    let digits: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    ForwardPin(format!("sha256:{digits}").parse::<Fingerprint>().unwrap())
}

#[test]
fn a_site_forwards_over_tls_and_the_centre_knows_it_by_its_certificate() {
    let ca = Ca::new();
    let central = central(ca.mutual(&ca.issue("localhost")), &format!("tls:{}", host()));
    let pair = ca.issue(&host());
    let known = ForwardTls {
        forward_ca: Some(ca.path("ca.pem")),
        forward_cert: Some(pair.cert),
        forward_key: Some(pair.key),
        ..ForwardTls::default()
    };
    let site = site(&central, known);
    let line = &central.wait_for_lines(1)[0];
    assert!(message(line) == "one" && line.contains(" via "), "{line}");
    let long = "x".repeat(60_000);
    site.connect().write_all(format!("{long}\n").repeat(40).as_bytes()).unwrap();
    assert!(central.wait_for_lines(41)[1..].iter().all(|line| message(line) == long));
    wait_for(|| site.stats.records_forwarded.get() == 41);
}

#[test]
fn nothing_is_sent_to_a_collector_whose_certificate_is_not_trusted() {
    let ca = Ca::new();
    let other = Ca::new();
    let server = ca.issue("localhost");
    let central = central(ca.options(&server), "127.0.0.1");
    let strangers = [
        ForwardTls { forward_ca: Some(other.path("ca.pem")), ..ForwardTls::default() },
        ForwardTls { forward_pin: vec![pin(&other.path("ca.pem"))], ..ForwardTls::default() },
    ];
    for (failures, tls) in (1..).zip(strangers) {
        let site = site(&central, tls);
        wait_for(|| central.stats.tls_failed_alert.get() >= failures);
        drop(site);
    }
    assert_eq!(central.stats.tls_handshakes.get(), 0);
    let pinned = ForwardTls { forward_pin: vec![pin(&server.cert)], ..ForwardTls::default() };
    let _site = site(&central, pinned);
    central.wait_for_lines(1);
}

#[test]
fn options_that_could_not_have_an_effect_are_refused() {
    let forward_tls = ForwardTls { forward_ca: Some("ca.pem".into()), ..ForwardTls::default() };
    let file = Some("app.log".into());
    let plain =
        Options { file, forward_to: Some("tcp://x:1".parse().unwrap()), ..Options::default() };
    let error = Collector::check(&Options { forward_tls: forward_tls.clone(), ..plain.clone() });
    let error = error.unwrap_err().to_string();
    assert!(error.contains("--forward-key need --forward-to tls://HOST:PORT"), "{error}");
    let encrypted =
        Options { forward_to: Some("tls://x:1".parse().unwrap()), forward_tls, ..plain };
    assert_eq!(Collector::check(&encrypted).unwrap_err().to_string(), "failed to set up TLS");
}
