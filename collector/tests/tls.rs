//! TLS on real sockets: certificates that are accepted, reports of the others, and renewal.

use crate::bench::authority::{Ca, connect, served, start};
use crate::bench::{Bench, HELLO, hello, message, record, wait_for};
use netlog_collector::{ClientCertificates, Options, TlsIdentity, TlsOptions};
use rcgen::{CertificateParams, SerialNumber, date_time_ymd};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, StreamOwned};
use std::fs;
use std::io::{Read, Write};
use std::sync::Arc;
use tempfile::TempDir;

#[test]
fn lines_come_over_tls_and_a_netlog_sender_is_acked() {
    let ca = Ca::new();
    let bench = start(ca.options(&ca.issue("localhost")));
    let mut peer = connect(&bench, &ca.client(None));
    peer.write_all(format!("{HELLO}{}{}", record("a"), record("b")).as_bytes()).unwrap();
    let expected = "{\"netlog\":1,\"ack\":0}\n{\"ack\":8}\n";
    let mut said = vec![0; expected.len()];
    peer.read_exact(&mut said).unwrap();
    assert_eq!(String::from_utf8(said).unwrap(), expected);
    drop(peer);
    let mut plain = connect(&bench, &ca.client(None));
    let long = "x".repeat(60_000);
    plain.write_all(format!("{long}\n").repeat(20).as_bytes()).unwrap();
    let lines = bench.wait_for_lines(22);
    assert!(lines[2..].iter().all(|line| message(line) == long));
    assert_eq!(bench.stats.tls_handshakes.get(), 2);
}

/// They have left the socket with the last message of the handshake.
#[test]
fn lines_and_an_end_that_come_with_the_end_of_the_handshake_are_read_at_once() {
    let ca = Ca::new();
    let bench = start(ca.options(&ca.issue("localhost")));
    let mut peer = connect(&bench, &ca.client(None));
    let StreamOwned { conn, sock } = &mut peer;
    while conn.is_handshaking() {
        if conn.wants_read() && !conn.wants_write() {
            conn.read_tls(sock).unwrap();
            conn.process_new_packets().unwrap();
        } else if conn.wants_write() && conn.peer_certificates().is_none() {
            conn.write_tls(sock).unwrap();
        } else {
            break;
        }
    }
    conn.writer().write_all(b"first\n").unwrap();
    conn.send_close_notify();
    let mut both = Vec::new();
    while conn.wants_write() {
        conn.write_tls(&mut both).unwrap();
    }
    sock.write_all(&both).unwrap();
    assert_eq!(message(&bench.wait_for_lines(1)[0]), "first");
    assert_eq!(peer.read(&mut [0; 64]).unwrap(), 0, "the collector ends the connection too");
}

/// Nobody sends or reads who should not, where certificates or tokens are asked for.
#[test]
fn only_certificates_of_the_client_ca_that_are_valid_are_let_in() {
    let ca = Ca::new();
    let other = Ca::new();
    let serial =
        |params: &mut CertificateParams| params.serial_number = Some(SerialNumber::from(7));
    let revoked = ca.issue_with("revoked", serial);
    let expired = ca.issue_with("expired", |params| params.not_after = date_time_ymd(2020, 1, 1));
    let early = ca.issue_with("early", |params| params.not_before = date_time_ymd(2999, 1, 1));
    let server = ca.issue("localhost");
    let bench = start(TlsOptions { tls_crl: vec![ca.revoke(7)], ..ca.mutual(&server) });
    assert!(served(&bench, &ca.client(Some(&ca.issue("web1")))));
    let stranger = other.issue("web1");
    for shown in [None, Some(&revoked), Some(&expired), Some(&early), Some(&stranger)] {
        assert!(!served(&bench, &ca.client(shown)), "{:?}", shown.map(|pair| &pair.cert));
    }
    wait_for(|| bench.stats.tls_failed_certificate.get() == 5);
    assert_eq!(bench.end(), 1);
}

