//! Lines out of a byte stream, however the stream was split into reads.

use memchr::memchr2;

/// Cuts a stream into lines at LF or NUL, holding at most one line of limited length.
///
/// A line that arrives whole within one read is handed over in place; only a line that a read
/// split is copied. Between lines it owns no memory.
#[derive(Debug)]
pub struct Lines {
    limit: usize,
    partial: Vec<u8>,
    cut: u64,
}

/// One line, without its end.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub struct Piece<'a> {
    /// The line's bytes, at most as many as the limit.
    pub bytes: &'a [u8],
    /// Number of bytes skipped beyond the limit.
    pub cut: u64,
}

impl Lines {
    /// Lines of at most `limit` bytes; of a longer one the rest is skipped and counted.
    pub fn new(limit: usize) -> Self {
        Self { limit, partial: Vec::new(), cut: 0 }
    }

    /// Changes the limit for the lines that end from now on.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Takes the next read and hands each line it completes to `each`.
    pub fn feed(&mut self, mut input: &[u8], mut each: impl FnMut(Piece<'_>)) {
        if self.pending() {
            let Some(end) = memchr2(b'\n', 0, input) else { return self.keep(input) };
            self.keep(&input[..end]);
            input = &input[end + 1..];
            self.finish(&mut each);
        }
        while let Some(end) = memchr2(b'\n', 0, input) {
            let kept = end.min(self.limit);
            each(Piece { bytes: &input[..kept], cut: (end - kept) as u64 });
            input = &input[end + 1..];
        }
        self.keep(input);
    }

    /// Hands over what has no end yet, if there is anything, as the stream's last line.
    pub fn finish(&mut self, mut each: impl FnMut(Piece<'_>)) {
        if !self.pending() {
            return;
        }
        let bytes = std::mem::take(&mut self.partial);
        let cut = std::mem::take(&mut self.cut);
        each(Piece { bytes: &bytes, cut });
    }

    /// True while a line has begun and not ended.
    pub fn pending(&self) -> bool {
        !self.partial.is_empty() || self.cut > 0
    }

    /// Number of its bytes held so far.
    pub fn held(&self) -> usize {
        self.partial.len()
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.limit.saturating_sub(self.partial.len()).min(bytes.len());
        self.partial.extend_from_slice(&bytes[..room]);
        self.cut += (bytes.len() - room) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(limit: usize, reads: &[&[u8]]) -> Vec<(Vec<u8>, u64)> {
        let mut lines = Lines::new(limit);
        let mut out = Vec::new();
        for read in reads {
            lines.feed(read, |l| out.push((l.bytes.to_vec(), l.cut)));
        }
        lines.finish(|l| out.push((l.bytes.to_vec(), l.cut)));
        out
    }

    #[test]
    fn a_line_ends_at_lf_or_nul_and_the_last_at_the_end() {
        let whole = |text: &[u8]| (text.to_vec(), 0);
        let expected = [whole(b"one"), whole(b"two\r"), whole(b""), whole(b"three")];
        assert_eq!(lines(64, &[b"one\ntwo\r\0\nthree"]), expected);
    }

    #[test]
    fn an_overlong_line_is_cut_and_the_next_one_lives() {
        let expected = [(b"0123".to_vec(), 6), (b"ok".to_vec(), 0)];
        assert_eq!(lines(4, &[b"0123456789\nok\n"]), expected);
        assert_eq!(lines(4, &[b"01", b"2345", b"6789", b"\no", b"k"]), expected);
    }

    #[test]
    fn an_endless_line_holds_no_more_than_the_limit() {
        let mut lines = Lines::new(1000);
        for _ in 0..10_000 {
            lines.feed(&[b'x'; 1000], |_| unreachable!("the line has no end"));
            assert!(lines.partial.capacity() <= 2000);
        }
        lines.finish(|line| assert_eq!((line.bytes.len(), line.cut), (1000, 9_999_000)));
        assert_eq!(lines.partial.capacity(), 0);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_lines(
            stream in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(0), b'a'..b'e'], 0..200),
            cuts in proptest::collection::vec(0_usize..200, 0..8),
            limit in 1_usize..20,
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(stream.len())).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let reads: Vec<&[u8]> = cuts.windows(2).map(|w| &stream[w[0]..w[1]]).collect();
            prop_assert_eq!(lines(limit, &reads), lines(limit, &[&stream]));
        }
    }
}
