//! Times of the minute of one that came before: records that come together are mostly of the same
//! minute, which is read once.

use super::{Moment, SECOND, Zone, head};

const MINUTE: i64 = 60 * SECOND;

/// The minutes of the times that came last, by their text.
#[derive(Debug, Default)]
pub(in crate::decode) struct MinuteMemory {
    utc: KnownMinute<{ "2026-11-22T19:00:".len() }>,
    yearless: KnownMinute<{ "Nov 22 19:00:".len() }>,
    /// The minute of reception, by which a year was found.
    received: i64,
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
    /// Reads a time that is all of `text`, with a year.
    pub(in crate::decode) fn whole<'a>(&mut self, text: &'a str) -> Option<Moment<'a>> {
        if let Some(micros) = self.utc(text) {
            return Some(Moment { micros, zone: Zone::Known });
        }
        head(text, None).filter(|(_, len)| *len == text.len()).map(|(moment, _)| moment)
    }

    /// Reads the time that begins `text`, and answers its length, as [`head`] does.
    pub(in crate::decode) fn head<'a>(
        &mut self,
        text: &'a str,
        received: i64,
    ) -> Option<(Moment<'a>, usize)> {
        let Some(within) = yearless_seconds(text.as_bytes()) else {
            return head(text, Some(received));
        };
        let (minute, _) = text.as_bytes().split_first_chunk()?;
        if *minute == self.yearless.text && received.div_euclid(MINUTE) == self.received {
            let moment = Moment { micros: self.yearless.begins + within, zone: Zone::Assumed };
            return Some((moment, YEARLESS));
        }
        let found = head(text, Some(received))?;
        if found.1 == YEARLESS && found.0.zone == Zone::Assumed {
            self.yearless = KnownMinute { text: *minute, begins: found.0.micros - within };
            self.received = received.div_euclid(MINUTE);
        }
        Some(found)
    }

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

const YEARLESS: usize = "Nov 22 19:00:00".len();

/// The microseconds of the seconds in `Nov 22 19:00:00 w`: a letter that begins neither a year nor a
/// zone.
fn yearless_seconds(bytes: &[u8]) -> Option<i64> {
    let within = bytes.get(YEARLESS - 2..YEARLESS)?;
    let behind = bytes.get(YEARLESS..YEARLESS + 2)?;
    let alone =
        bytes[0].is_ascii_uppercase() && behind[0] == b' ' && behind[1].is_ascii_lowercase();
    if alone { seconds(within) } else { None }
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
        fn a_time_without_a_year_is_the_same_as_without_memory(
            days in proptest::collection::vec(0_i64..800, 2), second in 0_i64..200,
            behind in prop_oneof![Just(" web1 x"), Just(" 2026 x"), Just(" UTC x"), Just(" z x"), Just(": x"), Just("")],
        ) {
            const DAY: i64 = 24 * 60 * MINUTE;
            let mut minutes = MinuteMemory::default();
            let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
            for (day, second) in [(days[0], second), (days[0], second + 1), (days[1], second), (days[1], second)] {
                let received = days[1] * DAY + 99 * SECOND;
                let (_, month, date) = netlog_wire::civil(day);
                let text = format!("{} {date:2} 19:{:02}:{:02}{behind}", names[month as usize - 1], second / 60, second % 60);
                prop_assert_eq!(minutes.head(&text, received), head(&text, Some(received)), "{}", text);
            }
        }

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
