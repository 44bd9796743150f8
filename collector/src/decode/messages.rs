//! Messages out of a byte stream, however it was split into reads: each is told apart for itself,
//! because real clients mix framings on one connection.
//!
//! A text or syslog message ends at LF or NUL, and so does an object ([`objects`]), an octet-counted
//! message where its count says. Some guesses can be wrong, and are made so that little is lost:
//!
//! - *An octet count that is none* (`7 <5> left`). What follows the counted bytes is then no
//!   beginning of anything; from there on the connection's counts are not believed any more.
//! - *An object that is none* (`{x` or a line that was cut off). It is text from the byte on that
//!   no JSON can have there, line by line.
//! - *A syslog message without an end*, as winston and log4j send it, ends where the next begins,
//!   or when nothing has come for a while ([`Messages::idle`]). Once a line end has been seen on
//!   the connection, only line ends end its messages: a message may quote another.
//! - *A syslog message of several lines*, as Python's handler sends a traceback. Once one has ended
//!   at a NUL, another of that connection goes on behind an LF, unless a `<` stands there.

mod objects;

use super::message::{Message, Note};
use super::next::{Found, Next};
use super::object::Object;
use super::sniff::{Foreign, HELLO, Is, Kind, Pinned, Place, count, sniff};
use memchr::{memchr2, memchr2_iter};
use netlog_wire::Lines;
use std::mem::take;

/// The longest octet-counted message whose count is believed; rsyslog stops at 200,000.
const MAX_COUNT: usize = 256 << 10;

