//! What systemd does for a daemon, and what it wants to be told by it.

use crate::harness::{Collector, SOON, Scene, messages, program, speak};
use rustix::process::Signal;
use std::io::Write;
use std::net::UdpSocket;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixStream};
use std::path::Path;
use std::process::Command;

/// A collector that inherits four sockets, with these words on its command line.
fn activated(scene: &Scene, line: &str) -> Collector {
    let mut command = scene.command(Path::new("python3"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/activate.py");
    command.arg(script).arg(scene.path("")).arg(program("netlog-collector"));
    // Without an address it takes what it was passed.
    command.env_remove("NETLOG_LISTEN");
    Collector::by(command, scene.path("app.log"), line)
}

#[test]
fn sockets_that_systemd_passes_are_served_each_for_what_it_is() {
    let scene = Scene::new();
    let mut collector = activated(&scene, "");
    assert!(collector.listening(4), "{}", collector.process.stderr());
    assert!(!collector.process.stderr().contains(":1902"), "{}", collector.process.stderr());
    assert_eq!(speak(collector.at("tcp"), b"by tcp\n"), "");
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    udp.send_to(b"by udp", collector.at("udp")).expect("a datagram");
    collector.wait_for(2);
    let mut stream = UnixStream::connect(collector.at("unix")).expect("it listens");
    stream.write_all(b"by stream\n").expect("it reads");
    collector.wait_for(3);
    let datagrams = UnixDatagram::unbound().expect("a socket");
    datagrams.send_to(b"by datagram", collector.at("unixgram")).expect("it reads");
    let records = collector.wait_for(4);
    assert_eq!(messages(&records), ["by tcp", "by udp", "by stream", "by datagram"]);
    let ours = format!("unix:pid={},", std::process::id());
    for record in &records.0[2..] {
        assert!(record["peer"].as_str().expect("a peer").starts_with(&ours), "{record}");
    }
    collector.stop();
    assert!(scene.path("stream").exists(), "the socket is systemd's, to be passed again");
}

#[test]
fn sockets_that_were_passed_are_taken_where_asked_for_and_missed_where_not() {
    let scene = Scene::new();
    let mut both = activated(&scene, "--listen tcp://127.0.0.1:0 --listen fd://?as=text");
    assert!(both.listening(5), "{}", both.process.stderr());
    let passed = both.addresses()[1].strip_prefix("tcp://").expect("the first that was passed");
    assert_eq!(speak(passed, b"<13>as it is\n"), "");
    assert_eq!(messages(&both.stop()), ["<13>as it is"]);

    for name in ["stream", "datagrams"] {
        std::fs::remove_file(scene.path(name)).expect("they were left");
    }
    let mut neither = activated(&scene, "--listen tcp://127.0.0.1:0");
    assert!(neither.listening(1), "{}", neither.process.stderr());
    neither.process.says("passed sockets, but no --listen fd:// takes them");

    let mut command = Command::new(program("netlog-collector"));
    // For a process that this one descends from.
    command.env("LISTEN_FDS", "1").env("LISTEN_PID", "1");
    let mut none = Collector::by(command, scene.path("none.log"), "--listen fd://");
    assert_eq!(none.process.end().code(), Some(1));
    none.process.says("failed to bind fd://: the service manager passed no sockets");
}

#[test]
fn systemd_is_told_when_the_collector_listens_and_when_it_ends() {
    let scene = Scene::new();
    let path = scene.path("notify");
    let name = format!("netlog-e2e-{}", std::process::id());
    let abstracted = SocketAddr::from_abstract_name(&name).expect("the name is short");
    for (socket, told) in [
        (UnixDatagram::bind(&path), path.display().to_string()),
        (UnixDatagram::bind_addr(&abstracted), format!("@{name}")),
    ] {
        let socket = socket.expect("a socket");
        socket.set_read_timeout(Some(SOON)).expect("a limit");
        let heard = || {
            let mut buffer = [0; 100];
            let len = socket.recv(&mut buffer).expect("it says something");
            String::from_utf8_lossy(&buffer[..len]).into_owned()
        };
        let mut command = scene.command(&program("netlog-collector"));
        command.env("NOTIFY_SOCKET", told);
        let file = scene.path("app.log");
        let mut collector = Collector::by(command, file, "--listen tcp://127.0.0.1:0");
        assert_eq!(heard(), "READY=1");
        assert!(collector.listening(1), "{}", collector.process.stderr());
        collector.process.signal(Signal::TERM);
        assert_eq!(heard(), "STOPPING=1");
        collector.process.end();
    }
}
