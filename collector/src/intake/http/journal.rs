//! Uploads of systemd-journal-upload (`POST /upload`): read while they come, since one may be as long
//! as a journal. The cursor of an entry numbers it, so that one that comes again is not kept twice.

use super::body::{BodyError, next_frame};
use super::refusal::HttpRefusal;
use crate::clock::now;
use crate::decode::journal::{JournalEntry, JournalReader};
use crate::decode::record_limits::shorten;
use crate::hub::line_run::{LineRun, Source};
use crate::intake::body_budget::NoRoom;
use crate::intake::submitter::Submitter;
use crate::intake::unpack::ZSTD_WINDOW;
use crate::senders::grant::Grant;
use crate::senders::identity::{Sender, SenderId};
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap};
use netlog_wire::Identity;
use std::mem::take;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use zstd::stream::raw::{DParameter, Decoder, Operation};

/// The app of a journal as a whole: where each app has a file of its own, a journal is in one.
const APP: &str = "journal";

/// Bytes of records that are handed to the hub at once.
const HAND_OVER: usize = 64 << 10;

/// Bytes that are unpacked at once.
const PIECE: usize = 32 << 10;

/// Ratio of an upload's length to its compressed one that is not exceeded beyond [`FREE`] bytes.
const RATIO: u64 = 200;
const FREE: u64 = 256 << 10;

/// True for a request that uploads a journal.
pub(super) fn is_upload(path: &str, headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    path.trim_end_matches('/') == "/upload"
        && kind.is_some_and(|kind| kind.starts_with("application/vnd.fdo.journal"))
}

/// An upload, as far as it has come.
pub(super) struct JournalUpload<'a> {
    submitter: &'a Submitter<'a>,
    grant: Option<Arc<Grant>>,
    limit: Duration,
    reader: JournalReader,
    /// Of the entries that came last.
    sender: Option<Arc<Sender>>,
    runs: Vec<LineRun>,
}

impl<'a> JournalUpload<'a> {
    /// Waits for room at most `limit`.
    pub(super) fn new(
        submitter: &'a Submitter<'a>,
        grant: Option<Arc<Grant>>,
        limit: Duration,
    ) -> Self {
        let reader = JournalReader::new(submitter.shared.limits.max_line);
        Self { submitter, grant, limit, reader, sender: None, runs: Vec::new() }
    }

    /// Takes all entries of a body; comes back when they are in the sinks.
    ///
    /// # Errors
    ///
    /// When it is not in the format, does not come in time, or there is no room. The entries before
    /// may have been taken.
    pub(super) async fn take(
        &mut self,
        headers: &HeaderMap,
        body: &mut Incoming,
    ) -> Result<(), HttpRefusal> {
        let mut zstd = match headers.get(header::CONTENT_ENCODING).map(|value| value.as_bytes()) {
            None | Some(b"identity" | b"") => None,
            Some(b"zstd") => Some(JournalUnpacker::new()?),
            Some(_) => return Err(BodyError::UnknownEncoding.into()),
        };
        let bodies = self.submitter.shared.limits.bodies.share(self.submitter.peer);
        let window = zstd.as_ref().map(|_| bodies.try_acquire(1 << ZSTD_WINDOW));
        let _window = window.transpose().map_err(|NoRoom| HttpRefusal::busy())?;
        while let Some(frame) = next_frame(body).await? {
            let Ok(part) = frame.into_data() else { continue };
            self.submitter.shared.stats.bytes_in.add(part.len() as u64);
            match &mut zstd {
                None => self.read(&part).await?,
                Some(zstd) => {
                    let mut rest = &part[..];
                    while let Some(piece) = zstd.next(&mut rest)? {
                        self.read(piece).await?;
                    }
                }
            }
            self.give().await?;
        }
        if self.reader.pending() {
            return Err(malformed());
        }
        Ok(self.submitter.settled(self.limit).await?)
    }

    async fn read(&mut self, mut bytes: &[u8]) -> Result<(), HttpRefusal> {
        while let Some(entry) = self.reader.next(&mut bytes).map_err(|_| malformed())? {
            self.add(entry)?;
            if self.runs.iter().map(|run| run.lines.len()).sum::<usize>() >= HAND_OVER {
                self.give().await?;
            }
        }
        Ok(())
    }

