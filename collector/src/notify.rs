//! State notifications for systemd: `sd_notify(3)`, at sockets of the file system and abstract ones,
//! which the crate sd-notify 0.5 does not reach.

use netlog_collector::report;
use std::env;
use std::error::Error;
use std::fmt;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// Time for systemd to take a notification; it is given up then.
const LIMIT: Duration = Duration::from_secs(1);

/// Sends `state` to the socket in `NOTIFY_SOCKET`, if there is one; reports a failure on stderr.
pub(crate) fn notify(state: &str) {
    if let Err(cause) = send(state) {
        report(&NotifyError { cause });
    }
}

/// Notification that could not be sent.
#[derive(Debug)]
struct NotifyError {
    cause: io::Error,
}

impl fmt::Display for NotifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed to notify at NOTIFY_SOCKET")
    }
}

impl Error for NotifyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

fn send(state: &str) -> io::Result<()> {
    let Some(path) = env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(&path)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(LIMIT))?;
    socket.send_to_addr(state.as_bytes(), &address)?;
    Ok(())
}
