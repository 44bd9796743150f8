//! Times as foreign peers write them: with or without a year, a zone, or any shape at all.
//!
//! | shape | of |
//! |---|---|
//! | `2026-11-22T19:00:00.5Z`, also with `/`, blank, comma, `+0100` or nothing | RFC 3339 and most loggers |
//! | `Nov 22 19:00:00`, with the year behind the day, behind the time or in front | syslog |
//! | `Sun Nov 22 19:00:00.9 2026`, also with a zone before the year | asctime, date, Apache |
//! | `Sun, 22 Nov 2026 19:00:00 GMT`, `22-Nov-2026 19:00:00.123`, `22/Nov/2026:19:00:00 +0100` | RFC 2822, Tomcat, access logs |
//! | `11/22/2026:19:00:00`, `2026:11:22-19:00:00`, `20261122T190000Z` | NetScaler, Sophos, ISO 8601's basic form |
//! | `1795374000`, `1795374000123`, `1795374000.5` | counts since 1970 |

mod epoch;
mod minute_memory;

use netlog_wire::{civil, days_of_date};

pub(super) use epoch::epoch;
pub(super) use minute_memory::MinuteMemory;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// The farthest that a time without a year is taken to be ahead: a zone, and a clock that errs.
const AHEAD: i64 = 2 * DAY;

/// A time, and what is known of its zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment<'a> {
    /// Microseconds since 1970, UTC.
    pub(super) micros: i64,
    pub(super) zone: Zone<'a>,
}

/// Zone of a time. One without a zone, or with a name that is ambiguous, is taken to be UTC: a guess by the collector's own zone would be right no more often, and harder to undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone<'a> {
    Known,
    Assumed,
    /// `CET`: assumed to be UTC as well.
    Named(&'a str),
}

/// Start of 1990: no log is older, and a smaller count since 1970 is a duration or an uptime.
const FIRST_COUNTED: i64 = 631_152_000 * SECOND;

/// Reads a whole text as a time: a date with a time of day, or a count since 1970.
pub(super) fn parse(text: &str) -> Option<Moment<'_>> {
    let inside = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let text = inside.unwrap_or(text);
    let whole = |(moment, len): (_, usize)| is_zone_again(&text[len..]).then_some(moment);
    head(text, None)
        .and_then(whole)
        .or_else(|| count(text).map(|micros| Moment { micros, zone: Zone::Known }))
}

/// A count since 1970 that can be a time.
pub(super) fn count(number: &str) -> Option<i64> {
    epoch(number).filter(|micros| *micros >= FIRST_COUNTED)
}

