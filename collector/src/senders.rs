//! Who sends: identities, the registry behind `/senders`, and the tokens that senders show.

pub(crate) mod identity;
pub(crate) mod peer;
pub(crate) mod peer_error;
pub(crate) mod registry;
pub(crate) mod tokens;
