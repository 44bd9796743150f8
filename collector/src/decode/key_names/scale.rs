//! Scales of the numbers that stand for levels.

use super::{LONGEST, WINDOWS, normal};

/// The framework on whose scale the numbers of a level are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::decode) enum Scale {
    /// Recognised by the number: syslog, pino, Monolog, logback, java.util.logging.
    Any,
    Syslog,
    Python,
    DotNet,
    NxLog,
    Cloud,
    OpenTelemetry,
    Windows,
    /// Words alone: a number is of something else, and so is a word that is more than a level.
    Words,
}

/// The scale of the level `key` of a dialect.
pub(in crate::decode) fn scale(key: &str, dialect: u8) -> Scale {
    if dialect == WINDOWS {
        return Scale::Windows;
    }
    let mut buffer = [0; LONGEST];
    match normal("", key, &mut buffer).unwrap_or_default() {
        b"levelno" => Scale::Python,
        b"priority" => Scale::Syslog,
        b"loglevel" => Scale::DotNet,
        b"severityvalue" => Scale::NxLog,
        b"severitynumber" => Scale::OpenTelemetry,
        b"severity" => Scale::Cloud,
        b"status" => Scale::Words,
        _ => Scale::Any,
    }
}
