//! `netlog`, the command-line tool: reads from a collector, sends lines, delivers what dead programs
//! left behind.

mod cert;
mod clock;
mod doctor;
mod filter;
mod health;
mod hex;
mod manual;
mod new_token;
mod read;
mod search;
mod send;
mod ship;
mod stderr;
mod tail;
mod tls;
mod token;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Reads records from a netlog collector, and sends records to one.
#[derive(Parser)]
#[command(name = "netlog", version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the last records, then new ones as they arrive
    Tail(tail::TailOptions),
    /// Show all records that match; exits with 0 after matches, 1 without any, 2 after an error
    Search(search::SearchOptions),
    /// Send each line of standard input as a record; succeeds only when all are delivered
    Send(send::SendOptions),
    /// Deliver the records that dead programs of this user left in their spools
    Ship(ship::ShipOptions),
    /// Succeed if the collector can write, or say why it cannot
    Health(health::HealthOptions),
    /// Say where records wait, since when, and what to do; exits with 0 if nothing waits unduly, 1 if
    /// something is wrong, 2 if something could not be asked
    Doctor(doctor::DoctorOptions),
    /// Let running programs log by another filter for a time, or list such filters
    Filter(filter::FilterCommand),
    /// Manage the tokens of a collector
    #[command(subcommand)]
    Token(new_token::TokenCommand),
    /// Make certificates for TLS: a CA, and certificates of a collector and its clients
    Cert(cert::CertOptions),
    /// Print shell completions
    #[command(hide = true)]
    Completions {
        /// The shell to complete for
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(hide = true)]
    Man,
}

fn main() -> ExitCode {
    let command = CommandLine::parse().command;
    command.run().unwrap_or_else(|error| {
        stderr::report(&stderr::describe(error.as_ref()));
        command.failure(&error)
    })
}

impl Command {
    fn run(&self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Tail(options) => return tail::run(options),
            Self::Search(options) => return search::run(options),
            Self::Send(options) => send::run(options)?,
            Self::Ship(options) => ship::run(options)?,
            Self::Health(options) => health::run(options)?,
            Self::Doctor(options) => return doctor::run(options),
            Self::Filter(options) => filter::run(options)?,
            Self::Token(command) => new_token::run(command)?,
            Self::Cert(options) => cert::run(options)?,
            Self::Completions { shell } => manual::print_completions::<CommandLine>(*shell)?,
            Self::Man => manual::print_man::<CommandLine>()?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// 2 for a request that the collector rejects, and, as with grep, for any error of a search or of
    /// the doctor; 1 for any of a health check, for which Docker reserves 2.
    fn failure(&self, error: &anyhow::Error) -> ExitCode {
        let rejected = error.downcast_ref().is_some_and(read::RequestError::is_rejection);
        ExitCode::from(match self {
            Self::Search(_) | Self::Doctor(_) => 2,
            Self::Health(_) => 1,
            _ if rejected => 2,
            _ => 1,
        })
    }
}
