//! A connection to a NATS server. When it is lost it is given up, and whoever needs one opens
//! another: only then is it certain that nothing of the old one is still on its way from here.

use super::options::NatsOptions;
use super::stream_config::{check, config};
use super::target::NatsTarget;
use crate::tls::ForwardTls;
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::Stream;
use async_nats::jetstream::{Context, ContextBuilder, ErrorCode};
use async_nats::{ConnectOptions, Event};
use std::io;
use std::time::Duration;
use tokio::sync::watch;

/// Time for a server to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Time for it to answer. When the server that leads a stream dies, what was on its way to it is never
/// answered; to ask again is harmless, also while a disk hangs.
const PATIENCE: Duration = Duration::from_secs(5);

/// Interval between the pings that show whether it is still there.
const PING: Duration = Duration::from_secs(15);

/// The stream, and the rights to use it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NatsAccess<'a> {
    pub(crate) target: &'a NatsTarget,
    pub(crate) tls: &'a ForwardTls,
    pub(crate) options: &'a NatsOptions,
    pub(crate) token: Option<&'a str>,
}

/// The least `max_payload` of a server: batches are made to fit into its default.
const PAYLOAD: usize = 1 << 20;

/// An open connection.
pub(crate) struct NatsConnection {
    pub(crate) context: Context,
    /// True once it is lost.
    lost: watch::Receiver<bool>,
}

impl NatsConnection {
    /// Connects to the first server that answers.
    pub(crate) async fn open(access: &NatsAccess<'_>) -> io::Result<Self> {
        let (tell, lost) = watch::channel(false);
        let options = access
            .options()
            .await?
            .connection_timeout(CONNECT)
            .ping_interval(PING)
            .request_timeout(Some(PATIENCE))
            .event_callback(move |event| {
                if matches!(event, Event::Disconnected | Event::Closed) {
                    tell.send_replace(true);
                }
                async {}
            });
        let client = options.connect(&access.target.servers).await.map_err(io::Error::other)?;
        let context = ContextBuilder::new().timeout(PATIENCE).ack_timeout(PATIENCE).build(client);
        Ok(Self { context, lost })
    }

    /// Waits until it is lost.
    pub(crate) async fn lost(&self) -> io::Error {
        let mut lost = self.lost.clone();
        let _ = lost.wait_for(|lost| *lost).await;
        io::Error::new(io::ErrorKind::ConnectionReset, "the connection was lost")
    }

    /// True if it is lost.
    pub(crate) fn is_lost(&self) -> bool {
        *self.lost.borrow()
    }

    /// The stream as it is; `None` if there is none.
    pub(crate) async fn stream(&self, target: &NatsTarget) -> io::Result<Option<Stream>> {
        match self.context.get_stream(&target.stream).await {
            Ok(stream) => {
                check(&stream.cached_info().config, target).map_err(io::Error::other)?;
                Ok(Some(stream))
            }
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(cause)
                    if cause.error_code() == ErrorCode::STREAM_NOT_FOUND =>
                {
                    Ok(None)
                }
                _ => Err(io::Error::other(error)),
            },
        }
    }

    /// Checks that the server takes batches of any size.
    pub(crate) fn check_payload(&self) -> io::Result<()> {
        let most = self.context.client().server_info().max_payload;
        if most < PAYLOAD {
            let words = format!("the server's max_payload is {most}: expected {PAYLOAD} or more");
            return Err(io::Error::other(words));
        }
        Ok(())
    }

    /// Makes the stream.
    pub(crate) async fn make_stream(&self, access: &NatsAccess<'_>) -> io::Result<Stream> {
        let config = config(access.target, access.options);
        let made = self.context.create_stream(config).await;
        made.map_err(io::Error::other)
    }
}

impl NatsAccess<'_> {
    async fn options(&self) -> io::Result<ConnectOptions> {
        let mut options = ConnectOptions::new().name("netlog-collector");
        if let Some(path) = &self.options.nats_creds {
            let opened = options.credentials_file(path).await;
            options = opened.map_err(|error| unreadable(path, &error))?;
        }
        if let Some(path) = &self.options.nats_nkey {
            let seed = tokio::fs::read_to_string(path).await;
            let seed = seed.map_err(|error| unreadable(path, &error))?;
            options = options.nkey(seed.trim().to_owned());
        }
        if let Some(token) = self.token {
            options = options.token(token.to_owned());
        }
        let config = self.tls.config().map_err(io::Error::other)?;
        Ok(options.tls_client_config(config).require_tls(self.target.encrypted))
    }
}

fn unreadable(path: &std::path::Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
