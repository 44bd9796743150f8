//! `netlog ship`: delivers what dead programs left behind.

use crate::stderr;
use crate::tls::TlsOptions;
use crate::token::TokenOption;
use anyhow::bail;
use clap::Args;
use netlog::Shipped;
use netlog_wire::push_sanitized;
use std::io::{self, Write};
use std::path::PathBuf;

#[derive(Args)]
pub(crate) struct ShipOptions {
    /// Directory of the spools [default: $NETLOG_SPOOL, else /dev/shm/netlog-UID]
    directory: Option<PathBuf>,
    /// Address of the collector
    #[arg(long, value_name = "ADDRESS", default_value = "localhost:1902", env = "NETLOG_TO")]
    to: String,
    #[command(flatten)]
    token: TokenOption,
    #[command(flatten)]
    tls: TlsOptions,
}

pub(crate) fn run(options: &ShipOptions) -> anyhow::Result<()> {
    let mut found = 0_u64;
    let mut failed = 0_u64;
    let each = |shipped: Shipped| {
        found += 1;
        failed += u64::from(shipped.failed.is_some());
        print(&describe(&shipped));
    };
    let mut builder = netlog::builder(&options.to).tls(options.tls.settings()?);
    if let Some(token) = options.token.read()? {
        builder = builder.token(token);
    }
    if let Some(directory) = &options.directory {
        builder = builder.spool_dir(directory);
    }
    builder.ship(each, |problem| stderr::report(&problem))?;
    if found == 0 {
        print("nothing to deliver: no dead program left records behind");
    }
    if failed > 0 {
        bail!("{failed} of {found} spools could not be delivered");
    }
    Ok(())
}

fn describe(shipped: &Shipped) -> String {
    let Shipped { app, host, pid, records, failed, .. } = shipped;
    let outcome = match failed {
        None => "delivered".to_owned(),
        Some(reason) => format!("kept: {reason}"),
    };
    format!("{app} pid {pid} on {host}: {records} records {outcome}")
}

fn print(text: &str) {
    let mut line = Vec::new();
    push_sanitized(&mut line, text);
    line.push(b'\n');
    // The exit code says what was delivered, whether anybody reads this or not.
    let _ = io::stdout().write_all(&line);
}
