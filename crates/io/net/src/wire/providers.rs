//! Who provides which key: what this node says of itself, and what others told it.
//!
//! libp2p has a store in memory with one bound for both, so that strangers could fill it until this
//! node cannot announce its own files, and it never forgets a key that nobody asks for. Values, which
//! Kademlia can keep as well, are not kept at all.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map;
use std::iter::{self, Empty};

use libp2p::PeerId;
use libp2p::kad::store::{Error, RecordStore, Result};
use libp2p::kad::{ProviderRecord, Record, RecordKey};

/// Providers kept of one key: as many as Kademlia hands out.
const PER_KEY: usize = 20;
/// Addresses kept of a provider.
const ADDRESSES: usize = 8;
/// Bytes of an address; the longest useful ones, through a relay, have some 200.
const ADDRESS: usize = 256;
/// Bytes of a key: hashes and CIDs have at most 70.
const KEY: usize = 128;

/// Provider records in memory.
#[derive(Debug)]
pub(crate) struct Providers {
    local: PeerId,
    /// Keys in each of the two tables.
    limit: usize,
    own: HashMap<RecordKey, ProviderRecord>,
    told: HashMap<RecordKey, Vec<ProviderRecord>>,
    /// Keys in `told` by provider: none may take more than a quarter of the table.
    by_provider: HashMap<PeerId, usize>,
}

impl Providers {
    pub(crate) fn new(local: PeerId, limit: usize) -> Self {
        Self {
            local,
            limit,
            own: HashMap::new(),
            told: HashMap::new(),
            by_provider: HashMap::new(),
        }
    }

    fn told(&mut self, mut record: ProviderRecord) -> Result<()> {
        if record.key.to_vec().len() > KEY {
            return Err(Error::ValueTooLarge);
        }
        record.addresses.retain(|address| address.len() <= ADDRESS);
        record.addresses.truncate(ADDRESSES);
        if !self.told.contains_key(&record.key) && self.told.len() >= self.limit {
            self.sweep();
            if self.told.len() >= self.limit {
                return Err(Error::MaxProvidedKeys);
            }
        }
        let count = self.by_provider.get(&record.provider).copied().unwrap_or(0);
        let known = self.told.entry(record.key.clone()).or_default();
        if let Some(old) = known.iter_mut().find(|old| old.provider == record.provider) {
            *old = record;
        } else if known.len() < PER_KEY && count < self.limit.div_ceil(4) {
            *self.by_provider.entry(record.provider).or_default() += 1;
            known.push(record);
        } else if known.is_empty() {
            self.told.remove(&record.key);
        }
        Ok(())
    }

    /// Forgets what has expired.
    #[expect(
        clippy::disallowed_methods,
        reason = "records of Kademlia carry instants of the system"
    )]
    fn sweep(&mut self) {
        let now = std::time::Instant::now();
        let mut gone = Vec::new();
        for (key, records) in &self.told {
            let expired = records.iter().filter(|record| record.is_expired(now));
            gone.extend(expired.map(|record| (key.clone(), record.provider)));
        }
        for (key, provider) in gone {
            self.remove_provider(&key, &provider);
        }
    }
}

impl RecordStore for Providers {
    type RecordsIter<'a> = Empty<Cow<'a, Record>>;
    type ProvidedIter<'a> = iter::Map<
        hash_map::Values<'a, RecordKey, ProviderRecord>,
        fn(&'a ProviderRecord) -> Cow<'a, ProviderRecord>,
    >;

    fn get(&self, _: &RecordKey) -> Option<Cow<'_, Record>> {
        None
    }

    fn put(&mut self, _: Record) -> Result<()> {
        Err(Error::MaxRecords)
    }

    fn remove(&mut self, _: &RecordKey) {}

