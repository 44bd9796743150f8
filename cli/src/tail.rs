//! `netlog tail`: the last records, then new ones as they arrive, across lost connections.

mod connection;
mod view;

use crate::read::{FilterOptions, OutputFormat, Printer, ReorderBuffer, watch_stdout};
use clap::Args;
use connection::TailConnection;
use std::process::ExitCode;
use std::sync::mpsc::sync_channel;
use std::thread;
use view::TailView;

/// Events between the connection and the output.
const EVENTS: usize = 1024;

#[derive(Args)]
pub(crate) struct TailOptions {
    #[command(flatten)]
    filters: FilterOptions,
    /// Begin with the last N records, or with `all` [default: 10; all with --since]
    #[arg(short = 'n', long, value_name = "N", value_parser = crate::read::parse_count)]
    lines: Option<String>,
    /// Exit after the stored records
    #[arg(long)]
    no_follow: bool,
    /// Show records as they arrive, instead of ordering those of several senders by time
    #[arg(long)]
    no_merge: bool,
    /// Exit with 1 when the connection is lost
    #[arg(long)]
    no_reconnect: bool,
}

pub(crate) fn run(options: &TailOptions) -> anyhow::Result<ExitCode> {
    watch_stdout()?;
    let filters = &options.filters;
    let mut query = filters.query(options.lines.as_deref());
    if options.no_follow {
        query.push("follow", "false");
    }
    let (events, receiver) = sync_channel(EVENTS);
    let clients = filters.clients()?;
    let several = clients.len() > 1;
    let running = clients.len();
    for collector in clients {
        let connection = TailConnection {
            source: several.then(|| collector.url.to_string()),
            collector,
            query: query.clone(),
            follow: !options.no_follow,
            until: filters.until(),
            reconnect: !options.no_reconnect,
            position: None,
            live: false,
            events: events.clone(),
        };
        thread::Builder::new().name("connection".into()).spawn(move || connection.run())?;
    }
    drop(events);
    let mut view = TailView {
        printer: Printer::new(filters),
        reorder: (!options.no_merge).then(ReorderBuffer::default),
        json: filters.output == OutputFormat::Json,
    };
    let complete = view.run(&receiver, running)?;
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
