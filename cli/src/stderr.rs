//! Errors and reports on stderr.

use netlog_wire::push_sanitized;
use std::error::Error;
use std::io::{self, Write};

/// Prints one line, in which nothing can drive a terminal.
pub(crate) fn report(message: &str) {
    let mut line = b"netlog: ".to_vec();
    push_sanitized(&mut line, message);
    line.push(b'\n');
    // Nobody is left to tell of a failure here.
    let _ = io::stderr().write_all(&line);
}

/// An error and its causes, joined by colons.
pub(crate) fn describe(error: &(dyn Error + 'static)) -> String {
    let words = error.downcast_ref().map_or_else(|| error.to_string(), describe_io);
    match error.source() {
        Some(cause) => format!("{words}: {}", describe(cause)),
        None => words,
    }
}

/// An error of the system, in lower case and without its number.
pub(crate) fn describe_io(error: &io::Error) -> String {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
    let text = tls.map_or_else(|| error.to_string(), netlog::tls::explain);
    if error.raw_os_error().is_none() {
        return text;
    }
    let words = text.split(" (os error").next().unwrap_or(&text);
    let first = words.chars().next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(words.chars().skip(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn causes_are_joined_and_the_systems_numbers_left_out() {
        let missing: io::Result<()> = Err(io::Error::from_raw_os_error(2));
        let error = missing.context("failed to read \"tokens\"").expect_err("it is an error");
        let expected = "failed to read \"tokens\": no such file or directory";
        assert_eq!(describe(error.as_ref()), expected);
    }
}