/// True if nothing stands behind a time but the name of its zone, as Java's `[Europe/Berlin]` and
/// Go's `EST`.
fn is_zone_again(rest: &str) -> bool {
    let name = rest.trim();
    let area = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    area.is_some_and(|area| area.contains('/'))
        || name.len() <= 5 && name.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Reads the time that begins `text`, and answers its length. The year that is not said is the
/// one that brings it nearest to `received`, but not far ahead of that.
pub(super) fn head(text: &str, received: Option<i64>) -> Option<(Moment<'_>, usize)> {
    let (local, len) = match text.as_bytes().first()? {
        b'0'..=b'9' => digital(text)?,
        b'A'..=b'Z' => named(text, received)?,
        _ => return None,
    };
    let (zone, offset, zone_len) = zone(&text[len..]);
    let mut len = len + zone_len;
    // The year was found by `month_first`.
    if zone_len > 0 && year_at(text.as_bytes(), len).is_some() {
        len += 5;
    }
    Some((Moment { micros: local - offset * SECOND, zone }, len))
}

/// The time as it was at its place, and its length.
type Local = (i64, usize);

/// A time that begins with a digit.
fn digital(text: &str) -> Option<Local> {
    let bytes = text.as_bytes();
    match bytes.get(4)? {
        b'-' | b'/' | b'.' => iso(bytes),
        b' ' => {
            let year = digits(bytes.get(..4)?)?;
            let (month, day, at) = month_and_day(text, 5)?;
            let (clock, len) = clock(bytes.get(at..)?.strip_prefix(b" ")?)?;
            Some((date(year, month, day)? + clock, at + 1 + len))
        }
        b':' => colons(bytes),
        b'0'..=b'9' if bytes.get(8) == Some(&b'T') => basic(bytes),
        _ if bytes.get(2) == Some(&b'/') && bytes.get(5) == Some(&b'/') => slashed(bytes),
        _ => day_first(text),
    }
}

fn iso(bytes: &[u8]) -> Option<Local> {
    let day: &[u8; 11] = bytes.first_chunk()?;
    if day[7] != day[4] || !matches!(day[10], b'T' | b't' | b' ') {
        return None;
    }
    let date = date(digits(&day[..4])?, digits(&day[5..7])?, digits(&day[8..10])?)?;
    let (clock, len) = clock(&bytes[11..])?;
    Some((date + clock, 11 + len))
}

/// `20261122T190000`: the basic form of ISO 8601.
fn basic(bytes: &[u8]) -> Option<Local> {
    let time = bytes.get(9..15)?;
    let date = date(digits(&bytes[..4])?, digits(&bytes[4..6])?, digits(&bytes[6..8])?)?;
    let [h, i, m, n, s, t] = *time.first_chunk::<6>()?;
    let (clock, _) = clock(&[h, i, b':', m, n, b':', s, t])?;
    let (part, len) = fraction_behind(&bytes[15..]);
    Some((date + clock + part, 15 + len))
}

/// `2026:11:22-19:00:00`.
fn colons(bytes: &[u8]) -> Option<Local> {
    let day: &[u8; 11] = bytes.first_chunk()?;
    if day[7] != b':' || day[10] != b'-' {
        return None;
    }
    let date = date(digits(&day[..4])?, digits(&day[5..7])?, digits(&day[8..10])?)?;
    let (clock, len) = clock(&bytes[11..])?;
    Some((date + clock, 11 + len))
}

/// `11/22/2026:19:00:00`; the day stands first where the other cannot be one.
fn slashed(bytes: &[u8]) -> Option<Local> {
    let first = digits(bytes.get(..2)?)?;
    let second = digits(bytes.get(3..5)?)?;
    let year = digits(bytes.get(6..10)?)?;
    if !matches!(bytes.get(10), Some(b':' | b' ')) {
        return None;
    }
    let (clock, len) = half_day(&bytes[11..])?;
    let date = if first > 12 { date(year, second, first) } else { date(year, first, second) };
    Some((date? + clock, 11 + len))
}

/// `22/Nov/2026:19:00:00`, `22-Nov-2026 19:00:00`, `22 Nov 2026 19:00:00`.
fn day_first(text: &str) -> Option<Local> {
    let bytes = text.as_bytes();
    let len = bytes.iter().take(2).take_while(|byte| byte.is_ascii_digit()).count();
    let separator = *bytes.get(len).filter(|byte| matches!(byte, b'/' | b'-' | b' '))?;
    let month = month(text.get(len + 1..len + 4)?)?;
    let year = digits(bytes.get(len + 5..len + 9)?)?;
    let between = *bytes.get(len + 9)?;
    if bytes[len + 4] != separator || !matches!(between, b':' | b' ') {
        return None;
    }
    let (clock, clock_len) = clock(&bytes[len + 10..])?;
    Some((date(year, month, digits(&bytes[..len])?)? + clock, len + 10 + clock_len))
}

/// A time that begins with the name of a month or of a day of the week.
fn named(text: &str, received: Option<i64>) -> Option<Local> {
    let bytes = text.as_bytes();
    if let Some(month) = month(text.get(..3)?) {
        return month_first(text, month, received);
    }
    let weekday = b"SunMonTueWedThuFriSat".chunks(3).any(|day| bytes.starts_with(day));
    let rest = text.get(3..).filter(|_| weekday)?;
    let rest = rest.strip_prefix(',').unwrap_or(rest).strip_prefix(' ')?;
    let before = text.len() - rest.len();
    let (local, len) = match month(rest.get(..3)?) {
        Some(month) => month_first(rest, month, received)?,
        None => day_first(rest)?,
    };
    Some((local, before + len))
}

/// `Nov 22 19:00:00`, with a year or without.
fn month_first(text: &str, month: i64, received: Option<i64>) -> Option<Local> {
    let bytes = text.as_bytes();
    let (_, day, mut at) = month_and_day(text, 0)?;
    let mut year = None;
    if let Some(found) = year_at(bytes, at) {
        year = Some(found);
        at += 5;
    }
    let (clock, len) = half_day(bytes.get(at..)?.strip_prefix(b" ")?)?;
    at += 1 + len;
    if year.is_none()
        && let Some(found) = year_at(bytes, at)
    {
        year = Some(found);
        at += 5;
    }
    if year.is_none() {
        let (_, _, zone_len) = zone(&text[at..]);
        year = year_at(bytes, at + zone_len).filter(|_| zone_len > 0);
    }
    let local = match (year, received) {
        (Some(year), _) => date(year, month, day)? + clock,
        (None, Some(received)) => nearest(month, day, clock, received)?,
        (None, None) => return None,
    };
    Some((local, at))
}

/// A blank and a year at `at`, with a blank or nothing behind it.
fn year_at(bytes: &[u8], at: usize) -> Option<i64> {
    let [b' ', year @ ..] = bytes.get(at..at + 5)? else { return None };
    // `2001:db8::7` is a host.
    let behind = (bytes.get(at + 5), bytes.get(at + 6));
    let ends = matches!(behind, (None | Some(b' '), _) | (Some(b':'), None | Some(b' ')));
    digits(year).filter(|year| ends && (1970..2200).contains(year))
}

/// The time of the year that brings it nearest to `received`, but at most [`AHEAD`] of it: old
/// lines are read in again, and none come from the future.
fn nearest(month: i64, day: i64, clock: i64, received: i64) -> Option<i64> {
    let (now, ..) = civil(received.div_euclid(DAY));
    let at = |year| date(year, month, day).map(|date| date + clock);
    let near = |micros: &i64| *micros <= received.saturating_add(AHEAD);
    // Mostly it is this year: only in the last days of one may the next be meant.
    const LONG: i64 = 360 * DAY;
    if let Some(micros) = at(now)
        && near(&micros)
        && received.saturating_sub(micros) < LONG
    {
        return Some(micros);
    }
    let next = at(now + 1).filter(near);
    next.or_else(|| at(now).filter(near)).or_else(|| at(now - 1))
}

/// The month and the day from `at` on, and where they end.
fn month_and_day(text: &str, at: usize) -> Option<(i64, i64, usize)> {
    let month = month(text.get(at..at + 3)?)?;
    let rest = text.as_bytes().get(at + 3..)?;
    let blanks = rest.iter().take(3).take_while(|&&byte| byte == b' ').count();
    let len = rest[blanks..].iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
    if blanks == 0 || !(1..=2).contains(&len) {
        return None;
    }
    Some((month, digits(&rest[blanks..blanks + len])?, at + 3 + blanks + len))
}

fn month(name: &str) -> Option<i64> {
    Some(match name.as_bytes() {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    })
}

/// The microseconds of `19:00:00`, also with a fraction behind `.` or `,`, and its length. A leap
/// second counts as the second after it.
fn clock(bytes: &[u8]) -> Option<(i64, usize)> {
    let text: &[u8; 8] = bytes.first_chunk()?;
    let hour = digits(&text[..2])?;
    let minute = digits(&text[3..5])?;
    let second = digits(&text[6..])?;
    if text[2] != b':' || text[5] != b':' || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let micros = ((hour * 60 + minute) * 60 + second) * SECOND;
    let (part, len) = fraction_behind(&bytes[8..]);
    Some((micros + part, 8 + len))
}

/// The same with `AM` or `PM` behind it.
fn half_day(bytes: &[u8]) -> Option<(i64, usize)> {
    const HOUR: i64 = 3600 * SECOND;
    let (micros, len) = clock(bytes)?;
    let [b' ', half @ (b'A' | b'P'), b'M', rest @ ..] = &bytes[len..] else {
        return Some((micros, len));
    };
    if rest.first().is_some_and(|byte| *byte != b' ') || micros >= 13 * HOUR {
        return Some((micros, len));
    }
    let noon = if *half == b'P' { 12 * HOUR } else { 0 };
    Some((micros % (12 * HOUR) + noon, len + 3))
}

/// The microseconds of a fraction behind `.` or `,`, and its length; none of either without one.
fn fraction_behind(bytes: &[u8]) -> (i64, usize) {
    let Some((b'.' | b',', fraction)) = bytes.split_first() else { return (0, 0) };
    let len = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match len {
        0 => (0, 0),
        _ => (self::fraction(&fraction[..len]), 1 + len),
    }
}

/// The microseconds that the digits of a fraction say; those beyond the sixth are dropped.
fn fraction(fraction: &[u8]) -> i64 {
    let kept = &fraction[..fraction.len().min(6)];
    digits(kept).unwrap_or(0) * 10_i64.pow(6 - kept.len() as u32)
}

/// The zone that `text` begins with, the seconds that it is east of UTC, and its length.
fn zone(text: &str) -> (Zone<'_>, i64, usize) {
    let named = text.trim_start_matches(' ');
    let before = text.len() - named.len();
    let bytes = named.as_bytes();
    match bytes {
        [b'Z' | b'z', rest @ ..] if ends(rest) => (Zone::Known, 0, before + 1),
        [sign @ (b'+' | b'-'), rest @ ..] => match offset(rest) {
            Some((seconds, len)) => {
                let east = if *sign == b'-' { -seconds } else { seconds };
                (Zone::Known, east, before + 1 + len)
            }
            None => (Zone::Assumed, 0, 0),
        },
        _ if before == 0 => (Zone::Assumed, 0, 0),
        _ => {
            let len = bytes.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count();
            let (name, rest) = named.split_at(len);
            match name {
                "UTC" | "GMT" if ends(rest.as_bytes()) => (Zone::Known, 0, before + len),
                _ if is_zone(name, rest) => (Zone::Named(name), 0, before + len),
                _ => (Zone::Assumed, 0, 0),
            }
        }
    }
}

/// True if a word in capitals names a zone: one of the common ones, or any between a time and a
/// Cisco's message.
fn is_zone(name: &str, rest: &str) -> bool {
    const COMMON: [&str; 26] = [
        "CET", "CEST", "EET", "EEST", "WET", "WEST", "BST", "IST", "MSK", "EST", "EDT", "CST",
        "CDT", "MST", "MDT", "PST", "PDT", "AKST", "HST", "JST", "KST", "AEST", "AEDT", "ACST",
        "AWST", "NZST",
    ];
    let common = COMMON.contains(&name) && ends(rest.as_bytes());
    common || (3..=5).contains(&name.len()) && rest.starts_with(": %")
}

fn ends(rest: &[u8]) -> bool {
    !matches!(rest.first(), Some(byte) if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// The seconds of `02:00`, `0200` or `02`, and its length.
fn offset(bytes: &[u8]) -> Option<(i64, usize)> {
    let hours = digits(bytes.get(..2)?)?;
    let (minutes, len) = match bytes.get(2..) {
        Some([b':', tens, ones, ..]) => (digits(&[*tens, *ones])?, 5),
        Some([tens, ones, ..]) if tens.is_ascii_digit() => (digits(&[*tens, *ones])?, 4),
        _ => (0, 2),
    };
    let real = hours < 24 && minutes < 60 && ends(&bytes[len..]);
    real.then_some((hours * 3600 + minutes * 60, len))
}

fn date(year: i64, month: i64, day: i64) -> Option<i64> {
    days_of_date(year, month, day).map(|days| days * DAY)
}

fn digits(bytes: &[u8]) -> Option<i64> {
    let mut number = 0;
    for byte in bytes {
        if !byte.is_ascii_digit() {
            return None;
        }
        number = number * 10 + i64::from(byte - b'0');
    }
    Some(number)
}

#[cfg(test)]
mod tests;
