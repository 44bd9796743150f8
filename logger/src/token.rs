//! What shows a collector that this program may send.

use std::fmt;

/// A token, or none. It is written to collectors, and shown to nobody else.
#[derive(Clone, Default)]
pub(crate) struct Token(Option<String>);

impl Token {
    pub(crate) fn new(text: String) -> Self {
        Self(Some(text).filter(|text| !text.is_empty()))
    }

    /// `$NETLOG_TOKEN`.
    pub(crate) fn of_environment() -> Self {
        Self::new(std::env::var("NETLOG_TOKEN").unwrap_or_default())
    }

    /// What a hello says.
    pub(crate) fn text(&self) -> Option<String> {
        self.0.clone()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Token(…)" } else { "None" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_shown_with_what_holds_it() {
        let token = Token::new("s3cret".into());
        assert_eq!(
            (format!("{token:?}"), token.text()),
            ("Token(…)".into(), Some("s3cret".into()))
        );
        assert_eq!(Token::new(String::new()).text(), None);
    }
}
