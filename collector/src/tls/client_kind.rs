//! The two kinds of clients: each has its rules and its share of the processors.

/// The direction in which records travel on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientKind {
    /// Brings records to a `tls://` address.
    Sender,
    /// Takes records from an `https://` address.
    Reader,
}

impl ClientKind {
    /// Advice to a client that does not speak TLS.
    pub(super) fn remedy(self) -> &'static str {
        match self {
            Self::Sender => "set tls:// at the sender",
            Self::Reader => "use https://",
        }
    }
}
