//! The socket to the other collector: plain, Unix, or with TLS.

use super::target::{ForwardTarget, TargetKind};
use crate::tls::ForwardTls;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

/// Time for the other side to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// The longest wait of a read or a write: the end of the collector is noticed after it.
const SLICE: Duration = Duration::from_millis(100);

/// A stream whose reads and writes wait for [`SLICE`] at most.
pub(super) trait LinkSocket: Read + Write {}

impl LinkSocket for TcpStream {}
impl LinkSocket for UnixStream {}
impl LinkSocket for StreamOwned<ClientConnection, TcpStream> {}

/// Connects to `target`. TLS begins with the first write.
pub(super) fn connect(target: &ForwardTarget, tls: &ForwardTls) -> io::Result<Box<dyn LinkSocket>> {
    Ok(match &target.0 {
        TargetKind::Tcp(address) => Box::new(connect_tcp(address)?),
        TargetKind::Tls(address) => {
            let config = tls.config().map_err(io::Error::other)?;
            let host = address.rsplit_once(':').map_or("", |(host, _)| host);
            let host = host.trim_matches(['[', ']']).to_owned();
            let name = ServerName::try_from(host).map_err(io::Error::other)?;
            let session =
                ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
            Box::new(StreamOwned::new(session, connect_tcp(address)?))
        }
        TargetKind::Unix(path) => {
            let socket = UnixStream::connect(path)?;
            socket.set_read_timeout(Some(SLICE))?;
            socket.set_write_timeout(Some(SLICE))?;
            Box::new(socket)
        }
        TargetKind::Nats(_) => return Err(io::ErrorKind::Unsupported.into()),
    })
}

/// True if nothing but time passed.
pub(super) fn is_slice(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

fn connect_tcp(address: &str) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no IP address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(socket) => {
                socket.set_nodelay(true)?;
                socket.set_read_timeout(Some(SLICE))?;
                socket.set_write_timeout(Some(SLICE))?;
                return Ok(socket);
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
