//! Recognition of messages by their first bytes: the one table of all protocols.
//!
//! The first row that fits is what it is. While a row above it might still fit, nothing is decided
//! and more bytes are waited for; so what a message is never depends on how it was split.

use super::steps::step;
use crate::senders::peer_error::Protocol;

/// Kind of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A line of a connection that began with netlog's hello, the hello itself included.
    Netlog,
    /// An object that was seen to be whole, or to be about to be one when its peer left.
    Json,
    /// Begins with `<PRI>`.
    Syslog,
    /// A syslog message behind a `z`, zlib-packed: rsyslog's `ziplevel`.
    Packed,
    /// A PROXY header, which is no record.
    Proxy,
    /// Anything else.
    Text,
}

/// Meaning of a row that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Is {
    /// A message of this kind, ended by a line end or by its own shape.
    A(Kind),
    /// Octet-counted: digits, a blank, and as many bytes as they say.
    Counted(Kind),
    /// A byte order mark, to be skipped; what it is comes after it.
    Mark,
    /// Something that is not taken; the connection is closed.
    Not(Protocol),
}

/// Scope of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    /// At the first byte of a connection only: a program does not change its protocol, and deeper
    /// in a stream these bytes are more likely something else.
    Start,
    /// At each message.
    Each,
}

/// One element of a pattern.
enum Sign {
    /// These very bytes.
    Is(&'static [u8]),
    /// One byte of one of these ranges.
    In(&'static [(u8, u8)]),
    /// Digits, from so many to so many.
    Digits(usize, usize),
    /// The rest of the line, of at most 8 KiB in all, which ends with one of these.
    LineWith(&'static [&'static str]),
}

use Protocol::{
    Gzip, Http, Http2, Java, Lumberjack, Msgpack, Pickle, Proxy2, Relp, Tls, Zlib, Zstd,
};
use Sign::{Digits, In, Is as Bytes, LineWith};
use Where::{Each, Start};

const DIGIT1: Sign = In(&[(b'1', b'9')]);
const BYTE: Sign = In(&[(0, 255)]);
const HTTP1: Sign = LineWith(&[" HTTP/1.0", " HTTP/1.1"]);
const PRI: [Sign; 3] = [Bytes(b"<"), Digits(1, 3), Bytes(b">")];

/// Beginning of a hello, and of nothing else.
pub(super) const HELLO: &[u8] = b"{\"netlog\":";

#[rustfmt::skip]
const ROWS: &[(Where, &[Sign], Is)] = &[
    (Start, &[Bytes(HELLO)], Is::A(Kind::Netlog)),
    (Start, &[Bytes(&[0x16, 3]), In(&[(0, 4)])], Is::Not(Tls)),
    // Believed from nobody, as nobody is configured to be: it would set the peer's address.
    (Start, &[Bytes(b"PROXY TCP4 "), LineWith(&[""])], Is::A(Kind::Proxy)),
    (Start, &[Bytes(b"PROXY TCP6 "), LineWith(&[""])], Is::A(Kind::Proxy)),
    (Start, &[Bytes(b"PROXY UNKNOWN"), LineWith(&[""])], Is::A(Kind::Proxy)),
    (Start, &[Bytes(b"\r\n\r\n\0\r\nQUIT\n")], Is::Not(Proxy2)),
    // `GET /x 200` is a line of an access log, and so is one with anything behind `HTTP/1.1`.
    (Start, &[Bytes(b"GET "), HTTP1], Is::Not(Http)),
    (Start, &[Bytes(b"POST "), HTTP1], Is::Not(Http)),
    (Start, &[Bytes(b"PUT "), HTTP1], Is::Not(Http)),
    (Start, &[Bytes(b"HEAD "), HTTP1], Is::Not(Http)),
    (Start, &[Bytes(b"OPTIONS "), HTTP1], Is::Not(Http)),
    (Start, &[Bytes(b"DELETE "), HTTP1], Is::Not(Http)),
    (Start, &[Bytes(b"CONNECT "), HTTP1], Is::Not(Http)),
    (Start, &[Bytes(b"PRI * HTTP/2.0")], Is::Not(Http2)),
    // An array whose first element is a string (fluent forward), an array or a time (Fluent Bit).
    // No UTF-8 begins so; a text in a Windows code page may, with a quote, but hardly goes on so.
    (Start, &[In(&[(0x91, 0x95)]), In(&[(0xa0, 0xbf), (0xd9, 0xda), (0x92, 0x92), (0xd7, 0xd7)])], Is::Not(Msgpack)),
    (Start, &[Bytes(&[0x1f, 0x8b])], Is::Not(Gzip)),
    (Start, &[Bytes(&[0x28, 0xb5, 0x2f, 0xfd])], Is::Not(Zstd)),
    // `x^` is text when text goes on; `x` and one of the others is no UTF-8, or an odd word of it.
    (Start, &[Bytes(&[0x78, 0x5e]), In(&[(0, 8), (14, 31), (127, 255)])], Is::Not(Zlib)),
    (Start, &[Bytes(&[0x78]), In(&[(0x01, 0x01), (0x9c, 0x9c), (0xda, 0xda)]), BYTE], Is::Not(Zlib)),
    // The window size behind it, or the length, is less than 2^24: `2Ways` is text.
    (Start, &[In(&[(b'1', b'2')]), In(&[(b'C', b'C'), (b'W', b'W')]), Bytes(b"\0")], Is::Not(Lumberjack)),
    // The length, of less than 1 MiB, and the first opcodes of a pickled dictionary.
    (Start, &[Bytes(&[0]), In(&[(0, 0x0f)]), BYTE, BYTE, Bytes(b"}q")], Is::Not(Pickle)),
    (Start, &[Bytes(&[0]), In(&[(0, 0x0f)]), BYTE, BYTE, Bytes(&[0x80]), In(&[(2, 5)])], Is::Not(Pickle)),
    (Start, &[Bytes(&[0xac, 0xed, 0, 5])], Is::Not(Java)),
    // `3 open connections` is text.
    (Start, &[Digits(1, 9), Bytes(b" open "), Digits(1, 9), Bytes(b" relp_version=")], Is::Not(Relp)),
    // The whole pattern, for lines often begin with a number. `7 <5> left` fits it all the same;
    // see `framing::counted` on what happens then.
    (Each, &[DIGIT1, Digits(0, 8), Bytes(b" <"), Digits(1, 3), Bytes(b">")], Is::Counted(Kind::Syslog)),
    (Each, &[DIGIT1, Digits(0, 8), Bytes(b" zx"), In(&[(0x01, 0x01), (0x5e, 0x5e), (0x9c, 0x9c), (0xda, 0xda)])], Is::Counted(Kind::Packed)),
    (Each, &PRI, Is::A(Kind::Syslog)),
    // Text may begin so too; it is text from the byte on that no JSON can have there.
    (Each, &[Bytes(b"{")], Is::A(Kind::Json)),
    (Each, &[Bytes(b"\xef\xbb\xbf")], Is::Mark),
    (Each, &[], Is::A(Kind::Text)),
];

/// Beginnings of a syslog message within a stream whose messages have no ends: the priority, and
/// then a version and a date or none, a month, or a year.
const NEXT: &[&[Sign]] = &[
    &[Bytes(b"<"), Digits(1, 3), Bytes(b">1 "), In(&[(b'0', b'9'), (b'-', b'-')])],
    &[
        Bytes(b"<"),
        Digits(1, 3),
        Bytes(b">"),
        In(&[(b'A', b'S')]),
        In(&[(b'a', b'u')]),
        In(&[(b'b', b'y')]),
        Bytes(b" "),
    ],
    &[Bytes(b"<"), Digits(1, 3), Bytes(b">"), Digits(4, 4), Bytes(b"-")],
];

/// A format that `?as=` names, where guessing is not wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pinned {
    /// Each line a record, whatever is in it.
    Text,
    Json,
    Syslog,
    Gelf,
}

