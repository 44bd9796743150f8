//! What shows a collector that we may look, or send. It is never on the command line, where everybody
//! on the machine could read it.

use clap::Args;
use std::error::Error;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct Token {
    /// The file with the token to show, where one is asked for [default: $NETLOG_TOKEN]
    #[arg(long, value_name = "PATH", env = "NETLOG_TOKEN_FILE")]
    token_file: Option<PathBuf>,
}

impl Token {
    /// The first token of the file, else that of the environment; `None` is none.
    ///
    /// # Errors
    ///
    /// When there is no token in the file, or what there is could not be one.
    pub(crate) fn read(&self) -> Result<Option<String>, Box<dyn Error>> {
        let Some(path) = &self.token_file else {
            let token = std::env::var("NETLOG_TOKEN").ok().filter(|token| !token.is_empty());
            return token.map(|token| checked(&token, "NETLOG_TOKEN")).transpose();
        };
        let name = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|e| format!("failed to read {name}: {e}"))?;
        let mut lines = text.lines().map(str::trim);
        let line = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
        checked(line.ok_or_else(|| format!("there is no token in {name}"))?, &name).map(Some)
    }
}

/// Only what can stand in a header.
fn checked(token: &str, from: &str) -> Result<String, Box<dyn Error>> {
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!("the token of {from} is none: printable characters only").into());
    }
    Ok(token.to_owned())
}
