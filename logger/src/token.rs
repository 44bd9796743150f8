//! The token that a collector may require of its senders.

use std::fmt;

/// An optional token. It is sent to collectors and never printed.
#[derive(Clone, Default)]
pub(crate) struct Token(Option<String>);

impl Token {
    pub(crate) fn new(text: String) -> Self {
        Self(Some(text).filter(|text| !text.is_empty()))
    }

    /// `$NETLOG_TOKEN`.
    pub(crate) fn from_environment() -> Self {
        Self::new(std::env::var("NETLOG_TOKEN").unwrap_or_default())
    }

    /// The text for a hello.
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