impl Pinned {
    /// The format of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Text, Self::Json, Self::Syslog, Self::Gelf].into_iter().find(|p| p.name() == name)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Syslog => "syslog",
            Self::Gelf => "gelf",
        }
    }

    fn allows(self, is: Is) -> bool {
        match is {
            Is::A(Kind::Text) => true,
            Is::A(Kind::Json) => matches!(self, Self::Json | Self::Gelf),
            Is::A(Kind::Syslog) | Is::Counted(_) => self == Self::Syslog,
            Is::Mark => self != Self::Text,
            _ => false,
        }
    }
}

/// Trust in the octet counts of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CountTrust {
    Unseen,
    Believed,
    /// One was wrong: only what stands before a whole syslog header is one.
    Doubted,
}

/// Context of a message's first byte.
#[derive(Debug, Clone, Copy)]
pub(super) struct MessageStart {
    /// It is the first of its connection.
    pub(super) first: bool,
    /// No more bytes will come: what might be something is not.
    pub(super) ended: bool,
    pub(super) counts: CountTrust,
    pub(super) pin: Option<Pinned>,
}

/// Recognises the message that begins with `bytes`; `None` while that is open.
pub(super) fn sniff(bytes: &[u8], place: MessageStart) -> Option<Is> {
    // The common cases first: most messages are lines of text, objects, or syslog.
    if !place.first && plainly_text(bytes) {
        return Some(Is::A(Kind::Text));
    }
    if !place.first && place.pin.is_none() {
        match bytes {
            [b'{', ..] => return Some(Is::A(Kind::Json)),
            [b'<', b'0'..=b'9', b'0'..=b'9', b'>', ..] => return Some(Is::A(Kind::Syslog)),
            [b'<', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'>', ..] => {
                return Some(Is::A(Kind::Syslog));
            }
            _ => {}
        }
    }
    step(8);
    for (at, signs, is) in ROWS {
        let applies = (place.first || *at == Each) && place.pin.is_none_or(|pin| pin.allows(*is));
        if !applies {
            continue;
        }
        let doubted = place.counts == CountTrust::Doubted && *is == Is::Counted(Kind::Syslog);
        match if doubted { begins_counted(bytes) } else { fit(signs, bytes) } {
            Fit::Yes => return Some(*is),
            Fit::Maybe if !place.ended => return None,
            Fit::Maybe | Fit::No => {}
        }
    }
    Some(Is::A(Kind::Text))
}

