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

/// True if the first byte in the socket has been read before.
#[derive(Debug, Default)]
pub(crate) struct UnixLinger(bool);

impl UnixLinger {
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
    let mut none = RecvAncillaryBuffer::default();
    let mut into = [IoSliceMut::new(buffer)];
    Ok(recvmsg(socket, &mut into, &mut none, flags | RecvFlags::DONTWAIT)?.bytes)
}

/// True if the peer has said that nothing more will come.
fn ended(socket: &impl AsFd) -> io::Result<bool> {
    let mut sockets = [PollFd::new(socket, PollFlags::RDHUP)];
    poll(&mut sockets, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
    Ok(sockets[0].revents().intersects(PollFlags::RDHUP | PollFlags::HUP))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, send, sendmsg};
    use std::io::{ErrorKind, IoSlice, Read, Write};
    use std::mem::MaybeUninit;
    use std::net::Shutdown;
    use std::os::unix::net::UnixStream;

    fn fetched(hold: &mut UnixLinger, ours: &UnixStream) -> io::Result<Vec<u8>> {
        let mut buffer = [0; 16];
        hold.fetch(ours, &mut buffer).map(|came| buffer[came].to_vec())
    }

    fn nothing(hold: &mut UnixLinger, ours: &UnixStream) -> bool {
        fetched(hold, ours).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    #[test]
    fn what_comes_is_read_once_and_then_the_end() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut hold = UnixLinger::default();
        assert!(nothing(&mut hold, &ours));
        for written in ["a", "bc", "0123456789abcdef0123456789", "d"] {
            theirs.write_all(written.as_bytes()).unwrap();
            let mut read = Vec::new();
            while read.len() < written.len() {
                read.extend(fetched(&mut hold, &ours).unwrap());
            }
            assert_eq!(read, written.as_bytes());
            assert!(nothing(&mut hold, &ours));
        }
        theirs.write_all(b"e").unwrap();
        theirs.shutdown(Shutdown::Write).unwrap();
        assert_eq!(fetched(&mut hold, &ours).unwrap(), b"e");
        assert_eq!(fetched(&mut hold, &ours).unwrap(), b"");
        hold.release(&ours);
        drop(ours);
        assert_eq!(theirs.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn who_dies_without_a_release_resets() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"a").unwrap();
        fetched(&mut UnixLinger::default(), &ours).unwrap();
        drop(ours);
        assert_eq!(theirs.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    }

    #[test]
    fn descriptors_that_come_along_are_closed_and_cost_no_byte() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (mut reader, sent) = UnixStream::pair().unwrap();
        let mut hold = UnixLinger::default();
        for part in [b"one", b"two"] {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            let descriptors = [sent.as_fd()];
            assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
            sendmsg(&theirs, &[IoSlice::new(part)], &mut control, SendFlags::empty()).unwrap();
        }
        let mut read = Vec::new();
        while read.len() < 6 {
            read.extend(fetched(&mut hold, &ours).unwrap());
        }
        assert_eq!(read, b"onetwo");
        hold.release(&ours);
        drop(sent);
        assert_eq!(reader.read(&mut [0]).unwrap(), 0, "nobody else has the other end");
    }

    #[test]
    fn bytes_out_of_band_are_no_reason_to_go_round_in_circles() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut hold = UnixLinger::default();
        theirs.write_all(b"one").unwrap();
        send(&theirs, b"!", SendFlags::OOB).unwrap();
        theirs.write_all(b"two").unwrap();
        drop(theirs);
        let mut read = 0;
        // The end, or an error: either way it ends.
        while let Ok(came @ 1..) = fetched(&mut hold, &ours).map(|came| came.len()) {
            read += came;
        }
        assert!(read <= 7, "{read}");
    }
}
