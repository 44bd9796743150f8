//! A connection of TLS over a socket that does not block.

use super::explain;
use crate::socket::{PollFlags, Socket};
use rustls::ClientConnection;
use std::io::{self, ErrorKind, Read, Write};
use std::mem::take;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Most bytes that are encrypted before the socket has taken them.
const PIECE: usize = 16 << 10;

/// Interval at which a handshake checks the socket's descriptor.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// The connection after its handshake.
#[derive(Debug)]
pub(crate) struct TlsStream {
    session: Box<ClientConnection>,
    socket: Socket,
    /// Number of bytes of a blocked write that are encrypted already.
    encrypted: usize,
    /// Number of bytes that are decrypted and not read yet.
    decrypted: usize,
}

/// The socket, as rustls uses one.
struct SocketIo<'a>(&'a Socket);

impl Read for SocketIo<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.receive(buffer)
    }
}

impl Write for SocketIo<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl TlsStream {
    /// Completes the handshake.
    ///
    /// # Errors
    ///
    /// When it fails, or is not complete at `deadline`.
    pub(super) fn handshake(
        session: ClientConnection,
        socket: Socket,
        deadline: Instant,
    ) -> io::Result<Self> {
        let mut stream = Self { session: Box::new(session), socket, encrypted: 0, decrypted: 0 };
        loop {
            match stream.advance() {
                Ok(()) if !stream.session.is_handshaking() => return Ok(stream),
                Ok(()) => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::Error::new(ErrorKind::TimedOut, "the TLS handshake timed out"));
            }
            let blocked = if stream.session.wants_write() { PollFlags::OUT } else { PollFlags::IN };
            stream.socket.poll(blocked, left.min(CHECK_INTERVAL))?;
        }
    }

    /// Takes one step of the handshake, up to the last bytes of ours.
    fn advance(&mut self) -> io::Result<()> {
        self.flush()?;
        if self.session.is_handshaking() {
            self.fill()?;
            self.flush()?;
        }
        Ok(())
    }

    /// Sends bytes. Sent is what the kernel has taken: it arrives, however the program ends. After
    /// a `WouldBlock` the same bytes have to be sent again.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.encrypted == 0 {
            self.flush()?;
            let piece = &bytes[..bytes.len().min(PIECE)];
            self.encrypted = self.session.writer().write(piece)?;
        }
        self.flush()?;
        Ok(take(&mut self.encrypted))
    }

    /// Receives bytes; 0 is the end.
    pub(crate) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.session.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.fill()?,
                read => {
                    let read = read?;
                    self.decrypted = self.decrypted.saturating_sub(read);
                    return Ok(read);
                }
            }
        }
    }

    /// Takes what the socket has, and decrypts it.
    fn fill(&mut self) -> io::Result<()> {
        let came = self.session.read_tls(&mut SocketIo(&self.socket))?;
        if came == 0 && self.session.is_handshaking() {
            let closed = "the other side closed the connection in the TLS handshake";
            return Err(io::Error::new(ErrorKind::UnexpectedEof, closed));
        }
        match self.session.process_new_packets() {
            Ok(state) => self.decrypted = state.plaintext_bytes_to_read(),
            Err(error) => {
                // The alert that tells the other side, as far as it can be sent.
                let _ = self.flush();
                return Err(io::Error::new(ErrorKind::InvalidData, explain(&error)));
            }
        }
        // Answers of the protocol's own; they are sent with the next bytes if they cannot be now.
        match self.flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            self.session.write_tls(&mut SocketIo(&self.socket))?;
        }
        Ok(())
    }

    /// Address of the other side.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.socket.peer()
    }

    /// Waits for `events` up to `limit`; `true` if one of them, or an error, is there.
    pub(crate) fn poll(&self, events: PollFlags, limit: Duration) -> io::Result<bool> {
        if self.decrypted > 0 && events.contains(PollFlags::IN) {
            return Ok(true);
        }
        self.socket.poll(events, limit)
    }

    /// Ends the session, half-closes the socket, and waits up to `limit` for the other side's end.
    pub(crate) fn close(mut self, limit: Duration) {
        self.session.send_close_notify();
        // A connection that is broken already has nobody to notify.
        let _ = self.flush();
        self.socket.close(limit);
    }
}
