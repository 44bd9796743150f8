//! `netlog ship`: delivers what dead programs left behind.

use crate::say;
use crate::token::Token;
use clap::Args;
use netlog::Shipped;
use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

#[derive(Args)]
pub(crate) struct Options {
    /// Where the spools lie; by default where programs put them by default
    directory: Option<PathBuf>,
    /// Where the collector listens
    #[arg(long, value_name = "ADDRESS", default_value = "localhost:1902", env = "NETLOG_TO")]
    to: String,
    #[command(flatten)]
    token: Token,
}

pub(crate) fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let (mut found, mut kept) = (0_u64, 0_u64);
    let tell = |shipped: Shipped| {
        found += 1;
        kept += u64::from(shipped.failed.is_some());
        let Shipped { app, host, pid, records, failed, .. } = shipped;
        let became = failed.map_or_else(|| "delivered".into(), |why| format!("kept: {why}"));
        let _ =
            writeln!(std::io::stdout(), "{app} pid {pid} on {host}: {records} records {became}");
    };
    let (token, directory) = (options.token.read()?, options.directory.as_deref());
    netlog::ship(&options.to, token.as_deref(), directory, tell, |line| say(&line))?;
    if found == 0 {
        let _ = writeln!(std::io::stdout(), "no dead program left anything behind");
    }
    match kept {
        0 => Ok(()),
        kept => Err(format!("{kept} spools could not be delivered").into()),
    }
}
