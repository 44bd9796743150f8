//! `netlog`, the hand tool: looks at what a collector holds, sends lines, ships what dead programs
//! left behind.

mod look;
mod manual;
mod search;
mod send;
mod ship;
mod tail;
mod token;

use clap::{Parser, Subcommand};
use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

/// The hand tool of netlog
#[derive(Parser)]
#[command(name = "netlog", version)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the last records, and then each one as it comes
    Tail(tail::Options),
    /// Show all records that match; 0 if there are any, 1 if there is none, 2 for errors
    Search(search::Options),
    /// Send the lines of standard input, each as a record; succeeds only when all are delivered
    Send(send::Options),
    /// Deliver what dead programs of this user left in their spools
    Ship(ship::Options),
    /// Write completions for a shell to stdout
    #[command(hide = true)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual to stdout
    #[command(hide = true)]
    Man,
}

fn main() -> ExitCode {
    let done = match Options::parse().command {
        Command::Tail(options) => tail::run(&options),
        Command::Search(options) => Ok(search::run(&options)),
        Command::Send(options) => send::run(options).map(|()| ExitCode::SUCCESS),
        Command::Ship(options) => ship::run(options).map(|()| ExitCode::SUCCESS),
        Command::Completions { shell } => written(manual::completions::<Options>(shell)),
        Command::Man => written(manual::man::<Options>()),
    };
    match done {
        Ok(code) => code,
        Err(e) => {
            say(&chain(e.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn written(written: std::io::Result<()>) -> Result<ExitCode, Box<dyn Error>> {
    Ok(written.map(|()| ExitCode::SUCCESS)?)
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
