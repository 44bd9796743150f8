//! Times as foreign peers write them: with or without a year, a zone, or any shape at all.

use netlog_wire::{civil, parse_time};

const SECOND: i64 = 1_000_000;

const HALF_A_YEAR: u64 = 182 * 86_400 * SECOND as u64;

/// A time, and whether its zone was said. What names no zone is taken to be UTC: a guess by the
/// collector's own zone would be right no more often, and harder to undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// Microseconds since 1970, UTC.
    pub(super) micros: i64,
    pub(super) zone_assumed: bool,
}

impl Moment {
    fn sure(micros: i64) -> Self {
        Self { micros, zone_assumed: false }
    }
}

/// Reads a whole text as a time: a date with a time of day, or a count since 1970.
pub(super) fn parse(text: &str) -> Option<Moment> {
    dated(text).or_else(|| epoch(text).map(Moment::sure))
}

/// Reads `2026-11-22T19:04:43`, with `-` or `/` in the date, `T`, `t` or a space before the time
/// of day, `.` or `,` before a fraction, and `Z`, `+02:00`, `+0200`, `+02` or nothing as its zone.
pub(super) fn dated(text: &str) -> Option<Moment> {
    let mut shape = [0_u8; 48];
    let text = text.as_bytes();
    if text.len() < 19 || text.len() > 40 {
        return None;
    }
    shape[..text.len()].copy_from_slice(text);
    if shape[4] == b'/' && shape[7] == b'/' {
        (shape[4], shape[7]) = (b'-', b'-');
    }
    if shape[10] == b't' {
        shape[10] = b'T';
    }
    let mut end = 19;
    if matches!(shape[end], b'.' | b',') {
        shape[end] = b'.';
        end += 1 + shape[20..].iter().take_while(|b| b.is_ascii_digit()).count();
    }
    let (zone, assumed) = zone(text.get(end..)?)?;
    let len = end + zone.len();
    shape.get_mut(end..len)?.copy_from_slice(&zone);
    let micros = parse_time(without_padding(&shape[..len]))?;
    Some(Moment { micros, zone_assumed: assumed })
}

/// The zone in the one form that RFC 3339 has, padded with NUL, and whether it had to be assumed.
fn zone(text: &[u8]) -> Option<([u8; 6], bool)> {
    const UTC: [u8; 6] = *b"Z\0\0\0\0\0";
    Some(match *text.trim_ascii() {
        [] => (UTC, true),
        [b'Z' | b'z'] | [b'U', b'T', b'C'] | [b'G', b'M', b'T'] => (UTC, false),
        [s @ (b'+' | b'-'), h, i] => ([s, h, i, b':', b'0', b'0'], false),
        [s @ (b'+' | b'-'), h, i, m, n] => ([s, h, i, b':', m, n], false),
        [s @ (b'+' | b'-'), h, i, b':', m, n] => ([s, h, i, b':', m, n], false),
        _ => return None,
    })
}

fn without_padding(text: &[u8]) -> &[u8] {
    let padding = text.iter().rev().take_while(|&&b| b == 0).count();
    &text[..text.len() - padding]
}

/// Reads a count since 1970 in seconds, milli-, micro- or nanoseconds. Which of them it is, its
/// size tells: seconds reach 10¹¹ in the year 5138, and in 1973 milliseconds were beyond that.
pub(super) fn epoch(number: &str) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains(['e', 'E']) || whole.contains(['e', 'E']) {
        return scientific(number);
    }
    if whole.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count: i64 = whole.parse().ok()?;
    let (unit, divisor) = unit(count);
    let mut micros = count.checked_mul(unit)? / divisor;
    // The fraction of a second to six digits, of a millisecond to three; the sign is the whole's.
    let digits = unit.ilog10() as usize;
    let kept = fraction.get(..digits.min(fraction.len()))?;
    if !kept.is_empty() {
        let scale = 10_i64.pow((digits - kept.len()) as u32);
        let part = kept.parse::<i64>().ok()? * scale;
        micros += if whole.starts_with('-') { -part } else { part };
    }
    Some(micros)
}

/// By what a count is multiplied and divided to make it microseconds.
fn unit(count: i64) -> (i64, i64) {
    match count.unsigned_abs() {
        0..100_000_000_000 => (SECOND, 1),
        100_000_000_000..100_000_000_000_000 => (1_000, 1),
        100_000_000_000_000..100_000_000_000_000_000 => (1, 1),
        _ => (1, 1_000),
    }
}

/// `1.795374069622e9`: what it has lost by being a float is less than a microsecond matters.
fn scientific(number: &str) -> Option<i64> {
    let count: f64 = number.parse().ok()?;
    if !count.is_finite() || count.abs() >= 9.2e18 {
        return None;
    }
    let (unit, divisor) = unit(count as i64);
    Some((count * unit as f64 / divisor as f64).round() as i64)
}

