//! What was seen a moment ago, in memory that does not grow.

use std::{
    collections::HashSet,
    hash::{BuildHasher as _, RandomState},
};

use alephd_message::Envelope;

/// Names that one half remembers. The reference remembers 200,000 in all.
const HALF: usize = 100_000;

/// A set that forgets the oldest half when it is full.
///
/// Names are kept as keyed hashes: a stranger cannot make two of them equal on purpose, and by
/// chance one message in 10^14 is taken for another, which the next catch-up brings.
#[derive(Debug, Default)]
pub(super) struct Seen {
    key: RandomState,
    new: HashSet<u64>,
    old: HashSet<u64>,
}

impl Seen {
    /// Notes a message. Says whether it was there already.
    ///
    /// What nobody signed (time, channel) is not part of its name, as in the reference.
    pub(super) fn note(&mut self, envelope: &Envelope) -> bool {
        let name = (
            &envelope.item_hash,
            &*envelope.sender,
            envelope.signature.as_deref(),
        );
        let name = self.key.hash_one(name);
        if self.new.contains(&name) || self.old.contains(&name) {
            return true;
        }
        if self.new.len() >= HALF {
            self.old = std::mem::take(&mut self.new);
        }
        self.new.insert(name);
        false
    }

    /// Forgets a message, because nothing came of it.
    pub(super) fn forget(&mut self, envelope: &Envelope) {
        let name = (
            &envelope.item_hash,
            &*envelope.sender,
            envelope.signature.as_deref(),
        );
        let name = self.key.hash_one(name);
        self.new.remove(&name);
        self.old.remove(&name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alephd_testkit::{builder, keys};
    use serde_json::json;

    #[test]
    fn it_remembers_and_forgets() {
        let message = builder::post(&keys::evm("a"), "chat", json!({})).seal();
        let mut seen = Seen::default();
        assert!(!seen.note(&message));
        assert!(seen.note(&message));
        seen.forget(&message);
        assert!(!seen.note(&message));
        seen.old = std::mem::take(&mut seen.new);
        assert!(seen.note(&message));
    }
}
