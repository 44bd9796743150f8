//! `netlog health`: asks collectors if all is well, for the health checks of containers and monitors.

use crate::read::{CollectorClient, CollectorUrl};
use crate::tls::TlsOptions;
use anyhow::{Context, ensure};
use clap::Args;
use serde_json::Value;
use std::io::Read;
use std::time::Duration;

/// A collector answers this without waiting for its disk.
const SILENCE_LIMIT: Duration = Duration::from_secs(5);

/// The longest answer that is read.
const MAX_ANSWER: u64 = 64 << 10;

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
        let failed = || format!("{url} is not healthy");
        let body = client.request("GET", "/healthz", SILENCE_LIMIT).with_context(failed)?;
        let mut answer = Vec::new();
        body.take(MAX_ANSWER).read_to_end(&mut answer).with_context(failed)?;
        ensure!(is_healthy(&answer), "{url}: expected the answer of a collector's --http address");
    }
    Ok(())
}

/// Tells whether this is the answer of a collector that can write. Other servers have paths of this
/// name, too, and so has a collector's address of senders.
fn is_healthy(answer: &[u8]) -> bool {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    answer["healthy"] == true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_of_a_collector_is_healthy() {
        assert!(is_healthy(br#"{"healthy":true}"#));
        for other in ["", "ready\n", "<html>", "true", "[]", r#"{"healthy":"true"}"#] {
            assert!(!is_healthy(other.as_bytes()), "{other}");
        }
    }
}
