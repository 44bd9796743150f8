//! The least any collector does: one thread that waits on epoll, reads, splits at lines, copies
//! whole lines together and appends them to a file. It looks at nothing and answers nobody.

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;

const READ: usize = 256 * 1024;

/// The listener's mark among the events; connections are numbered from 0.
const LISTENER: u64 = u64::MAX;

struct Append {
    epoll: OwnedFd,
    listener: TcpListener,
    peers: Vec<Option<Peer>>,
    /// What has been read: the start of a line from before, and what came now.
    buffer: Vec<u8>,
    out: Vec<u8>,
    file: File,
}

struct Peer {
    stream: TcpStream,
    /// A line that has begun.
    begun: Vec<u8>,
}

/// Appends to `file` what comes to an address, until killed.
pub(crate) fn run(file: &Path, address: SocketAddr) -> std::io::Result<()> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    eprintln!("listening on tcp://{}", listener.local_addr()?);
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
    let file = File::options().create(true).append(true).open(file)?;
    let (buffer, out) = (vec![0; 2 * READ], Vec::with_capacity(2 * READ));
    let mut append = Append { epoll, listener, peers: Vec::new(), buffer, out, file };
    let mut events: Vec<Event> = Vec::with_capacity(256);
    loop {
        epoll::wait(&append.epoll, spare_capacity(&mut events), None)?;
        for event in events.drain(..) {
            match event.data.u64() {
                LISTENER => append.accept()?,
                peer => append.read(peer as usize)?,
            }
        }
        append.write()?;
    }
}

impl Append {
    fn accept(&mut self) -> std::io::Result<()> {
        while let Ok((stream, _)) = self.listener.accept() {
            stream.set_nonblocking(true)?;
            let number = EventData::new_u64(self.peers.len() as u64);
            epoll::add(&self.epoll, &stream, number, EventFlags::IN)?;
            self.peers.push(Some(Peer { stream, begun: Vec::new() }));
        }
        Ok(())
    }

    fn read(&mut self, number: usize) -> std::io::Result<()> {
        let Some(peer) = &mut self.peers[number] else { return Ok(()) };
        let begun = peer.begun.len();
        self.buffer[..begun].copy_from_slice(&peer.begun);
        let count = match peer.stream.read(&mut self.buffer[begun..begun + READ]) {
            Ok(0) => {
                // What has been read must be in the file when the peer sees the end.
                self.out.extend_from_slice(&peer.begun);
                self.write()?;
                self.peers[number] = None;
                return Ok(());
            }
            Ok(count) => count,
            Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(e) => return Err(e),
        };
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &self.buffer[..begun + count]) {
            self.out.extend_from_slice(&self.buffer[start..=end]);
            start = end + 1;
        }
        peer.begun.clear();
        peer.begun.extend_from_slice(&self.buffer[start..begun + count]);
        if self.out.len() >= READ { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> std::io::Result<()> {
        self.file.write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }
}
