//! The daemon: reads the options, runs a collector, and says once why it could not.

mod notify;

use netlog_collector::{Address, Collector, Config, Reload, allow_descriptors, report, runtime};
use notify::notify;
use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};

fn main() -> ExitCode {
    let config = Config::load(std::env::args_os()).unwrap_or_else(|error| error.exit());
    let outcome = match answer(&config) {
        Ok(true) => return ExitCode::SUCCESS,
        Ok(false) => start(config),
        Err(error) => Err(error),
    };
    outcome.unwrap_or_else(|error: Box<dyn Error>| {
        report(&*error);
        ExitCode::FAILURE
    })
}

/// Answers what does not need a running collector; `false` if one is to run.
fn answer(config: &Config) -> Result<bool, Box<dyn Error>> {
    if let Some(text) = config.text()? {
        io::stdout().lock().write_all(text.as_bytes())?;
        return Ok(true);
    }
    if config.check {
        Collector::check(&config.options)?;
        let _ = writeln!(io::stderr().lock(), "netlog-collector: the configuration is valid");
    }
    Ok(config.check)
}

fn start(config: Config) -> Result<ExitCode, Box<dyn Error>> {
    runtime()?.block_on(run(config))
}

async fn run(mut config: Config) -> Result<ExitCode, Box<dyn Error>> {
    allow_descriptors(config.options.max_open_files);
    // Both see every signal: the first one ends the collector, the second one ends the wait.
    let mut first = Signals::new()?;
    let mut second = Signals::new()?;
    let collector = Collector::bind(config.options.clone())?;
    for address in collector.addresses() {
        introduce(&address);
    }
    for address in collector.serving() {
        let scheme = if collector.serves_https() { "https" } else { "http" };
        let _ = writeln!(io::stderr().lock(), "serving {scheme}://{address}");
        if scheme == "http" {
            warn_if_exposed(&format!("http://{address}"), address);
        }
    }
    notify("READY=1");
    let end = async {
        first.next().await;
        notify("STOPPING=1");
    };
    let mut hangups = signal(SignalKind::hangup())?;
    let reopen = collector.reopen();
    let change = collector.reload();
    let reopening = async {
        while hangups.recv().await.is_some() {
            reopen.ask();
            reload(&mut config, &change);
        }
    };
    tokio::select! {
        outcome = collector.run(end) => outcome?,
        () = reopening => {}
        number = second.second() => return Ok(ExitCode::from(128 + number)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the options again, and names those that only a restart changes.
fn reload(config: &mut Config, change: &Reload) {
    match read_again(config) {
        Ok(changed) => {
            let mut stderr = io::stderr().lock();
            for key in config.take_over(&changed) {
                let _ = writeln!(stderr, "netlog-collector: {key} changes with the next restart");
            }
            change.apply(&config.options);
        }
        Err(cause) => report(&ReloadError(cause)),
    }
}

/// Reads the options again. If some differ, all are checked as at the next start.
fn read_again(config: &Config) -> Result<Config, Box<dyn Error>> {
    let changed = config.load_again().map_err(|error| {
        let error = error.to_string();
        error.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })?;
    if changed.differs(config) {
        Collector::check(&changed.options)?;
    }
    Ok(changed)
}

/// The reason why changed options are not taken over.
#[derive(Debug, thiserror::Error)]
#[error("the configuration stays")]
struct ReloadError(#[source] Box<dyn Error>);

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
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { terminate, interrupt })
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
