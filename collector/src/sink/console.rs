//! The console: records on stdout, for people or for a pipe.

use super::shown;
use crate::hub::batch::Batch;
use crate::hub::sink::{Sink, SinkError, Written};
use crate::options::Console;
use netlog_wire::{Newlines, Paint, Text};
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::thread::sleep;
use std::time::Duration;

/// Prints records as they come.
pub(crate) struct ConsoleSink {
    stdout: File,
    text: Option<Text>,
    /// Rest of the batch that is still to be written.
    rest: Vec<u8>,
    begun: bool,
}

impl ConsoleSink {
    /// The console in `form`; `None` when it is off.
    pub(crate) fn open(form: Console) -> io::Result<Option<Self>> {
        let text = match form {
            Console::Off => return Ok(None),
            Console::Json => None,
            Console::Text => Some(text()),
        };
        // Past std's line buffer: a batch is one write, and a failed one can be gone on with.
        let stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        Ok(Some(Self { stdout, text, rest: Vec::new(), begun: false }))
    }
}

/// On a terminal a record may take several lines and have colours; in a pipe neither.
fn text() -> Text {
    if !io::stdout().is_terminal() {
        return Text::PLAIN;
    }
    let plain = anstyle_query::no_color() || !anstyle_query::term_supports_color();
    let paint = if plain { Paint::Plain } else { Paint::Colour };
    Text { newlines: Newlines::Indented, paint, ..Text::PLAIN }
}

impl Sink for ConsoleSink {
    fn write(&mut self, batch: &Batch) -> Result<Written, SinkError> {
        if !self.begun {
            self.rest.clear();
            for run in &batch.runs {
                self.rest.extend_from_slice(&shown(run, self.text));
            }
            self.begun = true;
        }
        while !self.rest.is_empty() {
            match self.stdout.write(&self.rest) {
                Ok(written) => drop(self.rest.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Another program has made the terminal we share non-blocking.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    sleep(Duration::from_millis(5));
                }
                Err(cause) => return Err(SinkError { deed: "write to stdout".into(), cause }),
            }
        }
        self.begun = false;
        Ok(Written::default())
    }
}
