//! Pieces of text of a message.

use netlog_wire::{JsonStr, push_json};
use std::borrow::Cow;

/// A piece of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::decode) enum Text<'a> {
    /// The inside of a JSON string, or text that would be written the same.
    Json(&'a str),
    /// Text as it is meant.
    Plain(Cow<'a, str>),
}

impl Default for Text<'_> {
    fn default() -> Self {
        Self::Json("")
    }
}

impl Text<'_> {
    /// The piece as it was written.
    pub(in crate::decode) fn as_str(&self) -> &str {
        match self {
            Self::Json(text) => text,
            Self::Plain(text) => text,
        }
    }

    /// Appends it as the inside of a JSON string; what is borrowed of a `clean` message needs no
    /// escapes.
    pub(super) fn push(&self, clean: bool, out: &mut Vec<u8>) {
        match self {
            Self::Json(text) => out.extend_from_slice(text.as_bytes()),
            Self::Plain(Cow::Borrowed(text)) if clean => out.extend_from_slice(text.as_bytes()),
            Self::Plain(text) => push_json(out, text),
        }
    }

    pub(in crate::decode) fn is_empty(&self) -> bool {
        self.as_str().is_empty()
    }

    /// Its length as it was written.
    pub(in crate::decode) fn len(&self) -> usize {
        self.as_str().len()
    }

    /// The text that is meant.
    pub(in crate::decode) fn meant(&self) -> String {
        match self {
            Self::Json(inside) => JsonStr::new(inside).text().into_owned(),
            Self::Plain(text) => text.clone().into_owned(),
        }
    }
}

impl Text<'_> {
    /// The same piece, which this keeps.
    pub(in crate::decode) fn borrowed(&self) -> Text<'_> {
        match self {
            Self::Json(inside) => Text::Json(inside),
            Self::Plain(text) => Text::Plain(Cow::Borrowed(text)),
        }
    }

    pub(in crate::decode) fn into_owned(self) -> Text<'static> {
        Text::Plain(match self {
            Self::Json(text) => Cow::Owned(JsonStr::new(text).text().into_owned()),
            Self::Plain(text) => Cow::Owned(text.into_owned()),
        })
    }
}
