//! One request, and its response line by line.

use super::connection::Connection;
use super::url::CollectorUrl;
use crate::stderr::describe_io;
use netlog::tls::TlsSettings;
use serde_json::Value;
use std::error::Error;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::time::Duration;

/// The longest line accepted from a collector.
const MAX_LINE: u64 = 16 << 20;

/// The most bytes read of a response's head, or of an error's body.
const MAX_HEAD: u64 = 64 << 10;

/// The answer of a collector's port of senders to a reader.
const ANSWER_TO_SENDERS: &str = "GET brings no records: use POST";

/// The failure of a request.
#[derive(Debug)]
pub(crate) enum RequestError {
    /// The collector rejects the request; trying again would not help.
    Rejected(String),
    /// The collector cannot answer now.
    Unavailable(String),
    /// The collector cannot be reached, or is gone.
    Io(io::Error),
}

impl RequestError {
    pub(crate) fn is_rejection(&self) -> bool {
        matches!(self, Self::Rejected(_))
    }

    /// Adds the collector, and the deed that failed unless the collector answered.
    pub(crate) fn of(self, collector: &CollectorUrl) -> anyhow::Error {
        let context = match self {
            Self::Rejected(_) => collector.to_string(),
            Self::Unavailable(_) | Self::Io(_) => format!("failed to read from {collector}"),
        };
        anyhow::Error::new(self).context(context)
    }

    fn of_status(status: u16, body: &[u8]) -> Self {
        let message = error_message(status, body);
        if status >= 500 { Self::Unavailable(message) } else { Self::Rejected(message) }
    }
}

impl From<io::Error> for RequestError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(message) | Self::Unavailable(message) => f.write_str(message),
            Self::Io(error) => f.write_str(&describe_io(error)),
        }
    }
}

impl Error for RequestError {}

/// A collector to read from.
pub(crate) struct CollectorClient {
    pub(crate) url: CollectorUrl,
    /// Shown with each request.
    pub(crate) token: Option<String>,
    pub(crate) tls: TlsSettings,
}

impl CollectorClient {
    /// Requests `target`, a path with its query. A connection that is silent for `silence_limit`
    /// counts as lost.
    pub(crate) fn get(
        &self,
        target: &str,
        silence_limit: Duration,
    ) -> Result<ResponseLines, RequestError> {
        self.request("GET", target, silence_limit).map(|body| ResponseLines(BufReader::new(body)))
    }

    /// The same with another method, and the body as a whole.
    pub(crate) fn request(
        &self,
        method: &str,
        target: &str,
        silence_limit: Duration,
    ) -> Result<ResponseBody, RequestError> {
        let mut stream = self.connect(silence_limit)?;
        let host = self.url.authority();
        let token = self.token.as_ref();
        let token = token.map_or_else(String::new, |t| format!("Authorization: Bearer {t}\r\n"));
        let length = if method == "GET" { "" } else { "Content-Length: 0\r\n" };
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: {host}\r\nAccept: application/x-ndjson\r\n\
             {token}{length}Connection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes())?;
        stream.flush()?;
        let mut reader = BufReader::with_capacity(64 << 10, stream);
        let head = ResponseHead::read(&mut reader)?;
        let mut body = ResponseBody { reader, chunked: head.chunked, left: head.length };
        if head.status == 200 {
            return Ok(body);
        }
        let mut message = Vec::new();
        // Half a message is better than none.
        let _ = body.by_ref().take(MAX_HEAD).read_to_end(&mut message);
        Err(RequestError::of_status(head.status, &message))
    }

    fn connect(&self, silence_limit: Duration) -> io::Result<Connection> {
        let tcp = self.url.connect()?;
        tcp.set_read_timeout(Some(silence_limit))?;
        tcp.set_nodelay(true)?;
        match self.url.encrypted {
            true => Connection::encrypt(tcp, self.url.host(), &self.tls),
            false => Ok(Connection::Plain(tcp)),
        }
    }
}

