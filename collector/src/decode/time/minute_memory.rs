//! Times of the minute of one that came before: records that come together are mostly of the same
//! minute, which is read once.

use super::{Moment, SECOND, Zone, head};

const MINUTE: i64 = 60 * SECOND;

/// The minutes of the times that came last, by their text.
#[derive(Debug, Default)]
pub(in crate::decode) struct MinuteMemory {
    utc: KnownMinute<{ "2026-11-22T19:00:".len() }>,
}

/// A minute by the text in front of its seconds.
#[derive(Debug)]
struct KnownMinute<const LEN: usize> {
    text: [u8; LEN],
    /// Microseconds since 1970 of its beginning.
    begins: i64,
}

impl<const LEN: usize> Default for KnownMinute<LEN> {
    fn default() -> Self {
        Self { text: [0; LEN], begins: 0 }
    }
}

impl MinuteMemory {
    /// Reads `2026-11-22T19:00:00.123Z`, whatever the length of its fraction; `None` for any other
    /// form of time.
    pub(in crate::decode) fn utc(&mut self, text: &str) -> Option<i64> {
        let bytes = text.as_bytes();
        let (minute, rest) = bytes.split_first_chunk()?;
        let within = seconds(rest.strip_suffix(b"Z")?)?;
        if *minute != self.utc.text {
            let known = |moment: &Moment<'_>| moment.zone == Zone::Known;
            let (moment, _) = head(text, None).filter(|(moment, len)| {
                known(moment) && *len == text.len() && minute[10] == b'T'
            })?;
            self.utc = KnownMinute { text: *minute, begins: moment.micros - within };
        }
        Some(self.utc.begins + within)
    }
}

/// The microseconds of `59.123456`; `None` beyond 59 and for anything else. Digits beyond the sixth
/// of the fraction are dropped.
fn seconds(bytes: &[u8]) -> Option<i64> {
    let (&[tens, ones], fraction) = bytes.split_first_chunk()?;
    if !matches!((tens, ones), (b'0'..=b'5', b'0'..=b'9')) {
        return None;
    }
    let whole = i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
    let mut unit = SECOND;
    let mut micros = whole * SECOND;
    if let Some((&point, digits)) = fraction.split_first() {
        if !matches!(point, b'.' | b',') || digits.is_empty() {
            return None;
        }
        for &digit in digits {
            if !digit.is_ascii_digit() {
                return None;
            }
            unit /= 10;
            micros += i64::from(digit - b'0') * unit;
        }
    }
    debug_assert!(micros < MINUTE);
    Some(micros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::time::parse;
    use netlog_wire::format_utc;
    use proptest::prelude::*;

    #[test]
    fn only_one_form_is_remembered() {
        let mut minutes = MinuteMemory::default();
        for other in [
            "",
            "Z",
            "2026-11-22T19:00:00",
            "2026-11-22T19:00:60Z",
            "2026-11-22 19:00:00Z",
            "2026-11-22T19:00:00+01:00",
            "2026-11-22T19:00:00.Z",
            "2026-13-22T19:00:00Z",
            "2026-11-22T19:60:00Z",
            "2026-11-22T19:00:0xZ",
            "2026-11-22T19:00:00.1xZ",
        ] {
            assert_eq!(minutes.utc(other), None, "{other}");
        }
        assert_eq!(minutes.utc("1970-01-01T00:00:07Z"), Some(7_000_000));
        assert_eq!(minutes.utc("1970-01-01T00:00:08.5Z"), Some(8_500_000));
    }

    proptest! {
        #[test]
        fn a_time_is_the_same_as_without_memory(
            times in proptest::collection::vec(-62_167_219_200_000_000_i64..253_402_300_800_000_000, 2),
            digits in 0_usize..12, within in 0_i64..100_000_000,
        ) {
            let mut minutes = MinuteMemory::default();
            for micros in [times[0], times[0] + within, times[1], times[0]] {
                let text = String::from_utf8(format_utc(micros).to_vec()).unwrap();
                let text = format!("{}789012", text.trim_end_matches('Z'));
                let text = format!("{}Z", &text[..(20 + digits - usize::from(digits == 0)).min(text.len())]);
                prop_assert_eq!(minutes.utc(&text), parse(&text).map(|moment| moment.micros), "{}", text);
            }
        }
    }
}
