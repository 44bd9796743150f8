//! A short-lived program: its records are delivered although it ends at once, and also where it ends
//! by `process::exit`. It counts the words of its standard input.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool prints its answer")]

use std::io;
use std::process::ExitCode;
use tracing::{error, info, info_span};

fn main() -> ExitCode {
    let address = std::env::args().nth(1).unwrap_or_else(|| "localhost:1902".into());
    // A tool whose log cannot be started works nevertheless.
    let _guard = netlog::init(&address).inspect_err(|e| eprintln!("cli: not logging: {e}"));
    let _entered = info_span!("count").entered();
    match io::read_to_string(io::stdin()) {
        Ok(text) => {
            let words = text.split_whitespace().count();
            info!(bytes = text.len(), words, "counted");
            println!("{words}");
            ExitCode::SUCCESS
        }
        Err(e) => {
            error!(error = &e as &(dyn std::error::Error + 'static), "cannot read the text");
            std::process::exit(1)
        }
    }
}
