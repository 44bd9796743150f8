//! The daemon: reads the options, runs a collector, and says once why it could not.

mod notify;

use clap::Parser;
use netlog_collector::{Address, Collector, Options, allow_descriptors, report, runtime};
use notify::notify;
use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};

fn main() -> ExitCode {
    let options = Options::parse();
    let outcome = runtime().map_err(Into::into).and_then(|runtime| runtime.block_on(run(options)));
    outcome.unwrap_or_else(|error: Box<dyn Error>| {
        report(&*error);
        ExitCode::FAILURE
    })
}

async fn run(options: Options) -> Result<ExitCode, Box<dyn Error>> {
    allow_descriptors(options.max_open_files);
    // Both see every signal: the first one ends the collector, the second one ends the wait.
    let (mut first, mut second) = (Signals::new()?, Signals::new()?);
    let collector = Collector::bind(options)?;
    for address in collector.addresses() {
        introduce(&address);
    }
    for address in collector.serving() {
        let _ = writeln!(io::stderr().lock(), "serving http://{address}");
        warn_if_exposed(&format!("http://{address}"), address);
    }
    notify("READY=1");
    let end = async {
        first.next().await;
        notify("STOPPING=1");
    };
    let mut hangups = signal(SignalKind::hangup())?;
    let reopen = collector.reopen();
    let reopening = async {
        while hangups.recv().await.is_some() {
            reopen.ask();
        }
    };
    tokio::select! {
        outcome = collector.run(end) => outcome?,
        () = reopening => {}
        number = second.second() => return Ok(ExitCode::from(128 + number)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Programs that start a collector read the first line to learn the port.
fn introduce(address: &Address) {
    let _ = writeln!(io::stderr().lock(), "listening on {address}");
    if let Some(socket) = address.socket().filter(|_| !address.encrypted()) {
        warn_if_exposed(&address.to_string(), socket);
    }
}

fn warn_if_exposed(url: &str, address: SocketAddr) {
    if !address.ip().to_canonical().is_loopback() {
        let mut stderr = io::stderr().lock();
        let _ = writeln!(
            stderr,
            "netlog-collector: warning: {url} is unencrypted; anyone on the network path can read records and tokens"
        );
    }
}

/// The signals to end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Ok(Self { terminate: signal(terminate)?, interrupt: signal(interrupt)? })
    }

    /// Waits for the next signal and gives its number.
    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.terminate.recv() => 15,
            _ = self.interrupt.recv() => 2,
        }
    }

    async fn second(&mut self) -> u8 {
        self.next().await;
        self.next().await
    }
}
