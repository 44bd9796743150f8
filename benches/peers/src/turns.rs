//! Cases that take turns: each in every round, so that a noisy machine is as noisy to all of them.

use crate::run::setting;

/// How many rounds there are.
pub(crate) fn rounds() -> usize {
    (setting("NETLOG_BENCH_ROUNDS", 3.0) as usize).max(1)
}

/// A case and what each of its rounds came to.
pub(crate) struct Case<'a, T> {
    pub(crate) name: &'a str,
    pub(crate) taken: Vec<T>,
}

/// Has each of `names` take its turn in every round. Of one that fails, it is said why, and it is
/// left out.
pub(crate) fn take_turns<'a, T>(
    names: &[&'a str],
    turn: impl Fn(&str) -> Result<T, String>,
) -> Vec<Case<'a, T>> {
    let mut cases: Vec<_> = names.iter().map(|&name| Case { name, taken: Vec::new() }).collect();
    for _ in 0..rounds() {
        cases.retain_mut(|case| match turn(case.name) {
            Ok(came) => {
                case.taken.push(came);
                true
            }
            Err(why) => {
                println!("{}: failed: {}", case.name, why.trim());
                false
            }
        });
    }
    cases
}

impl<T> Case<'_, T> {
    /// One figure of each round.
    pub(crate) fn figures(&self, of: impl Fn(&T) -> f64) -> Vec<f64> {
        self.taken.iter().map(of).collect()
    }
}
