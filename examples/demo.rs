//! Everything in ten seconds: a collector, three services that log to it, and their one stream.
//!
//! The services are this program again, started with a name of theirs. One of them dies of a
//! panic on the way, so that the last thing it said can be seen to arrive.

use netlog_collector::{Collector, Console, Options, report};
use std::error::Error;
use std::io::{self, Write};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::Duration;

type Fallible = Result<(), Box<dyn Error>>;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let done = match args.as_slice() {
        [name, address] => play(name, address),
        [address] => collect(address),
        _ => collect("localhost:1902"),
    };
    if let Err(e) = done {
        report(&*e);
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Runs a collector and, beside it, the services until they end.
fn collect(address: &str) -> Fallible {
    let mut options = Options { listen: vec![address.parse()?], ..Options::default() };
    options.console = Some(Console::Text);
    // So few that a shell's thousand descriptors are enough.
    options.max_connections = 100;
    options.max_tails = 10;
    let collector = Collector::bind(options)?;
    let first = collector.addresses()[0].to_string();
    writeln!(io::stderr(), "a collector listens on {first}; three services log to it")?;
    let mut services = Vec::new();
    for name in ["web", "orders", "billing"] {
        let mut service = Command::new(std::env::current_exe()?);
        // Their panic is to be seen in the stream, not beside it.
        service.args([name, &first]).stderr(Stdio::null()).env("RUST_BACKTRACE", "0");
        services.push(service.spawn()?);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(collector.run(async {
        let _ = tokio::task::spawn_blocking(|| wait_for(services)).await;
    }))?;
    writeln!(io::stderr(), "that was all; now try `cargo run -p netlog-collector`")?;
    Ok(())
}

fn wait_for(services: Vec<Child>) {
    for mut service in services {
        let _ = service.wait();
    }
}

/// What one of the services does.
fn play(name: &str, address: &str) -> Fallible {
    let _guard = netlog::builder(address).app(name).init()?;
    match name {
        "web" => web(),
        "orders" => orders(),
        _ => billing(),
    }
    Ok(())
}

fn web() {
    for (request, path) in ["/", "/orders", "/orders/7", "/cart", "/orders/8"].iter().enumerate() {
        log::info!(request, ms = 3 + request * 4; "GET {path}");
        sleep(Duration::from_millis(300));
    }
    log::warn!(ms = 812; "GET /report was slow");
}

fn orders() {
    for order in 7..11 {
        log::info!(order, client = "acme"; "order {order} filled");
        sleep(Duration::from_millis(370));
    }
    log::error!(order = 11; "order 11 is refused: no such client");
}

fn billing() {
    log::info!("billing of 3 clients begins");
    for (client, sum) in [("acme", 1200), ("globex", 770)] {
        sleep(Duration::from_millis(450));
        log::info!(client, sum; "invoice sent");
    }
    sleep(Duration::from_millis(450));
    let sums: [u32; 2] = [1200, 770];
    let third = sums.len();
    log::info!("the third sum is {}", sums[third]);
}
