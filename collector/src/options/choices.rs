//! The options that are one word of a few.

use clap::ValueEnum;

/// The format of records in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// One line for people.
    Text,
}

/// The place that acknowledged records are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AckPlace {
    /// The file.
    File,
    /// The file, and the collector or the stream that it is forwarded to.
    Both,
}

/// The compression of rotated files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Compress {
    /// Compress them with zstd.
    Zstd,
    /// Leave them as they are.
    Off,
}

/// The format of records on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Console {
    /// One line for people; coloured on a terminal.
    Text,
    /// One JSON object a line.
    Json,
    /// Nothing.
    Off,
}
