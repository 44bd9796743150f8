//! `netlog token new`: draws a token and adds it to a collector's token file.

use crate::clock::now;
use crate::hex::hex;
use anyhow::{Context, bail};
use chrono::{Datelike, NaiveDate};
use clap::{Args, Subcommand};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// Length of a token in random bytes; twice as many hexadecimal digits.
const LENGTH: usize = 24;

#[derive(Subcommand)]
pub(crate) enum TokenCommand {
    /// Draw a token, add its hash to the token file and print it; it cannot be shown again
    New(NewToken),
}

#[derive(Args)]
pub(crate) struct NewToken {
    /// Name of the token, as the collector's messages show it
    #[arg(value_parser = token_name)]
    name: String,
    /// Token file of the collector, in TOML; created if it does not exist
    #[arg(long, value_name = "PATH", default_value = "tokens.toml")]
    file: PathBuf,
    /// Senders it may log as: 'app=PATTERN', 'host=PATTERN', 'app=PATTERN host=PATTERN', or all;
    /// repeat for alternatives
    #[arg(long, value_name = "SENDERS", value_parser = senders)]
    send: Vec<String>,
    /// Senders whose records it may read, in the same form
    #[arg(long, value_name = "SENDERS", value_parser = senders)]
    read: Vec<String>,
    /// Programs whose filters it may set, in the same form
    #[arg(long, value_name = "SENDERS", value_parser = senders)]
    control: Vec<String>,
    /// Let a collector that forwards the records of others show it
    #[arg(long)]
    relay: bool,
    /// Day in UTC from which the token is refused
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = |text: &str| expiry(text, now().date_naive()))]
    expires: Option<NaiveDate>,
}

pub(crate) fn run(command: &TokenCommand) -> anyhow::Result<()> {
    let TokenCommand::New(new) = command;
    if [&new.send, &new.read, &new.control].into_iter().all(Vec::is_empty) && !new.relay {
        bail!("a token needs a right: add --send, --read, --control or --relay");
    }
    let token = draw()?;
    add(new, &token)?;
    writeln!(io::stdout().lock(), "{token}").context("failed to print the token")?;
    Ok(())
}

fn draw() -> anyhow::Result<String> {
    let mut bytes = [0; LENGTH];
    let drawn = SystemRandom::new().fill(&mut bytes);
    drawn.ok().context("failed to draw random bytes")?;
    Ok(hex(&bytes))
}

/// Appends the token's table to the file, in one write.
fn add(new: &NewToken, token: &str) -> anyhow::Result<()> {
    let path = new.file.display();
    let before = match fs::read_to_string(&new.file) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        read => read.with_context(|| format!("failed to read {path}"))?,
    };
    let mut lines = before.lines().map(str::trim);
    let header = format!("[{}]", new.name);
    if before.lines().any(|line| line.trim() == header) {
        bail!("{path} has a token {} already: choose another name, or remove it", new.name);
    }
    if lines.find(|line| !is_comment(line)).is_some_and(|line| !line.starts_with('[')) {
        bail!("{path} has one token a line: put named tokens into a file of their own");
    }
    let mut text = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" }.to_owned();
    text.push_str(&new.table(token));
    let mut options = OpenOptions::new();
    let mut file = options
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&new.file)
        .with_context(|| format!("failed to open {path}"))?;
    file.write_all(text.as_bytes()).with_context(|| format!("failed to write {path}"))
}

fn is_comment(line: &str) -> bool {
    line.is_empty() || line.starts_with('#')
}

