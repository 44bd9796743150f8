//! No spool files: what a directory would be asked to do with them, where none can exist.

use super::entry::{RingEntry, WaitingSpool};
use super::error::SpoolError;
use super::no_directory::NoDirectory;
use super::ring_file::Spool;
use crate::identity::SenderIdentity;
use std::io;
use std::sync::Arc;

impl NoDirectory {
    pub(crate) fn rings(&self, _app: Option<&str>, _complain: impl Fn(String)) -> Vec<RingEntry> {
        match *self {}
    }

    pub(crate) fn allocated(&self, _name: &str) -> u64 {
        match *self {}
    }

    pub(crate) fn free(&self) -> u64 {
        match *self {}
    }

    pub(crate) fn size_of_ring(capacity: u64) -> u64 {
        capacity
    }

    pub(crate) fn is_of_the_dead(&self, _name: &str) -> bool {
        match *self {}
    }

    pub(crate) fn adopt(self: &Arc<Self>, _name: &str) -> io::Result<Option<Spool>> {
        match **self {}
    }

    pub(crate) fn adopt_or(
        self: &Arc<Self>,
        _name: &str,
        _complain: impl Fn(String),
    ) -> Option<Spool> {
        match **self {}
    }

    pub(crate) fn waiting(&self, _name: &str, _complain: impl Fn(String)) -> Option<WaitingSpool> {
        match *self {}
    }

    pub(crate) fn create(self: &Arc<Self>, _identity: SenderIdentity) -> Result<Spool, SpoolError> {
        match **self {}
    }
}

impl Spool {
    /// Always `false`: the ring has no file.
    pub(crate) fn is_removed(&self) -> bool {
        false
    }

    /// Nothing: the ring has no file.
    pub(crate) fn restore_file(&self) -> Result<Option<Self>, SpoolError> {
        Ok(None)
    }
}
