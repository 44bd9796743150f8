//! `netlog`, the hand tool: sends lines, ships what dead programs left behind.

mod send;
mod ship;

use clap::{Parser, Subcommand};
use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

/// The hand tool of netlog
#[derive(Parser)]
#[command(version)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Send the lines of standard input, each as a record; succeeds only when all are delivered
    Send(send::Options),
    /// Deliver what dead programs of this user left in their spools
    Ship(ship::Options),
}

fn main() -> ExitCode {
    let done = match Options::parse().command {
        Command::Send(options) => send::run(options),
        Command::Ship(options) => ship::run(options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            say(&chain(e.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// An error and its causes on one line.
fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}

/// One line on stderr.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "netlog: {line}");
}
