//! Times as people say them: `10m`, `09:00`, `yesterday`.

use chrono::{DateTime, Days, Local, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use netlog_wire::{format_utc, parse_time};

/// What can be said.
const SHAPES: &str = "use 30s, 10m, 2h or 1d ago, 09:00, today, yesterday, 2026-11-22, \
    '2026-11-22 09:00' or RFC 3339";

/// The time that `text` means at `now`, in RFC 3339 and UTC; words are read in local time.
pub(crate) fn time(text: &str, now: DateTime<Local>) -> Result<String, String> {
    let found = ago(text, now).or_else(|| parse_time(text.as_bytes())).or_else(|| words(text, now));
    let micros = found.ok_or_else(|| format!("{text:?} is no time: {SHAPES}"))?;
    Ok(String::from_utf8_lossy(&format_utc(micros)).into_owned())
}

/// The same, at this moment: for clap.
pub(crate) fn time_now(text: &str) -> Result<String, String> {
    time(text, Local::now())
}

/// `10m` or `10m ago`.
fn ago(text: &str, now: DateTime<Local>) -> Option<i64> {
    let amount = text.strip_suffix("ago").unwrap_or(text).trim();
    let unit = amount.find(|c: char| !c.is_ascii_digit())?;
    let seconds = match amount[unit..].trim() {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let micros =
        amount[..unit].parse::<i64>().ok()?.checked_mul(seconds)?.checked_mul(1_000_000)?;
    now.timestamp_micros().checked_sub(micros)
}

/// A day and a time of day, either of which may be left out.
fn words(text: &str, now: DateTime<Local>) -> Option<i64> {
    if text == "now" {
        return Some(now.timestamp_micros());
    }
    let (date, time) = match text.split_once([' ', 'T']) {
        Some((first, second)) => (day(first, now)?, clock(second.trim())?),
        None => match day(text, now) {
            Some(day) => (day, NaiveTime::MIN),
            None => (now.date_naive(), clock(text)?),
        },
    };
    let local = Local.from_local_datetime(&NaiveDateTime::new(date, time)).earliest()?;
    Some(local.timestamp_micros())
}

fn day(text: &str, now: DateTime<Local>) -> Option<NaiveDate> {
    match text {
        "today" => Some(now.date_naive()),
        "yesterday" => now.date_naive().checked_sub_days(Days::new(1)),
        _ => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok(),
    }
}

fn clock(text: &str) -> Option<NaiveTime> {
    ["%H:%M", "%H:%M:%S", "%H:%M:%S%.f"]
        .iter()
        .find_map(|shape| NaiveTime::parse_from_str(text, shape).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_say_is_understood() {
        let now = Local.with_ymd_and_hms(2026, 11, 22, 18, 42, 23).unwrap();
        let at = |text: &str| {
            let text = time(text, now).unwrap_or_else(|error| panic!("{error}"));
            let micros = parse_time(text.as_bytes()).unwrap();
            let local = Local.timestamp_micros(micros).unwrap();
            local.format("%Y-%m-%d %H:%M:%S").to_string()
        };
        for (text, expected) in [
            ("30s", "2026-11-22 18:41:53"),
            ("10m ago", "2026-11-22 18:32:23"),
            ("1d", "2026-11-21 18:42:23"),
            ("now", "2026-11-22 18:42:23"),
            ("09:00", "2026-11-22 09:00:00"),
            ("today", "2026-11-22 00:00:00"),
            ("yesterday", "2026-11-21 00:00:00"),
            ("yesterday 23:59:58", "2026-11-21 23:59:58"),
            ("2026-02-03", "2026-02-03 00:00:00"),
            ("2026-02-03T04:05", "2026-02-03 04:05:00"),
        ] {
            assert_eq!(at(text), expected, "{text}");
        }
        assert_eq!(time("2026-02-03T04:05:06+01:00", now).unwrap(), "2026-02-03T03:05:06.000000Z");
        for bad in ["", "soon", "10", "-5m", "25:00", "2026-13-01", "99999999999999d"] {
            assert!(time(bad, now).is_err(), "{bad}");
        }
    }
}
