//! TLS of senders and readers: one certificate, read again when its files change. A
//! file that cannot be read, or only half of a new pair, leaves the last good one in use.

mod certificate;
mod client_config;
mod client_kind;
mod client_verifier;
mod expiry;
mod files;
mod handshake;
mod handshake_thread;
mod options;
mod peer_rule;
mod provider;
mod server_verifier;
mod verified;

use crate::stats::Stats;
use crate::stderr::StderrLog;
use expiry::Expiry;
use files::Loaded;
use handshake_thread::HandshakeThread;
use rustls::ServerConfig;
use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use tokio::time::sleep;

pub use certificate::Fingerprint;
pub use client_config::{ForwardPin, ForwardTls, UnknownForwardPin};
pub use files::TlsError;
pub use options::{ClientCertificates, TlsIdentity, TlsOptions, TlsVersion};
pub use peer_rule::{PeerRule, UnknownPeerRule};

pub(crate) use client_kind::ClientKind;
pub(crate) use client_verifier::chain_words;
pub(crate) use files::unused_option;
pub(crate) use handshake::TlsClient;
pub(crate) use verified::VerifiedPeer;

/// Interval between checks that the files have not changed.
const CHECK: Duration = Duration::from_secs(60);

/// Different failures that are reported; beyond them, failures are only counted.
const REPORTED: usize = 256;

/// The collector's side of TLS.
pub(crate) struct Tls {
    options: TlsOptions,
    loaded: RwLock<Loaded>,
    sender_handshakes: HandshakeThread,
    reader_handshakes: HandshakeThread,
    watched: Mutex<Watched>,
    stats: Arc<Stats>,
    stderr: StderrLog,
}

#[derive(Default)]
struct Watched {
    files: Vec<Stamp>,
    /// The last failure to read them, so that it is reported once.
    failure: Option<String>,
    expiry: Expiry,
    /// Handshakes that failed, as reported.
    reported: HashSet<String>,
}

/// Changes when a file does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// When one cannot be read, or they do not fit together; when a thread cannot be started.
    pub(crate) fn open(
        options: TlsOptions,
        stderr: StderrLog,
        stats: Arc<Stats>,
    ) -> Result<Self, TlsError> {
        let files = stamps(&options);
        let loaded = RwLock::new(files::load(&options)?);
        let watched = Mutex::new(Watched { files, ..Watched::default() });
        let start = |name| HandshakeThread::start(name).map_err(TlsError::NoThread);
        let tls = Self {
            options,
            loaded,
            sender_handshakes: start("tls-senders")?,
            reader_handshakes: start("tls-readers")?,
            watched,
            stats,
            stderr,
        };
        if let Some(key) = tls.options.tls_key.as_deref().filter(|key| files::exposed(key)) {
            let key = key.display();
            stderr.log(format_args!("warning: everyone on this machine can read {key}"));
        }
        tls.warn_of_expiry();
        Ok(tls)
    }

    /// Reads the files again, whether they have changed or not.
    pub(crate) fn reload(&self) {
        let files = stamps(&self.options);
        let loaded = files::load(&self.options);
        let mut watched = self.watched();
        watched.files = files;
        match loaded {
            Ok(loaded) => {
                *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = loaded;
                self.stats.tls_reloads.add(1);
                watched.reported.clear();
                if watched.failure.take().is_some() {
                    self.stderr.log(format_args!("TLS files are read again"));
                }
            }
            Err(error) => {
                self.stats.tls_reloads_failed.add(1);
                let failure = crate::stderr::Chain(&error).to_string();
                if watched.failure.as_ref() != Some(&failure) {
                    self.stderr.log(format_args!(
                        "failed to reload TLS files, continuing with the previous ones: {failure}"
                    ));
                }
                watched.failure = Some(failure);
            }
        }
        drop(watched);
        self.warn_of_expiry();
    }

    /// Checks the files from time to time.
    pub(crate) async fn watch(&self) {
        loop {
            sleep(CHECK).await;
            self.check();
        }
    }

    /// Reads the files again if they have changed, and warns of the certificate's end.
    fn check(&self) {
        let changed = self.watched().files != stamps(&self.options);
        if changed {
            self.reload();
        } else {
            self.warn_of_expiry();
        }
    }

    fn warn_of_expiry(&self) {
        let left = self.left();
        let Some(warning) = self.watched().expiry.warning(left) else { return };
        let Some(path) = &self.options.tls_cert else { return };
        self.stderr.log(format_args!("warning: the certificate in {} {warning}", path.display()));
    }

    /// Time until the certificate expires.
    pub(crate) fn left(&self) -> Duration {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.loaded().certificate.left(now.as_secs())
    }

    fn config(&self, kind: ClientKind) -> Arc<ServerConfig> {
        match kind {
            ClientKind::Sender => self.loaded().senders.clone(),
            ClientKind::Reader => self.loaded().readers.clone(),
        }
    }

    /// The thread for handshakes of such clients: a flood of one kind does not delay the other.
    fn thread(&self, kind: ClientKind) -> &HandshakeThread {
        match kind {
            ClientKind::Sender => &self.sender_handshakes,
            ClientKind::Reader => &self.reader_handshakes,
        }
    }

    fn loaded(&self) -> std::sync::RwLockReadGuard<'_, Loaded> {
        self.loaded.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `true` if this failure is to be reported: once, and not beyond [`REPORTED`] different ones.
    fn is_new(&self, failure: String) -> bool {
        let reported = &mut self.watched().reported;
        reported.len() < REPORTED && reported.insert(failure)
    }
}

