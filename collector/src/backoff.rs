//! Pauses between attempts to reach another collector or a stream, and the words about them.

use crate::link_state::LinkState;
use crate::stderr::{Chain, StderrLog};
use crate::tls::chain_words;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::error::Elapsed;

const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The state of the connection, as far as it is reported: once when it is lost, and once when it is
/// back.
#[derive(Debug)]
pub(crate) struct Backoff {
    attempt: Attempt,
    link: Arc<LinkState>,
    stderr: StderrLog,
    pause: Duration,
    failing: Option<Failing>,
}

/// The words for what is attempted.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// As in "failed to".
    pub(crate) plain: String,
    /// As in "again after".
    pub(crate) going_on: String,
}

#[derive(Debug)]
struct Failing {
    since: Instant,
    words: String,
}

impl Backoff {
    pub(crate) fn new(attempt: Attempt, link: Arc<LinkState>, stderr: StderrLog) -> Self {
        Self { attempt, link, stderr, pause: PAUSE_MIN, failing: None }
    }

    /// Takes note of a failure, and returns the pause before the next attempt.
    pub(crate) fn failed(&mut self, error: &io::Error) -> Duration {
        let words = words(error);
        self.link.failed(&words);
        // A refusal after a lost connection is worth a line of its own, repetitions are not.
        if self.failing.as_ref().is_none_or(|failing| failing.words != words) {
            let attempt = &self.attempt.plain;
            self.stderr.log(format_args!("failed to {attempt}: {words}, will go on trying"));
        }
        let since = self.failing.as_ref().map_or_else(Instant::now, |failing| failing.since);
        self.failing = Some(Failing { since, words });
        let pause = self.pause;
        self.pause = (pause * 2).min(PAUSE_MAX);
        pause
    }

    /// Takes note that the other side has accepted the connection.
    pub(crate) fn connected(&self) {
        self.link.connected();
    }

    /// Takes note that a batch was acknowledged.
    pub(crate) fn succeeded(&mut self) {
        self.pause = PAUSE_MIN;
        if let Some(failing) = self.failing.take() {
            let seconds = failing.since.elapsed().as_secs_f32();
            let attempt = &self.attempt.going_on;
            self.stderr.log(format_args!("{attempt} again after {seconds:.1} s"));
        }
    }
}

/// The failure in words; rustls shows a certificate that is not trusted as its structure.
pub(crate) fn words(error: &io::Error) -> String {
    if let Some(tls) = cause::<rustls::Error>(error) {
        return chain_words(tls);
    }
    match cause::<Elapsed>(error) {
        Some(_) => "no answer in time".into(),
        None => Chain(error).to_string(),
    }
}

/// The error of this type below `error`, in whatever it is wrapped.
fn cause<T: Error + 'static>(error: &io::Error) -> Option<&T> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error.get_ref()?);
    while let Some(current) = cause {
        if let Some(found) = current.downcast_ref() {
            return Some(found);
        }
        if let Some(error) = current.downcast_ref() {
            return self::cause(error);
        }
        cause = current.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{CertificateError, Error as TlsError, OtherError};
    use std::sync::Arc;

    /// As a client of NATS wraps what went wrong.
    #[derive(Debug, thiserror::Error)]
    #[error("the connection failed")]
    struct ClientError(#[source] io::Error);

    /// As that client says that a time is over.
    #[derive(Debug, thiserror::Error)]
    #[error("timed out: {0}")]
    struct ClientTimeout(#[source] Elapsed);

    #[tokio::test]
    async fn a_server_that_does_not_answer_is_reported_in_words() {
        let never = tokio::time::timeout(Duration::ZERO, std::future::pending::<()>()).await;
        let error = io::Error::other(ClientTimeout(never.unwrap_err()));
        assert_eq!(words(&error), "no answer in time");
    }

    #[test]
    fn a_certificate_that_is_not_trusted_is_reported_in_words() {
        let why = Arc::new(io::Error::other("the certificate of central is not trusted"));
        let tls = TlsError::InvalidCertificate(CertificateError::Other(OtherError(why)));
        let error = io::Error::new(io::ErrorKind::InvalidData, tls);
        assert_eq!(words(&error), "the certificate of central is not trusted");
        let wrapped = io::Error::other(ClientError(error));
        assert_eq!(words(&wrapped), "the certificate of central is not trusted");
        assert_eq!(words(&io::ErrorKind::NotFound.into()), "entity not found");
    }
}
