//! Warnings of a certificate's end: 30, 7 and 1 day ahead, and once it is there.

use std::time::Duration;

const DAY: u64 = 86_400;

/// The days ahead at which a warning is due; the last is the end itself.
const WARNINGS: [u64; 4] = [30, 7, 1, 0];

/// The warnings already given.
#[derive(Debug, Default)]
pub(super) struct Expiry {
    given: usize,
}

impl Expiry {
    /// The warning that has become due with so much time left. A renewed certificate is warned of
    /// again when its time comes.
    pub(super) fn warning(&mut self, left: Duration) -> Option<String> {
        let seconds = left.as_secs();
        let due = WARNINGS.iter().take_while(|&&days| seconds <= days * DAY).count();
        let new = due > self.given;
        self.given = due;
        new.then(|| match seconds.div_ceil(DAY) {
            0 => "has expired: clients refuse it".into(),
            1 => "expires within a day".into(),
            days => format!("expires in {days} days"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_warning_is_given_once_until_the_certificate_is_renewed() {
        let mut expiry = Expiry::default();
        let mut at = |days: u64| expiry.warning(Duration::from_secs(days * DAY));
        assert_eq!(at(31), None);
        assert_eq!(at(30).as_deref(), Some("expires in 30 days"));
        assert_eq!(at(29), None);
        assert_eq!(at(7).as_deref(), Some("expires in 7 days"));
        assert_eq!(at(1).as_deref(), Some("expires within a day"));
        assert_eq!(at(0).as_deref(), Some("has expired: clients refuse it"));
        assert_eq!(at(0), None);
        assert_eq!(at(90), None);
        assert_eq!(at(6).as_deref(), Some("expires in 6 days"));
    }
}
