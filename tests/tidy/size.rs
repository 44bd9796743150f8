//! How long files and functions may be, and how much a function may ask for.

use super::assert_none;
use super::source::{Source, sources};

#[test]
fn a_file_has_at_most_400_lines_before_its_tests() {
    let lines = |source: &Source| source.body().lines().count();
    let sources = sources();
    let long = sources.iter().filter(|source| lines(source) > 400);
    let told = long.map(|source| format!("{}: {} lines", source.path, lines(source)));
    assert_none("split these files", told.collect());
}

#[test]
fn a_function_has_at_most_70_lines() {
    let mut long = Vec::new();
    for source in sources() {
        for start in source.words(&source.code, "fn") {
            let lines = function(&source.code[start..]).matches('\n').count() + 1;
            if lines > 70 {
                long.push(format!("{}: {lines} lines", source.place(start)));
            }
        }
    }
    assert_none("split these functions", long);
}

/// The text of the function that `code` begins with: up to its closing brace, or to the semicolon
/// of one without a body.
fn function(code: &str) -> &str {
    let (mut braces, mut others) = (0, 0);
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' => others += 1,
            ')' | ']' => others -= 1,
            '{' => braces += 1,
            '}' => braces -= 1,
            _ => {}
        }
        let ended = (c == '}' && braces == 0) || (c == ';' && braces == 0 && others == 0);
        if ended || braces < 0 || others < 0 {
            return &code[..at];
        }
    }
    code
}
