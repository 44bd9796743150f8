//! The collector's reading side, as far as it is needed here: one GET, and its answer line by line.

use serde_json::Value;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::str::FromStr;
use std::time::Duration;

/// How long a connection to one address may take.
const CONNECT: Duration = Duration::from_secs(5);

/// The longest line that is taken from a collector.
const LINE: u64 = 16 << 20;

/// The most of a refusal that is read.
const REFUSAL: u64 = 64 << 10;

/// Where a collector can be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    host: String,
    port: u16,
}

impl FromStr for Server {
    type Err = &'static str;

    /// Reads `http://host:port`; the scheme and the port may be left out.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        if text.starts_with("https://") {
            return Err("https is not spoken here: use http://, through a tunnel if need be");
        }
        let rest = text.strip_prefix("http://").unwrap_or(text);
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let shape = "not an address: use http://HOST:PORT, such as http://localhost:1903";
        let bare = !rest.contains(':') || rest.ends_with(']');
        let (host, port) = match bare {
            true => (rest, netlog_wire::READ_PORT),
            false => {
                let (host, port) = rest.rsplit_once(':').ok_or(shape)?;
                (host, port.parse().map_err(|_| shape)?)
            }
        };
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let strange = |c: char| c.is_whitespace() || c.is_control() || "/?#@".contains(c);
        if host.is_empty() || host.contains(strange) || (inner.is_none() && host.contains(':')) {
            return Err(shape);
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}", self.host, self.port)
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The collector says what was wrong with what was asked.
    Refused(String),
    /// It cannot do it now.
    Busy(String),
    /// It cannot be reached, or is gone.
    Away(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Away(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(words) | Self::Busy(words) => f.write_str(words),
            Self::Away(error) => {
                let words = error.to_string();
                f.write_str(words.split(" (os error").next().unwrap_or(&words))
            }
        }
    }
}

impl Server {
    /// Asks for `target`, a path with its query, and shows `token`. Nothing for `silence` counts as gone.
    pub(crate) fn get(
        &self,
        target: &str,
        token: Option<&str>,
        silence: Duration,
    ) -> Result<Answer, Failure> {
        let stream = self.connect()?;
        stream.set_read_timeout(Some(silence))?;
        stream.set_nodelay(true)?;
        let Self { host, port } = self;
        let token = token.map_or_else(String::new, |t| format!("Authorization: Bearer {t}\r\n"));
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: application/x-ndjson\r\n\
             {token}Connection: close\r\n\r\n"
        );
        (&stream).write_all(request.as_bytes())?;
        let mut reader = BufReader::with_capacity(64 << 10, stream);
        let head = Head::read(&mut reader)?;
        let mut body = BufReader::new(Body { reader, chunked: head.chunked, left: head.length });
        if head.status == 200 {
            return Ok(Answer(body));
        }
        let mut said = Vec::new();
        let _ = body.by_ref().take(REFUSAL).read_to_end(&mut said);
        let words = refusal(&said, head.status);
        Err(if head.status >= 500 { Failure::Busy(words) } else { Failure::Refused(words) })
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let host = self.host.trim_matches(['[', ']']);
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in (host, self.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, CONNECT) {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }
}

/// What a refusal says, with what would have been allowed.
fn refusal(said: &[u8], status: u16) -> String {
    let said: Value = serde_json::from_slice(said).unwrap_or_default();
    let Some(words) = said["error"].as_str() else { return format!("it answers {status}") };
    let allowed = said["allowed"].as_array().map_or(&[][..], Vec::as_slice);
    let allowed: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
    match allowed.is_empty() {
        true => words.to_owned(),
        false => format!("{words}; allowed: {}", allowed.join(", ")),
    }
}

/// What of an answer's head matters.
struct Head {
    status: u16,
    chunked: bool,
    /// The length of the body, if it is told.
    length: Option<u64>,
}

impl Head {
    fn read(reader: &mut impl BufRead) -> io::Result<Self> {
        let mut reader = reader.take(REFUSAL);
        let first = line(&mut reader)?;
        let status = first.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse().ok());
        let status = status.ok_or_else(|| strange("no collector answers there"))?;
        let mut head = Self { status, chunked: false, length: None };
        loop {
            let line = line(&mut reader)?;
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

fn strange(words: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words)
}

/// One line of HTTP's own, without its end.
fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    reader.take(8 << 10).read_until(b'\n', &mut line)?;
    let line = line.strip_suffix(b"\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    Ok(String::from_utf8_lossy(line).into_owned())
}

/// An answer's body, out of its chunks (RFC 9112, section 7.1).
struct Body {
    reader: BufReader<TcpStream>,
    chunked: bool,
    /// What is left of it, or of the chunk; unknown, it ends with the connection.
    left: Option<u64>,
}

impl Body {
    /// Begins the next chunk; zero long it is the last.
    fn next_chunk(&mut self) -> io::Result<u64> {
        let mut size = line(&mut self.reader)?;
        if size.is_empty() {
            // The end of the chunk before.
            size = line(&mut self.reader)?;
        }
        let digits = size.split(';').next().unwrap_or_default().trim();
        u64::from_str_radix(digits, 16).map_err(|_| strange("a malformed answer"))
    }
}

impl Read for Body {
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

/// An answer that is read line by line.
pub(crate) struct Answer(BufReader<Body>);

impl Answer {
    /// The next line without its end, which may be empty; `None` at the end.
    pub(crate) fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        self.0.by_ref().take(LINE).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.pop() != Some(b'\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some(line))
    }

    /// Whether the next line is still on its way.
    pub(crate) fn waits(&self) -> bool {
        self.0.buffer().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_written_back() {
        for (text, shown) in [
            ("http://localhost:1903", "http://localhost:1903"),
            ("logs.example", "http://logs.example:1903"),
            ("http://[::1]:80/", "http://[::1]:80"),
            ("[::1]", "http://[::1]:1903"),
        ] {
            assert_eq!(text.parse::<Server>().unwrap().to_string(), shown);
        }
        for bad in ["", "https://x:1", "http://x:y", "http://:1", "::1:80", "a b", "x/y", "h\r\n:1"]
        {
            assert!(bad.parse::<Server>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_refusal_is_told_with_what_is_allowed() {
        let said = br#"{"error":"unknown level \"loud\"","allowed":["error","warn"]}"#;
        assert_eq!(refusal(said, 400), "unknown level \"loud\"; allowed: error, warn");
        assert_eq!(refusal(b"<html>", 502), "it answers 502");
    }
}