/// True if the first bytes already rule out all kinds that may begin anywhere but text.
fn plainly_text(bytes: &[u8]) -> bool {
    match bytes {
        [] | [b'<' | b'{' | 0xef, ..] => false,
        [b'0'..=b'9', ..] => {
            let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
            bytes.get(digits).is_some_and(|&byte| byte != b' ')
        }
        _ => true,
    }
}

/// Fit of `bytes` to an octet count before a whole syslog header.
pub(super) fn begins_counted(bytes: &[u8]) -> Fit {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match (bytes.first(), bytes.get(digits)) {
        (Some(b'1'..=b'9'), None) if digits < 10 => Fit::Maybe,
        (Some(b'1'..=b'9'), Some(b' ')) if digits < 10 => match &bytes[digits + 1..] {
            [] => Fit::Maybe,
            header => begins_next(header),
        },
        _ => Fit::No,
    }
}

/// Fit of `bytes` to the next message of a stream without ends.
pub(super) fn begins_next(bytes: &[u8]) -> Fit {
    // Mostly they do not, and that is seen at once.
    if !matches!(bytes, [] | [b'<'] | [b'<', b'0'..=b'9', ..]) {
        return Fit::No;
    }
    let fits = NEXT.iter().map(|signs| fit(signs, bytes));
    fits.max().unwrap_or(Fit::No)
}

/// The count of an octet-counted message, and how many bytes stand before what it counts.
pub(super) fn count(bytes: &[u8]) -> Option<(usize, usize)> {
    let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let count = std::str::from_utf8(&bytes[..digits]).ok()?.parse().ok()?;
    Some((count, digits + 1))
}

