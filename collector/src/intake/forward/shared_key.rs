//! The handshake of the forward protocol: both sides show that they know a key, and neither says it.

use crate::decode::forward::MsgpackReader;
use crate::intake::frames::FrameError;
use ring::digest::{Context, SHA512};
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt::{self, Write};
use std::io;
use std::path::Path;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// A key that clients have to know.
pub(crate) struct SharedKey(Vec<u8>);

impl SharedKey {
    /// Reads the key that is all of a file, but for blanks and line ends around it.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or holds nothing.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let key = std::fs::read(path)?.trim_ascii().to_vec();
        match key.is_empty() {
            true => Err(io::Error::new(io::ErrorKind::InvalidData, "the key file is empty")),
            false => Ok(Self(key)),
        }
    }
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedKey(..)")
    }
}

/// The handshake of one connection.
pub(super) struct Handshake {
    key: Arc<SharedKey>,
    nonce: [u8; 16],
    /// The name of this machine, which the client's must not equal.
    host: String,
}

impl Handshake {
    pub(super) fn new(key: Arc<SharedKey>) -> Self {
        let mut nonce = [0; 16];
        // Without random bytes nobody gets in: the digest is over bytes that no client was told.
        let host = match SystemRandom::new().fill(&mut nonce) {
            Ok(()) => rustix::system::uname().nodename().to_string_lossy().into_owned(),
            Err(_) => String::new(),
        };
        Self { key, nonce, host }
    }

    /// `["HELO", {"nonce": …, "auth": "", "keepalive": true}]`.
    pub(super) fn hello(&self) -> Vec<u8> {
        let mut hello = b"\x92\xa4HELO\x83\xa5nonce\xc4\x10".to_vec();
        hello.extend(self.nonce);
        hello.extend(b"\xa4auth\xa0\xa9keepalive\xc3");
        hello
    }

    /// The answer to `["PING", host, salt, digest, user, password]`; `true` if the digest is right.
    pub(super) fn answer(&self, ping: &[u8]) -> Result<(Vec<u8>, bool), FrameError> {
        let read = || {
            let mut reader = MsgpackReader::new(ping);
            reader.value()?;
            let kind = reader.text()?;
            let part = [reader.text()?, reader.text()?, reader.text()?];
            Ok::<_, crate::decode::forward::MalformedMsgpack>((kind, part))
        };
        let Ok((b"PING", [host, salt, digest])) = read() else {
            return Err(FrameError::Malformed("expected PING"));
        };
        let known =
            !self.host.is_empty() && self.digest(salt, host).as_bytes().ct_eq(digest).into();
        let mut pong = b"\x95\xa4PONG".to_vec();
        pong.push(if known { 0xc3 } else { 0xc2 });
        push_text(if known { b"" } else { b"shared key mismatch" }, &mut pong);
        push_text(self.host.as_bytes(), &mut pong);
        let own = if known { self.digest(salt, self.host.as_bytes()) } else { String::new() };
        push_text(own.as_bytes(), &mut pong);
        Ok((pong, known))
    }

    fn digest(&self, salt: &[u8], host: &[u8]) -> String {
        let mut context = Context::new(&SHA512);
        for part in [salt, host, &self.nonce, &self.key.0] {
            context.update(part);
        }
        let mut text = String::new();
        for byte in context.finish().as_ref() {
            // Writing to memory does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

/// Appends a text in MessagePack.
pub(super) fn push_text(text: &[u8], out: &mut Vec<u8>) {
    match text.len() {
        len @ 0..=31 => out.push(0xa0 | len as u8),
        len @ 32..=255 => out.extend([0xd9, len as u8]),
        len => {
            out.push(0xda);
            out.extend((len as u16).to_be_bytes());
        }
    }
    out.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_knows_the_key_is_let_in_and_nobody_else() {
        let key = Arc::new(SharedKey(b"secret".to_vec()));
        let handshake = Handshake { nonce: *b"0123456789abcdef", host: "here".into(), key };
        let ping = |digest: &str| {
            let mut ping = b"\x96\xa4PING".to_vec();
            for part in ["there", "salt", digest, "", ""] {
                push_text(part.as_bytes(), &mut ping);
            }
            handshake.answer(&ping).unwrap()
        };
        let right = handshake.digest(b"salt", b"there");
        assert_eq!(right.len(), 128);
        assert!(ping(&right).1);
        assert!(ping(&right).0.starts_with(b"\x95\xa4PONG\xc3\xa0\xa4here\xd9\x80"));
        assert!(!ping(&handshake.digest(b"salt", b"here")).1);
        assert!(!ping("").1);
        assert!(handshake.answer(b"\x91\xa4PING").is_err());
        let other = Handshake { key: Arc::new(SharedKey(b"other".to_vec())), ..handshake };
        assert_ne!(other.digest(b"salt", b"there"), right);
    }
}
