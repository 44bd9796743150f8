//! Frames of RELP, the acknowledged transport of rsyslog: a number, a command, a length and so many
//! bytes.

/// The most digits of a number, so that a frame's beginning is short.
const DIGITS: usize = 9;
/// The longest command.
const COMMAND: usize = 32;

/// A whole frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RelpFrame<'a> {
    pub(crate) number: u64,
    pub(crate) command: &'a [u8],
    pub(crate) content: &'a [u8],
    /// Its length in bytes.
    pub(crate) len: usize,
}

/// Bytes that are not a frame of RELP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MalformedRelp;

/// The beginning of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RelpPart<'a> {
    Whole(RelpFrame<'a>),
    /// So many bytes are needed, at least.
    Needs(usize),
}

impl<'a> RelpFrame<'a> {
    /// Reads the frame that `bytes` begin with.
    ///
    /// # Errors
    ///
    /// When they cannot become one.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<RelpPart<'a>, MalformedRelp> {
        let needs_more = Ok(RelpPart::Needs(bytes.len() + 1));
        let Some((number, rest)) = digits(bytes, b" ")? else { return needs_more };
        let command = rest.iter().position(|&byte| !byte.is_ascii_alphanumeric());
        let Some(command) = command else {
            return if rest.len() > COMMAND { Err(MalformedRelp) } else { needs_more };
        };
        let (command, rest) = rest.split_at(command);
        let Some((b' ', rest)) = rest.split_first() else { return Err(MalformedRelp) };
        if command.is_empty() || command.len() > COMMAND {
            return Err(MalformedRelp);
        }
        // Without content, the line end stands right behind the length.
        let Some((len, rest)) = digits(rest, b" \n")? else { return needs_more };
        let len = usize::try_from(len).map_err(|_| MalformedRelp)?;
        let head = bytes.len() - rest.len();
        let ended = bytes[head - 1] == b'\n';
        if ended && len > 0 {
            return Err(MalformedRelp);
        }
        let head = if ended { head - 1 } else { head };
        let whole = head + len + 1;
        let Some(end) = bytes.get(whole - 1) else { return Ok(RelpPart::Needs(whole)) };
        if *end != b'\n' {
            return Err(MalformedRelp);
        }
        let content = &bytes[head..head + len];
        Ok(RelpPart::Whole(Self { number, command, content, len: whole }))
    }
}

/// The number that `bytes` begin with, and the rest behind one of `ends`.
fn digits<'a>(bytes: &'a [u8], ends: &[u8]) -> Result<Option<(u64, &'a [u8])>, MalformedRelp> {
    let len = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match bytes.get(len) {
        _ if len > DIGITS => Err(MalformedRelp),
        None => Ok(None),
        Some(end) if len > 0 && ends.contains(end) => {
            let number = bytes[..len].iter().fold(0, |n, digit| n * 10 + u64::from(digit - b'0'));
            Ok(Some((number, &bytes[len + 1..])))
        }
        Some(_) => Err(MalformedRelp),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_one_behind_another() {
        let bytes = b"2 syslog 9 <13>hello\n3 close 0\n";
        let frame = RelpFrame { number: 2, command: b"syslog", content: b"<13>hello", len: 21 };
        assert_eq!(RelpFrame::parse(bytes), Ok(RelpPart::Whole(frame)));
        let close = RelpFrame { number: 3, command: b"close", content: b"", len: 10 };
        assert_eq!(RelpFrame::parse(&bytes[21..]), Ok(RelpPart::Whole(close)));
        let blank = RelpFrame { number: 3, command: b"close", content: b"", len: 11 };
        assert_eq!(RelpFrame::parse(b"3 close 0 \n"), Ok(RelpPart::Whole(blank)));
        for cut in 0..21 {
            let part = RelpFrame::parse(&bytes[..cut]);
            assert!(matches!(part, Ok(RelpPart::Needs(needs)) if needs > cut), "{cut} {part:?}");
        }
    }

    #[test]
    fn what_cannot_be_a_frame_is_refused_at_once() {
        for bytes in [
            &b"x"[..],
            b" syslog",
            b"1234567890",
            b"1 sys-log 3",
            b"1  3",
            b"1 syslog x",
            b"1 syslog 99999999999 ",
            b"1 syslog 3 abcd\n",
            b"1 syslog 3\nabc\n",
        ] {
            let part = RelpFrame::parse(bytes);
            assert_eq!(part, Err(MalformedRelp), "{}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(RelpFrame::parse(&[b'a'; 99]), Err(MalformedRelp));
        assert_eq!(
            RelpFrame::parse(b"1 syslog 999999999 "),
            Ok(RelpPart::Needs(19 + 999_999_999 + 1)),
            "it is known at once how much it takes"
        );
    }
}
