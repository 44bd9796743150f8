//! NATS servers, and what their streams hold.

use crate::clients::client;
use crate::harness::{Child, Port, SOON, Scene, wait_until};
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::Stream;
use async_nats::jetstream::{self, Context};
use rustix::process::Signal;
use std::io;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use tokio::runtime::Runtime;

/// Versions that `./check` runs. `NETLOG_NATS_VERSIONS="2.9 2.10.26 2.12.1 2.15.1"` runs others.
const VERSIONS: &str = "2.9 2.15.1";

/// A server with a port and a directory of its own, however often it is killed.
pub(crate) struct NatsServer {
    version: String,
    pub(crate) scene: Scene,
    port: Port,
    /// Arguments besides its address and its store.
    pub(crate) more: Vec<String>,
    child: Option<Child>,
}

/// The versions to test, one after the other.
pub(crate) fn versions() -> Vec<String> {
    let asked = std::env::var("NETLOG_NATS_VERSIONS").unwrap_or_else(|_| VERSIONS.into());
    asked.split_whitespace().map(str::to_owned).collect()
}

impl NatsServer {
    pub(crate) fn start(version: &str) -> Self {
        let mut server = Self::prepare(version);
        server.go_on();
        server
    }

    /// One that does not run yet.
    pub(crate) fn prepare(version: &str) -> Self {
        let scene = Scene::new();
        let port = Port::reserve();
        Self { version: version.to_owned(), scene, port, more: Vec::new(), child: None }
    }

    /// Starts it again.
    pub(crate) fn go_on(&mut self) {
        let mut command = Command::new(client(&format!("nats-{}", self.version)));
        let address = self.port.address();
        let (_, port) = address.rsplit_once(':').expect("an address has a port");
        command
            .args(["-a", "127.0.0.1", "-p", port, "-js", "-sd"])
            .arg(self.store())
            .args(&self.more);
        self.child = Some(Child::start(&mut command));
        let up = wait_until(SOON, || TcpStream::connect(&address).is_ok());
        assert!(up, "nats-server does not start:\n{}", self.child().stderr());
    }

    fn child(&self) -> &Child {
        self.child.as_ref().expect("it runs")
    }

    pub(crate) fn runs(&self) -> bool {
        self.child.is_some()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.child().signal(signal);
    }

    pub(crate) fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        child.signal(Signal::KILL);
        child.end();
    }

    pub(crate) fn address(&self) -> String {
        self.port.address()
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.address())
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.scene.path("store")
    }

    /// Puts a copy of all that it has stored at `to`, as a power failure would find it.
    pub(crate) fn copy_store(&self, to: &Path) {
        let _ = std::fs::remove_dir_all(to);
        self.signal(Signal::STOP);
        copy(&self.store(), to).expect("the store can be copied");
        self.signal(Signal::CONT);
    }

    /// Starts it with such a copy, all that came later being lost.
    pub(crate) fn go_back_to(&mut self, copied: &Path) {
        self.kill();
        std::fs::remove_dir_all(self.store()).expect("the store can be removed");
        copy(copied, &self.store()).expect("the copy can be copied");
        self.go_on();
    }

    /// Damages a message on the disk of a server that does not run; false if it has none like that.
    pub(crate) fn flip_bit_of(&self, payload: &[u8]) -> bool {
        let mut files = Vec::new();
        blocks(&self.store(), &mut files);
        files.into_iter().any(|file| {
            let mut bytes = std::fs::read(&file).expect("it is there");
            let at = bytes.windows(payload.len()).position(|window| window == payload);
            if let Some(at) = at {
                bytes[at + payload.len() / 2] ^= 1;
                std::fs::write(file, bytes).expect("it can be written");
            }
            at.is_some()
        })
    }

    /// Does something with its streams.
    pub(crate) fn ask<T>(&self, question: impl AsyncFnOnce(Context) -> T) -> T {
        Runtime::new().expect("a runtime").block_on(async {
            let client = async_nats::connect(self.url()).await.expect("the server is up");
            question(jetstream::new(client)).await
        })
    }

    /// The messages of the stream, in their order; none before it is made.
    pub(crate) fn messages(&self) -> Vec<StreamMessage> {
        self.ask(async |context| {
            let Ok(stream) = context.get_stream("NETLOG").await else { return Vec::new() };
            let state = &stream.cached_info().state;
            let mut messages = Vec::new();
            for sequence in state.first_sequence.max(1)..=state.last_sequence {
                messages.extend(message(&stream, sequence).await);
            }
            messages
        })
    }

    /// The lines in the stream.
    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = |message: &StreamMessage| {
            let text = zstd::decode_all(&message.payload[..]).expect("a zstd frame");
            String::from_utf8(text).expect("lines").lines().map(str::to_owned).collect::<Vec<_>>()
        };
        self.messages().iter().flat_map(lines).collect()
    }
}

async fn message(stream: &Stream, sequence: u64) -> Option<StreamMessage> {
    stream.get_raw_message(sequence).await.ok()
}

/// The files with messages in the store of a server.
fn blocks(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => blocks(&path, found),
            false if path.extension().is_some_and(|end| end == "blk") => found.push(path),
            false => {}
        }
    }
}

/// Copies a directory.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &to)?,
            false => drop(std::fs::copy(entry.path(), to)?),
        }
    }
    Ok(())
}