fn stamps(options: &TlsOptions) -> Vec<Stamp> {
    let single = [&options.tls_cert, &options.tls_key, &options.tls_client_ca];
    let all = single.into_iter().flatten().chain(&options.tls_crl);
    all.map(|path| Stamp::of(path).unwrap_or_default()).collect()
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let file = fs::metadata(path).ok()?;
        Some(Self { modified: file.modified().ok(), length: file.len(), inode: file.ino() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};
    use tempfile::tempdir;
    use tokio::time::timeout;

    fn issue(dir: &Path, kinds: &[&str]) {
        let key = KeyPair::generate().unwrap();
        let cert = CertificateParams::new(["localhost".into()]).unwrap().self_signed(&key).unwrap();
        for (kind, text) in [("pem", cert.pem()), ("key", key.serialize_pem())] {
            if kinds.contains(&kind) {
                // Renamed, because a clock of the file system has ticks in which both would fall.
                fs::write(dir.join("new"), text).unwrap();
                fs::rename(dir.join("new"), dir.join(kind)).unwrap();
            }
        }
    }

    fn open(dir: &Path, stats: &Arc<Stats>) -> Tls {
        let options = TlsOptions {
            tls_cert: Some(dir.join("pem")),
            tls_key: Some(dir.join("key")),
            ..TlsOptions::default()
        };
        Tls::open(options, StderrLog::default(), stats.clone()).unwrap()
    }

    /// The interval passes at once, as tokio's clock is paused.
    #[tokio::test(start_paused = true)]
    async fn changed_files_are_read_again_within_a_minute_and_unchanged_ones_are_not() {
        let dir = tempdir().unwrap();
        issue(dir.path(), &["pem", "key"]);
        let stats = Arc::<Stats>::default();
        let tls = open(dir.path(), &stats);
        let mut watching = std::pin::pin!(tls.watch());
        let first = tls.loaded().certificate.fingerprint;
        let _ = timeout(CHECK * 5, &mut watching).await;
        assert_eq!(stats.tls_reloads.get(), 0);
        issue(dir.path(), &["pem", "key"]);
        let _ = timeout(CHECK * 2, &mut watching).await;
        assert_eq!(stats.tls_reloads.get(), 1);
        let second = tls.loaded().certificate.fingerprint;
        assert_ne!(first, second);
        // Half of a pair is read once, not each minute.
        issue(dir.path(), &["pem"]);
        let _ = timeout(CHECK * 5, &mut watching).await;
        assert_eq!((stats.tls_reloads.get(), stats.tls_reloads_failed.get()), (1, 1));
        assert_eq!(tls.loaded().certificate.fingerprint, second);
    }
}
