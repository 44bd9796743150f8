//! The options of NATS; the doc comments are the help text.

use crate::error::BindError;
use crate::units::{Period, Size};
use async_nats::ConnectOptions;
use clap::Args;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// Long enough for a reader to be repaired over a weekend and a holiday.
const AGE: Period = Period(Duration::from_secs(7 * 86_400));

/// Reads the number of copies: an even one survives no more failures than the odd one below.
fn replicas(text: &str) -> Result<u8, &'static str> {
    match text {
        "1" => Ok(1),
        "3" => Ok(3),
        "5" => Ok(5),
        _ => Err("expected 1, 3 or 5"),
    }
}

/// Everything that `nats://` addresses need.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "NATS JetStream")]
pub struct NatsOptions {
    /// File with the credentials for NATS servers, a JWT and its key, as `nsc` makes it.
    #[arg(long, env = "NETLOG_NATS_CREDS", value_name = "PATH", conflicts_with = "nats_nkey")]
    pub nats_creds: Option<PathBuf>,

    /// File with the seed of the NKEY for NATS servers, which begins with SU.
    #[arg(long, env = "NETLOG_NATS_NKEY", value_name = "PATH")]
    pub nats_nkey: Option<PathBuf>,

    /// Number of servers that keep a copy of the stream, if --forward-to makes it: 1, 3 or 5.
    #[arg(long, env = "NETLOG_NATS_REPLICAS", value_name = "N", default_value_t = 1)]
    #[arg(value_parser = replicas)]
    pub nats_replicas: u8,

    /// Age at which the stream removes records, if --forward-to makes it; 0 keeps all.
    #[arg(long, env = "NETLOG_NATS_MAX_AGE", value_name = "TIME", default_value_t = AGE)]
    pub nats_max_age: Period,

    /// Maximum bytes of the stream, if --forward-to makes it; the oldest are removed; 0 has no
    /// limit.
    #[arg(long, env = "NETLOG_NATS_MAX_BYTES", value_name = "SIZE", default_value_t = Size(0))]
    pub nats_max_bytes: Size,
}

impl NatsOptions {
    /// Checks the files. They are read again for each connection.
    pub(crate) fn check(&self) -> Result<(), BindError> {
        let read = |path: &PathBuf| {
            let failed = |cause| BindError::NatsFile { path: path.clone(), cause };
            fs::read_to_string(path).map_err(failed)
        };
        self.nats_nkey.as_ref().map(read).transpose()?;
        let Some(path) = &self.nats_creds else { return Ok(()) };
        let failed = |cause| BindError::NatsFile { path: path.clone(), cause };
        ConnectOptions::with_credentials(&read(path)?).map(drop).map_err(failed)
    }
}

impl Default for NatsOptions {
    fn default() -> Self {
        Self {
            nats_creds: None,
            nats_nkey: None,
            nats_replicas: 1,
            nats_max_age: AGE,
            nats_max_bytes: Size(0),
        }
    }
}