type Each<'e> = &'e mut dyn FnMut(Message<'_>);

/// Cuts a stream into messages, holding at most one of limited length.
///
/// A message that arrives whole within one read is handed over in place; only one that a read
/// split is copied. Between messages it owns no memory.
#[derive(Debug)]
pub(crate) struct Messages {
    limit: usize,
    pin: Option<Pinned>,
    state: State,
    /// What has come of the message that has not ended.
    partial: Vec<u8>,
    cut: u64,
    first: bool,
    counts: bool,
    counted: bool,
    /// A syslog message has been seen to end at a line end.
    lines: bool,
    /// It was a NUL.
    nuls: bool,
}

#[derive(Debug)]
enum State {
    /// A message begins, of which `partial` is too little to tell what it is.
    Begin,
    /// Up to the next line end.
    Line(Kind),
    /// Up to the next line end or the next message.
    Endless(Next),
    /// Up to the next NUL or the next message. Whether an LF has come last.
    UntilNul(bool),
    /// Up to the end of the object. Whether a line has ended within it.
    Object(Object, bool),
    /// Up to what tells whether an object was all of it: so many bytes have come behind it that do
    /// not. Whether a line has ended within it.
    Behind(usize, bool),
    /// So many bytes.
    Counted(Kind, usize),
    /// Lines to the end of the connection.
    Netlog(Lines),
}

impl Messages {
    /// Messages of at most `limit` bytes; of a longer one the rest is skipped and counted.
    pub(crate) fn new(limit: usize, pin: Option<Pinned>) -> Self {
        Self {
            limit,
            pin,
            state: State::Begin,
            partial: Vec::new(),
            cut: 0,
            first: true,
            counts: true,
            counted: false,
            lines: false,
            nuls: false,
        }
    }

    /// Takes the next read and hands each message it completes to `each`.
    ///
    /// # Errors
    ///
    /// When the connection speaks something else; then it is to be closed.
    pub(crate) fn feed(&mut self, mut input: &[u8], each: Each<'_>) -> Result<(), Foreign> {
        while !input.is_empty() {
            let rest = match self.state {
                State::Begin => self.begin(input, each)?,
                State::Line(kind) => self.line(kind, input, each),
                State::Endless(_) => self.endless(input, each),
                State::UntilNul(ended) => self.until_nul(ended, input, each),
                State::Object(..) => self.object(input, each)?,
                State::Behind(gap, _) => self.behind(gap, input, each),
                State::Counted(..) => self.counted(input, each),
                State::Netlog(ref mut lines) => {
                    lines.feed(input, |piece| {
                        let (bytes, cut) = (piece.bytes, piece.cut);
                        each(Message { kind: Kind::Netlog, bytes, cut, note: None });
                    });
                    return Ok(());
                }
            };
            input = &input[input.len() - rest..];
        }
        Ok(())
    }

    /// Hands over what has no end, as the stream's last message. What a netlog sender left is
    /// half a record, or half a hello, and none.
    pub(crate) fn finish(&mut self, each: Each<'_>) -> Result<(), Foreign> {
        if self.first && self.pin.is_none() && HELLO.starts_with(&self.partial) {
            self.partial = Vec::new();
            return Ok(());
        }
        while matches!(self.state, State::Begin) && !self.partial.is_empty() {
            let begun = take(&mut self.partial);
            let is = sniff(&begun, Place { ended: true, ..self.place() });
            let skip = self.enter(is.unwrap_or(Is::A(Kind::Text)), &begun)?;
            self.feed(&begun[skip..], each)?;
        }
        let kind = match &self.state {
            State::Begin | State::Netlog(_) => return Ok(()),
            State::Line(kind) | State::Counted(kind, _) => *kind,
            State::Endless(_) => Kind::Syslog,
            State::UntilNul(ended) => {
                self.take_back(usize::from(*ended));
                Kind::Syslog
            }
            State::Object(..) => Kind::Text,
            State::Behind(gap, _) => {
                self.take_back(*gap);
                Kind::Json
            }
        };
        self.emit(kind, &[], None, each);
        Ok(())
    }

    /// Whether what has come is to be handed over when nothing more comes for a while.
    pub(crate) fn may_be_whole(&self) -> bool {
        matches!(self.state, State::Endless(_) | State::UntilNul(true) | State::Behind(..))
    }

    /// Nothing has come for a while: hands over what may be a whole message without an end.
    pub(crate) fn idle(&mut self, each: Each<'_>) {
        let (kind, note, behind) = match self.state {
            State::Endless(_) => (Kind::Syslog, Some(Note::Idle), 0),
            State::UntilNul(true) => (Kind::Syslog, Some(Note::Idle), 1),
            // Whole it is, whatever may come.
            State::Behind(gap, _) => (Kind::Json, None, gap),
            _ => return,
        };
        self.take_back(behind);
        self.emit(kind, &[], note, each);
    }

    /// Whether a message has begun that has not ended.
    pub(crate) fn pending(&self) -> bool {
        match &self.state {
            State::Begin => !self.partial.is_empty(),
            State::Netlog(lines) => lines.pending(),
            _ => true,
        }
    }

    /// How many bytes of it are held.
    pub(crate) fn held(&self) -> usize {
        match &self.state {
            State::Netlog(lines) => lines.held(),
            _ => self.partial.len(),
        }
    }

    fn place(&self) -> Place {
        Place { first: self.first, ended: false, counts: self.counts, pin: self.pin }
    }

    /// Finds out what begins; says how much of `input` is left.
    fn begin(&mut self, input: &[u8], each: Each<'_>) -> Result<usize, Foreign> {
        if self.partial.is_empty() {
            return Ok(match sniff(input, self.place()) {
                Some(is) => match self.whole_line(is, input, each) {
                    Some(rest) => rest,
                    None => input.len() - self.enter(is, input)?,
                },
                None => {
                    self.partial.extend_from_slice(input);
                    0
                }
            });
        }
        // Rare, and over after a few bytes: a read ended where nothing could be told yet.
        for (at, &byte) in input.iter().enumerate() {
            self.partial.push(byte);
            if let Some(is) = sniff(&self.partial, self.place()) {
                let begun = take(&mut self.partial);
                let skip = self.enter(is, &begun)?;
                self.feed(&begun[skip..], each)?;
                return Ok(input.len() - at - 1);
            }
        }
        Ok(0)
    }

    /// Hands over a line that is all here: the common case, without a state in between.
    fn whole_line(&mut self, is: Is, input: &[u8], each: Each<'_>) -> Option<usize> {
        let kind = match is {
            Is::A(Kind::Text) if !self.counted => Kind::Text,
            Is::A(Kind::Syslog) if self.lines && !self.nuls => Kind::Syslog,
            _ => return None,
        };
        let end = memchr2(b'\n', 0, input)?;
        self.first = false;
        self.nuls |= kind == Kind::Syslog && input[end] == 0;
        let bytes = &input[..end.min(self.limit)];
        each(Message { kind, bytes, cut: (end - bytes.len()) as u64, note: None });
        Some(input.len() - end - 1)
    }

    /// Begins a message; says how many of its first bytes are not part of it.
    fn enter(&mut self, is: Is, bytes: &[u8]) -> Result<usize, Foreign> {
        let (mut skip, mut state) = (0, State::Line(Kind::Text));
        match is {
            Is::Not(foreign) => return Err(foreign),
            Is::Mark => (skip, state) = (3, State::Begin),
            Is::A(Kind::Netlog) => state = State::Netlog(Lines::new(self.limit)),
            Is::A(Kind::Json) => state = State::Object(Object::new(), false),
            Is::A(Kind::Syslog) if !self.lines => state = State::Endless(Next::default()),
            Is::A(Kind::Syslog) if self.nuls => state = State::UntilNul(false),
            Is::A(kind) => state = State::Line(kind),
            Is::Counted(kind) => {
                if let Some((len, before)) = count(bytes).filter(|&(len, _)| believable(len)) {
                    (skip, state) = (before, State::Counted(kind, len));
                }
            }
        }
        self.first = is == Is::A(Kind::Proxy) || self.first && is == Is::Mark;
        self.state = state;
        Ok(skip)
    }

    fn line(&mut self, kind: Kind, input: &[u8], each: Each<'_>) -> usize {
        let Some(end) = memchr2(b'\n', 0, input) else { return self.keep(input) };
        self.lines |= kind == Kind::Syslog;
        self.nuls |= kind == Kind::Syslog && input[end] == 0;
        let note = self.uncounted(kind, &input[..end]);
        self.emit(kind, &input[..end], note, each);
        input.len() - end - 1
    }

    /// Whether text stands where an octet-counted message should begin.
    fn uncounted(&mut self, kind: Kind, tail: &[u8]) -> Option<Note> {
        let kept = self.partial.trim_ascii();
        let blank = kept.is_empty() && self.cut == 0 && tail.trim_ascii().is_empty();
        if kind != Kind::Text || blank || !self.counted || !self.counts {
            return None;
        }
        self.counts = false;
        Some(Note::Uncounted)
    }

    fn endless(&mut self, input: &[u8], each: Each<'_>) -> usize {
        let State::Endless(next) = &mut self.state else { return input.len() };
        match next.find(input) {
            Found::Nothing => self.keep(input),
            Found::LineEnd(end) => {
                (self.lines, self.nuls) = (true, input[end] == 0);
                self.emit(Kind::Syslog, &input[..end], None, each);
                input.len() - end - 1
            }
            Found::Next { end, begun } => {
                let earlier = begun.len().saturating_sub(end);
                self.take_back(earlier);
                self.emit(Kind::Syslog, &input[..end.saturating_sub(begun.len())], None, each);
                // What came of it in earlier reads begins the next message.
                self.partial.extend_from_slice(&begun[..earlier]);
                input.len() - end.saturating_sub(begun.len())
            }
        }
    }

    /// Goes on up to a NUL; `ended` when an LF has come last, and a `<` would begin the next.
    fn until_nul(&mut self, ended: bool, input: &[u8], each: Each<'_>) -> usize {
        if ended && input[0] == b'<' {
            self.take_back(1);
            self.emit(Kind::Syslog, &[], None, each);
            return input.len();
        }
        for end in memchr2_iter(b'\n', 0, input) {
            let next = input.get(end + 1);
            // One that is too long was none of several lines.
            let over = self.partial.len() + self.cut as usize + end > self.limit;
            if input[end] == 0 || over || next == Some(&b'<') {
                self.emit(Kind::Syslog, &input[..end], None, each);
                return input.len() - end - 1;
            }
        }
        self.state = State::UntilNul(input.last() == Some(&b'\n'));
        self.keep(input)
    }

    fn counted(&mut self, input: &[u8], each: Each<'_>) -> usize {
        let State::Counted(kind, left) = &mut self.state else { return input.len() };
        let (kind, len) = (*kind, input.len().min(*left));
        *left -= len;
        if *left > 0 {
            return self.keep(input);
        }
        self.counted = true;
        self.emit(kind, &input[..len], None, each);
        input.len() - len
    }

    /// Hands over what has come and `tail`, and begins anew.
    fn emit(&mut self, kind: Kind, tail: &[u8], note: Option<Note>, each: Each<'_>) {
        self.state = State::Begin;
        if self.partial.is_empty() && self.cut == 0 {
            let bytes = &tail[..tail.len().min(self.limit)];
            let cut = (tail.len() - bytes.len()) as u64;
            return each(Message { kind, bytes, cut, note });
        }
        self.keep(tail);
        let (partial, cut) = (take(&mut self.partial), take(&mut self.cut));
        each(Message { kind, bytes: &partial, cut, note });
    }

    /// Keeps as much of `bytes` as the limit lets; nothing of them is left.
    fn keep(&mut self, bytes: &[u8]) -> usize {
        let room = self.limit.saturating_sub(self.partial.len()).min(bytes.len());
        self.partial.extend_from_slice(&bytes[..room]);
        self.cut += (bytes.len() - room) as u64;
        0
    }

    /// Forgets the last `len` bytes that were kept or cut.
    fn take_back(&mut self, len: usize) {
        let cut = (len as u64).min(self.cut);
        self.cut -= cut;
        self.partial.truncate(self.partial.len().saturating_sub(len - cut as usize));
    }
}

fn believable(count: usize) -> bool {
    // The shortest message is its priority.
    (3..=MAX_COUNT).contains(&count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Whole = (Kind, Vec<u8>, u64, Option<Note>);

    /// What comes of a stream in these reads, or what it is refused as.
    fn heard(limit: usize, reads: &[&[u8]]) -> Result<Vec<Whole>, Foreign> {
        let (mut messages, mut out) = (Messages::new(limit, None), Vec::new());
        let mut each = |m: Message<'_>| out.push((m.kind, m.bytes.to_vec(), m.cut, m.note));
        for read in reads {
            messages.feed(read, &mut each)?;
            assert!(messages.partial.len() <= limit.max(8 << 10));
        }
        messages.finish(&mut each)?;
        assert!(messages.partial.capacity() == 0 && messages.cut == 0);
        out.retain(|(_, bytes, ..)| !bytes.trim_ascii().is_empty());
        Ok(out)
    }

    /// The same, whole and byte by byte, as text.
    fn texts(stream: &[u8]) -> Vec<(Kind, String)> {
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        let whole = heard(1000, &[stream]).unwrap();
        assert_eq!(heard(1000, &bytes).unwrap(), whole);
        let text = |(kind, bytes, ..): Whole| (kind, String::from_utf8_lossy(&bytes).into_owned());
        whole.into_iter().map(text).collect()
    }

    fn are(kind: Kind, texts: &[&str]) -> Vec<(Kind, String)> {
        texts.iter().map(|text| (kind, (*text).to_owned())).collect()
    }

    #[test]
    fn lines_end_at_lf_or_nul_and_the_last_at_the_end() {
        let expected = are(
            Kind::Text,
            &["one", "two\r", "three"]
                .map(|t| t.replace("\\r", "\r"))
                .each_ref()
                .map(|t| t.as_str()),
        );
        assert_eq!(texts(b"one\ntwo\r\n\0three"), expected);
        assert_eq!(
            texts(b"<11>tcp hello\0<14>tcp two\0"),
            are(Kind::Syslog, &["<11>tcp hello", "<14>tcp two"])
        );
    }

    #[test]
    fn octet_counts_are_believed_where_they_are_right() {
        let frames = b"11 <13>1 - one16 <14>1 - two\nmore\n<15>plain\n10 <13>1 - 2\n";
        let expected =
            are(Kind::Syslog, &["<13>1 - one", "<14>1 - two\nmore", "<15>plain", "<13>1 - 2\n"]);
        assert_eq!(texts(frames), expected);
    }

    #[test]
    fn a_count_that_is_none_costs_no_line() {
        let stream = b"7 <5> left on the shelf\n9 <6> right\n";
        let heard = heard(1000, &[stream]).unwrap();
        let notes: Vec<_> = heard.iter().map(|m| (m.0, m.3)).collect();
        assert_eq!(
            notes,
            [(Kind::Syslog, None), (Kind::Text, Some(Note::Uncounted)), (Kind::Text, None)]
        );
        let bytes: Vec<u8> = heard.into_iter().flat_map(|m| m.1).collect();
        assert_eq!(bytes, b"<5> left on the shelf9 <6> right");
        assert_eq!(
            texts(b"99999999999999999999 <1>x\nb\n"),
            are(Kind::Text, &["99999999999999999999 <1>x", "b"])
        );
        assert_eq!(texts(b"999999999 <1>x\nb\n"), are(Kind::Text, &["999999999 <1>x", "b"]));
    }

    #[test]
    fn messages_without_an_end_end_where_the_next_begins() {
        let stream = b"<132>Nov 22 19:01:11 h a[1]: {\"m\":\"<b>\"}<132>Nov 22 19:01:12 h a[1]: two<13>1 - x<<13>2026-11-22T00:00:00Z y";
        let expected = [
            "<132>Nov 22 19:01:11 h a[1]: {\"m\":\"<b>\"}",
            "<132>Nov 22 19:01:12 h a[1]: two",
            "<13>1 - x<",
            "<13>2026-11-22T00:00:00Z y",
        ];
        assert_eq!(texts(stream), are(Kind::Syslog, &expected));
    }

    #[test]
    fn a_quoted_message_is_no_message() {
        let quoting = "<13>Nov 22 19:01:11 h a: got <14>Nov 22 19:01:10 h b: x";
        assert_eq!(texts(quoting.as_bytes()), are(Kind::Syslog, &[quoting]));
        let later = "<13>a:<14>Nov 22 19:01:10 h b: x";
        let stream = format!("<13>first\n{later}\n");
        assert_eq!(texts(stream.as_bytes()), are(Kind::Syslog, &["<13>first", later]));
    }

    #[test]
    fn a_message_has_lines_where_messages_end_at_nuls() {
        let stream = b"<11>one\0<11>two\n  line\nline\0<11>three\n<11>four\n\0text\n<11>five\n";
        let expected = [
            (Kind::Syslog, "<11>one"),
            (Kind::Syslog, "<11>two\n  line\nline"),
            (Kind::Syslog, "<11>three"),
            (Kind::Syslog, "<11>four\n"),
            (Kind::Text, "text"),
            (Kind::Syslog, "<11>five"),
        ];
        assert_eq!(texts(stream), expected.map(|(kind, text)| (kind, text.to_owned())));
        let long = format!("<11>one\0<11>{}\nnext\n", "x".repeat(1000));
        let ends = texts(long.as_bytes()).into_iter().map(|(kind, text)| (kind, text.len()));
        let expected = [(Kind::Syslog, 7), (Kind::Syslog, 1000), (Kind::Text, 4)];
        assert_eq!(ends.collect::<Vec<_>>(), expected, "one that is too long ends at its line");
    }

    #[test]
    fn silence_ends_only_what_begins_with_a_priority_and_whole_objects() {
        let (mut messages, mut out) = (Messages::new(1000, None), Vec::new());
        let mut each = |m: Message<'_>| out.push((m.bytes.to_vec(), m.note));
        for read in
            ["text", " more\n", "<13>one", "<13>Nov 22 two", "{\"a\":", "1} ", "<13>x\n<13>y"]
        {
            messages.feed(read.as_bytes(), &mut each).unwrap();
            messages.idle(&mut each);
        }
        messages.finish(&mut each).unwrap();
        let expected: [(&[u8], _); 6] = [
            (b"text more", None),
            (b"<13>one", Some(Note::Idle)),
            (b"<13>Nov 22 two", Some(Note::Idle)),
            (b"{\"a\":1}", None),
            (b"<13>x", None),
            (b"<13>y", None),
        ];
        assert_eq!(out, expected.map(|(bytes, note)| (bytes.to_vec(), note)));
    }

    #[test]
    fn an_object_ends_at_its_brace_however_it_is_written() {
        let stream = b"{\"a\":1}\r\n{\n  \"b\": [\n{}]\n}\0{\"c\":\"}\"}{\"d\":1}";
        let expected = ["{\"a\":1}", "{\n  \"b\": [\n{}]\n}", "{\"c\":\"}\"}", "{\"d\":1}"];
        assert_eq!(texts(stream), are(Kind::Json, &expected));
    }

    #[test]
    fn a_line_that_goes_on_behind_an_object_is_text_all_of_it() {
        let stream = b"{\"a\":1} and more\n{\"b\":2}}\n{\"c\":3}<13>x\0{\n} more\n";
        let text = ["{\"a\":1} and more", "{\"b\":2}}", "{\"c\":3}<13>x"];
        let pretty = [are(Kind::Json, &["{\n}"]), are(Kind::Text, &["more"])].concat();
        assert_eq!(texts(stream), [are(Kind::Text, &text), pretty].concat());
    }

    #[test]
    fn objects_may_follow_one_another_on_a_line() {
        let stream = b"{\"a\":1}{\"b\":2} {\"c\":3}, {\"d\":4},\r\n{\"e\":5} ,";
        let expected = ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}", "{\"d\":4}", "{\"e\":5}"];
        assert_eq!(texts(stream), are(Kind::Json, &expected));
    }

    #[test]
    fn what_begins_like_an_object_and_is_none_is_text_line_by_line() {
        assert_eq!(texts(b"{not json\nnext\n"), are(Kind::Text, &["{not json", "next"]));
        let cut_off = texts(b"{\"a\":1,\n{\"b\":2}\nlast");
        let expected = [(Kind::Text, "{\"a\":1,"), (Kind::Json, "{\"b\":2}"), (Kind::Text, "last")];
        assert_eq!(cut_off, expected.map(|(kind, text)| (kind, text.to_owned())));
        assert_eq!(texts(b"{\n\n\"a\nb\"\n}"), are(Kind::Text, &["{", "\"a", "b\"", "}"]));
    }

    #[test]
    fn a_mark_is_skipped_and_a_proxy_header_is_no_record() {
        assert_eq!(
            texts(b"\xef\xbb\xbf{}\n\xef\xbb\xbfx"),
            [are(Kind::Json, &["{}"]), are(Kind::Text, &["x"])].concat()
        );
        let header = "PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r";
        let stream = format!("{header}\n<13>x\n{header}\n");
        let expected = [
            are(Kind::Proxy, &[header]),
            are(Kind::Syslog, &["<13>x"]),
            are(Kind::Text, &[header]),
        ]
        .concat();
        assert_eq!(texts(stream.as_bytes()), expected);
    }

    #[test]
    fn after_a_hello_all_is_lines() {
        let stream = b"{\"netlog\":1}\n{\n<13>x<13>1 - \nrest";
        assert_eq!(texts(stream), are(Kind::Netlog, &["{\"netlog\":1}", "{", "<13>x<13>1 - "]));
        assert_eq!(texts(b"x\n{\"netlog\":1}\n")[1], (Kind::Json, "{\"netlog\":1}".to_owned()));
    }

    #[test]
    fn an_overlong_message_is_cut_and_the_next_one_lives() {
        let long = "x".repeat(50);
        for (stream, first) in [
            (format!("{long}\nok\n"), 40),
            (format!("<13>{long}\nok\n"), 44),
            (format!("54 <13>{long}ok\n"), 44),
            (format!("{{\"a\":\n\"{long}\"}}ok\n"), 49),
            (format!("<13>{long}<13>Nov 22 ok"), 44),
        ] {
            let split: Vec<&[u8]> = stream.as_bytes().chunks(3).collect();
            let whole = heard(10, &[stream.as_bytes()]).unwrap();
            assert_eq!(heard(10, &split).unwrap(), whole);
            assert_eq!((whole.len(), whole[0].1.len(), whole[0].2), (2, 10, first), "{stream}");
            assert!(whole[1].1.ends_with(b"ok") || whole[1].1 == b"<13>Nov 22");
        }
    }

    #[test]
    fn an_endless_message_holds_no_more_than_the_limit() {
        for start in ["x", "<13>x", "200000 <13>", "{\"a\":\"", "{\"a\":[\n", "{\n"] {
            let mut messages = Messages::new(1000, None);
            messages.feed(start.as_bytes(), &mut |_| unreachable!("it has no end")).unwrap();
            for _ in 0..100 {
                messages.feed(&[b' '; 1000], &mut |_| unreachable!("it has no end")).unwrap();
                assert!(messages.partial.capacity() <= 2000);
            }
            let mut cut = 0;
            messages.finish(&mut |m| cut += m.cut).unwrap();
            assert!(cut >= 99_000);
        }
    }

    /// Pieces of streams that make every state meet every other.
    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let known = proptest::sample::select(vec![
            "\n",
            "\0",
            "\r\n",
            "<13>",
            "<132>Nov 22 ",
            "<13>1 - ",
            "<",
            "12 <13>hello",
            "5 zx\u{1}",
            "5 ",
            "{",
            "}",
            "{\"a\":",
            "\"",
            "\\",
            "[",
            "]",
            ",",
            ":",
            "1",
            "{\"a\":1}",
            " ",
            "text",
            "\u{feff}",
            "PROXY ",
            "GET / HTTP/1.1",
            "{\"netlog\":1}",
            "<13>2026-11-22",
            "2026-",
            "Nov ",
        ]);
        prop_oneof![
            8 => known.prop_map(|text| text.as_bytes().to_vec()),
            1 => proptest::collection::vec(any::<u8>(), 0..4),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn any_bytes_in_any_reads_give_the_same_messages(
            pieces in proptest::collection::vec(piece(), 0..24),
            cuts in proptest::collection::vec(0_usize..200, 0..12),
            limit in 1_usize..40,
        ) {
            let stream = pieces.concat();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(stream.len())).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let reads: Vec<&[u8]> = cuts.windows(2).map(|w| &stream[w[0]..w[1]]).collect();
            let bytes: Vec<&[u8]> = stream.chunks(1).collect();
            let whole = heard(limit, &[&stream]);
            prop_assert_eq!(&heard(limit, &reads), &whole);
            prop_assert_eq!(&heard(limit, &bytes), &whole);
        }

        #[test]
        fn no_byte_of_text_is_lost(pieces in proptest::collection::vec(piece(), 0..24)) {
            let mut stream = b"text\n".to_vec();
            stream.extend(pieces.concat());
            let mut seen = 0;
            for (.., bytes, cut, _) in heard(1000, &[&stream]).unwrap() {
                seen += bytes.iter().filter(|b| b.is_ascii_alphabetic()).count() + cut as usize;
            }
            let z = stream.windows(2).filter(|w| w == b"zx").count();
            let sent = stream.iter().filter(|b| b.is_ascii_alphabetic()).count();
            prop_assert!(seen <= sent && seen + z >= sent);
        }
    }
}