#[test]
fn a_listed_name_or_fingerprint_is_let_in_and_no_other() {
    let ca = Ca::new();
    let server = ca.issue("localhost");
    let listed =
        TlsOptions { tls_peer: vec!["web*.example.com".parse().unwrap()], ..ca.mutual(&server) };
    let bench = start(listed);
    assert!(served(&bench, &ca.client(Some(&ca.issue("web1.example.com")))));
    assert!(!served(&bench, &ca.client(Some(&ca.issue("db1.example.com")))));
    bench.end();
    let pinned = ca.issue("self");
    let der = CertificateDer::from_pem_file(&pinned.cert).unwrap();
    let peer = format!("sha256:{}", hex_digest(&der)).parse().unwrap();
    // Without any CA.
    let bench = start(TlsOptions { tls_peer: vec![peer], ..ca.options(&server) });
    assert!(served(&bench, &ca.client(Some(&pinned))));
    assert!(!served(&bench, &ca.client(Some(&ca.issue("web1")))));
    bench.end();
}

/// A pin replaces the CA, not the certificate's end.
#[test]
fn a_pinned_certificate_is_let_in_only_while_it_is_valid() {
    let ca = Ca::new();
    let server = ca.issue("localhost");
    for (name, change, admitted) in [
        ("valid", (|_| {}) as fn(&mut CertificateParams), true),
        ("expired", |params| params.not_after = date_time_ymd(2020, 1, 1), false),
        ("early", |params| params.not_before = date_time_ymd(2999, 1, 1), false),
    ] {
        let pinned = ca.self_signed(name, change);
        let der = CertificateDer::from_pem_file(&pinned.cert).unwrap();
        let peer = format!("sha256:{}", hex_digest(&der)).parse().unwrap();
        let bench = start(TlsOptions { tls_peer: vec![peer], ..ca.options(&server) });
        assert_eq!(served(&bench, &ca.client(Some(&pinned))), admitted, "{name}");
    }
}

fn hex_digest(der: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, der);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_sender_with_a_certificate_logs_as_the_host_it_is_for() {
    let ca = Ca::new();
    let server = ca.issue("localhost");
    let web1 = ca.client(Some(&ca.issue("web1")));
    let bench = start(ca.mutual(&server));
    let mut peer = connect(&bench, &web1);
    peer.write_all(format!("{HELLO}{}", record("a")).as_bytes()).unwrap();
    let lines = bench.wait_for_lines(1);
    let stamp = "{\"app\":\"orders\",\"host\":\"web1\",\"pid\":4242,\"peer\":\"tls:web1\",";
    assert!(lines[0].starts_with(stamp), "{}", lines[0]);
    let mut other = connect(&bench, &web1);
    other.write_all(HELLO.replace("\"web1\"", "\"db1\"").as_bytes()).unwrap();
    let mut said = String::new();
    let _ = other.read_to_string(&mut said);
    assert_eq!(said, "{\"error\":\"the certificate is for web1, not for host db1\"}\n");
    let mut plain = connect(&bench, &web1);
    plain.write_all(b"{\"msg\":\"m\",\"host\":\"db1\"}\n").unwrap();
    let lines = bench.wait_for_lines(2);
    assert!(lines[1].starts_with("{\"host\":\"web1\",\"peer\":\"tls:web1\","), "{}", lines[1]);
    bench.end();
    let bench = start(TlsOptions { tls_identity: TlsIdentity::Any, ..ca.mutual(&server) });
    let mut relay = connect(&bench, &web1);
    relay.write_all(b"{\"msg\":\"m\",\"host\":\"db1\"}\n").unwrap();
    let lines = bench.wait_for_lines(1);
    assert!(lines[0].starts_with("{\"host\":\"db1\",\"peer\":\"tls:web1\","), "{}", lines[0]);
}

