//! The limits that all intakes share.

use super::body_budget::{ALL_BODIES, BodyBudget};
use super::connection_limits::ConnectionLimits;
use super::half_lines::HalfLineBudget;
use super::timeouts::Timeouts;
use crate::units::Size;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The least `--max-line`: a hello has to fit.
pub(crate) const LEAST_LINE: Size = Size(1 << 10);

/// The least and the most `--max-in-flight`: a submission has to fit, and be counted in 32 bits.
pub(crate) const IN_FLIGHT_RANGE: RangeInclusive<Size> = Size(1 << 20)..=Size(1 << 31);

/// The most `--max-body`: the bodies of several requests have to fit at once.
pub(crate) const MOST_BODY: Size = Size(ALL_BODIES as u64 / 4);

/// Limits in bytes, connections and time.
#[derive(Debug)]
pub(crate) struct IntakeLimits {
    pub(crate) max_line: usize,
    pub(crate) timeouts: Arc<Timeouts>,
    pub(crate) connections: Arc<ConnectionLimits>,
    /// Bytes of GELF messages in parts that may wait for the rest.
    pub(crate) max_chunked: usize,
    /// Largest body of an HTTP request, packed or unpacked.
    pub(crate) max_body: usize,
    /// Bytes that the bodies of HTTP requests and long messages take.
    pub(crate) bodies: BodyBudget,
    /// Bytes that may be between sockets and sinks.
    pub(crate) in_flight: usize,
}

/// The limits as the options say them.
#[derive(Debug)]
pub(crate) struct WantedLimits {
    pub(crate) max_line: Size,
    pub(crate) timeouts: Timeouts,
    pub(crate) max_per_address: usize,
    pub(crate) max_half_lines: Size,
    pub(crate) max_chunked: Size,
    pub(crate) max_body: Size,
    pub(crate) max_in_flight: Size,
}

impl IntakeLimits {
    /// As wanted, but brought within what makes sense; and so many connections.
    pub(crate) fn new(wanted: &WantedLimits, connections: usize) -> Self {
        let max_line = wanted.max_line.max(LEAST_LINE).bytes();
        let (least, most) = IN_FLIGHT_RANGE.into_inner();
        let half_lines = HalfLineBudget::new(wanted.max_half_lines.bytes(), max_line);
        Self {
            max_line,
            timeouts: Arc::new(wanted.timeouts),
            connections: ConnectionLimits::new(connections, wanted.max_per_address, half_lines),
            max_chunked: wanted.max_chunked.bytes(),
            max_body: wanted.max_body.min(MOST_BODY).bytes(),
            bodies: BodyBudget::new(),
            in_flight: wanted.max_in_flight.clamp(least, most).bytes(),
        }
    }
}
