//! Time that a collector has for each step before the next one is tried, or the same one again.

use crate::endpoint::CONNECT_LIMIT;
use std::time::Duration;

/// Limit of connecting, and of the handshake of TLS, while there is another collector: a program that
/// ends waits three seconds, in which the other one should get its records.
const CONNECT_LIMIT_OF_SEVERAL: Duration = Duration::from_secs(1);

/// Limit of a known collector's answer to the hello.
const WELCOME_LIMIT: Duration = Duration::from_secs(10);
const WELCOME_LIMIT_OF_SEVERAL: Duration = Duration::from_secs(2);

/// Limit without an acknowledgement after which one of several collectors is left for the next; and
/// that of one which failed and has acknowledged nothing since.
const ACK_LIMIT: Duration = Duration::from_secs(10);
const ACK_LIMIT_OF_DOUBTED: Duration = Duration::from_secs(2);

/// The limits of one collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    pub(super) connect: Duration,
    pub(super) welcome: Duration,
    /// `None` for the only collector.
    pub(super) ack: Option<Duration>,
}

impl Patience {
    /// With the only collector.
    const ONE: Self = Self { connect: CONNECT_LIMIT, welcome: WELCOME_LIMIT, ack: None };

    /// With the collector at `index` of `count`, which may be `doubted`: it failed last time.
    pub(super) fn with(index: usize, count: usize, doubted: bool) -> Self {
        if count == 1 {
            return Self::ONE;
        }
        if index + 1 == count {
            return Self { ack: Some(ACK_LIMIT), ..Self::ONE };
        }
        Self {
            connect: CONNECT_LIMIT_OF_SEVERAL,
            welcome: WELCOME_LIMIT_OF_SEVERAL,
            ack: Some(if doubted { ACK_LIMIT_OF_DOUBTED } else { ACK_LIMIT }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_ends_reaches_the_second_collector_in_its_three_seconds_and_a_doubted_one_has_two()
     {
        let first = Patience::with(0, 2, false);
        assert!(first.connect.max(first.welcome) < Duration::from_secs(3));
        assert_eq!(first.ack, Some(ACK_LIMIT));
        let doubted = Patience::with(0, 2, true);
        assert_eq!(doubted, Patience { ack: Some(Duration::from_secs(2)), ..first });
        assert_eq!(Patience::with(1, 2, false), Patience { ack: Some(ACK_LIMIT), ..Patience::ONE });
        assert_eq!(Patience::with(0, 1, true), Patience::ONE);
    }
}
