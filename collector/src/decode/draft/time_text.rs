//! Times as records write them.

use netlog_wire::{TIME_LEN, format_utc};

/// The text of the time before: records that come together are mostly of the same minute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeText {
    minute: i64,
    text: [u8; TIME_LEN],
}

impl TimeText {
    pub(crate) fn new() -> Self {
        Self { minute: 0, text: format_utc(0) }
    }

    /// The canonical form of `micros`.
    pub(super) fn of(&mut self, micros: i64) -> &[u8; TIME_LEN] {
        const MINUTE: i64 = 60_000_000;
        let minute = micros.div_euclid(MINUTE);
        // Years beyond four digits are held at the ends.
        if minute != self.minute || !(0..4_000_000_000).contains(&minute) {
            *self = Self { minute, text: format_utc(micros) };
            return &self.text;
        }
        let within = micros.rem_euclid(MINUTE) as u32;
        let pairs = [
            (17, within / 1_000_000),
            (20, within / 10_000 % 100),
            (22, within / 100 % 100),
            (24, within % 100),
        ];
        for (at, pair) in pairs {
            self.text[at] = b'0' + (pair / 10) as u8;
            self.text[at + 1] = b'0' + (pair % 10) as u8;
        }
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn times_are_written_as_ever(
            times in proptest::collection::vec(-62_167_219_200_000_000_i64..253_402_300_800_000_000, 2),
            within in 0_i64..2_000_000,
        ) {
            let mut clock = TimeText::new();
            for micros in [times[0], times[0] + within, times[1], times[0]] {
                prop_assert_eq!(clock.of(micros), &format_utc(micros));
            }
        }
    }
}
