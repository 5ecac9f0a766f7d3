//! The order in which the ledger is walked.

use std::cmp::Ordering;

use alephd_message::{ItemHash, Micros};

/// The place of a message among others: signed time first, then the stored bytes of its hash, so
/// that two positions are equal only for the same message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// Signed time of the content.
    pub time: Micros,
    /// Name of the message.
    pub hash: ItemHash,
}

impl Ord for Position {
    fn cmp(&self, other: &Self) -> Ordering {
        self.time
            .cmp(&other.time)
            .then_with(|| self.hash.key().cmp(other.hash.key()))
    }
}

impl PartialOrd for Position {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
