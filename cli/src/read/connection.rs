//! A connection to the HTTP API, encrypted or not.

use netlog::tls::TlsSettings;
use rustls::{ClientConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::TcpStream;

/// The protocol that is offered in the handshake.
const ALPN: &str = "http/1.1";

/// A connection whose reads and writes block, up to the time limit of its socket.
pub(super) enum Connection {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Connection {
    /// Encrypts a connection to `host`. The handshake takes place with the first bytes.
    pub(super) fn encrypt(tcp: TcpStream, host: &str, tls: &TlsSettings) -> io::Result<Self> {
        let session = tls.session(host, &[ALPN])?;
        Ok(Self::Tls(Box::new(StreamOwned::new(session, tcp))))
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}
