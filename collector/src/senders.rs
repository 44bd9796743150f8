//! Senders: identities, the registry behind `/senders`, and the tokens that senders and readers show.

pub(crate) mod grant;
pub(crate) mod identity;
pub(crate) mod number_gaps;
pub(crate) mod owner;
pub(crate) mod peer;
pub(crate) mod peer_error;
pub(crate) mod registry;
mod token_file;
pub(crate) mod tokens;
