//! Where a stretch of a file stands in the stream, which is all that the hub ever wrote to the files
//! of a template, in its order.
//!
//! ```text
//!  stream   … │ a │ b │ a │ c │ a │ …     "pos" is where the first a begins,
//!  file a   …     │ a │ a │ a │ …         "gaps" are [len, b, len, c]
//! ```

use serde::{Deserialize, Serialize};

/// The places in the stream of a stretch whose length is known elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Where it begins.
    pub(crate) pos: u64,
    /// What stands together, but for the last of it: how long it is, and what others have written
    /// before the stretch goes on.
    gaps: Vec<(u32, u32)>,
    /// The sums of both.
    before: u64,
    others: u64,
}

/// Bytes that stand together, in the file and in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Together {
    /// From the beginning of the stretch.
    pub(crate) at: u64,
    pub(crate) len: u64,
    pub(crate) pos: u64,
}

impl Order {
    pub(crate) fn new(pos: u64) -> Self {
        Self { pos, ..Self::default() }
    }

    /// Where a stretch of `len` bytes ends in the stream.
    pub(crate) fn end(&self, len: u64) -> u64 {
        self.pos.saturating_add(len).saturating_add(self.others)
    }

    /// Lets the stretch, `len` bytes so far, go on at `pos`; `false` when it cannot.
    pub(crate) fn go_on(&mut self, len: u64, pos: u64) -> bool {
        let gap = pos.checked_sub(self.end(len)).and_then(|gap| u32::try_from(gap).ok());
        let together = u32::try_from(len.saturating_sub(self.before)).ok();
        let (Some(gap), Some(together)) = (gap, together) else { return false };
        if gap > 0 {
            self.gaps.push((together, gap));
            (self.before, self.others) = (len, self.others + u64::from(gap));
        }
        true
    }

    /// All of a stretch of `len` bytes, from its beginning.
    pub(crate) fn all(&self, len: u64) -> impl Iterator<Item = Together> {
        let last = len.saturating_sub(self.before);
        let parts = self.gaps.iter().map(|&(len, gap)| (u64::from(len), u64::from(gap)));
        let mut next = (0, self.pos);
        parts.chain([(last, 0)]).map(move |(len, gap)| {
            let (at, pos) = next;
            next = (at + len, pos.saturating_add(len).saturating_add(gap));
            Together { at, len, pos }
        })
    }

    /// How many bytes of a stretch of `len` bytes are before `pos`.
    pub(crate) fn before(&self, pos: u64, len: u64) -> u64 {
        let mut before = self.all(len).take_while(|part| part.pos < pos);
        let count = |count, part: Together| count + part.len.min(pos - part.pos);
        before.by_ref().fold(0, count)
    }

    /// How much memory it takes.
    pub(crate) fn size(&self) -> usize {
        self.gaps.capacity() * size_of::<(u32, u32)>()
    }

    /// Tells whether a stretch of `len` bytes can have it.
    pub(super) fn fits(&self, len: u64) -> bool {
        let sum = |of: fn(&(u32, u32)) -> u32| self.gaps.iter().map(|gap| u64::from(of(gap))).sum();
        let (before, others): (u64, u64) = (sum(|gap| gap.0), sum(|gap| gap.1));
        let end = self.pos.checked_add(len).and_then(|end| end.checked_add(others));
        end.is_some() && before == self.before && others == self.others && before <= len
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        let mut order = Order::new(100);
        // 10 bytes, 5 of others, 20 bytes, 7 of others, and 3 bytes.
        assert!(order.go_on(10, 115) && order.go_on(20, 125) && order.go_on(30, 142));
        order
    }

    #[test]
    fn a_stretch_knows_the_place_of_each_byte() {
        let all: Vec<_> = order().all(33).map(|part| (part.at, part.len, part.pos)).collect();
        assert_eq!(all, [(0, 10, 100), (10, 20, 115), (30, 3, 142)]);
        assert_eq!(order().end(33), 145);
        for (pos, before) in [
            (0, 0),
            (100, 0),
            (109, 9),
            (110, 10),
            (115, 10),
            (120, 15),
            (135, 30),
            (142, 30),
            (144, 32),
            (999, 33),
        ] {
            assert_eq!(order().before(pos, 33), before, "{pos}");
        }
    }

    #[test]
    fn a_stretch_never_goes_back_nor_on_after_a_gap_that_is_too_wide() {
        let mut order = order();
        assert!(!order.go_on(33, 144));
        assert!(!order.go_on(33, 145 + (1 << 32)));
        assert!(order.go_on(33, 144 + (1 << 32)));
    }

    #[test]
    fn what_no_stretch_can_have_is_refused() {
        let read = |text: &str| serde_json::from_str::<Order>(text).unwrap().fits(33);
        assert!(read(&serde_json::to_string(&order()).unwrap()));
        for bad in [
            r#"{"pos":1,"gaps":[[34,5]],"before":34,"others":5}"#,
            r#"{"pos":1,"gaps":[[1,5]],"before":1,"others":6}"#,
            r#"{"pos":18446744073709551583,"gaps":[],"before":0,"others":0}"#,
        ] {
            assert!(!read(bad), "{bad}");
        }
    }
}
