//! Amounts as people write them on a command line: sizes (`64KiB`) and times (`30s`).

use std::borrow::Cow;
use std::fmt;
use std::num::ParseIntError;
use std::ops::{Bound, RangeBounds};
use std::str::FromStr;
use std::time::Duration;

const SIZES: [(&str, u64); 5] =
    [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("B", 1)];

const TIMES: [(&str, u64); 5] =
    [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// A number of bytes: `65536`, `64KiB`, `256MiB`, `1GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl Size {
    /// The size as a length in memory.
    pub fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// A length of time: `500ms`, `30s`, `5m`, `1h`, `1d`; `0` means never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

impl Period {
    /// The period that never ends, written `0`.
    pub const NEVER: Self = Self(Duration::ZERO);

    /// The duration, unless it is never over.
    pub fn limit(self) -> Option<Duration> {
        (!self.0.is_zero()).then_some(self.0)
    }
}

/// An amount that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownAmount(Cow<'static, str>);

impl fmt::Display for UnknownAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UnknownAmount {}

impl From<ParseIntError> for UnknownAmount {
    fn from(_: ParseIntError) -> Self {
        Self("expected a whole number".into())
    }
}

impl FromStr for Size {
    type Err = UnknownAmount;

    fn from_str(text: &str) -> Result<Self, UnknownAmount> {
        let bytes = amount(text, &SIZES, Some(1));
        let words = "not a size: use bytes, or 64KiB, 256MiB, 1GiB";
        bytes.map(Self).ok_or(UnknownAmount(Cow::Borrowed(words)))
    }
}

impl FromStr for Period {
    type Err = UnknownAmount;

    fn from_str(text: &str) -> Result<Self, UnknownAmount> {
        let millis = if text == "0" { Some(0) } else { amount(text, &TIMES, None) };
        let period = millis.map(|millis| Self(Duration::from_millis(millis)));
        let words = "not a time: use 500ms, 30s, 5m, 1h, 1d, or 0 for never";
        period.ok_or(UnknownAmount(Cow::Borrowed(words)))
    }
}

/// Reads a whole number.
pub(crate) fn number<T: FromStr<Err = ParseIntError>>(text: &str) -> Result<T, UnknownAmount> {
    Ok(text.parse()?)
}

/// Reads an amount that has to be within `range`.
pub(crate) fn within<T>(text: &str, range: impl RangeBounds<T>) -> Result<T, UnknownAmount>
where
    T: FromStr + PartialOrd + fmt::Display,
    T::Err: Into<UnknownAmount>,
{
    let amount = text.parse().map_err(Into::into)?;
    if range.contains(&amount) {
        return Ok(amount);
    }
    let words = match (range.start_bound(), range.end_bound()) {
        (Bound::Included(least), Bound::Included(most)) => format!("{least} to {most}"),
        (Bound::Included(least), _) => format!("at least {least}"),
        (_, Bound::Included(most)) => format!("at most {most}"),
        _ => "another amount".into(),
    };
    Err(UnknownAmount(format!("expected {words}").into()))
}

/// The number in front, times its unit; without a unit, times `bare`. A unit may be written in any
/// case and as its first letter.
fn amount(text: &str, units: &[(&str, u64)], bare: Option<u64>) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let digits = &text[..end];
    let unit = text[end..].trim();
    let exact = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit));
    let short = || {
        let long = |name: &str| name.len() == 3 && name[..1].eq_ignore_ascii_case(unit);
        units.iter().find(|(name, _)| long(name))
    };
    let factor = if unit.is_empty() { bare } else { exact.or_else(short).map(|found| found.1) };
    digits.parse::<u64>().ok()?.checked_mul(factor?)
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        push_amount(f, self.0, &SIZES)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX) {
            0 => f.write_str("0"),
            millis => push_amount(f, millis, &TIMES),
        }
    }
}

/// Written in the largest unit that leaves no rest.
fn push_amount(f: &mut fmt::Formatter<'_>, value: u64, units: &[(&str, u64)]) -> fmt::Result {
    let fits = units.iter().filter(|(_, factor)| value.is_multiple_of(*factor) && value > 0);
    match fits.max_by_key(|(_, factor)| *factor) {
        Some((unit, factor)) if *factor > 1 || *unit == "ms" => {
            write!(f, "{}{unit}", value / factor)
        }
        _ => write!(f, "{value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written_back() {
        for (text, bytes, shown) in [
            ("64KiB", 65_536, "64KiB"),
            ("64k", 65_536, "64KiB"),
            ("256mib", 256 << 20, "256MiB"),
            ("1000", 1000, "1000"),
            ("12B", 12, "12"),
            ("0", 0, "0"),
        ] {
            let size: Size = text.parse().unwrap();
            assert_eq!((size.0, size.to_string().as_str()), (bytes, shown));
        }
        for bad in ["", "KiB", "-1", "1.5MiB", "64 potatoes", "99999999999999999999", "20000000TiB"]
        {
            assert!(bad.parse::<Size>().is_err(), "{bad}");
        }
    }

    #[test]
    fn times_are_read_and_written_back() {
        for (text, millis, shown) in [
            ("30s", 30_000, "30s"),
            ("90s", 90_000, "90s"),
            ("1d", 86_400_000, "1d"),
            ("0", 0, "0"),
        ] {
            let period: Period = text.parse().unwrap();
            assert_eq!(period.0, Duration::from_millis(millis));
            assert_eq!(period.to_string(), shown);
        }
        assert!("30".parse::<Period>().is_err());
        assert_eq!("0".parse::<Period>().unwrap().limit(), None);
    }
}
