//! Senders: identities, the registry behind `/senders`, the tokens that senders and readers show, and
//! the filters that are set for programs.

pub(crate) mod filter_orders;
pub(crate) mod grant;
pub(crate) mod identity;
pub(crate) mod number_gaps;
pub(crate) mod owner;
pub(crate) mod peer;
pub(crate) mod peer_error;
pub(crate) mod registry;
mod token_file;
pub(crate) mod tokens;
