//! The byte that makes a Unix stream end in a reset unless it was ended in order.
//!
//! The kernel has no `SO_LINGER` for Unix streams: when their reader dies, the writer sees an end
//! like any other, and would take its lines for kept. But it sees a reset if there was anything
//! left to read. So the last byte that came is read and yet left there, until all is kept.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvFlags, recvmsg};
use std::io::{self, IoSliceMut};
use std::ops::Range;
use std::os::fd::AsFd;

/// Whether the first byte in the socket has been read before.
#[derive(Debug, Default)]
pub(crate) struct Hold(bool);

impl Hold {
    /// Reads what has come since, all but the last byte for good; says where in `buffer` it is.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing has come; when the stream is broken, or its peer sends bytes out
    /// of band, which makes it no stream.
    pub(crate) fn fetch(
        &mut self,
        socket: &impl AsFd,
        buffer: &mut [u8],
    ) -> io::Result<Range<usize>> {
        let held = usize::from(self.0);
        let mut over = false;
        let there = loop {
            match receive(socket, buffer, RecvFlags::PEEK)? {
                there if there > held => break there,
                // With a byte held it is asked; what came before the answer is seen by then.
                _ if held == 0 || over => return Ok(0..0),
                _ => over = ended(socket)?,
            }
            if !over {
                return Err(Errno::WOULDBLOCK.into());
            }
        };
        let last = there - 1;
        let mut taken = 0;
        while taken < last {
            match receive(socket, &mut buffer[taken..last], RecvFlags::empty())? {
                0 => return Err(io::Error::from(io::ErrorKind::InvalidData)),
                read => taken += read,
            }
        }
        self.0 = true;
        Ok(held..there)
    }

    /// Reads the held byte for good. If more has come behind it, the end is a reset all the same.
    pub(crate) fn release(&mut self, socket: &impl AsFd) {
        if std::mem::take(&mut self.0) {
            let _ = receive(socket, &mut [0], RecvFlags::empty());
        }
    }
}

/// As `recv`, but that descriptors which come along are closed.
fn receive(socket: &impl AsFd, buffer: &mut [u8], flags: RecvFlags) -> io::Result<usize> {
    let (mut into, mut none) = ([IoSliceMut::new(buffer)], RecvAncillaryBuffer::default());
    Ok(recvmsg(socket, &mut into, &mut none, flags | RecvFlags::DONTWAIT)?.bytes)
}

/// Whether the peer has said that nothing more will come.
fn ended(socket: &impl AsFd) -> io::Result<bool> {
    let mut sockets = [PollFd::new(socket, PollFlags::RDHUP)];
    poll(&mut sockets, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
    Ok(sockets[0].revents().intersects(PollFlags::RDHUP | PollFlags::HUP))
}
