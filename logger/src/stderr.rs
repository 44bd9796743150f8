//! Messages of the logger itself: lines on stderr, never through `log`, which would come back here.

#[cfg(all(target_os = "linux", not(netlog_portable)))]
mod linux;
#[cfg(not(all(target_os = "linux", not(netlog_portable))))]
mod portable;

#[cfg(all(target_os = "linux", not(netlog_portable)))]
pub(crate) use linux::{print, remember};
#[cfg(not(all(target_os = "linux", not(netlog_portable))))]
pub(crate) use portable::{print, remember};

use std::cell::Cell;

thread_local! {
    static INTERNAL: Cell<bool> = const { Cell::new(false) };
}

/// Prints one line on stderr.
pub(crate) fn report(line: &str) {
    print(format!("netlog: {}\n", without_numbers(line)).as_bytes());
}

/// Leaves out the numbers of the system's errors, ` (os error 2)`, whose words stand before them.
fn without_numbers(line: &str) -> String {
    let mut parts = line.split(" (os error ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once(')').map_or("", |(_, rest)| rest))
}

/// Marks this thread as one of the logger's own: nothing it logs enters the spool.
pub(crate) fn mark_internal_thread() {
    INTERNAL.set(true);
}

/// `true` on the logger's own threads. A thread whose locals are gone is ending and none of them.
pub(crate) fn is_internal_thread() -> bool {
    INTERNAL.try_with(Cell::get).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_systems_errors_are_left_out() {
        for (line, shown) in [
            (
                "a cannot be reached (Connection refused (os error 111)); b",
                "a cannot be reached (Connection refused); b",
            ),
            ("x: no (os error 2), y: no (os error 13)", "x: no, y: no"),
            ("a (os error", "a (os error"),
            ("", ""),
        ] {
            assert_eq!(without_numbers(line), shown);
        }
    }
}
