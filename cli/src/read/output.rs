//! The format of the output, and its colours.

use clap::ValueEnum;

/// The format of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// Lines for people; one line for each record, unless stdout is a terminal
    Text,
    /// One JSON object a line, as the collector sends it
    Json,
    /// The messages alone
    Raw,
}

/// The use of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    Auto,
    Always,
    Never,
}

impl ColorChoice {
    /// Returns true if the output is coloured.
    pub(super) fn enabled(self, terminal: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                terminal && !anstyle_query::no_color() && anstyle_query::term_supports_color()
            }
        }
    }
}
