//! Names of peers as a part of a file's name: no way out of the directory, nothing hidden, nothing
//! that a terminal obeys, bounded, and different for different names.

use std::fmt::Write;

/// The most bytes of one.
const MOST: usize = 64;

/// Bytes of a longer one that stay, in front of the hash that tells it from others.
const KEPT: usize = MOST - 2 - 16;

/// Replaces a name that is not given.
const UNKNOWN: &str = "unknown";

/// A name as a part of a file's name. Letters and digits stand for themselves, and so do `-_+@:,=`
/// and dots but a leading one; every other byte becomes `%` and two digits, as in URLs. What would
/// be too long ends in `%~` and a hash of all of it.
pub(super) fn name(value: Option<&str>) -> String {
    let value = value.filter(|value| !value.is_empty()).unwrap_or(UNKNOWN);
    let mut out = String::new();
    let mut kept = 0;
    for (at, c) in value.char_indices() {
        match c.is_alphanumeric() || "-_+@:,=".contains(c) || (c == '.' && at > 0) {
            true => out.push(c),
            false => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| {
                let _ = write!(out, "%{byte:02X}");
            }),
        }
        if out.len() <= KEPT {
            kept = out.len();
        }
        if out.len() > MOST {
            out.truncate(kept);
            let _ = write!(out, "%~{:016x}", hash(value));
            break;
        }
    }
    out
}

/// FNV-1a. Who finds two names of one hash could as well have given one name twice.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;
    use std::path::{Component, Path};

    #[test]
    fn hostile_names_become_harmless_ones() {
        for (value, expected) in [
            ("orders", "orders"),
            ("web1.example.org", "web1.example.org"),
            ("::1", "::1"),
            ("größe", "größe"),
            ("", "unknown"),
            (".", "%2E"),
            ("..", "%2E."),
            (".hidden", "%2Ehidden"),
            ("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"),
            ("/etc/passwd", "%2Fetc%2Fpasswd"),
            ("a\\b", "a%5Cb"),
            ("a\0b", "a%00b"),
            ("a\nb\x1b[2J", "a%0Ab%1B%5B2J"),
            ("a b", "a%20b"),
            ("a%20b", "a%2520b"),
            ("\u{202e}gol", "%E2%80%AEgol"),
            ("{app}", "%7Bapp%7D"),
            ("~root", "%7Eroot"),
            ("*?", "%2A%3F"),
        ] {
            assert_eq!(name(Some(value)), expected, "{value:?}");
        }
        assert_eq!(name(None), "unknown");
    }

    #[test]
    fn long_names_are_cut_and_stay_different() {
        let (a, b) = ("x".repeat(64), "x".repeat(65));
        assert_eq!(name(Some(&a)), a);
        assert_eq!(name(Some(&b)), format!("{}%~7d70a52549704607", &b[..46]));
        assert_ne!(name(Some(&b)), name(Some(&"x".repeat(66))));
        let slashes = name(Some(&"/".repeat(9999)));
        assert!(slashes.starts_with(&"%2F".repeat(15)) && &slashes[45..47] == "%~");
    }

    proptest! {
        #[test]
        fn every_name_is_one_harmless_name_and_no_two_are_the_same(
            values in prop::collection::hash_set("\\PC{0,30}|[./%~ -]{1,70}|[\\x00-\\x20]{1,9}", 1..40)
        ) {
            let mut seen = HashMap::new();
            for value in values.iter().filter(|value| *value != UNKNOWN) {
                let name = name(Some(value));
                prop_assert!(name.len() <= MOST && !name.starts_with('.') && !name.is_empty());
                prop_assert!(!name.chars().any(|c| c.is_control() || "/\\".contains(c)));
                let mut parts = Path::new(&name).components();
                prop_assert!(matches!(parts.next(), Some(Component::Normal(_))));
                prop_assert!(parts.next().is_none());
                prop_assert_eq!(seen.insert(name, value), None);
            }
        }
    }
}