impl NewToken {
    fn table(&self, token: &str) -> String {
        let hash = hex(digest(&SHA256, token.as_bytes()).as_ref());
        let mut text = format!("[{}]\nsha256 = \"{hash}\"\n", self.name);
        let rights = [("send", &self.send), ("read", &self.read), ("control", &self.control)];
        for (key, senders) in rights {
            if senders.iter().any(|senders| senders == "all") {
                let _ = writeln!(text, "{key} = true");
            } else if !senders.is_empty() {
                // Nothing in a pattern needs an escape.
                let _ = writeln!(text, "{key} = [\"{}\"]", senders.join("\", \""));
            }
        }
        if self.relay {
            text.push_str("relay = true\n");
        }
        if let Some(date) = self.expires {
            let _ = writeln!(text, "expires = {date}");
        }
        text
    }
}

fn token_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if text.is_empty() || !text.chars().all(fits) {
        return Err("expected letters, digits, - and _".into());
    }
    Ok(text.to_owned())
}

/// Checks that the collector takes a pattern.
fn senders(text: &str) -> Result<String, String> {
    let invalid = |c: char| c.is_control() || c.is_whitespace() || c == '"' || c == '\\';
    let parts = text.split(' ').map(|word| word.split_once('=').unwrap_or_default());
    let parts: Vec<(&str, &str)> = parts.collect();
    let keys: Vec<&str> = parts.iter().map(|(key, _)| *key).collect();
    let known = matches!(keys[..], ["app"] | ["host"] | ["app", "host"] | ["host", "app"]);
    let valid = parts.iter().all(|(_, value)| !value.is_empty() && !value.contains(invalid));
    let fits = text == "all" || (known && valid);
    let expected = "expected 'app=PATTERN', 'host=PATTERN', both, or all";
    if fits { Ok(text.to_owned()) } else { Err(expected.into()) }
}

/// Reads a day on which the token is still valid when it is drawn `today`.
fn expiry(text: &str, today: NaiveDate) -> Result<NaiveDate, String> {
    let day = text.parse().ok().filter(|day: &NaiveDate| (0..=9999).contains(&day.year()));
    let day = day.ok_or("expected a day, such as 2027-06-30")?;
    if day > today { Ok(day) } else { Err(format!("expected a day after {today}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_the_hash_and_the_rights_of_the_token_and_not_the_token() {
        let new = NewToken {
            name: "orders".into(),
            file: PathBuf::new(),
            send: vec!["app=orders* host=web?".into(), "host=db1".into()],
            read: vec!["all".into()],
            control: vec!["app=orders".into()],
            relay: true,
            expires: NaiveDate::from_ymd_opt(2027, 1, 1),
        };
        let table = new.table("foo");
        let expected = "[orders]\nsha256 = \"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\"\n\
                        send = [\"app=orders* host=web?\", \"host=db1\"]\nread = true\ncontrol = [\"app=orders\"]\nrelay = true\nexpires = 2027-01-01\n";
        assert_eq!(table, expected);
    }

    #[test]
    fn what_the_collector_would_not_take_is_refused_here() {
        for good in ["all", "app=a*", "host=web?", "app=a host=b"] {
            assert_eq!(senders(good).as_deref(), Ok(good));
        }
        for bad in ["", "orders", "app=", "level=warn", "app=\"", "app=a  host=b"] {
            assert!(senders(bad).is_err(), "{bad}");
        }
        for bad in ["app=a app=b", "app=a host=b host=c", "app=a\tb", "app=a\u{7f}", "app=a\u{a0}b"]
        {
            assert!(senders(bad).is_err(), "{bad:?}");
        }
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let today = day("2026-11-22");
        assert_eq!(expiry("2026-11-23", today), Ok(day("2026-11-23")));
        for (bad, expected) in [
            ("2026-11-22", "expected a day after 2026-11-22"),
            ("2020-01-01", "expected a day after 2026-11-22"),
            ("+12026-01-01", "expected a day, such as 2027-06-30"),
            ("tomorrow", "expected a day, such as 2027-06-30"),
        ] {
            assert_eq!(expiry(bad, today).unwrap_err(), expected);
        }
        assert!(token_name("shop-1_a").is_ok() && token_name("a b").is_err());
    }
}