/// A sender id belongs to the certificate it first came with, also after a restart of the collector.
#[test]
fn a_sender_id_belongs_to_the_certificate_it_first_came_with_also_after_a_restart() {
    let ca = Ca::new();
    let tls = TlsOptions { tls_identity: TlsIdentity::Any, ..ca.mutual(&ca.issue("localhost")) };
    let shown = |name: &str| ca.client(Some(&ca.issue(name)));
    let web1 = shown("web1");
    let web2 = shown("web2");
    let said = |bench: &Bench, client: &Arc<ClientConfig>, next: u64| {
        let mut peer = connect(bench, client);
        peer.write_all(format!("{}{}", hello(next), record("m")).as_bytes()).unwrap();
        peer.conn.send_close_notify();
        let _ = peer.flush();
        let mut said = String::new();
        let _ = peer.read_to_string(&mut said);
        said
    };
    let stolen = "{\"error\":\"this sender id belongs to another token or certificate\"}\n";
    let dir = Arc::new(TempDir::new().unwrap());
    for next in [7, 8] {
        let options = Options { tls: tls.clone(), ..Options::default() };
        let bench = Bench::start_tls_in(dir.clone(), options);
        if next == 8 {
            assert_eq!(said(&bench, &web2, 900), stolen, "after a restart");
        }
        let answer = said(&bench, &web1, next);
        assert!(answer.ends_with(&format!("{{\"ack\":{next}}}\n")), "{answer}");
        assert_eq!(said(&bench, &web2, 900), stolen);
        assert_eq!(bench.stats.refused.get(), next - 6);
        // The certificate that takes its place has its name.
        let renewed = said(&bench, &shown("web1"), next);
        assert_eq!(renewed, format!("{{\"netlog\":1,\"ack\":{next}}}\n"));
        assert_eq!(bench.end(), 1);
    }
}

#[test]
fn new_files_are_used_and_half_of_a_new_pair_is_not() {
    let ca = Ca::new();
    let server = ca.issue("localhost");
    let bench = start(ca.options(&server));
    let mut before = connect(&bench, &ca.client(None));
    before.write_all(b"before\n").unwrap();
    bench.wait_for_lines(1);
    let old = fs::read(&server.key).unwrap();
    // The certificate is renewed before its key is.
    ca.issue("localhost");
    let new = fs::read(&server.key).unwrap();
    fs::write(&server.key, old).unwrap();
    bench.reopen.ask();
    assert_eq!(bench.stats.tls_reloads_failed.get(), 1);
    assert!(served(&bench, &ca.client(None)), "the previous pair stays in use");
    fs::write(&server.key, new).unwrap();
    bench.reopen.ask();
    assert_eq!(bench.stats.tls_reloads.get(), 1);
    let mut after = connect(&bench, &ca.client(None));
    after.write_all(b"after\n").unwrap();
    let shown = after.conn.peer_certificates().unwrap()[0].clone();
    assert_eq!(shown, CertificateDer::from_pem_file(&server.cert).unwrap());
    before.write_all(b"still open\n").unwrap();
    bench.wait_for_lines(4);
    assert_eq!(bench.end(), 4);
}

/// Connections live on, and new ones are never refused for a pair that is half of each.
#[test]
fn certificates_are_renewed_under_load_without_losing_a_record() {
    let ca = Ca::new();
    let server = ca.issue("localhost");
    let bench = start(ca.options(&server));
    let config = ca.client(None);
    let mut lasting = connect(&bench, &config);
    let mut line = 0;
    let mut lines = || {
        line += 1;
        format!("line {line}\n").into_bytes()
    };
    for _ in 0..20 {
        lasting.write_all(&lines()).unwrap();
        let old = fs::read(&server.key).unwrap();
        ca.issue("localhost");
        let new = fs::read(&server.key).unwrap();
        fs::write(&server.key, old).unwrap();
        bench.reopen.ask();
        let mut one = connect(&bench, &config);
        one.write_all(&lines()).unwrap();
        one.conn.send_close_notify();
        one.flush().unwrap();
        fs::write(&server.key, new).unwrap();
        bench.reopen.ask();
        let mut another = connect(&bench, &config);
        another.write_all(&lines()).unwrap();
        another.conn.send_close_notify();
        another.flush().unwrap();
    }
    let mut came: Vec<String> =
        bench.wait_for_lines(60).iter().map(|line| message(line).to_owned()).collect();
    came.sort_unstable();
    let mut sent: Vec<String> = (1..=60).map(|line| format!("line {line}")).collect();
    sent.sort_unstable();
    assert_eq!(came, sent);
    assert_eq!(bench.stats.tls_reloads.get(), 20);
    assert_eq!(bench.stats.tls_reloads_failed.get(), 20);
}

