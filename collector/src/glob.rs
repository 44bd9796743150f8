//! Matching of names by wildcards.

/// Tells whether `name` matches `pattern`, in which `*` stands for any characters and `?` for one.
pub(crate) fn glob(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let mut p = 0;
    let mut n = 0;
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p + 1, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match &mut star {
                Some((behind, from)) => {
                    *from += 1;
                    p = *behind;
                    n = *from;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name, same) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("*a*", "bab", true),
            ("a?", "a", false),
            ("ü?", "üx", true),
        ] {
            assert_eq!(glob(pattern, name), same, "{pattern} {name}");
        }
    }
}
