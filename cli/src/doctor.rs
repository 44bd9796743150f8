//! `netlog doctor`: asks collectors, and looks at the spools of this machine, and says where records
//! wait, since when, and what to do.

mod diagnosis;
mod finding;
mod spools;
mod words;

use crate::read::{CollectorClient, CollectorUrl, RequestError, parse_period};
use crate::tls::TlsOptions;
use crate::token::TokenOption;
use anyhow::Context;
use clap::{Args, ValueEnum};
use diagnosis::{Diagnosis, is_reading, sequence};
use finding::{Finding, Subject, Verdict};
use netlog_wire::push_sanitized;
use serde_json::Value;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

/// A collector answers as soon as its disk does.
const SILENCE_LIMIT: Duration = Duration::from_secs(10);

/// The longest status that is read.
const MAX_STATUS: u64 = 1 << 20;

/// Time in which a reader of a stream goes on.
const MOMENT: Duration = Duration::from_secs(1);

const EARLIER_VERSION: &str = "it is of a version without /status: upgrade it";
const UNREACHABLE: &str =
    "see if it runs, and if --http is an address that can be reached from here";
const REFUSED: &str = "the answer says why; a token needs the right to read";

#[derive(Args)]
pub(crate) struct DoctorOptions {
    /// Address of the collector's HTTP API; repeat for several collectors, such as those of all sites
    /// and the one that they forward to
    #[arg(long, value_name = "URL", default_value = "http://localhost:1903", env = "NETLOG_AT")]
    #[arg(value_delimiter = ',')]
    at: Vec<CollectorUrl>,
    /// Time for which records may wait before that counts as a problem
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = parse_period)]
    max_wait: i64,
    /// Directory of the spools of this machine [default: $NETLOG_SPOOL, else /dev/shm/netlog-UID]
    #[arg(long, value_name = "DIRECTORY")]
    spools: Option<PathBuf>,
    /// Form of the findings
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: FindingsFormat,
    #[command(flatten)]
    token: TokenOption,
    #[command(flatten)]
    tls: TlsOptions,
}

/// The form of the findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FindingsFormat {
    /// Lines for people
    Text,
    /// One JSON object for each finding
    Json,
}

/// Prints the findings. The exit code is that of the worst one.
pub(crate) fn run(options: &DoctorOptions) -> anyhow::Result<ExitCode> {
    let token = options.token.read()?;
    let mut findings = Vec::new();
    for url in &options.at {
        let tls = options.tls.settings()?;
        let client = CollectorClient { url: url.clone(), token: token.clone(), tls };
        findings.extend(examine(&client, options.max_wait));
    }
    findings.extend(spools::findings(options.spools.as_deref()));
    options.print(&findings).context("failed to write to stdout")?;
    let worst = findings.iter().map(|finding| finding.verdict).max();
    Ok(match worst {
        Some(Verdict::Unknown) => ExitCode::from(2),
        Some(Verdict::Problem) => ExitCode::from(1),
        _ => ExitCode::SUCCESS,
    })
}

impl DoctorOptions {
    fn print(&self, findings: &[Finding]) -> io::Result<()> {
        let mut out = Vec::new();
        for finding in findings {
            match self.output {
                FindingsFormat::Text => {
                    for line in finding.text().lines() {
                        push_sanitized(&mut out, line);
                        out.push(b'\n');
                    }
                }
                FindingsFormat::Json => {
                    out.extend_from_slice(format!("{}\n", finding.json()).as_bytes());
                }
            }
        }
        match io::stdout().write_all(&out) {
            // The exit code says as much, whether anybody reads this or not.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }
}

fn examine(client: &CollectorClient, max_wait: i64) -> Vec<Finding> {
    let at = client.url.to_string();
    let examined = ask(client).and_then(|status| {
        if !is_reading(&status) {
            return Ok((status, None));
        }
        let before = sequence(&status);
        thread::sleep(MOMENT);
        Ok((ask(client)?, before))
    });
    match examined {
        Ok((status, before)) => Diagnosis { at: &at, status: &status, before, max_wait }.findings(),
        Err(error) => vec![unasked(&at, &error)],
    }
}

fn ask(client: &CollectorClient) -> Result<Value, RequestError> {
    let body = client.request("GET", "/status", SILENCE_LIMIT)?;
    let mut text = Vec::new();
    body.take(MAX_STATUS).read_to_end(&mut text)?;
    let status: Option<Value> = serde_json::from_slice(&text).ok();
    let status = status.filter(|status| status["version"].is_string());
    status.ok_or_else(|| io::Error::other("it is not a collector").into())
}

/// The finding about a collector that gave no status.
fn unasked(at: &str, error: &RequestError) -> Finding {
    let words = error.to_string();
    let advice = match error {
        RequestError::Rejected(_) if words.starts_with("nothing at /status") => EARLIER_VERSION,
        RequestError::Rejected(_) => REFUSED,
        RequestError::Unavailable(_) | RequestError::Io(_) => UNREACHABLE,
    };
    let message = format!("cannot be asked: {words}");
    Finding::new(Verdict::Unknown, at, Subject::Collector, message).advise(advice)
}
