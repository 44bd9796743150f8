//! Collectors that lie: acknowledgements of what was never sent, talk without end, errors that would
//! drive a terminal.

use crate::harness::{Port, SOON, Scene, wait_until};
use std::io::{BufRead, BufReader, Write, stderr};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Answers each hello by some words, and then says others for as long as anybody listens.
pub(crate) struct Liar {
    pub(crate) address: String,
    hellos: Arc<AtomicUsize>,
}

impl Liar {
    pub(crate) fn start(answer: &'static str, more: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        Self::on(listener, answer, more)
    }

    /// The same, where somebody may have connected already.
    fn on(listener: TcpListener, answer: &'static str, more: &'static str) -> Self {
        let address = listener.local_addr().expect("a bound socket has an address").to_string();
        let hellos = Arc::<AtomicUsize>::default();
        let heard = hellos.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let heard = heard.clone();
                thread::spawn(move || lie(&stream, answer, more, &heard));
            }
        });
        Self { address, hellos }
    }

    /// Number of hellos so far.
    pub(crate) fn hellos(&self) -> usize {
        self.hellos.load(Ordering::Relaxed)
    }
}

fn lie(mut stream: &TcpStream, answer: &str, more: &str, hellos: &AtomicUsize) {
    let mut lines = BufReader::new(stream);
    if !lines.read_line(&mut String::new()).is_ok_and(|count| count > 0) {
        return;
    }
    hellos.fetch_add(1, Ordering::Relaxed);
    let answered = stream.write_all(answer.as_bytes()).is_ok();
    while answered && !more.is_empty() && stream.write_all(more.as_bytes()).is_ok() {}
    // What comes is read, so that its end is no reset.
    while lines.read_line(&mut String::new()).is_ok_and(|count| count > 0) {}
}

/// The greatest number of all overflows nothing, in a program or in `netlog ship`.
#[test]
fn an_acknowledgement_of_the_greatest_number_ends_a_program_and_a_shipment_as_usual() {
    for answer in [
        "{\"netlog\":1,\"ack\":18446744073709551615}\n",
        "{\"netlog\":1,\"ack\":0}\n{\"ack\":18446744073709551615}\n",
    ] {
        let scene = Scene::new();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let mut subject = scene.subject(&format!("to={address} records=100 threads=2 wait=1"));
        subject.says("logged");
        // It speaks once: of what comes later, the program would wait for an ack.
        let liar = Liar::on(listener, answer, "");
        subject.feed(b"\n");
        subject.succeed();
        scene.subject(&format!("to={} records=10 end=kill", Port::reserve().address())).end();
        assert_eq!(scene.rings().len(), 1);
        scene.netlog(&format!("ship --to {}", liar.address)).succeed();
        assert!(scene.rings().is_empty(), "{answer}");
    }
}

#[test]
fn a_collector_that_never_stops_talking_takes_little_of_a_programs_processor() {
    let scene = Scene::new();
    let liar = Liar::start("{\"netlog\":1,\"ack\":0}\n", "{\"hello\":\"again\"}\n");
    let mut subject = scene.subject(&format!("to={} records=10 wait=1 patience=3", liar.address));
    subject.says("logged");
    let before = subject.processor_time().unwrap_or_default();
    subject.feed(b"\n");
    // It waits three seconds for an acknowledgement. The time that it has taken in the last moment in
    // which it was seen.
    let began = Instant::now();
    let mut taken = Duration::ZERO;
    let ended = wait_until(SOON, || {
        taken = subject.processor_time().unwrap_or_default().max(taken);
        !subject.running()
    });
    assert!(ended, "{}", subject.stderr());
    let share = taken.saturating_sub(before).as_secs_f64() / began.elapsed().as_secs_f64();
    let _ = writeln!(stderr(), "{share:.3} of a processor");
    assert!(share < 0.15, "{share}");
}

#[test]
fn an_error_of_a_collector_drives_the_terminal_of_neither_program_nor_command_line_tool() {
    let scene = Scene::new();
    let liar = Liar::start("{\"error\":\"bad \\u001b[2J\\u202e\\u0007token\"}\n", "");
    let mut subject = scene.subject(&format!("to={} records=10", liar.address));
    subject.end();
    let mut ship = scene.netlog(&format!("ship --to {}", liar.address));
    assert_ne!(ship.end().code(), Some(0));
    for said in [subject.stderr(), ship.stderr() + &ship.stdout()] {
        assert!(said.contains("the collector refused the connection: bad "), "{said}");
        assert!(!said.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{said:?}");
    }
}
