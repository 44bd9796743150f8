//! The program itself: what it says, how it exits, and what survives when it is killed.

use crate::bench::{self, HELLO, message, record};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tempfile::tempdir;

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netlog-collector"));
    // The default addresses exist once, and the tests are many.
    command.env("NETLOG_HTTP", "off");
    command.env("NETLOG_LISTEN", "tcp://127.0.0.1:0");
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command(arguments).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

/// A running collector, killed when the test is over.
struct Daemon {
    child: Child,
    address: SocketAddr,
}

impl Daemon {
    fn start(arguments: &[&str]) -> Self {
        Self::spawn(&mut command(arguments))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let stderr = child.stderr.as_mut().unwrap();
        BufReader::with_capacity(1, stderr).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on tcp://").expect(&line);
        Self { address: address.parse().unwrap(), child }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_port_in_use_a_bad_address_and_an_unwritable_file_are_one_clear_line() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", holder.local_addr().unwrap());
    for (arguments, line) in [
        (["--listen", &url], format!("failed to bind {url}: address already in use")),
        (
            ["--listen", "tcp://192.0.2.1:80"],
            "failed to bind tcp://192.0.2.1:80: cannot assign requested address".into(),
        ),
        (["--file", "/nowhere/x"], "failed to open /nowhere/x: no such file or directory".into()),
        (["--file", "/dev/null"], "failed to open /dev/null: not a regular file".into()),
        (["--console=off", "-v"], "records have nowhere to go: use --file or --console".into()),
    ] {
        assert_eq!(refused(&arguments), (Some(1), format!("netlog-collector: {line}\n")));
    }
    drop(holder);
    assert_eq!(refused(&["--listen", "nonsense"]).0, Some(2));
    assert_eq!(refused(&["--max-line", "long"]).0, Some(2));
}

#[test]
fn the_end_prints_what_was_received_and_exits_with_0() {
    let mut daemon = Daemon::start(&["--listen", "127.0.0.1:0"]);
    daemon.connect().write_all(b"hello\nworld").unwrap();
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait(), Some(0));
    let mut printed = String::new();
    daemon.child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    let lines: Vec<&str> = printed.lines().map(|line| &line[27..]).collect();
    assert_eq!(lines, ["INFO  [127.0.0.1] hello", "INFO  [127.0.0.1] world"]);
}

#[test]
fn when_nobody_reads_what_it_prints_it_ends_without_a_word() {
    let mut daemon = Daemon::start(&["--listen", "127.0.0.1:0"]);
    drop(daemon.child.stdout.take());
    daemon.connect().write_all(b"hello\n").unwrap();
    assert_eq!(daemon.wait(), Some(0));
    let mut said = String::new();
    daemon.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "");
}

#[test]
fn a_second_signal_ends_it_at_once_while_a_sink_fails() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut daemon = Daemon::spawn(command(&["--listen", "127.0.0.1:0"]).stdout(full));
    let mut sender = daemon.connect();
    sender.write_all(format!("{HELLO}{}", record("a")).as_bytes()).unwrap();
    sender.read_exact(&mut [0; 21]).unwrap();
    daemon.signal(Signal::INT);
    daemon.signal(Signal::TERM);
    let code = daemon.wait();
    assert!(matches!(code, Some(143 | 130)), "{code:?}");
}

#[test]
fn an_end_while_a_sink_fails_says_how_much_was_not_written() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut daemon = Daemon::spawn(command(&["--listen", "127.0.0.1:0"]).stdout(full));
    let mut sender = daemon.connect();
    sender.write_all(format!("{HELLO}{}", record("a").repeat(37)).as_bytes()).unwrap();
    sender.read_exact(&mut [0; 21]).unwrap();
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait(), Some(1));
    let mut said = String::new();
    daemon.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    let cause = "failed to write to stdout: no space left on device";
    let expected = format!(
        "netlog-collector: {cause}, will go on trying\nnetlog-collector: ended with 37 records not written: {cause}\n"
    );
    assert_eq!(said, expected);
}

/// Sends `count` numbered records until all are acked, to whatever collector there is.
fn send_all(address: SocketAddr, acked: &mut u64, count: u64) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let hello = HELLO.replace("\"next\":7", &format!("\"next\":{}", *acked + 1));
    stream.write_all(hello.as_bytes())?;
    let mut replies = BufReader::new(stream.try_clone()?);
    let mut sent = *acked;
    while *acked < count {
        // Two batches ahead of the acks, so that a kill always finds something on its way.
        while sent < count && sent < *acked + 2000 {
            let records: String =
                (sent + 1..=count.min(sent + 500)).map(|n| record(&n.to_string())).collect();
            stream.write_all(records.as_bytes())?;
            sent = count.min(sent + 500);
        }
        let mut reply = String::new();
        if replies.read_line(&mut reply)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let ack = reply.trim_end_matches("}\n").rsplit(':').next().and_then(|n| n.parse().ok());
        *acked = (*acked).max(ack.expect("an ack"));
    }
    Ok(())
}

#[test]
fn killed_eight_times_it_has_every_record_once_and_in_order() {
    const COUNT: u64 = 90_000;
    let dir = tempdir().unwrap();
    let file = dir.path().join("app.log");
    let mut acked = 0;
    let path = file.to_str().unwrap();
    for life in 1..=9 {
        let daemon = Daemon::start(&["--listen", "127.0.0.1:0", "--file", path]);
        if life == 9 {
            send_all(daemon.address, &mut acked, COUNT).unwrap();
            break;
        }
        // Dies as soon as the file has grown to its share.
        let share = life * COUNT / 9 * 120;
        let address = daemon.address;
        let sender = std::thread::spawn(move || {
            let _ = send_all(address, &mut acked, COUNT);
            acked
        });
        bench::wait_for(|| fs::metadata(&file).is_ok_and(|file| file.len() >= share));
        daemon.signal(Signal::KILL);
        acked = sender.join().unwrap();
    }
    assert_eq!(numbers(&file), (1..=COUNT).collect::<Vec<_>>());
}

fn numbers(file: &Path) -> Vec<u64> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(|line| message(line).parse().unwrap()).collect()
}
