//! Tells whoever started the daemon how it is: `sd_notify(3)`, in the words of systemd.

use netlog_collector::report;
use std::env;
use std::error::Error;
use std::fmt;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// Whoever wants to be told takes it within this, or is not told.
const LIMIT: Duration = Duration::from_secs(1);

/// Says `state` where `NOTIFY_SOCKET` wants it said, if anywhere; a failure is said on stderr.
pub(crate) fn notify(state: &str) {
    if let Err(cause) = send(state) {
        report(&NotTold { cause });
    }
}

/// It waits for a word that will not come.
#[derive(Debug)]
struct NotTold {
    cause: io::Error,
}

impl fmt::Display for NotTold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed to notify at NOTIFY_SOCKET")
    }
}

impl Error for NotTold {
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
