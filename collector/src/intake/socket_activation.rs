//! Sockets that the service manager has opened: systemd's socket activation (`sd_listen_fds(3)`).

use super::address::{Address, BoundAt, BoundSocket, Transport};
use super::listener_format::ListenerFormat;
use listenfd::ListenFd;
use rustix::net::sockopt::set_socket_passcred;
use socket2::Socket;
use std::env;
use std::io;
use std::path::PathBuf;
use std::process;

/// True if sockets have been passed to this process, and not to one that it descends from.
pub(crate) fn any() -> bool {
    let ours = |pid: String| pid.parse() == Ok(process::id());
    env::var("LISTEN_PID").is_ok_and(ours) && env::var_os("LISTEN_FDS").is_some()
}

/// Takes all of them, each for what it is. Nobody gets them a second time.
///
/// # Errors
///
/// When there are none, or one is no socket that can be served.
pub(crate) fn take(format: &ListenerFormat) -> io::Result<Vec<BoundSocket>> {
    let mut passed = if any() { ListenFd::from_env() } else { ListenFd::empty() };
    if passed.len() == 0 {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "the service manager passed no sockets",
        ));
    }
    let count = passed.len();
    let bind = |index| {
        let (transport, socket) = one(&mut passed, index)?;
        socket.set_nonblocking(true)?;
        let address = Address { transport, at: at(&socket)? };
        let format = format.clone();
        Ok(BoundSocket { address, socket, format, proxy: false, passed: true, file: None })
    };
    (0..count).map(bind).collect()
}

fn one(passed: &mut ListenFd, index: usize) -> io::Result<(Transport, Socket)> {
    // Of another kind, it stays where it is.
    if let Ok(Some(socket)) = passed.take_tcp_listener(index) {
        return listening(Transport::Tcp, socket.into());
    }
    if let Ok(Some(socket)) = passed.take_unix_listener(index) {
        return listening(Transport::Unix, socket.into());
    }
    if let Ok(Some(socket)) = passed.take_udp_socket(index) {
        return Ok((Transport::Udp, socket.into()));
    }
    if let Ok(Some(socket)) = passed.take_unix_datagram(index) {
        set_socket_passcred(&socket, true)?;
        return Ok((Transport::Unixgram, socket.into()));
    }
    let words = format!("descriptor {index} is not a TCP, UDP or Unix socket");
    Err(io::Error::new(io::ErrorKind::InvalidInput, words))
}

fn listening(transport: Transport, socket: Socket) -> io::Result<(Transport, Socket)> {
    match socket.is_listener()? {
        true => Ok((transport, socket)),
        // What systemd passes with Accept=yes.
        false => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a passed stream socket does not listen (systemd: set Accept=no)",
        )),
    }
}

fn at(socket: &Socket) -> io::Result<BoundAt> {
    let address = socket.local_addr()?;
    if let Some(address) = address.as_socket() {
        return Ok(BoundAt::Net(address));
    }
    let path = address.as_pathname().map(PathBuf::from);
    let name = || {
        let name = address.as_abstract_namespace().unwrap_or_default();
        format!("@{}", String::from_utf8_lossy(name)).into()
    };
    Ok(BoundAt::Path(path.unwrap_or_else(name)))
}
