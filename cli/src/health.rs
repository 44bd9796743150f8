//! `netlog health`: asks collectors if all is well, for the health checks of containers and monitors.

use crate::read::{CollectorClient, CollectorUrl};
use crate::tls::TlsOptions;
use anyhow::Context;
use clap::Args;
use std::time::Duration;

/// A collector answers this without waiting for its disk.
const SILENCE_LIMIT: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(crate) struct HealthOptions {
    /// Address of the collector's HTTP API; repeat for several collectors, all of which have to be
    /// healthy
    #[arg(long, value_name = "URL", default_value = "http://localhost:1903", env = "NETLOG_AT")]
    #[arg(value_delimiter = ',')]
    at: Vec<CollectorUrl>,
    #[command(flatten)]
    tls: TlsOptions,
}

pub(crate) fn run(options: &HealthOptions) -> anyhow::Result<()> {
    for url in &options.at {
        let tls = options.tls.settings()?;
        let client = CollectorClient { url: url.clone(), token: None, tls };
        client.get("/healthz", SILENCE_LIMIT).with_context(|| format!("{url} is not healthy"))?;
    }
    Ok(())
}
