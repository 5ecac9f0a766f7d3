//! What was promised about files, and until when.

use std::collections::BTreeMap;

use alephd_message::ItemHash;

use crate::drill::traffic::Source;

/// A STORE that was sent.
pub(super) struct Store {
    pub(super) message: ItemHash,
    pub(super) file: ItemHash,
    /// Whether somebody was told that it is processed.
    pub(super) is_acknowledged: bool,
    /// Whether its owner pays for longer than the epoch in which it was sent.
    pub(super) is_paid: bool,
    /// The epoch in which it was sent.
    pub(super) epoch: u32,
    /// The epoch in which a FORGET of it was first sent.
    pub(super) forgotten: Option<u32>,
}

/// A file that somebody sent.
pub(super) struct File {
    pub(super) source: Source,
    /// Until the end of which epoch it was promised for its upload alone.
    uploaded: Option<u32>,
    /// The round in which a promise about it was last made.
    round: u64,
}

/// Everything that was sent and answered.
#[derive(Default)]
pub(super) struct Ledger {
    files: BTreeMap<ItemHash, File>,
    stores: Vec<Store>,
    pub(super) acknowledged: usize,
}

impl Ledger {
    /// A file is about to be sent.
    pub(super) fn sent(&mut self, hash: &ItemHash, source: Source) {
        self.files.entry(hash.clone()).or_insert(File {
            source,
            uploaded: None,
            round: 0,
        });
    }

    /// An upload that was sent in `epoch` was answered with 200.
    pub(super) fn uploaded(&mut self, hash: &ItemHash, epoch: u32, round: u64) {
        let file = self.files.get_mut(hash).expect("it was sent");
        file.uploaded = file.uploaded.max(Some(epoch));
        file.round = round;
        self.acknowledged += 1;
    }

    /// A STORE is about to be sent. Its number.
    pub(super) fn store(&mut self, store: Store) -> usize {
        self.stores.push(store);
        self.stores.len() - 1
    }

    /// A STORE was answered with 200.
    pub(super) fn stored(&mut self, number: usize) {
        self.stores[number].is_acknowledged = true;
    }

    /// A FORGET is about to be sent.
    pub(super) fn forgetting(&mut self, number: usize, epoch: u32) {
        self.stores[number].forgotten.get_or_insert(epoch);
    }

    pub(super) fn message(&self, number: usize) -> ItemHash {
        self.stores[number].message.clone()
    }

    pub(super) fn stores(&self) -> &[Store] {
        &self.stores
    }

    /// The bytes of any file that was sent before; the `choice`th of them.
    pub(super) fn again(&self, choice: u64) -> Option<(ItemHash, Source)> {
        let count = self.files.len() as u64;
        let index = choice.checked_rem(count)?;
        let (hash, file) = self.files.iter().nth(index as usize)?;
        Some((hash.clone(), file.source))
    }

    /// Every name that was ever sent.
    pub(super) fn names(&self) -> impl Iterator<Item = &ItemHash> {
        self.files.keys()
    }

    /// Files that must be served in `epoch` and were promised in round `from` or later.
    pub(super) fn owed(&self, epoch: u32, from: u64) -> BTreeMap<ItemHash, Source> {
        let uploads = self.files.iter().filter(|(_, file)| file.uploaded >= Some(epoch));
        let stores = self.stores.iter().filter(|store| store.is_owed(epoch));
        let stores = stores.filter_map(|store| self.files.get_key_value(&store.file));
        let owed = uploads.chain(stores).filter(|(_, file)| file.round >= from);
        owed.map(|(hash, file)| (hash.clone(), file.source)).collect()
    }
}

impl Store {
    fn is_owed(&self, epoch: u32) -> bool {
        // A notice and a grace period each last for a day, and so beyond the epoch.
        self.is_acknowledged
            && (self.is_paid || epoch <= self.epoch + 1)
            && self.forgotten.is_none_or(|forgotten| epoch <= forgotten)
    }
}
