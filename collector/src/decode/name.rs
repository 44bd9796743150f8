//! Names that peers give themselves and their machines, as long as records may carry them.

/// The longest app or host kept, in bytes of a record. Every record carries them: longer ones would
/// blow up a peer's lines at our cost.
const MAX_NAME: usize = 128;

/// As much of a name as takes [`MAX_NAME`] bytes of a record.
pub(crate) fn fit(mut name: String) -> String {
    let mut len = 0;
    let kept = name.chars().take_while(|&c| {
        len += escaped_len(c);
        len <= MAX_NAME
    });
    let kept = kept.map(char::len_utf8).sum();
    name.truncate(kept);
    // A sender that is remembered must not cost what it sent.
    name.shrink_to_fit();
    name
}

fn escaped_len(c: char) -> usize {
    match c {
        '"' | '\\' => 2,
        // As \u0000.
        c if c.is_control() => 6,
        c => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_between_characters() {
        assert_eq!(fit("orders".into()), "orders");
        assert_eq!(fit("é".repeat(100)), "é".repeat(64));
        assert_eq!(fit(format!("x{}", "é".repeat(100))), format!("x{}", "é".repeat(63)));
        assert_eq!(fit("\u{1}".repeat(128)).len(), 21, "as long as it is in a record");
        assert_eq!(fit("\"".repeat(128)).len(), 64);
        assert!(fit("x".repeat(60_000)).capacity() <= MAX_NAME, "and takes no more memory");
    }
}