/// The message of an error response, with the values that would have been allowed.
fn error_message(status: u16, body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(message) = body["error"].as_str() else {
        return format!("unexpected HTTP status {status}");
    };
    if status == 405 && message == ANSWER_TO_SENDERS {
        return format!(
            "{message}; this is an address of senders: readers use that of --http, by default port {}",
            netlog_wire::READ_PORT
        );
    }
    let allowed = body["allowed"].as_array().map_or(&[][..], Vec::as_slice);
    let allowed: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
    match allowed.is_empty() {
        true => message.to_owned(),
        false => format!("{message}; allowed: {}", allowed.join(", ")),
    }
}

/// The parts of a response's head that matter.
struct ResponseHead {
    status: u16,
    chunked: bool,
    /// The length of the body, if it is given.
    length: Option<u64>,
}

impl ResponseHead {
    fn read(reader: &mut impl BufRead) -> io::Result<Self> {
        let mut reader = reader.take(MAX_HEAD);
        let first = read_line(&mut reader)?;
        let status = first.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse().ok());
        let status = status.ok_or_else(|| malformed("the server does not speak HTTP/1.1"))?;
        let mut head = Self { status, chunked: false, length: None };
        loop {
            let line = read_line(&mut reader)?;
            if line.is_empty() {
                return Ok(head);
            }
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            match name.to_ascii_lowercase().as_str() {
                "transfer-encoding" => head.chunked = value.trim().eq_ignore_ascii_case("chunked"),
                "content-length" => head.length = value.trim().parse().ok(),
                _ => {}
            }
        }
    }
}

fn malformed(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// Reads one line of the head, without its end.
fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    reader.take(8 << 10).read_until(b'\n', &mut line)?;
    let line = line.strip_suffix(b"\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    Ok(String::from_utf8_lossy(line).into_owned())
}

/// A response's body, without the framing of chunks (RFC 9112, section 7.1).
pub(crate) struct ResponseBody {
    reader: BufReader<Connection>,
    chunked: bool,
    /// Bytes left of the body or the chunk; if unknown, the body ends with the connection.
    left: Option<u64>,
}

impl ResponseBody {
    /// Begins the next chunk and returns its length; the last one has length zero.
    fn next_chunk(&mut self) -> io::Result<u64> {
        let mut size = read_line(&mut self.reader)?;
        if size.is_empty() {
            // The end of the chunk before.
            size = read_line(&mut self.reader)?;
        }
        let digits = size.split(';').next().unwrap_or_default().trim();
        u64::from_str_radix(digits, 16).map_err(|_| malformed("the response is malformed"))
    }
}

impl Read for ResponseBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.chunked && self.left.unwrap_or(0) == 0 {
            match self.next_chunk()? {
                0 => return Ok(0),
                size => self.left = Some(size),
            }
        }
        let room = self.left.map_or(buffer.len(), |left| {
            buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX))
        });
        if room == 0 {
            return Ok(0);
        }
        let read = self.reader.read(&mut buffer[..room])?;
        if read == 0 && self.left.is_some() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left = self.left.map(|left| left - read as u64);
        Ok(read)
    }
}

/// A response that is read line by line.
pub(crate) struct ResponseLines(BufReader<ResponseBody>);

impl ResponseLines {
    /// The next line without its end, which may be empty; `None` at the end.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        self.0.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.pop() != Some(b'\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some(line))
    }

    /// Returns true if the next line has not arrived yet.
    pub(crate) fn is_drained(&self) -> bool {
        self.0.buffer().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_response_is_shown_with_the_allowed_values() {
        let body = br#"{"error":"unknown level \"loud\"","allowed":["error","warn"]}"#;
        assert_eq!(error_message(400, body), "unknown level \"loud\"; allowed: error, warn");
        assert_eq!(error_message(502, b"<html>"), "unexpected HTTP status 502");
    }

    #[test]
    fn a_port_of_senders_is_recognised_by_its_answer() {
        let body = br#"{"error":"GET brings no records: use POST"}"#;
        let message = error_message(405, body);
        assert!(message.contains("readers use that of --http, by default port 1903"), "{message}");
        assert_eq!(error_message(400, body), "GET brings no records: use POST");
    }
}