#[test]
fn a_certificate_is_optional_where_that_is_said_but_a_bad_one_is_refused() {
    let ca = Ca::new();
    let other = Ca::new();
    let optional = Some(ClientCertificates::Optional);
    let options = TlsOptions { tls_client: optional, ..ca.mutual(&ca.issue("localhost")) };
    let bench = start(options);
    assert!(served(&bench, &ca.client(None)));
    assert!(!served(&bench, &ca.client(Some(&other.issue("web1")))));
}

#[test]
fn a_verified_certificate_stands_for_a_token() {
    let ca = Ca::new();
    let tokens = ca.path("tokens");
    fs::write(&tokens, "a-token\n").unwrap();
    let optional = Some(ClientCertificates::Optional);
    let tls = TlsOptions { tls_client: optional, ..ca.mutual(&ca.issue("localhost")) };
    let options = Options { tls, token_file: Some(tokens), ..Options::default() };
    let bench = Bench::start_tls(options);
    assert!(served(&bench, &ca.client(Some(&ca.issue("web1")))));
    assert!(!served(&bench, &ca.client(None)));
    let mut relp = connect(&bench, &ca.client(Some(&ca.issue("web1"))));
    let relp_open = "1 open 42 relp_version=0\ncommands=syslog\nrelp_software=x";
    let relp_open = relp_open.replace("42", &(relp_open.len() - "1 open 42 ".len()).to_string());
    relp.write_all(format!("{relp_open}\n").as_bytes()).unwrap();
    let mut answer = [0; 6];
    relp.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"1 rsp ");
    let mut shown = connect(&bench, &ca.client(Some(&ca.issue("web1"))));
    let wrong = HELLO.replace(",\"next\":7", ",\"next\":7,\"token\":\"wrong\"");
    shown.write_all(wrong.as_bytes()).unwrap();
    let mut said = String::new();
    let _ = shown.read_to_string(&mut said);
    assert_eq!(said, "{\"error\":\"unknown token\"}\n");
}

#[test]
fn each_fault_of_the_files_is_one_line_that_names_the_file() {
    let ca = Ca::new();
    let server = ca.issue("localhost");
    let other = ca.issue("other");
    fs::write(ca.path("empty"), "").unwrap();
    let at = |name: &str| Some(ca.path(name));
    for (options, told) in [
        (TlsOptions { tls_key: Some(other.key), ..ca.options(&server) }, "does not belong to the"),
        (TlsOptions { tls_key: at("none"), ..ca.options(&server) }, "none: no such file"),
        (TlsOptions { tls_cert: at("empty"), ..ca.options(&server) }, "empty holds no certificate"),
        (TlsOptions { tls_key: at("empty"), ..ca.options(&server) }, "empty holds no private key"),
        (TlsOptions::default(), "tls://127.0.0.1:0 needs --tls-cert and --tls-key"),
        (
            TlsOptions { tls_peer: vec!["web1".parse().unwrap()], ..ca.options(&server) },
            "--tls-peer with a name needs --tls-client-ca",
        ),
    ] {
        let error = Bench::fails_to_start(Options { tls: options, ..Options::default() });
        assert!(error.contains(told), "{error:?} does not contain {told:?}");
    }
}
