//! Smart case, alike for whoever filters and whoever highlights: an expression pays attention to case
//! if it has an upper-case letter.

/// Returns true if a regular expression has an upper-case letter. Letters behind a backslash are
/// classes and do not count.
pub fn has_upper_case(expression: &str) -> bool {
    let mut letters = expression.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            _ if letter.is_uppercase() => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_behind_a_backslash_do_not_count() {
        assert!(has_upper_case("Order"));
        assert!(!has_upper_case(r"order \W+ \S"));
        assert!(has_upper_case(r"\\Order"), "the backslash is escaped itself");
    }
}
