//! A terminal of a test's own, and what a program shows on it.

use super::{SOON, Watched};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::File;
use std::io::Read;
use std::process::Stdio;

/// Both ends of a terminal. What is shown on it is read as it comes.
pub(crate) struct Terminal {
    theirs: File,
    shown: Watched<Vec<u8>>,
}

impl Terminal {
    /// A terminal this many columns wide.
    pub(crate) fn new(columns: u16) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&ours).expect("it is ours");
        unlockpt(&ours).expect("it is ours");
        let path = ptsname(&ours, Vec::new()).expect("it has a name");
        let theirs = File::options().read(true).write(true).open(path.to_str().expect("a path"));
        let theirs = theirs.expect("it can be opened");
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&theirs, size).expect("it has a size");
        let shown = Watched::<Vec<u8>>::default();
        let heard = shown.clone();
        let mut ours = File::from(ours);
        std::thread::spawn(move || {
            let mut buffer = [0; 1024];
            while let Ok(count @ 1..) = ours.read(&mut buffer) {
                heard.change(|shown| shown.extend_from_slice(&buffer[..count]));
            }
        });
        Self { theirs, shown }
    }

    /// The program's end.
    pub(crate) fn end(&self) -> Stdio {
        self.theirs.try_clone().expect("it can be shared").into()
    }

    /// All that was shown so far, its lines ended as the program ended them.
    pub(crate) fn text(&self) -> String {
        text(&self.shown.lock())
    }

    /// Waits until `words` are shown; tells whether they came.
    pub(crate) fn shows(&self, words: &str) -> bool {
        self.shown.wait(SOON, |shown| text(shown).contains(words))
    }
}

fn text(shown: &[u8]) -> String {
    String::from_utf8_lossy(shown).replace("\r\n", "\n")
}
