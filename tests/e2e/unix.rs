//! What programs of the same machine send, over sockets in the file system.

use crate::harness::{Collector, SOON, Scene, assert_each_once, messages, nc, program};
use rustix::process::Signal;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A collector that listens at `name` in the scene's directory, and where that is.
fn listen(scene: &Scene, scheme: &str, name: &str) -> (Collector, PathBuf) {
    let path = scene.path(name.split('?').next().expect("there is a first part"));
    let line = format!("--listen {scheme}://{}", scene.path(name).display());
    let collector = Collector::with(scene, &line);
    assert_eq!(collector.authority(), path.to_str().expect("the path is text"));
    (collector, path)
}

fn connect(path: &Path) -> UnixStream {
    let stream = UnixStream::connect(path).expect("the collector listens");
    stream.set_read_timeout(Some(SOON)).expect("a limit");
    stream
}

/// Says `bytes`, closes its half and answers what came back until the other side closed too.
fn speak(path: &Path, bytes: &[u8]) -> String {
    let mut stream = connect(path);
    stream.write_all(bytes).expect("the collector reads");
    stream.shutdown(Shutdown::Write).expect("the connection is open");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the collector closes in order");
    answer
}

fn uid() -> u32 {
    rustix::process::getuid().as_raw()
}

#[test]
fn a_process_at_a_unix_socket_is_known_by_its_pid_and_user() {
    let scene = Scene::new();
    let (collector, path) = listen(&scene, "unix", "s");
    let mut nc = nc(&["-N", "-U", path.to_str().expect("text")], b"one\n");
    collector.wait_for(1);
    nc.feed(b"two\r\nthree without an end");
    nc.succeed();
    let records = collector.wait_for(3);
    assert_eq!(messages(&records), ["one", "two", "three without an end"]);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    for record in &records.0 {
        assert_eq!(record["peer"], format!("unix:pid={},uid={}", nc.pid(), uid()));
        assert_eq!(record["host"], host);
    }
    assert!(nc.stdout().is_empty(), "a plain peer is told nothing: {}", nc.stdout());
}

#[test]
fn a_plain_unix_connection_is_closed_in_order_once_its_lines_are_kept_and_ends_in_a_reset_if_not() {
    let scene = Scene::new();
    let (collector, path) = listen(&scene, "unix", "s");
    for bytes in [&b"kept\n"[..], b"k", &b"kept as well\n".repeat(20_000), b""] {
        assert_eq!(speak(&path, bytes), "");
        assert!(collector.text().len() > bytes.len(), "it was in the file before the close");
    }
    assert_eq!(collector.stop().0.len(), 20_002);

    // Its files cannot grow beyond a kilobyte.
    let mut limited = scene.command(Path::new("sh"));
    limited.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\""]);
    limited.arg(program("netlog-collector"));
    let line = format!("--listen unix://{}", path.display());
    let mut full = Collector::by(limited, scene.path("small.log"), &line);
    assert!(full.listening(1), "{}", full.process.stderr());
    let mut stream = connect(&path);
    stream.write_all("not kept\n".repeat(500).as_bytes()).expect("it reads");
    stream.shutdown(Shutdown::Write).expect("the connection is open");
    full.process.says("will go on trying");
    stream.set_read_timeout(Some(Duration::from_millis(300))).expect("a limit");
    let waits = stream.read(&mut [0]).expect_err("it does not close");
    assert_eq!(waits.kind(), ErrorKind::WouldBlock);
    full.process.signal(Signal::KILL);
    stream.set_read_timeout(Some(SOON)).expect("a limit");
    let reset = stream.read(&mut [0]).expect_err("the system does not close in order for it");
    assert_eq!(reset.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn what_was_read_from_a_unix_stream_no_sigterm_loses() {
    let scene = Scene::new();
    let (collector, path) = listen(&scene, "unix", "s");
    let mut stream = connect(&path);
    stream.write_all(b"one\nhalf").expect("the collector reads");
    collector.wait_for(1);
    assert_eq!(messages(&collector.stop()), ["one", "half"]);
    assert_eq!(stream.read(&mut [0; 1]).expect("all of it is kept"), 0);
    assert!(!path.exists(), "the socket is gone with its collector");
}

#[test]
fn a_netlog_sender_is_acked_over_a_unix_stream() {
    let scene = Scene::new();
    let (collector, path) = listen(&scene, "unix", "s?mode=0600");
    let hello = "{\"netlog\":1,\"sender\":\"9f3c00000000000000000000000000ab\",\"app\":\"a\",\"host\":\"h\",\"pid\":1,\"next\":1}\n";
    let line = "{\"time\":\"2026-11-22T18:42:23.123456Z\",\"level\":\"INFO\",\"msg\":\"m\"}\n";
    let answer = speak(&path, format!("{hello}{line}{line}").as_bytes());
    assert!(answer.starts_with("{\"netlog\":1,\"ack\":0}\n"), "{answer:?}");
    assert!(answer.ends_with("{\"ack\":2}\n"), "{answer:?}");
    let records = collector.wait_for(2);
    let peer = format!("unix:pid={},uid={}", std::process::id(), uid());
    assert_eq!((&records.0[0]["app"], &records.0[0]["peer"]), (&"a".into(), &peer.into()));
    assert_eq!(
        speak(&path, format!("{hello}{line}{line}").as_bytes()),
        "{\"netlog\":1,\"ack\":2}\n"
    );
    assert_eq!(collector.stop().0.len(), 2, "a resend is not written again");
}

#[test]
fn a_unix_datagram_is_a_record_and_one_of_several_lines_is_several() {
    let scene = Scene::new();
    let (collector, path) = listen(&scene, "unixgram", "log?mode=0666");
    let mode = fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o666);
    let socket = UnixDatagram::unbound().expect("a socket");
    let long = format!("<12>{}", "x".repeat(100_000));
    for datagram in ["<11>one", "two\nthree\n", &long] {
        socket.send_to(datagram.as_bytes(), &path).expect("the collector reads");
    }
    let records = collector.wait_for(4);
    assert_eq!(messages(&records)[..3], ["one", "two", "three"]);
    assert_eq!(records.0[0]["level"], "ERROR");
    let peer = format!("unix:pid={},uid={}", std::process::id(), uid());
    assert!(records.0.iter().all(|record| record["peer"] == peer));
    let cut = &records.0[3];
    let kept = cut["msg"].as_str().expect("text").len() as u64;
    assert_eq!(kept + cut["truncated"].as_u64().expect("it was cut"), 100_000);
    collector.stop();
    assert!(!path.exists());
}

