//! The order that decides what precedes what.

use std::cmp::Ordering;

use alephd_message::{ItemHash, Micros};

/// The place of a message in the order that permission, revocation, use and money follow.
///
/// Without an anchor on the ordering chain the content time decides, which the sender chose: such
/// an order is good enough among honest senders and is shown as provisional. Ties are broken by
/// the item hash, so that two positions are equal only for the same message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// Signed time of the content.
    pub time: Micros,
    /// Name of the message.
    pub hash: ItemHash,
}

impl Position {
    /// The position of a message without anchor.
    pub fn provisional(time: Micros, hash: ItemHash) -> Self {
        Self { time, hash }
    }
}

/// By time, then by the stored bytes of the hash: the order in which a database sorts them.
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
