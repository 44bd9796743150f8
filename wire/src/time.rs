//! Times as records write them: RFC 3339, UTC, six fractional digits.
//!
//! A time is a count of microseconds since 1970-01-01T00:00:00Z (`i64`). The two functions that
//! turn days into dates and back are Howard Hinnant's `civil_from_days` and `days_from_civil`
//! (<https://howardhinnant.github.io/date_algorithms.html>).

/// The length of a canonical time in bytes, `2026-11-22T18:42:23.123456Z`.
pub const TIME_LEN: usize = 27;

/// The form of a time, with zeros for its digits.
const FORM: [u8; TIME_LEN] = *b"0000-00-00T00:00:00.000000Z";

const MICROS: i64 = 1_000_000;
const DAY: i64 = 86_400;

/// The date of a day count since 1970-01-01: year, month (1-12), day (1-31).
pub fn civil(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    (year, month as u32, (doy - (153 * mp + 2) / 5 + 1) as u32)
}

fn days(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

/// The day count since 1970-01-01 of a date; `None` when there is no such day.
pub fn days_of_date(year: i64, month: i64, day: i64) -> Option<i64> {
    let real = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    real.then(|| days(year, month, day))
}

/// The canonical form of `micros`, in years 0000 to 9999; times beyond are held at the ends.
pub fn format_utc(micros: i64) -> [u8; TIME_LEN] {
    const FIRST: i64 = -62_167_219_200 * MICROS;
    const LAST: i64 = 253_402_300_800 * MICROS - 1;
    let micros = micros.clamp(FIRST, LAST);
    let seconds = micros.div_euclid(MICROS);
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let second = seconds.rem_euclid(DAY);
    let micros = micros.rem_euclid(MICROS) as u32;
    let year = year as u32;
    let second = second as u32;
    let mut out = FORM;
    for (at, pair) in [
        (0, year / 100),
        (2, year % 100),
        (5, month),
        (8, day),
        (11, second / 3600),
        (14, second / 60 % 60),
        (17, second % 60),
        (20, micros / 10_000),
        (22, micros / 100 % 100),
        (24, micros % 100),
    ] {
        out[at] += (pair / 10) as u8;
        out[at + 1] += (pair % 10) as u8;
    }
    out
}

/// Appends the canonical form of `micros` to `out`.
pub fn push_time(out: &mut Vec<u8>, micros: i64) {
    out.extend_from_slice(&format_utc(micros));
}

/// The minute of the time that was read last. Records that come together are mostly of the same,
/// and to know it again takes a fraction of reading it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MinuteCache {
    /// `2026-11-22T18:42`.
    text: [u8; 16],
    micros: i64,
}

impl MinuteCache {
    /// Reads a time in the one form that [`format_utc`] writes; `None` for anything else, a leap second too.
    #[inline]
    pub(crate) fn read(&mut self, text: &[u8; TIME_LEN]) -> Option<i64> {
        let (minute, rest) = text.split_first_chunk()?;
        if self.text != *minute {
            let mut begins = FORM;
            begins[..minute.len()].copy_from_slice(minute);
            *self = Self { text: *minute, micros: parse_utc(&begins)? };
        }
        Some(self.micros + within_minute(rest.first_chunk()?)?)
    }
}

