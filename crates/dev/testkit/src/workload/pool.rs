//! Earlier messages that later ones may refer to.

use alephd_message::ItemHash;

use crate::rng::Rng;

/// Random draws before giving up. Most entries are ready, so a few find one if there is one to
/// speak of; a miss costs only a message of another type.
const DRAWS: usize = 4;

/// A message that can be referred to.
pub(super) struct Entry {
    pub(super) hash: ItemHash,
    /// Number of the account that sent it and owns it.
    pub(super) sender: usize,
    /// Index from which on messages may refer to it.
    pub(super) ready_from: u64,
    /// Index from which on it may be forgotten: late enough after the last reference.
    pub(super) quiet_from: u64,
}

/// A bounded set of them; what does not fit replaces a random one.
pub(super) struct Pool {
    entries: Vec<Entry>,
    capacity: usize,
}

impl Pool {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            entries: Vec::new(),
            capacity,
        }
    }

    pub(super) fn remember(&mut self, entry: Entry, rng: &mut Rng) {
        if self.entries.len() < self.capacity {
            self.entries.push(entry);
        } else {
            let index = rng.below(self.capacity as u64) as usize;
            self.entries[index] = entry;
        }
    }

    /// One that may be referred to at `now`.
    pub(super) fn any(&mut self, now: u64, rng: &mut Rng) -> Option<&mut Entry> {
        let index = self.draw(rng, |entry| entry.ready_from <= now)?;
        Some(&mut self.entries[index])
    }

    /// Removes one that may be forgotten at `now`.
    pub(super) fn take_quiet(&mut self, now: u64, rng: &mut Rng) -> Option<Entry> {
        let index = self.draw(rng, |entry| entry.quiet_from <= now)?;
        Some(self.entries.swap_remove(index))
    }

    fn draw(&self, rng: &mut Rng, fits: impl Fn(&Entry) -> bool) -> Option<usize> {
        if self.entries.is_empty() {
            return None;
        }
        (0..DRAWS)
            .map(|_| rng.below(self.entries.len() as u64) as usize)
            .find(|&index| fits(&self.entries[index]))
    }
}