/// Reads the `Nov 22 19:04:33` that begins `text`, also with a fraction, a year or a day of one
/// digit, and says how many bytes it takes. The year that is not said is the one that brings it
/// nearest to `received`.
pub(super) fn bsd(text: &str, received: i64) -> Option<(Moment, usize)> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let month = MONTHS.find(text.get(..3)?).filter(|at| at % 3 == 0)? / 3 + 1;
    let rest = text.get(3..)?.strip_prefix(' ')?.trim_start_matches(' ');
    let (day, rest) = rest.split_once(' ')?;
    let day: u32 = day.parse().ok().filter(|_| day.len() <= 2)?;
    let (year, rest) = match rest.split_once(' ') {
        Some((year, rest)) if year.len() == 4 && !year.contains(':') => (year.parse().ok(), rest),
        _ => (None, rest),
    };
    let is_time = |b: &u8| b.is_ascii_digit() || matches!(b, b':' | b'.');
    let clock = &rest[..rest.bytes().take_while(|b| is_time(b)).count()];
    let clock = clock.trim_end_matches([':', '.']);
    let at = |year: i64| dated(&format!("{year:04}-{month:02}-{day:02}T{clock}"));
    let moment = match year {
        Some(year) => at(year)?,
        None => {
            let (now, ..) = civil(received.div_euclid(86_400 * SECOND));
            let near = |moment: &Moment| moment.micros.abs_diff(received);
            match at(now).filter(|moment| near(moment) < HALF_A_YEAR) {
                Some(moment) => moment,
                None => [now - 1, now, now + 1].into_iter().filter_map(at).min_by_key(near)?,
            }
        }
    };
    let len = text.len() - rest.len() + clock.len();
    Some((Moment { zone_assumed: true, ..moment }, len))
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlog_wire::format_utc;

    fn shown(micros: i64) -> String {
        String::from_utf8(format_utc(micros).to_vec()).unwrap()
    }

    #[test]
    fn dates_in_every_shape_are_read() {
        for (text, canonical, assumed) in [
            ("2026-11-22T19:04:43.266Z", "2026-11-22T19:04:43.266000Z", false),
            ("2026-11-22 19:04:43,266", "2026-11-22T19:04:43.266000Z", true),
            ("2026-11-22T19:02:31", "2026-11-22T19:02:31.000000Z", true),
            ("2026/11/22 19:00:00", "2026-11-22T19:00:00.000000Z", true),
            ("2026-11-22T19:04:43.266+0100", "2026-11-22T18:04:43.266000Z", false),
            ("2026-11-22 19:04:43 +0000", "2026-11-22T19:04:43.000000Z", false),
            ("2026-11-22T19:04:43-05", "2026-11-23T00:04:43.000000Z", false),
            ("2026-11-22T19:04:43.123456789+02:00", "2026-11-22T17:04:43.123456Z", false),
            ("2026-11-22 19:04:43 UTC", "2026-11-22T19:04:43.000000Z", false),
        ] {
            let moment = parse(text).expect(text);
            assert_eq!((shown(moment.micros).as_str(), moment.zone_assumed), (canonical, assumed));
        }
    }

    #[test]
    fn the_size_of_a_count_tells_its_unit() {
        for (text, canonical) in [
            ("1795374069", "2026-11-22T19:01:09.000000Z"),
            ("1795374069.622", "2026-11-22T19:01:09.622000Z"),
            ("1795374069622", "2026-11-22T19:01:09.622000Z"),
            ("1795374069622.5", "2026-11-22T19:01:09.622500Z"),
            ("1795374069622123", "2026-11-22T19:01:09.622123Z"),
            ("1795374069622123999", "2026-11-22T19:01:09.622123Z"),
            ("1.795374069622e9", "2026-11-22T19:01:09.622000Z"),
            ("-1.5", "1969-12-31T23:59:58.500000Z"),
            ("0", "1970-01-01T00:00:00.000000Z"),
        ] {
            assert_eq!(shown(parse(text).expect(text).micros), canonical, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "now",
            "1e400",
            "NaN",
            "99999999999999999999",
            "1.x",
            "2026-11-22",
            "2026-11-22T19:04:43é",
            "2026-11-22T19:04:43+é",
            "2026-11-22T19:04:43.Z",
            "2026-11-22T19:04:43 CET",
            "-",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_without_a_year_is_the_one_nearest_to_now() {
        let received = parse("2026-01-01T00:00:05Z").unwrap().micros;
        for (text, canonical, len) in [
            ("Dec 31 23:59:58 vm app: x", "2025-12-31T23:59:58.000000Z", 15),
            ("Jan  1 00:00:01 vm", "2026-01-01T00:00:01.000000Z", 15),
            ("Jan 1 00:00:01.250: x", "2026-01-01T00:00:01.250000Z", 18),
            ("Nov 22 2026 19:00:00 r1", "2026-11-22T19:00:00.000000Z", 20),
            ("Feb 29 10:00:00", "", 0),
            ("Nov 22", "", 0),
            ("Foo 22 10:00:00", "", 0),
            ("anF 22 10:00:00", "", 0),
            ("Növ 22 10:00:00", "", 0),
            ("Nov 22 25:00:00", "", 0),
        ] {
            let read = bsd(text, received).map(|(moment, len)| (shown(moment.micros), len));
            assert_eq!(read.unwrap_or_default(), (canonical.to_owned(), len), "{text}");
        }
    }
}
