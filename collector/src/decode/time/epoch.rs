//! Counts since 1970, in whichever unit.

use super::SECOND;

/// Reads a count since 1970 in seconds, milli-, micro- or nanoseconds. Which of them it is, its
/// size tells: seconds reach 10¹¹ in the year 5138, and in 1973 milliseconds were beyond that.
pub(in crate::decode) fn epoch(number: &str) -> Option<i64> {
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

/// The factor and the divisor that make a count microseconds.
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
