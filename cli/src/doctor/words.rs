//! Amounts in words.

/// A count with its noun.
pub(super) fn counted(count: u64, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// Bytes with one digit behind the point, as in `3.2 MiB`.
pub(super) fn bytes(count: u64) -> String {
    let mut amount = count as f64;
    let mut units = ["KiB", "MiB", "GiB", "TiB"].into_iter();
    let mut unit = None;
    while amount >= 1024.0
        && let Some(next) = units.next()
    {
        amount /= 1024.0;
        unit = Some(next);
    }
    unit.map_or_else(|| counted(count, "byte", "bytes"), |unit| format!("{amount:.1} {unit}"))
}

/// A time without the parts of a second.
pub(super) fn date(time: &str) -> String {
    time.split_once('.').map_or_else(|| time.to_owned(), |(whole, _)| format!("{whole}Z"))
}

/// A period of so many microseconds, in its largest unit.
pub(super) fn period(micros: i64) -> String {
    let seconds = micros.max(0) / 1_000_000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_in_their_largest_unit() {
        assert_eq!(
            [1, 1023, 1024, 3 << 20, 5 << 40].map(bytes),
            ["1 byte", "1023 bytes", "1.0 KiB", "3.0 MiB", "5.0 TiB"]
        );
        let periods = [-5, 1, 119, 120, 7200, 200_000].map(|seconds| period(seconds * 1_000_000));
        assert_eq!(periods, ["0 s", "1 s", "119 s", "2 min", "2 h", "2 days"]);
        assert_eq!(date("2026-11-22T18:42:00.123456Z"), "2026-11-22T18:42:00Z");
    }
}