/// Fit of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    No,
    /// As far as the bytes go.
    Maybe,
    Yes,
}

fn fit(signs: &[Sign], mut bytes: &[u8]) -> Fit {
    for sign in signs {
        let (fit, len) = fit_one(sign, bytes);
        if fit != Fit::Yes {
            return fit;
        }
        bytes = &bytes[len..];
    }
    Fit::Yes
}

fn fit_one(sign: &Sign, bytes: &[u8]) -> (Fit, usize) {
    match sign {
        Sign::Is(literal) => {
            let len = literal.len().min(bytes.len());
            match bytes[..len] == literal[..len] {
                true if len == literal.len() => (Fit::Yes, len),
                true => (Fit::Maybe, 0),
                false => (Fit::No, 0),
            }
        }
        In(ranges) => match bytes.first() {
            None => (Fit::Maybe, 0),
            Some(byte) if ranges.iter().any(|(low, high)| (low..=high).contains(&byte)) => {
                (Fit::Yes, 1)
            }
            Some(_) => (Fit::No, 0),
        },
        Digits(least, most) => {
            let len = bytes.iter().take(*most).take_while(|b| b.is_ascii_digit()).count();
            match len {
                len if len < *most && len == bytes.len() => (Fit::Maybe, 0),
                len if len >= *least => (Fit::Yes, len),
                _ => (Fit::No, 0),
            }
        }
        LineWith(ends) => fit_line(ends, bytes),
    }
}

