//! The relay that `--forward-to` asks for.

use crate::error::{BindError, RunError};
use crate::forward::{ForwardEnd, ForwardTarget, Forwarding, report_lost};
use crate::hub::progress::Progress;
use crate::hub::submission::HubHandle;
use crate::intake::StreamReader;
use crate::layout::forwarded::Forwarded;
use crate::layout::stream_position::StreamPositionFile;
use crate::options::{Format, Options};
use crate::stats::Stats;
use crate::stderr::StderrLog;
use crate::tls::ForwardTls;
use std::future::pending;
use std::sync::Arc;
use std::{fs, io};

/// Checks that what is to be forwarded is kept in a file, and reads the token to show.
pub(super) fn check(options: &Options) -> Result<Option<String>, BindError> {
    let from = options.from.as_ref();
    let encrypted = options.forward_to.as_ref().is_some_and(ForwardTarget::is_tls)
        || from.is_some_and(|from| from.encrypted);
    if !encrypted && options.forward_tls != ForwardTls::default() {
        return Err(BindError::ForwardTls);
    }
    if from.is_some() && (options.file.is_none() || options.format != Format::Json) {
        return Err(BindError::FromWhat);
    }
    if options.forward_to.is_none() && from.is_none() {
        return Ok(None);
    }
    if encrypted {
        options.forward_tls.config().map_err(BindError::Tls)?;
    }
    let one = options.file.is_some() && options.template().is_none();
    if options.forward_to.is_some() && (!one || options.format != Format::Json) {
        return Err(BindError::ForwardWhat);
    }
    let Some(path) = &options.forward_token_file else { return Ok(None) };
    let failed = |cause| BindError::Tokens { path: path.clone(), cause };
    let text = fs::read_to_string(path).map_err(failed)?;
    let mut tokens = text.lines().map(str::trim);
    let token = tokens.find(|line| !line.is_empty() && !line.starts_with('#'));
    token
        .map(|token| Some(token.to_owned()))
        .ok_or_else(|| failed(io::ErrorKind::InvalidData.into()))
}

/// The reader that `--from` asks for.
pub(super) fn reader(
    options: &Options,
    token: Option<String>,
) -> Result<Option<StreamReader>, BindError> {
    let Some(target) = options.from.clone() else { return Ok(None) };
    let path = options.file.clone().unwrap_or_default();
    let file = StreamPositionFile::of(&path);
    let failed = |cause| BindError::From { path: file.path.clone(), cause };
    let position = file.read().map_err(failed)?;
    Ok(Some(StreamReader {
        target,
        tls: options.forward_tls.clone(),
        options: options.nats.clone(),
        token,
        file,
        position,
        host: host(),
    }))
}

/// Task of the relay, and the state that it shares.
pub(super) struct Relay {
    pub(super) target: ForwardTarget,
    pub(super) token: Option<String>,
    pub(super) forwarded: Arc<Forwarded>,
}

impl Relay {
    /// Starts its thread.
    pub(super) fn start(
        &self,
        options: &Options,
        progress: Arc<Progress>,
        stats: Arc<Stats>,
    ) -> Result<ForwardEnd, RunError> {
        let forwarding = Forwarding {
            target: self.target.clone(),
            tls: options.forward_tls.clone(),
            nats: options.nats.clone(),
            host: host(),
            token: self.token.clone(),
            log: options.file.clone().unwrap_or_default(),
            forwarded: self.forwarded.clone(),
            progress,
            stats,
            stderr: StderrLog { verbose: options.verbose },
        };
        forwarding.start().map_err(RunError::Serve)
    }
}

/// Reports in the stream what was removed before it was forwarded, for as long as it is waited for.
pub(super) async fn report(relay: Option<&Relay>, hub: HubHandle) {
    match relay {
        Some(Relay { target, forwarded, .. }) => {
            report_lost(forwarded.clone(), target.clone(), host(), hub).await;
        }
        None => drop(hub),
    }
    pending().await
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
