//! A quiet end, at once and also while idle, when nobody reads the output any more.

use rustix::event::{PollFd, PollFlags, poll};
use std::io;
use std::process::exit;
use std::thread;

/// The status a shell reports for a program that died by SIGPIPE, as `tail` does. Rust has that
/// signal ignored, and to restore it would take unsafe code.
const BROKEN_PIPE: i32 = 128 + 13;

/// Ends the program as a closed pipe ends any other.
pub(super) fn end_quietly() -> ! {
    exit(BROKEN_PIPE)
}

/// Watches for the reader's end from a thread of its own, which never ends otherwise.
pub(crate) fn watch_stdout() -> io::Result<()> {
    let watch = || {
        let stdout = io::stdout();
        loop {
            let mut fds = [PollFd::new(&stdout, PollFlags::empty())];
            match poll(&mut fds, None) {
                Ok(_) if fds[0].revents().intersects(PollFlags::ERR | PollFlags::NVAL) => {
                    end_quietly()
                }
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
            if fds[0].revents().contains(PollFlags::HUP) {
                // A terminal that hung up sends SIGHUP; nothing else to wait for.
                return;
            }
        }
    };
    thread::Builder::new().name("pipe".into()).spawn(watch).map(drop)
}
