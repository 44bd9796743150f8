//! Handshakes: slow ones, floods of them, versions, and the library below.

use crate::bench::authority::{Ca, connect, served, start};
use crate::bench::{Bench, HELLO, record, wait_for};
use netlog_collector::{Options, TlsOptions, TlsVersion};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

#[test]
fn what_is_not_tls_is_counted_and_closed() {
    let ca = Ca::new();
    let bench = start(ca.options(&ca.issue("localhost")));
    let mut peer = bench.connect();
    peer.write_all(b"<13>Nov 22 18:42:23 vm a: not encrypted\n").unwrap();
    let _ = peer.read_to_end(&mut Vec::new());
    wait_for(|| bench.stats.tls_failed_not_tls.get() == 1);
    assert_eq!(bench.end(), 0);
}

#[test]
fn a_slow_handshake_keeps_nobody_waiting_and_ends_at_the_limit() {
    let ca = Ca::new();
    let bench = start(ca.options(&ca.issue("localhost")));
    let mut slow: Vec<TcpStream> = (0..50).map(|_| bench.connect()).collect();
    for peer in &mut slow {
        // A record of the handshake that announces more than comes.
        peer.write_all(b"\x16\x03\x01\x02\x00\x01").unwrap();
    }
    assert!(served(&bench, &ca.client(None)));
    assert_eq!(bench.stats.tls_failed_timeout.get(), 0);
    for peer in &mut slow {
        let _ = peer.read_to_end(&mut Vec::new());
    }
    wait_for(|| bench.stats.tls_failed_timeout.get() == 50);
    assert_eq!(bench.stats.tls_handshakes.get(), 1);
}

/// A flood of handshakes is bounded by the limit of connections and counted, and a sender that is
/// connected is acked throughout.
#[test]
fn a_thousand_handshakes_at_once_are_bounded_and_counted_beside_a_good_sender() {
    let ca = Ca::new();
    let tls = ca.options(&ca.issue("localhost"));
    let bench = Bench::start_tls(Options { tls, max_connections: 300, ..Options::default() });
    let config = ca.client(None);
    let mut good = connect(&bench, &config);
    good.write_all(HELLO.as_bytes()).unwrap();
    let mut welcome = [0; "{\"netlog\":1,\"ack\":0}\n".len()];
    good.read_exact(&mut welcome).unwrap();
    let flood: Vec<_> = (0..8).map(|_| flood(bench.tcp, &config)).collect();
    for number in 7..107 {
        good.write_all(record("good").as_bytes()).unwrap();
        let ack = format!("{{\"ack\":{number}}}\n");
        let mut said = vec![0; ack.len()];
        good.read_exact(&mut said).unwrap();
        assert_eq!(String::from_utf8(said).unwrap(), ack);
    }
    let held: Vec<TcpStream> = flood.into_iter().flat_map(|one| one.join().unwrap()).collect();
    let stats = &bench.stats;
    wait_for(|| stats.connections_over_limit.get() + stats.connections_opened.get() == 1001);
    assert_eq!(stats.connections_opened.get(), 300);
    wait_for(|| stats.tls_handshakes.get() == 300);
    drop(held);
    assert_eq!(bench.end(), 100);
}

/// Opens 125 connections, and takes each as far as the collector does.
fn flood(
    address: std::net::SocketAddr,
    config: &Arc<ClientConfig>,
) -> std::thread::JoinHandle<Vec<TcpStream>> {
    let config = config.clone();
    std::thread::spawn(move || {
        let name = ServerName::try_from("localhost").unwrap();
        let mut all: Vec<_> = (0..125)
            .map(|_| {
                let tcp = TcpStream::connect(address).unwrap();
                let conn = ClientConnection::new(config.clone(), name.clone()).unwrap();
                StreamOwned::new(conn, tcp)
            })
            .collect();
        for peer in &mut all {
            // Those over the limit are closed.
            let _ = peer.conn.complete_io(&mut peer.sock);
        }
        all.into_iter().map(|peer| peer.sock).collect()
    })
}

