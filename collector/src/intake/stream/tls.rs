//! A connection of TLS as the intake reads it: whatever the kernel has, decrypted in place. While
//! nothing comes it holds the keys and no more.

use rustix::net::RecvFlags;
use rustls::ServerConnection;
use socket2::SockRef;
use std::io::{self, ErrorKind, Read, Write};
use std::mem::take;
use std::net::Shutdown;
use std::task::{Context, Poll};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// The connection after its handshake.
pub(crate) struct TlsConnection {
    pub(crate) tcp: TcpStream,
    session: Box<ServerConnection>,
    /// True if the next read gives something that the socket does not announce: bytes for which
    /// there was no room, or the end, when it came with other bytes.
    more: bool,
    /// The failure that came behind the bytes of the last read.
    failure: Option<io::Error>,
    /// Bytes of the write that blocked which are encrypted already.
    encrypted: usize,
    /// The peer may be told that nothing more will come.
    in_order: bool,
}

/// The socket, with tokio's knowledge of it or past that.
struct SocketIo<'a> {
    tcp: &'a TcpStream,
    draining: bool,
}

impl Read for SocketIo<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.draining {
            return Ok(rustix::net::recv(self.tcp, buffer, RecvFlags::DONTWAIT)?.1);
        }
        self.tcp.try_read(buffer)
    }
}

impl Write for SocketIo<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl TlsConnection {
    pub(crate) fn new(stream: TlsStream<TcpStream>) -> Self {
        let (tcp, session) = stream.into_inner();
        // What came with the end of the handshake has left the socket already.
        let session = Box::new(session);
        Self { tcp, session, more: true, failure: None, encrypted: 0, in_order: false }
    }

    /// Reads until `buffer` is full or nothing more has come; 0 is the end.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing has come; when the peer breaks TLS, or ends without saying so.
    pub(crate) fn read(&mut self, buffer: &mut [u8], draining: bool) -> io::Result<usize> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read_some(&mut buffer[filled..], draining) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock && filled > 0 => {
                    self.more = false;
                    return Ok(filled);
                }
                Err(error) if filled > 0 => {
                    self.failure = Some(error);
                    break;
                }
                Err(error) => {
                    self.more = false;
                    return Err(error);
                }
            }
        }
        self.more = true;
        Ok(filled)
    }

    /// Reads what is decrypted, or else what the socket has.
    fn read_some(&mut self, buffer: &mut [u8], draining: bool) -> io::Result<usize> {
        loop {
            match self.session.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.receive(draining)?,
                read => return read,
            }
        }
    }

    /// Takes what the socket has, and decrypts it.
    fn receive(&mut self, draining: bool) -> io::Result<()> {
        self.session.read_tls(&mut SocketIo { tcp: &self.tcp, draining })?;
        if let Err(error) = self.session.process_new_packets() {
            let _ = self.flush();
            return Err(io::Error::new(ErrorKind::InvalidData, error));
        }
        // Answers of the protocol's own.
        match self.flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }

    /// Encrypts and writes. Written is what the kernel has taken; a write that blocked has to be
    /// repeated with the same bytes.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when the socket takes no more; when the connection is broken.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.encrypted == 0 {
            self.flush()?;
            self.encrypted = self.session.writer().write(bytes)?;
        }
        self.flush()?;
        Ok(take(&mut self.encrypted))
    }

    /// Writes what waits to be written.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when the socket takes no more; when the connection is broken.
    fn flush(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            self.session.write_tls(&mut SocketIo { tcp: &self.tcp, draining: false })?;
        }
        Ok(())
    }

    pub(crate) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.more { Poll::Ready(Ok(())) } else { self.tcp.poll_read_ready(context) }
    }

    /// Has the connection end as a connection does.
    pub(crate) fn close_in_order(&mut self) {
        self.in_order = true;
        let _ = SockRef::from(&self.tcp).set_linger(None);
    }

    /// Says that nothing more will be said.
    ///
    /// # Errors
    ///
    /// When the connection is broken.
    pub(crate) fn half_close(&mut self) -> io::Result<()> {
        self.session.send_close_notify();
        self.flush()?;
        SockRef::from(&self.tcp).shutdown(Shutdown::Write)
    }
}

impl Drop for TlsConnection {
    fn drop(&mut self) {
        if self.in_order {
            let _ = self.half_close();
        }
    }
}
