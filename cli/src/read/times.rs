//! Times as people write them: `10m`, `09:00`, `yesterday`.

use crate::clock::now;
use chrono::{
    DateTime, Days, Local, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone,
    Timelike, Utc,
};
use netlog_wire::{format_utc, parse_time};

/// The accepted forms.
const FORMS: &str = "expected 30s, 10m, 2h or 1d, 09:00, today, yesterday, 2026-11-22, \
    '2026-11-22 09:00' or RFC 3339";

/// The choice between two times that a clock shows, when it is set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ambiguous {
    Earliest,
    Latest,
}

/// A current time, and the time zone that words are read in.
#[derive(Debug, Clone, Copy)]
struct Reader<Z: TimeZone> {
    now: DateTime<Utc>,
    zone: Z,
    ambiguous: Ambiguous,
}

/// Reads the time after which records are wanted, as RFC 3339 in UTC: for clap.
pub(super) fn parse_since(text: &str) -> Result<String, String> {
    Reader { now: now(), zone: Local, ambiguous: Ambiguous::Earliest }.read(text)
}

/// Reads the time until which records are wanted, as RFC 3339 in UTC: for clap.
pub(super) fn parse_until(text: &str) -> Result<String, String> {
    Reader { now: now(), zone: Local, ambiguous: Ambiguous::Latest }.read(text)
}

/// Reads a period, such as `10m`, in microseconds: for clap.
pub(crate) fn parse_period(text: &str) -> Result<i64, String> {
    micros(text).ok_or_else(|| "expected 30s, 10m, 2h or 1d".into())
}

/// Reads an amount and a unit of time.
fn micros(text: &str) -> Option<i64> {
    let unit = text.find(|c: char| !c.is_ascii_digit())?;
    let (amount, unit) = text.split_at(unit);
    let seconds = match unit.trim() {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    amount.parse::<i64>().ok()?.checked_mul(seconds)?.checked_mul(1_000_000)
}

impl<Z: TimeZone> Reader<Z> {
    fn read(&self, text: &str) -> Result<String, String> {
        let time = self.age(text);
        let time = time.or_else(|| parse_time(text.as_bytes())).or_else(|| self.words(text));
        let micros = time.ok_or(FORMS)?;
        Ok(String::from_utf8_lossy(&format_utc(micros)).into_owned())
    }

    /// Reads `10m` or `10m ago`.
    fn age(&self, text: &str) -> Option<i64> {
        let micros = micros(text.strip_suffix("ago").unwrap_or(text).trim())?;
        self.now.timestamp_micros().checked_sub(micros)
    }

    /// Reads a day and a time of day, either of which may be left out.
    fn words(&self, text: &str) -> Option<i64> {
        if text == "now" {
            return Some(self.now.timestamp_micros());
        }
        let local = match text.split_once([' ', 'T']) {
            Some((date, time)) => self.day(date)?.and_time(time_of_day(time.trim())?),
            None => match self.day(text) {
                Some(day) => day.and_time(NaiveTime::MIN),
                None => self.today().and_time(time_of_day(text)?),
            },
        };
        self.micros(local)
    }

    /// The moment at which a clock shows `local`. When it is set forward over that time, this is the
    /// moment at which it is set.
    fn micros(&self, local: NaiveDateTime) -> Option<i64> {
        let moment = match self.zone.from_local_datetime(&local) {
            LocalResult::Single(moment) => moment,
            LocalResult::Ambiguous(one, other) => match self.ambiguous {
                Ambiguous::Earliest => one.min(other),
                Ambiguous::Latest => one.max(other),
            },
            LocalResult::None => self.end_of_gap(local)?,
        };
        Some(moment.timestamp_micros())
    }

    /// The first full minute after `local` that a clock shows; no gap is longer than a day.
    fn end_of_gap(&self, local: NaiveDateTime) -> Option<DateTime<Z>> {
        let minute = local.with_second(0)?.with_nanosecond(0)?;
        let minutes =
            (1..=24 * 60).filter_map(|n| minute.checked_add_signed(TimeDelta::minutes(n)));
        minutes.into_iter().find_map(|local| self.zone.from_local_datetime(&local).earliest())
    }

    fn today(&self) -> NaiveDate {
        self.now.with_timezone(&self.zone).date_naive()
    }

    fn day(&self, text: &str) -> Option<NaiveDate> {
        match text {
            "today" => Some(self.today()),
            "yesterday" => self.today().checked_sub_days(Days::new(1)),
            _ => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok(),
        }
    }
}

fn time_of_day(text: &str) -> Option<NaiveTime> {
    ["%H:%M", "%H:%M:%S", "%H:%M:%S%.f"]
        .iter()
        .find_map(|form| NaiveTime::parse_from_str(text, form).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::FixedOffset;

    #[test]
    fn the_words_of_people_are_understood() {
        let zone = FixedOffset::east_opt(3600).unwrap();
        let now = zone.with_ymd_and_hms(2026, 11, 22, 18, 42, 23).unwrap().to_utc();
        let reader = Reader { now, zone, ambiguous: Ambiguous::Earliest };
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
            let read = reader.read(text).unwrap_or_else(|error| panic!("{error}"));
            let micros = parse_time(read.as_bytes()).unwrap();
            let local = zone.timestamp_micros(micros).unwrap();
            assert_eq!(local.format("%Y-%m-%d %H:%M:%S").to_string(), expected, "{text}");
        }
        let utc = reader.read("2026-02-03T04:05:06+01:00").unwrap();
        assert_eq!(utc, "2026-02-03T03:05:06.000000Z");
        for bad in ["", "soon", "10", "-5m", "25:00", "2026-13-01", "99999999999999d"] {
            assert!(reader.read(bad).is_err(), "{bad}");
        }
    }
}