    fn add(&mut self, entry: JournalEntry) -> Result<(), HttpRefusal> {
        let position = entry.position();
        let Some(mut record) = entry.into_record(now()) else { return Ok(()) };
        shorten(&mut record, self.submitter.shared.limits.max_line);
        let identity = self.submitter.origin.identity(take(&mut record.claims));
        if let Some(grant) = &self.grant {
            let checked = grant.check_sending(&identity);
            checked.map_err(|words| HttpRefusal::new(StatusCode::FORBIDDEN, words))?;
        }
        let Some(position) = position else {
            if !matches!(self.runs.last(), Some(LineRun { source: Source::Plain, .. })) {
                self.runs.push(LineRun::new(Source::Plain, 1, 0));
            }
            self.push(&record, &identity);
            return Ok(());
        };
        let sender = self.sender(SenderId(position.sequence), &identity)?;
        let follows = self.runs.last().is_some_and(|run| match &run.source {
            Source::Netlog(last) => {
                last.id == sender.id && run.first + run.count == position.number
            }
            _ => false,
        });
        if !follows {
            self.runs.push(LineRun::new(Source::Netlog(sender), position.number, 0));
        }
        self.push(&record, &identity);
        Ok(())
    }

    fn push(&mut self, record: &netlog_wire::Record<'_>, identity: &Identity) {
        if let Some(run) = self.runs.last_mut() {
            run.record(record, identity);
        }
    }

    /// The sender that a journal is.
    ///
    /// # Errors
    ///
    /// When its id belongs to another token or certificate.
    fn sender(&mut self, id: SenderId, identity: &Identity) -> Result<Arc<Sender>, HttpRefusal> {
        if let Some(sender) = self.sender.as_ref().filter(|sender| sender.id == id) {
            return Ok(sender.clone());
        }
        let identity = Identity { app: Some(APP.into()), pid: None, ..identity.clone() };
        let mut sender = Sender::new(id, identity, false);
        sender.owner = match &self.grant {
            Some(grant) => grant.owner(),
            None => self.submitter.origin.owner(),
        };
        let unnamed = self.grant.as_ref().is_some_and(|grant| grant.unnamed);
        let owners = self.submitter.shared.owners().filter(|_| !unnamed);
        if owners.is_some_and(|marks| !marks.may_speak(id, sender.owner)) {
            let reason = "this journal belongs to another token or certificate";
            return Err(HttpRefusal::new(StatusCode::FORBIDDEN, reason));
        }
        Ok(self.sender.insert(Arc::new(sender)).clone())
    }

    async fn give(&mut self) -> Result<(), HttpRefusal> {
        let runs = take(&mut self.runs);
        let bytes = runs.iter().map(|run| run.lines.capacity()).sum();
        let count = runs.iter().map(|run| run.count).sum();
        match timeout(self.limit, self.submitter.shared.hub.reserve(bytes)).await {
            Ok(Ok(room)) => {
                self.submitter.shared.stats.records_journal.add(count);
                self.submitter.shared.hub.give(runs, room);
                Ok(())
            }
            _ => Err(HttpRefusal::busy()),
        }
    }
}

fn malformed() -> HttpRefusal {
    HttpRefusal::new(StatusCode::BAD_REQUEST, "the body is not in the journal's export format")
}

/// Unpacks an upload a piece at a time.
struct JournalUnpacker {
    decoder: Decoder<'static>,
    piece: Vec<u8>,
    packed: u64,
    unpacked: u64,
}

impl JournalUnpacker {
    fn new() -> Result<Self, BodyError> {
        let mut decoder = Decoder::new().map_err(|_| BodyError::Corrupt)?;
        let window = DParameter::WindowLogMax(ZSTD_WINDOW);
        decoder.set_parameter(window).map_err(|_| BodyError::Corrupt)?;
        Ok(Self { decoder, piece: vec![0; PIECE], packed: 0, unpacked: 0 })
    }

    /// The next piece; takes what it comes from off `packed`.
    fn next(&mut self, packed: &mut &[u8]) -> Result<Option<&[u8]>, BodyError> {
        let status = self.decoder.run_on_buffers(packed, &mut self.piece);
        let status = status.map_err(|_| BodyError::Corrupt)?;
        *packed = &packed[status.bytes_read..];
        self.packed += status.bytes_read as u64;
        self.unpacked += status.bytes_written as u64;
        if self.unpacked > FREE.max(self.packed * RATIO) {
            return Err(BodyError::TooLarge);
        }
        match status.bytes_read + status.bytes_written {
            0 => Ok(None),
            _ => Ok(Some(&self.piece[..status.bytes_written])),
        }
    }
}
