//! `netlog cert`: a CA, and the certificates that it issues for a collector and its clients.

mod authority;
mod pair_files;
mod revocation_list;

use crate::clock::now;
use anyhow::{Context, bail};
use authority::{Authority, Purpose, Request};
use clap::Args;
use netlog_wire::push_sanitized;
use pair_files::PairFiles;
use revocation_list::RevocationList;
use rustix::system::uname;
use rustls::pki_types::DnsName;
use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::PathBuf;

/// Days between the issue of the CA's certificate and its end.
const CA_DAYS: u32 = 3650;

#[derive(Args)]
pub(crate) struct CertOptions {
    /// Directory of the files; a CA is made in it unless it has one
    directory: PathBuf,
    /// Names and addresses by which clients reach the collector
    host: Vec<String>,
    /// Make NAME.pem and NAME.key for the machine NAME; repeat for several [default: client.pem and
    /// client.key for this machine]
    #[arg(long, value_name = "NAME")]
    client: Vec<String>,
    /// Days until the certificates expire; the CA's lasts ten years
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = parse_days)]
    days: u32,
    /// Replace existing certificates; the CA stays
    #[arg(long)]
    renew: bool,
    /// Add the certificate in NAME.pem to the revocation list, crl.pem; repeat for several
    #[arg(long, value_name = "NAME", conflicts_with_all = ["host", "client", "renew"])]
    revoke: Vec<String>,
}

pub(crate) fn run(options: &CertOptions) -> anyhow::Result<()> {
    if !options.revoke.is_empty() {
        return options.revoke();
    }
    let wanted = options.wanted()?;
    let directory = &options.directory;
    let named = || format!("failed to create {}", directory.display());
    fs::create_dir_all(directory).with_context(named)?;
    let existing: Vec<String> = wanted.iter().flat_map(|(files, _)| files.existing()).collect();
    if !existing.is_empty() && !options.renew {
        bail!("there is already {}; --renew replaces what exists", existing.join(", "));
    }
    let ca = PairFiles::new(directory, "ca");
    let authority = match ca.existing().is_empty() {
        true => Authority::create(&ca, CA_DAYS)?,
        false => Authority::open(&ca)?,
    };
    let list = RevocationList::open(directory, &authority)?;
    if list.is_new() {
        list.write(&authority)?;
    }
    print(&format!("{}: trusted by clients; copy it to them", authority.certificate.display()));
    print(&format!("{}: issues certificates; no program needs it", authority.key.display()));
    for (files, request) in wanted {
        let issued = authority.issue(&request)?;
        files.write(&issued)?;
        print(&format!(
            "{}, {}: {}, until {}, {}",
            files.certificate.display(),
            files.key.display(),
            request.purpose.describe(&request.names),
            issued.end,
            issued.fingerprint,
        ));
    }
    print_advice(options);
    Ok(())
}

impl CertOptions {
    /// Revokes certificates of this directory's CA.
    fn revoke(&self) -> anyhow::Result<()> {
        let authority = Authority::open(&PairFiles::new(&self.directory, "ca"))?;
        let mut list = RevocationList::open(&self.directory, &authority)?;
        for name in &self.revoke {
            check_client_name(name)?;
            list.add(&PairFiles::new(&self.directory, name).certificate, &authority)?;
        }
        list.write(&authority)?;
        let path = list.path.display();
        let count = list.len();
        print(&format!(
            "{path}: revokes {count} in all; the collector reads it by --tls-crl {path}"
        ));
        Ok(())
    }

    /// The certificates to issue, with their files.
    fn wanted(&self) -> anyhow::Result<Vec<(PairFiles, Request)>> {
        if self.host.is_empty() && self.client.is_empty() {
            bail!("expected the HOST of a collector, or --client NAME");
        }
        let request = |purpose, names| Request { purpose, names, days: self.days, from: now() };
        let mut wanted = Vec::new();
        if !self.host.is_empty() {
            self.host.iter().try_for_each(|host| check_host(host))?;
            let files = PairFiles::new(&self.directory, "server");
            wanted.push((files, request(Purpose::Server, self.host.clone())));
        }
        for name in &self.client {
            check_client_name(name)?;
            let files = PairFiles::new(&self.directory, name);
            wanted.push((files, request(Purpose::Client, vec![name.clone()])));
        }
        if self.client.is_empty() {
            let files = PairFiles::new(&self.directory, "client");
            wanted.push((files, request(Purpose::Client, vec![this_machine()])));
        }
        Ok(wanted)
    }
}

fn parse_days(text: &str) -> Result<u32, &'static str> {
    let days = text.parse().ok().filter(|days| (1..=3650).contains(days));
    days.ok_or("expected a number from 1 to 3650")
}

/// Checks that clients can find the name in a certificate. The first label may be a wildcard.
fn check_host(host: &str) -> anyhow::Result<()> {
    let name = host.strip_prefix("*.").unwrap_or(host);
    let is_name = DnsName::try_from(name).is_ok() && !name.ends_with('.');
    if !is_name && host.parse::<IpAddr>().is_err() {
        bail!("invalid host {host:?}: expected a host name or address, without a port");
    }
    Ok(())
}

fn check_client_name(name: &str) -> anyhow::Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.starts_with(['.', '-']) || !name.chars().all(allowed) {
        bail!("invalid client name {name:?}: expected letters, digits, hyphens and dots");
    }
    if ["ca", "crl", "server"].contains(&name) {
        bail!("invalid client name {name:?}: {name}.pem is another file");
    }
    Ok(())
}

fn this_machine() -> String {
    let name = uname().nodename().to_string_lossy().into_owned();
    if check_client_name(&name).is_ok() { name } else { "client".into() }
}

/// The command lines that use the files.
fn print_advice(options: &CertOptions) {
    let directory = options.directory.display();
    if let Some(host) = options.host.first() {
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        print("");
        print(&format!(
            "collector: netlog-collector --listen tls://0.0.0.0:6514 --tls-cert {directory}/server.pem \
             --tls-key {directory}/server.key"
        ));
        print(&format!(
            "           with --tls-client-ca {directory}/ca.pem --tls-crl {directory}/crl.pem, clients \
             need a certificate that is not revoked"
        ));
        print(&format!("programs:  NETLOG_CA={directory}/ca.pem, address tls://{host}:6514"));
    }
    let name = options.client.first().map_or("client", String::as_str);
    print(&format!(
        "           NETLOG_CERT={directory}/{name}.pem NETLOG_KEY={directory}/{name}.key to show \
         a certificate"
    ));
}

fn print(text: &str) {
    let mut line = Vec::new();
    push_sanitized(&mut line, text);
    line.push(b'\n');
    // The files are written, whether anybody reads this or not.
    let _ = io::stdout().write_all(&line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_a_number_within_the_life_of_the_ca() {
        assert_eq!((parse_days("1"), parse_days("3650")), (Ok(1), Ok(3650)));
        for bad in ["0", "3651", "x", "", "-1", "99999999999"] {
            assert_eq!(parse_days(bad), Err("expected a number from 1 to 3650"), "{bad}");
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address_alone() {
        for good in ["localhost", "logs.example.com", "*.example.com", "web_1", "127.0.0.1", "::1"]
        {
            assert!(check_host(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            " ",
            "logs.example.com:6514",
            "127.0.0.1:6514",
            "[::1]",
            "tls://logs.example.com",
            "logs example.com",
            "logs.example.com.",
            "*",
            "b\u{fc}ro.example.com",
        ] {
            let error = check_host(bad).unwrap_err().to_string();
            assert!(error.ends_with("expected a host name or address, without a port"), "{error}");
        }
    }
}