#[test]
fn a_socket_that_a_killed_collector_left_is_replaced_and_one_that_is_served_is_not() {
    let scene = Scene::new();
    for scheme in ["unix", "unixgram"] {
        let (mut killed, path) = listen(&scene, scheme, "s");
        killed.process.signal(Signal::KILL);
        killed.process.end();
        assert!(fs::symlink_metadata(&path).expect("it was left").file_type().is_socket());
        let (served, _) = listen(&scene, scheme, "s");
        let line = format!("--listen {scheme}://{}", path.display());
        let mut second = Collector::launch(&scene, scene.path("second.log"), &line);
        assert_eq!(second.process.end().code(), Some(1));
        second.process.says("address already in use");
        assert!(path.exists(), "who could not have it does not remove it");
        served.stop();
    }
    fs::write(scene.path("precious"), "x").expect("a file");
    let line = format!("--listen unix://{}", scene.path("precious").display());
    let mut refused = Collector::launch(&scene, scene.path("second.log"), &line);
    assert_eq!(refused.process.end().code(), Some(1));
    refused.process.says("a file that is not a socket is in the way");
    assert!(scene.path("precious").exists());
}

#[test]
fn a_program_that_logs_to_a_unix_socket_loses_nothing_when_its_collector_is_killed() {
    let scene = Scene::new();
    let (mut killed, path) = listen(&scene, "unix", "s");
    let told = format!("to=unix://{} records=500", path.display());
    scene.subject(&told).succeed();
    assert_each_once(&killed.records().of("subject"), 1, 500);
    killed.process.signal(Signal::KILL);
    killed.process.end();
    // Its records wait: it ends before anybody is there to take them.
    let mut away = scene.subject(&format!("{told} app=away"));
    away.end();
    assert_eq!(scene.rings().len(), 1, "{}", away.stderr());
    let (again, _) = listen(&scene, "unix", "s");
    scene.netlog(&format!("ship --to unix://{}", path.display())).succeed();
    assert_each_once(&again.records().of("away"), 1, 500);
    assert_each_once(&again.stop().of("subject"), 1, 500);
}
