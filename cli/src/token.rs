//! The token shown to a collector. It is never on the command line, where every user of the machine
//! could read it.

use anyhow::{Context, bail};
use clap::Args;
use std::env;
use std::fs;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct TokenOption {
    /// File whose first token is shown to the collector [default: $NETLOG_TOKEN]
    #[arg(long, value_name = "PATH", env = "NETLOG_TOKEN_FILE")]
    token_file: Option<PathBuf>,
}

impl TokenOption {
    /// Reads the first token of the file, else that of the environment, if there is one.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or has no token, or the token could not stand in a header.
    pub(crate) fn read(&self) -> anyhow::Result<Option<String>> {
        let Some(path) = &self.token_file else {
            let token = env::var("NETLOG_TOKEN").ok().filter(|token| !token.is_empty());
            return token.map(|token| checked(&token, "NETLOG_TOKEN")).transpose();
        };
        let name = path.display().to_string();
        let text = fs::read_to_string(path).with_context(|| format!("failed to read {name}"))?;
        let mut lines = text.lines().map(str::trim);
        let line = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
        checked(line.with_context(|| format!("{name} contains no token"))?, &name).map(Some)
    }
}

fn checked(token: &str, origin: &str) -> anyhow::Result<String> {
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        bail!("invalid token in {origin}: expected printable ASCII characters without spaces");
    }
    Ok(token.to_owned())
}
