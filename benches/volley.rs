//! Datagrams at a steady rate, many with each system call, so that who sends takes as little as it
//! can from who receives.

use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg};
use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

/// How long each is.
const SIZE: usize = 199;

/// How many go with one system call at most.
const AT_ONCE: usize = 64;

/// How long the sender sleeps when none is due.
const PAUSE: Duration = Duration::from_micros(200);

/// A steady stream of datagrams, a line of text each.
#[derive(Clone, Copy)]
pub(crate) struct Volley {
    /// How many a second.
    pub(crate) rate: u64,
    /// How many in all.
    pub(crate) datagrams: u64,
}

impl Volley {
    /// Sends all of them to `address`, and says how many a second that were in truth.
    pub(crate) fn fire(self, address: SocketAddr) -> f64 {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on loopback is free");
        socket.connect(address).expect("loopback is there");
        let lines: Vec<Vec<u8>> = (0..AT_ONCE).map(line).collect();
        let slices: Vec<[IoSlice<'_>; 1]> = lines.iter().map(|line| [IoSlice::new(line)]).collect();
        let (start, mut sent) = (Instant::now(), 0);
        while sent < self.datagrams {
            let due = (start.elapsed().as_secs_f64() * self.rate as f64) as u64;
            let count = due.min(self.datagrams) - sent;
            if count == 0 {
                std::thread::sleep(PAUSE);
                continue;
            }
            let some = &slices[..AT_ONCE.min(count as usize)];
            sent += send(&socket, some).expect("loopback takes it") as u64;
        }
        self.datagrams as f64 / start.elapsed().as_secs_f64()
    }
}

fn send(socket: &UdpSocket, slices: &[[IoSlice<'_>; 1]]) -> io::Result<usize> {
    let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(slices.len(), None);
    let (to, fd) = ([None; AT_ONCE], socket.as_raw_fd());
    // What the receiver has no room for is lost there, and told; here nothing is.
    Ok(sendmmsg(fd, &mut headers, slices, to, [], MsgFlags::empty())?.count())
}

fn line(at: usize) -> Vec<u8> {
    let mut line = format!("2026-11-22T18:42:23.{at:06}Z INFO checkout req={:016x} ", at * 77);
    while line.len() < SIZE {
        line.push_str("request completed for a customer ");
    }
    line.truncate(SIZE);
    line.into_bytes()
}
