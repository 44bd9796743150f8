//! The format of what comes to a listener.

use crate::decode::Pinned;

/// The format of what comes to a listener.
#[derive(Debug, Clone)]
pub(crate) enum ListenerFormat {
    /// Recognised by its first bytes, within what `?as=` pins.
    Recognised(Option<Pinned>),
    /// HTTP requests only.
    Http,
}