/// Nothing here depends on how fast anything is: the handshakes hang, and all records are acked.
#[test]
fn a_sender_is_acked_throughout_while_a_thousand_handshakes_hang() {
    let ca = Ca::new();
    let tls = ca.options(&ca.issue("localhost"));
    let room = Options { max_connections: 2000, max_per_address: 2000, ..Options::default() };
    let bench = Bench::start_tls(Options { tls, ..room });
    let mut hung: Vec<TcpStream> = (0..1000).map(|_| bench.connect()).collect();
    for (at, peer) in hung.iter_mut().enumerate() {
        // Nothing, the beginning of a record, and the beginning of a greeting in one.
        peer.write_all([&b""[..], b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01"][at % 3]).unwrap();
    }
    wait_for(|| bench.stats.connections_opened.get() == 1000);
    let mut good = connect(&bench, &ca.client(None));
    good.write_all(HELLO.as_bytes()).unwrap();
    let mut welcome = [0; "{\"netlog\":1,\"ack\":0}\n".len()];
    good.read_exact(&mut welcome).unwrap();
    for number in 7..107 {
        good.write_all(record("good").as_bytes()).unwrap();
        let ack = format!("{{\"ack\":{number}}}\n");
        let mut said = vec![0; ack.len()];
        good.read_exact(&mut said).unwrap();
        assert_eq!(String::from_utf8(said).unwrap(), ack);
    }
    assert_eq!(bench.stats.tls_handshakes.get(), 1);
    drop(hung);
    assert_eq!(bench.end(), 100);
}

#[test]
fn no_cryptography_is_installed_for_the_process() {
    let ca = Ca::new();
    let bench = start(ca.mutual(&ca.issue("localhost")));
    assert!(served(&bench, &ca.client(Some(&ca.issue("web1")))));
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}

/// Keys are agreed on in a way that whoever records the connection cannot undo with a quantum
/// computer.
#[cfg(feature = "tls-aws-lc-rs")]
#[test]
fn keys_are_exchanged_by_ml_kem_with_aws_lc_rs() {
    let ca = Ca::new();
    let bench = start(ca.options(&ca.issue("localhost")));
    let mut roots = RootCertStore::empty();
    roots.add(ca.issuer.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut peer = connect(&bench, &Arc::new(client));
    peer.write_all(b"line\n").unwrap();
    let group = peer.conn.negotiated_key_exchange_group().unwrap();
    assert_eq!(group.name(), rustls::NamedGroup::X25519MLKEM768);
    bench.wait_for_lines(1);
}

#[test]
fn sessions_are_not_resumed_and_early_data_is_refused() {
    let ca = Ca::new();
    let bench = start(ca.options(&ca.issue("localhost")));
    let mut config = (*ca.client(None)).clone();
    config.enable_early_data = true;
    let config = Arc::new(config);
    for _ in 0..3 {
        let mut peer = connect(&bench, &config);
        assert!(peer.conn.early_data().is_none(), "the collector offered early data");
        peer.write_all(b"line\n").unwrap();
        peer.conn.send_close_notify();
        peer.flush().unwrap();
        let _ = peer.read(&mut [0; 64]);
        assert_eq!(peer.conn.handshake_kind(), Some(rustls::HandshakeKind::Full));
    }
    assert_eq!(bench.wait_for_lines(3).len(), 3);
}

#[test]
fn an_old_version_is_refused_where_the_new_one_is_asked_for() {
    let ca = Ca::new();
    let server = ca.issue("localhost");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(ca.issuer.der().clone()).unwrap();
    let old = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let old = Arc::new(old);
    let bench = start(ca.options(&server));
    assert!(served(&bench, &old));
    bench.end();
    let bench = start(TlsOptions { tls_min: TlsVersion::Tls13, ..ca.options(&server) });
    assert!(!served(&bench, &old));
    assert!(served(&bench, &ca.client(None)));
    wait_for(|| bench.stats.tls_failed_incompatible.get() == 1);
}