fn fit_line(ends: &[&str], bytes: &[u8]) -> (Fit, usize) {
    const MAX: usize = 8 << 10;
    let line = &bytes[..bytes.len().min(MAX)];
    step(line.len());
    let Some(end) = memchr::memchr2(b'\n', 0, line) else {
        return (if line.len() < MAX { Fit::Maybe } else { Fit::No }, 0);
    };
    let line = line[..end].strip_suffix(b"\r").unwrap_or(&line[..end]);
    let fits = ends.iter().any(|suffix| line.ends_with(suffix.as_bytes()));
    (if fits { Fit::Yes } else { Fit::No }, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: MessageStart =
        MessageStart { first: true, ended: false, counts: CountTrust::Unseen, pin: None };
    const LATER: MessageStart = MessageStart { first: false, ..FIRST };

    #[test]
    fn each_protocol_is_told_by_its_first_bytes() {
        for (bytes, foreign) in [
            (&b"\x16\x03\x01\x02\x00\x01"[..], Tls),
            (b"\r\n\r\n\0\r\nQUIT\n\x21", Proxy2),
            (b"GET /tail HTTP/1.1\r\nHost: x\r\n", Http),
            (b"POST /gelf HTTP/1.0\n", Http),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Http2),
            (b"\x93\xa3tag\xce", Msgpack),
            (b"\x94\xd9\x20tag", Msgpack),
            (b"\x92\x92\xd7\x00", Msgpack),
            (b"\x1f\x8b\x08", Gzip),
            (b"\x28\xb5\x2f\xfd", Zstd),
            (b"\x78\x9c\xcb", Zlib),
            (b"\x78\xda\x33", Zlib),
            (b"\x78\x5e\x03", Zlib),
            (b"2W\0\0\x07\xd0", Lumberjack),
            (b"1W\0\0\0\x01", Lumberjack),
            (b"2C\0\0\0\x01", Lumberjack),
            (b"\0\0\x01\xe7}q\0(", Pickle),
            (b"\0\0\x01\xe7\x80\x04\x95", Pickle),
            (b"\xac\xed\0\x05", Java),
            (b"1 open 85 relp_version=0\n", Relp),
        ] {
            assert_eq!(sniff(bytes, FIRST), Some(Is::Not(foreign)), "{bytes:?}");
            let later = sniff(bytes, LATER);
            assert!(!matches!(later, Some(Is::Not(_))), "{bytes:?} {later:?}");
        }
    }

    #[test]
    fn text_that_looks_like_a_protocol_is_text() {
        for text in [
            "GET /x 200\n",
            "GET /x HTTP/1.1 200 512\n",
            "POST me later\n",
            "PROXYING requests\n",
            "x^2 + y^2\n",
            "2Ways to go\n",
            "3 open connections\n",
            "3 open 5 closed\n",
            "12 apples\n",
            "12 <b>apples</b>\n",
            "0 <13>x\n",
            "[INFO] up\n",
            "<html>\n",
            "<1234>\n",
            "\u{2013} dash\n",
            "PRINT\n",
        ] {
            assert_eq!(sniff(text.as_bytes(), FIRST), Some(Is::A(Kind::Text)), "{text}");
        }
        assert_eq!(sniff(b"\x93quoted\x94", FIRST), Some(Is::A(Kind::Text)));
    }

    #[test]
    fn each_message_is_told_for_itself() {
        for (text, is) in [
            ("<13>x", Is::A(Kind::Syslog)),
            ("58 <132>1 ", Is::Counted(Kind::Syslog)),
            ("{\"a\"", Is::A(Kind::Json)),
            ("\u{feff}<13>", Is::Mark),
            ("{\"netlog\":1", Is::A(Kind::Json)),
        ] {
            assert_eq!(sniff(text.as_bytes(), LATER), Some(is), "{text}");
        }
        assert_eq!(sniff(b"56 zx\xda", LATER), Some(Is::Counted(Kind::Packed)));
        assert_eq!(sniff(b"{\"netlog\":1", FIRST), Some(Is::A(Kind::Netlog)));
        assert_eq!(
            sniff(b"5 <13>x", MessageStart { counts: CountTrust::Doubted, ..LATER }),
            Some(Is::A(Kind::Text))
        );
        for open in ["{\"net", "5", "58 ", "58 <13", "<", "<13", "\u{feff}x"] {
            let open = &open.as_bytes()[..open.len() - usize::from(open.ends_with('x'))];
            let open = if open.len() == 3 && open[0] == 0xef { &open[..2] } else { open };
            assert_eq!(sniff(open, FIRST), None, "{open:?}");
            assert!(sniff(open, MessageStart { ended: true, ..FIRST }).is_some());
        }
    }

    #[test]
    fn what_is_plainly_text_is_nothing_else() {
        let firsts = (0..=255).map(|byte| vec![byte]);
        let numbers = ["7", "7 ", "7 <", "7:", "7x", "123456789 <1>", "1234567890 <1>", "2026-11"];
        for bytes in firsts.chain(numbers.map(|text| text.as_bytes().to_vec())) {
            let others = ROWS.iter().filter(|(at, _, is)| *at == Each && *is != Is::A(Kind::Text));
            let fits = others.map(|(_, signs, _)| fit(signs, &bytes)).max();
            assert!(!plainly_text(&bytes) || fits == Some(Fit::No), "{bytes:?}");
        }
        assert!(
            ["x", " x", "[x", "7:", "2026-11"].iter().all(|text| plainly_text(text.as_bytes()))
        );
    }

    #[test]
    fn a_pinned_format_is_not_guessed() {
        let pinned =
            |pin, text: &str| sniff(text.as_bytes(), MessageStart { pin: Some(pin), ..FIRST });
        assert_eq!(pinned(Pinned::Text, "{\"netlog\":1}"), Some(Is::A(Kind::Text)));
        assert_eq!(pinned(Pinned::Json, "<13>x"), Some(Is::A(Kind::Text)));
        assert_eq!(pinned(Pinned::Syslog, "{}"), Some(Is::A(Kind::Text)));
        assert_eq!(pinned(Pinned::Syslog, "<13>x"), Some(Is::A(Kind::Syslog)));
        assert_eq!(pinned(Pinned::Gelf, "{}"), Some(Is::A(Kind::Json)));
        assert_eq!(pinned(Pinned::Gelf, "GET / HTTP/1.1\r\n"), Some(Is::A(Kind::Text)));
        assert_eq!(Pinned::named("gelf"), Some(Pinned::Gelf));
        assert_eq!(Pinned::named("xml"), None);
    }
}
