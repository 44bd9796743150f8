//! Programs with two collectors of which the first does not work.

use crate::harness::{
    Collector, Peer, Port, SOON, Scene, assert_each_once, succeeds_once, tcp_socket, wait_until,
};
use crate::lying_collectors::Liar;
use rustix::net::{bind, getsockname, listen};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// An address at which packets are swallowed: its queue of connections is full.
struct BlackHole {
    address: SocketAddr,
    _listener: OwnedFd,
    _waiting: Vec<TcpStream>,
}

impl BlackHole {
    fn open() -> Self {
        let listener = tcp_socket();
        bind(&listener, &SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port is free");
        listen(&listener, 0).expect("it is bound");
        let address = getsockname(&listener).expect("a bound socket has an address");
        let address = address.try_into().expect("it is an IPv4 address");
        let limit = Duration::from_millis(500);
        let connect = || TcpStream::connect_timeout(&address, limit).ok();
        let waiting: Vec<_> = std::iter::from_fn(connect).take(100).collect();
        assert!(waiting.len() < 100, "its queue has no end");
        Self { address, _listener: listener, _waiting: waiting }
    }
}

/// `true` if a program that waits `patience` seconds at its end, with `first` in front of a collector
/// that works, has delivered everything then.
fn second_has_all(first: &str, patience: u32) -> bool {
    let scene = Scene::new();
    let second = Collector::start(&scene);
    let told = format!("to={first},{} records=20 patience={patience}", second.authority());
    scene.subject(&told).succeed();
    if !scene.rings().is_empty() {
        return false;
    }
    assert_each_once(&second.records(), 1, 20);
    true
}

/// The usual limit of an attempt to connect is five seconds.
#[test]
fn a_short_program_reaches_the_second_collector_while_the_first_swallows_packets() {
    let hole = BlackHole::open();
    assert!(succeeds_once(|_| second_has_all(&hole.address.to_string(), 4)));
}

/// The usual limit of the answer to a hello is ten seconds.
#[test]
fn a_short_program_reaches_the_second_collector_while_the_first_accepts_and_says_nothing() {
    let first = Peer::start();
    assert!(succeeds_once(|_| second_has_all(&first.address(), 7)));
}

#[test]
fn a_first_collector_that_never_acknowledges_is_left_again_and_not_reported_as_back() {
    let scene = Scene::new();
    let second = Collector::start(&scene);
    let first = Liar::start("{\"netlog\":1,\"ack\":0}\n", "");
    let told = format!("to={},{} records=5 wait=1 more=10", first.address, second.authority());
    let mut subject = scene.subject(&told);
    let trying = format!(
        "(the collector does not acknowledge records); trying tcp://{}",
        second.authority()
    );
    subject.says(&trying);
    second.wait_for(5);
    assert!(wait_until(SOON, || first.hellos() >= 2), "it does not come back");
    subject.feed(b"\n");
    second.wait_for(15);
    subject.feed(b"\n");
    subject.succeed();
    let said = subject.stderr();
    assert!(!said.contains("is back") && said.matches("trying").count() == 1, "{said}");
}

#[test]
fn the_collector_that_refuses_is_the_one_that_is_reported() {
    let scene = Scene::new();
    let first = Port::reserve();
    let second = Liar::start("{\"error\":\"bad token\"}\n", "");
    let told = format!("to={},{} records=5 wait=1", first.address(), second.address);
    let mut subject = scene.subject(&told);
    subject.says(&format!("tcp://{} cannot be reached (Connection refused", first.address()));
    subject.says(&format!("tcp://{} cannot be reached (the collector refused", second.address));
    subject.feed(b"\n");
    subject.end();
    assert!(!subject.stderr().contains(&format!("{} cannot be reached (the", first.address())));
}