    fn records(&self) -> Self::RecordsIter<'_> {
        iter::empty()
    }

    fn add_provider(&mut self, record: ProviderRecord) -> Result<()> {
        if record.provider != self.local {
            return self.told(record);
        }
        if !self.own.contains_key(&record.key) && self.own.len() >= self.limit {
            return Err(Error::MaxProvidedKeys);
        }
        self.own.insert(record.key.clone(), record);
        Ok(())
    }

    fn providers(&self, key: &RecordKey) -> Vec<ProviderRecord> {
        let told = self.told.get(key).into_iter().flatten();
        self.own.get(key).into_iter().chain(told).cloned().collect()
    }

    fn provided(&self) -> Self::ProvidedIter<'_> {
        self.own.values().map(Cow::Borrowed)
    }

    fn remove_provider(&mut self, key: &RecordKey, provider: &PeerId) {
        if *provider == self.local {
            self.own.remove(key);
            return;
        }
        let Some(records) = self.told.get_mut(key) else {
            return;
        };
        let before = records.len();
        records.retain(|record| record.provider != *provider);
        if records.len() < before
            && let Some(count) = self.by_provider.get_mut(provider)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.by_provider.remove(provider);
            }
        }
        if records.is_empty() {
            self.told.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> RecordKey {
        RecordKey::new(&number.to_be_bytes())
    }

    #[test]
    fn strangers_cannot_crowd_out_this_node() {
        let local = PeerId::random();
        let mut store = Providers::new(local, 4);
        for number in 0..8 {
            let stranger = ProviderRecord::new(key(number), PeerId::random(), Vec::new());
            assert_eq!(store.add_provider(stranger).is_ok(), number < 4);
        }
        for number in 0..8 {
            let own = ProviderRecord::new(key(number), local, Vec::new());
            assert_eq!(store.add_provider(own).is_ok(), number < 4);
        }
        assert_eq!(store.provided().count(), 4);
        assert_eq!(store.providers(&key(0)).len(), 2);
        store.remove_provider(&key(0), &local);
        assert_eq!(store.providers(&key(0)).len(), 1);
    }

    #[test]
    fn one_provider_gets_a_quarter() {
        let mut store = Providers::new(PeerId::random(), 8);
        let greedy = PeerId::random();
        for number in 0..8 {
            store
                .add_provider(ProviderRecord::new(key(number), greedy, Vec::new()))
                .unwrap();
        }
        assert_eq!(store.told.len(), 2);
        store
            .add_provider(ProviderRecord::new(key(7), PeerId::random(), Vec::new()))
            .unwrap();
        assert_eq!(store.told.len(), 3);
        for number in 0..8 {
            store.remove_provider(&key(number), &greedy);
        }
        assert_eq!(store.by_provider.len(), 1);
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "records of Kademlia carry instants of the system"
    )]
    fn expired_records_make_room() {
        let mut store = Providers::new(PeerId::random(), 1);
        let mut old = ProviderRecord::new(key(0), PeerId::random(), Vec::new());
        old.expires = Some(std::time::Instant::now());
        store.add_provider(old).unwrap();
        store
            .add_provider(ProviderRecord::new(key(1), PeerId::random(), Vec::new()))
            .unwrap();
        assert!(store.providers(&key(0)).is_empty());
        assert_eq!(store.providers(&key(1)).len(), 1);
    }

    #[test]
    fn records_are_cut_to_their_bounds() {
        let mut store = Providers::new(PeerId::random(), 8);
        let address: libp2p::Multiaddr = "/ip4/203.0.113.7/tcp/1".parse().unwrap();
        let record = ProviderRecord::new(key(0), PeerId::random(), vec![address; 100]);
        store.add_provider(record).unwrap();
        assert_eq!(store.providers(&key(0))[0].addresses.len(), ADDRESSES);
        let long = ProviderRecord::new(vec![0_u8; KEY + 1], PeerId::random(), Vec::new());
        assert!(store.add_provider(long).is_err());
        assert!(store.put(Record::new(vec![1_u8], vec![1])).is_err());
    }
}
