//! Plain senders beside the others: numbered lines over a connection that ends as it should.

use crate::harness::{Dice, pause};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// What one connection has said.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    pub(super) program: u64,
    pub(super) number: u64,
    pub(super) lines: u64,
    /// Its own address, as the collector saw it.
    pub(super) peer: String,
    /// Whether it half-closed and the collector then closed too: it says that it has everything.
    pub(super) whole: bool,
}

pub(super) struct Plain {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Vec<Connection>>>,
}

impl Plain {
    pub(super) fn start(seed: u64, to: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let start = |program| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                let mut dice = Dice::new(seed, &format!("plain {program}"));
                let mut done = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let lines = dice.of(1..60);
                    let number = done.len() as u64 + 1;
                    let peer = String::new();
                    let mut one = Connection { program, number, lines, peer, whole: false };
                    match one.speak(to, &mut dice) {
                        Ok(()) => one.whole = true,
                        Err(_) => pause(dice.millis(1..100)),
                    }
                    done.push(one);
                }
                done
            })
        };
        let threads = (1..=3).map(start).collect();
        Self { stop, threads }
    }

    /// Lets each finish its connection and answers what all have said.
    pub(super) fn finish(self) -> Vec<Connection> {
        self.stop.store(true, Ordering::Relaxed);
        let join = |thread: JoinHandle<_>| thread.join().expect("a plain sender does not panic");
        self.threads.into_iter().flat_map(join).collect()
    }
}

impl Connection {
    fn speak(&mut self, to: SocketAddr, dice: &mut Dice) -> io::Result<()> {
        let mut stream = TcpStream::connect_timeout(&to, Duration::from_secs(5))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.set_write_timeout(Some(Duration::from_secs(60)))?;
        stream.set_nodelay(true)?;
        self.peer = stream.local_addr()?.to_string();
        let Self { program, number, lines, .. } = self;
        let mut text = String::new();
        for line in 1..=*lines {
            let pad = (line * 37 % 200) as usize;
            text += &format!("plain {program} connection {number} line {line} of {lines} ");
            text += &format!("{:x<pad$}.\n", "");
        }
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(rest.len().min(dice.of(1..3000) as usize));
            stream.write_all(piece)?;
            pause(dice.millis(0..30));
            rest = behind;
        }
        stream.shutdown(Shutdown::Write)?;
        match stream.read(&mut [0; 64])? {
            0 => Ok(()),
            _ => Err(io::Error::other("the collector speaks to a plain sender")),
        }
    }
}
