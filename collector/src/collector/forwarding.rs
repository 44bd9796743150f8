//! The relay that `--forward-to` asks for.

use crate::clock::now;
use crate::error::{BindError, RunError};
use crate::forward::{ForwardEnd, ForwardTarget, Forwarding, report_lost};
use crate::hub::held_acks::HeldAcks;
use crate::hub::progress::{End, Progress};
use crate::hub::submission::HubHandle;
use crate::intake::StreamReader;
use crate::layout::forwarded::{ForwardPlace, Forwarded};
use crate::layout::stream_position::StreamPositionFile;
use crate::link_state::LinkState;
use crate::options::{AckPlace, Format, Options};
use crate::read::{ForwardStatus, ReaderStatus, StatusSources};
use crate::senders::grant::Scope;
use crate::stats::Stats;
use crate::stderr::StderrLog;
use crate::tls::ForwardTls;
use crate::write_times::WriteTimes;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};
use tokio::time::sleep;

/// Interval between the times that are remembered.
const REMEMBER: Duration = Duration::from_secs(1);

/// Checks that what is to be forwarded is kept in a file, and reads the token to show.
pub(super) fn check(options: &Options) -> Result<Option<String>, BindError> {
    let from = options.from.as_ref();
    let encrypted = options.forward_to.as_ref().is_some_and(ForwardTarget::is_tls)
        || from.is_some_and(|from| from.encrypted);
    if !encrypted && options.forward_tls != ForwardTls::default() {
        return Err(BindError::ForwardTls);
    }
    if options.ack == AckPlace::Both && options.forward_to.is_none() {
        return Err(BindError::AckWhat);
    }
    if from.is_none() && !options.only.is_empty() {
        return Err(BindError::OnlyWhat);
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
    if from.is_some() || options.forward_to.as_ref().is_some_and(|to| to.nats().is_some()) {
        options.nats.check()?;
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
        tls: options.forward_tls.clone(),
        link: Arc::new(LinkState::new(target.to_string())),
        lag: Arc::default(),
        target,
        options: options.nats.clone(),
        only: Scope::of(&options.only),
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
    /// With `--ack both`.
    pub(super) held_acks: Option<Arc<HeldAcks>>,
    link: Arc<LinkState>,
    times: Arc<WriteTimes>,
}

impl Relay {
    /// The relay that `options` ask for, of a log that ends at `end`.
    pub(super) fn of(
        options: &Options,
        token: Option<String>,
        forwarded: Option<Arc<Forwarded>>,
        end: End,
    ) -> Option<Self> {
        let forwarded = forwarded?;
        let target = options.forward_to.clone()?;
        let opened = ForwardPlace { generation: end.generation, offset: end.len };
        let both = options.ack == AckPlace::Both;
        let held_acks = both.then(|| Arc::new(HeldAcks::new(forwarded.clone(), opened)));
        let link = Arc::new(LinkState::new(target.to_string()));
        let times = Arc::new(WriteTimes::new(now()));
        Some(Self { target, token, forwarded, held_acks, link, times })
    }

    /// Lets nobody wait for acks any more.
    pub(super) fn give_up_acks(&self) {
        if let Some(held) = &self.held_acks {
            held.give_up();
        }
    }

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
            link: self.link.clone(),
            held_acks: self.held_acks.clone(),
            progress,
            stats,
            stderr: StderrLog { verbose: options.verbose },
        };
        forwarding.start().map_err(RunError::Serve)
    }
}

/// Reports in the stream what was removed before it was forwarded, for as long as it is waited for.
pub(super) async fn report(relay: Option<&Relay>, hub: HubHandle, stats: Arc<Stats>) {
    match relay {
        Some(Relay { target, forwarded, times, .. }) => {
            tokio::select! {
                () = report_lost(forwarded.clone(), target.clone(), host(), hub) => {}
                () = remember(times, &stats) => {}
            }
        }
        None => drop(hub),
    }
    pending().await
}

/// Remembers when how much was written.
async fn remember(times: &WriteTimes, stats: &Stats) {
    loop {
        times.add(now(), stats.bytes_written.get());
        sleep(REMEMBER).await;
    }
}

/// Everything that `/status` reports of other collectors and streams.
pub(super) fn status(relay: Option<&Relay>, reader: Option<&StreamReader>) -> StatusSources {
    let forward = relay.map(|relay| ForwardStatus {
        link: relay.link.clone(),
        forwarded: relay.forwarded.clone(),
        times: relay.times.clone(),
    });
    let reader =
        reader.map(|reader| ReaderStatus { link: reader.link.clone(), lag: reader.lag.clone() });
    StatusSources { host: host(), started: now(), forward, reader }
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
