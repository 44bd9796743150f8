//! Values that belong together have a name, and those that do not are not put together.

use super::assert_none;
use super::source::production;
use super::syntax::Function;

/// The functions for which `breaks` holds.
pub(crate) fn functions(breaks: impl Fn(&Function) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for source in production() {
        for function in source.syntax().functions.iter().filter(|function| breaks(function)) {
            found.push(format!("{}:{}: {}", source.path, function.line, function.name));
        }
    }
    found
}

/// Every `let (a, b) = (x, y)`.
pub(crate) fn lets() -> Vec<String> {
    let of = |source: &'static super::source::Source| {
        let lines = source.syntax().tuple_lets.iter();
        lines.map(|line| format!("{}:{line}", source.path))
    };
    production().flat_map(of).collect()
}

/// The lines of all production code.
pub(crate) fn lines() -> usize {
    production().map(|source| source.body().lines().count()).sum()
}

#[test]
fn a_function_takes_at_most_five_parameters() {
    assert_none("group what these take", functions(|function| function.parameters > 5));
}

#[test]
fn a_function_takes_structs_and_no_tuples() {
    assert_none("give the values of these a struct", functions(|function| function.tuples > 0));
}

#[test]
fn values_that_have_nothing_in_common_are_bound_one_by_one() {
    let found = lets();
    if found.len() * 1000 >= lines() {
        assert_none("bind these one by one", found);
    }
}
