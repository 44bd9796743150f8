//! Restarts with a socket that systemd keeps open.

use crate::harness::{Child, SOON, Scene, program, wait_until};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

const RESTARTS: usize = 5;

/// Waits until `words` were said `times` times.
fn said(supervisor: &Child, words: &str, times: usize) {
    let count = || supervisor.stderr().matches(words).count();
    assert!(wait_until(SOON, || count() == times), "{}", supervisor.stderr());
}

/// A connection made while the collector restarts is not refused: it waits, and its lines are kept.
#[test]
fn a_connection_made_while_the_collector_restarts_waits_and_is_served() {
    let scene = Scene::new();
    let mut command = scene.command(Path::new("python3"));
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/supervise.py"));
    command.arg(program("netlog-collector")).arg("--file").arg(scene.path("app.log"));
    command.args(["--listen", "fd://"]);
    let mut supervisor = Child::start(&mut command);
    let address = || {
        let said = supervisor.stderr();
        let line = said.lines().find_map(|line| line.strip_prefix("address "))?;
        said.ends_with('\n').then(|| line.to_owned())
    };
    assert!(wait_until(SOON, || address().is_some()));
    let address = address().expect("it was said");
    let stop = AtomicBool::new(false);
    let connections = thread::scope(|scope| {
        // A client that never pauses, so that some of its connections meet each end and each start.
        // What a collector has accepted when it ends may be reset, but nothing is refused, and
        // nothing is accepted from then on.
        let client = scope.spawn(|| {
            let mut connections = 0;
            let mut resets = 0;
            while !stop.load(Ordering::Relaxed) {
                let mut stream = TcpStream::connect(&address).expect("it is not refused");
                stream.set_read_timeout(Some(SOON)).expect("a limit");
                let spoken = stream
                    .write_all(b"steady\n")
                    .and_then(|()| stream.shutdown(Shutdown::Write))
                    .and_then(|()| stream.read(&mut [0]));
                resets += usize::from(spoken.is_err());
                connections += 1;
            }
            assert!(resets <= RESTARTS + 1, "{resets} of {connections} connections were reset");
            connections
        });
        supervisor.feed(b"start\n");
        said(&supervisor, "listening on ", 1);
        for round in 1..=RESTARTS {
            supervisor.feed(b"stop\n");
            said(&supervisor, "ended with 0", round);
            let mut waiting = TcpStream::connect(&address).expect("it is not refused");
            waiting.write_all(format!("waiting {round}\n").as_bytes()).expect("it is kept");
            waiting.shutdown(Shutdown::Write).expect("it is connected");
            supervisor.feed(b"start\n");
            said(&supervisor, "listening on ", 1 + round);
            waiting.set_read_timeout(Some(SOON)).expect("a limit");
            assert_eq!(waiting.read(&mut [0]).expect("it is served"), 0);
        }
        stop.store(true, Ordering::Relaxed);
        client.join().expect("none of its connections was refused")
    });
    supervisor.feed(b"stop\n");
    said(&supervisor, "ended with 0", RESTARTS + 1);
    let text = std::fs::read_to_string(scene.path("app.log")).expect("a file");
    for round in 1..=RESTARTS {
        assert_eq!(text.matches(&format!("\"waiting {round}\"")).count(), 1, "{text}");
    }
    let kept = text.matches("\"steady\"").count();
    assert!(connections > RESTARTS && kept <= connections, "{kept} of {connections}");
}
