//! The first bytes of a connection of HTTP/2 with prior knowledge (RFC 9113, section 3.4).

use crate::intake::stream::PeerStream;
use std::future::poll_fn;
use std::io;
use std::task::Poll;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Reads on until it is certain if a connection that began with `opening` speaks HTTP/2.
pub(super) async fn speaks_http2(
    stream: &mut PeerStream,
    opening: &mut Vec<u8>,
) -> io::Result<bool> {
    loop {
        if let Some(certain) = begins_with_preface(opening) {
            return Ok(certain);
        }
        stream.readable().await?;
        let mut piece = [0; 64];
        let came = poll_fn(|context| Poll::Ready(stream.poll_fetch(context, &mut piece)));
        match came.await? {
            Some(came) if came.is_empty() => return Ok(false),
            Some(came) => opening.extend_from_slice(&piece[came]),
            None => {}
        }
    }
}

/// `None` while that is open.
fn begins_with_preface(bytes: &[u8]) -> Option<bool> {
    let len = bytes.len().min(PREFACE.len());
    match bytes[..len] == PREFACE[..len] {
        true if len < PREFACE.len() => None,
        equal => Some(equal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preface_is_recognised_however_few_bytes_have_come() {
        assert_eq!(begins_with_preface(b""), None);
        assert_eq!(begins_with_preface(b"PRI * HTTP/2.0\r\n"), None);
        assert_eq!(begins_with_preface(PREFACE), Some(true));
        assert_eq!(begins_with_preface(b"PR "), Some(false));
        assert_eq!(begins_with_preface(b"POST / HTTP/1.1\r\n"), Some(false));
    }
}
