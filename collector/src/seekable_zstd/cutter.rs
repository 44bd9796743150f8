//! Cuts a text into what becomes one frame each: some 256 KiB of whole lines.

use std::io::{self, Read};

/// Length of a frame's text, but for a line that is longer: small enough to be unpacked in a
/// fraction of a millisecond, large enough to compress well.
pub(super) const FRAME: usize = 256 << 10;

/// Greatest length of a frame for the sake of a line. A longer line is not a record.
pub(super) const LONGEST: usize = 16 << 20;

/// Text that is cut into frames, and the part of it that was read beyond the last cut.
pub(super) struct FrameCutter<R> {
    reader: R,
    text: Vec<u8>,
    aim: usize,
}

impl<R: Read> FrameCutter<R> {
    pub(super) fn new(reader: R, aim: usize) -> Self {
        Self { reader, text: Vec::new(), aim: aim.min(LONGEST) }
    }

    /// The next part. A line that is longer than that is a part of its own.
    pub(super) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut size = self.aim;
        let cut = loop {
            let missing = size.saturating_sub(self.text.len()) as u64;
            self.reader.by_ref().take(missing).read_to_end(&mut self.text)?;
            let long = size > self.aim;
            let over = self.text.len() < size;
            let window = &self.text[..size.min(self.text.len())];
            let end =
                if long { memchr::memchr(b'\n', window) } else { memchr::memrchr(b'\n', window) };
            match end {
                _ if over && !long => break self.text.len(),
                Some(end) => break end + 1,
                None if over || size == LONGEST => break window.len(),
                None => size = (size * 2).min(LONGEST),
            }
        };
        let rest = self.text.split_off(cut);
        let part = std::mem::replace(&mut self.text, rest);
        Ok((!part.is_empty()).then_some(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str, aim: usize) -> Vec<String> {
        let mut cutter = FrameCutter::new(text.as_bytes(), aim);
        let mut parts = Vec::new();
        while let Some(part) = cutter.next().unwrap() {
            parts.push(String::from_utf8(part).unwrap());
        }
        parts
    }

    #[test]
    fn a_text_is_cut_at_line_ends_and_a_long_line_is_alone() {
        for (text, expected) in [
            ("", vec![]),
            ("a", vec!["a"]),
            ("a\nb\nc\n", vec!["a\nb\n", "c\n"]),
            ("a\nbbb\nc", vec!["a\n", "bbb\n", "c"]),
            ("a\nbbbbbbbb\nc\nd\ne\n", vec!["a\n", "bbbbbbbb\n", "c\nd\n", "e\n"]),
            ("bbbbbbbb\nccccccccc", vec!["bbbbbbbb\n", "ccccccccc"]),
            ("bbbbbbb\n", vec!["bbbbbbb\n"]),
        ] {
            assert_eq!(parts(text, 4), expected, "{text:?}");
        }
    }

    #[test]
    fn what_has_no_line_end_is_cut_where_it_is_too_long() {
        let text = "x".repeat(LONGEST + 5);
        let lens: Vec<_> = parts(&text, FRAME).iter().map(String::len).collect();
        assert_eq!(lens, [LONGEST, 5]);
    }
}