/// Reads `:23.123456Z`, in microseconds: its eight digits in one word, added up in pairs.
#[inline]
fn within_minute(text: &[u8; 11]) -> Option<i64> {
    let &[b':', s1, s2, b'.', f1, f2, f3, f4, f5, f6, b'Z'] = text else { return None };
    let digits = u64::from_le_bytes([s1, s2, f1, f2, f3, f4, f5, f6]);
    let values = digits.wrapping_sub(u64::from_ne_bytes([b'0'; 8]));
    // Beyond nine, or below zero, a byte has its highest bit in one of the two.
    let odd = values | values.wrapping_add(u64::from_ne_bytes([0x76; 8]));
    if odd & u64::from_ne_bytes([0x80; 8]) != 0 {
        return None;
    }
    let pairs = (values * 10 + (values >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    let micros = (fours * 10_000 + (fours >> 32)) & 0xffff_ffff;
    (micros < 60 * MICROS as u64).then_some(micros as i64)
}

/// Reads a time in the one form that [`format_utc`] writes; `None` for anything else, a leap second too.
fn parse_utc(text: &[u8; TIME_LEN]) -> Option<i64> {
    // How far each byte is above the form's: nothing where that is a sign, up to 9 at a digit.
    let mut above = [0; TIME_LEN];
    let mut fits = true;
    for at in 0..TIME_LEN {
        above[at] = text[at].wrapping_sub(FORM[at]);
        fits &= above[at] <= if FORM[at] == b'0' { 9 } else { 0 };
    }
    let pair = |at: usize| i64::from(above[at]) * 10 + i64::from(above[at + 1]);
    let year = pair(0) * 100 + pair(2);
    let month = pair(5);
    let day = pair(8);
    let hour = pair(11);
    let minute = pair(14);
    let second = pair(17);
    let micros = pair(20) * 10_000 + pair(22) * 100 + pair(24);
    let in_range = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    let seconds = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
    (fits && in_range && hour < 24 && minute < 60 && second < 60)
        .then_some(seconds * MICROS + micros)
}

/// Reads an RFC 3339 time (any offset, any number of fractional digits; `T` may be a space) as
/// microseconds since 1970. Digits beyond the sixth are dropped; a leap second counts as the
/// second after it. `None` for anything else.
pub fn parse_time(text: &[u8]) -> Option<i64> {
    let (date, rest) = text.split_first_chunk::<19>()?;
    let punctuation = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if punctuation.iter().any(|&(at, sign)| date[at] != sign) || !matches!(date[10], b'T' | b' ') {
        return None;
    }
    let year = number(&date[0..4])?;
    let month = number(&date[5..7])?;
    let day = number(&date[8..10])?;
    let hour = number(&date[11..13])?;
    let minute = number(&date[14..16])?;
    let second = number(&date[17..19])?;
    if !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (micros, zone) = fraction(rest)?;
    let seconds = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
    Some((seconds - offset(zone)?) * MICROS + micros)
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The fraction that may follow the seconds, in microseconds, and what comes after it.
fn fraction(rest: &[u8]) -> Option<(i64, &[u8])> {
    let Some(fraction) = rest.strip_prefix(b".") else { return Some((0, rest)) };
    let len = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, zone) = fraction.split_at(len);
    let kept = number(&digits[..len.min(6)])?;
    Some((kept * 10_i64.pow(6 - len.min(6) as u32), zone))
}

/// The seconds east of UTC that `zone` names: `Z`, `+hh:mm` or `-hh:mm`.
fn offset(zone: &[u8]) -> Option<i64> {
    match *zone {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let hours = number(&[h1, h2])?;
            let minutes = number(&[m1, m2])?;
            let seconds = hours * 3600 + minutes * 60;
            let valid = hours < 24 && minutes < 60;
            valid.then_some(if sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_time_is_written_as_the_design_shows() {
        assert_eq!(&format_utc(1_795_372_943_123_456), b"2026-11-22T18:42:23.123456Z");
        assert_eq!(&format_utc(0), b"1970-01-01T00:00:00.000000Z");
        assert_eq!(&format_utc(-1), b"1969-12-31T23:59:59.999999Z");
        assert_eq!(&format_utc(i64::MAX), b"9999-12-31T23:59:59.999999Z");
        assert_eq!(&format_utc(i64::MIN), b"0000-01-01T00:00:00.000000Z");
    }

    #[test]
    fn rfc_3339_in_every_shape_is_read() {
        for (text, canonical) in [
            ("2026-11-22T18:42:23Z", "2026-11-22T18:42:23.000000Z"),
            ("2026-11-22 18:42:23.5z", "2026-11-22T18:42:23.500000Z"),
            ("2026-11-22T18:42:23.123456789+02:00", "2026-11-22T16:42:23.123456Z"),
            ("2026-02-28T23:30:00-01:00", "2026-03-01T00:30:00.000000Z"),
            ("2024-02-29T00:00:60Z", "2024-02-29T00:01:00.000000Z"),
        ] {
            let micros = parse_time(text.as_bytes()).expect(text);
            assert_eq!(format_utc(micros), canonical.as_bytes(), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2026-11-22",
            "2026-11-22T18:42:23",
            "2026-13-01T00:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-11-22T18:42:23.Z",
            "2026-11-22T18:42:23+2:00",
            "2026-11-22T18:42:23Zx",
            "2026-11-22X18:42:23Z",
            "+026-11-22T18:42:23Z",
        ] {
            assert_eq!(parse_time(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_minute_that_is_known_again_reads_the_same_and_refuses_the_same() {
        let mut known = MinuteCache::default();
        let good = *b"2026-11-22T18:42:23.123456Z";
        for at in 0..TIME_LEN {
            for byte in 0..=255 {
                known.read(&good).expect("a time");
                let mut text = good;
                text[at] = byte;
                assert_eq!(known.read(&text), parse_utc(&text), "{}", text.escape_ascii());
            }
        }
    }

    proptest! {
        #[test]
        fn a_minute_reads_any_time(
            times in proptest::collection::vec(-62_167_219_200_000_000_i64..253_402_300_800_000_000, 2)
        ) {
            let mut minute = MinuteCache::default();
            for micros in [times[0], times[0] ^ 1, times[1], times[0]] {
                prop_assert_eq!(minute.read(&format_utc(micros)), Some(micros));
            }
        }

        #[test]
        fn any_time_comes_back(micros in -62_167_219_200_000_000_i64..253_402_300_800_000_000) {
            prop_assert_eq!(parse_time(&format_utc(micros)), Some(micros));
        }
    }
}
