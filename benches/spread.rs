//! What the same thing came to in several rounds: the middle of them, and how far apart they are.
//! A machine that others use is never twice the same, so cases take turns, are compared within
//! their round, and one figure alone says nothing.

use std::fmt;

/// The median of some figures and the quartiles around it; of three, those are the least and the
/// greatest.
#[derive(Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) middle: f64,
    low: f64,
    high: f64,
}

impl Spread {
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let rank = (figures.len() as f64 * share).ceil() as usize;
            figures.get(rank.max(1) - 1).copied().unwrap_or(f64::NAN)
        };
        // Of an even number, there are two in the middle.
        let middle = (at(0.5) + figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)) / 2.0;
        Self { middle, low: at(0.25), high: at(0.75) }
    }

    /// Of each round's figure divided by the same round's `others`.
    pub(crate) fn ratio(figures: &[f64], others: &[f64]) -> Self {
        Self::of(figures.iter().zip(others).map(|(figure, other)| figure / other))
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { middle, low, high } = self;
        if middle.is_nan() {
            return f.pad("-");
        }
        f.pad(&format!("{middle:.2} ({low:.2}-{high:.2})"))
    }
}
