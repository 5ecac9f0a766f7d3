//! State roots of a database: two nodes with the same facts show the same ones.

use serde::Serialize;

use alephd_rules::root::StateRoot;
use alephd_store::{
    Store,
    read::{Counts, Root},
};

use crate::{DataDir, NodeError, Profile};

/// The roots and what they are roots of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StateRoots {
    /// Over everything known.
    pub live: String,
    /// Over what is final on the ordering chain; a network without one has no finality.
    #[serde(rename = "final")]
    pub final_root: Option<String>,
    /// Live messages.
    pub messages: u64,
    /// Messages that wait.
    pub pending: u64,
    /// Messages that are parked as refused.
    pub parked: u64,
    /// Tombstones.
    pub forgotten: u64,
    /// Whether backdating a message gains nothing.
    pub adversary_safe: bool,
}

/// The roots of a data folder. A running node does not mind.
pub fn of_folder(folder: &DataDir) -> Result<StateRoots, NodeError> {
    let store = folder.open_for_reading()?;
    let network = folder.network()?.unwrap_or_default();
    // A profile that is not built in is not found by its name: nothing is promised for it.
    let is_safe = Profile::load(&network).is_ok_and(|profile| profile.is_adversary_safe());
    of_store(&store, is_safe)
}

/// The roots of an open database.
pub(crate) fn of_store(store: &Store, adversary_safe: bool) -> Result<StateRoots, NodeError> {
    let reader = store.reader();
    let (counts, live, last) = reader.snapshot(|reader| {
        Ok((reader.counts()?, reader.state_root(Root::Live)?, reader.state_root(Root::Final)?))
    })?;
    let Counts { messages, pending, parked, forgotten, .. } = counts;
    let digest = |bytes: Vec<u8>| StateRoot::from_bytes(&bytes).map(|root| root.digest());
    let live = match live {
        None => StateRoot::default().digest(),
        Some(bytes) => digest(bytes).ok_or(alephd_store::StoreError::Damaged("state root"))?,
    };
    let final_root = last.and_then(digest);
    Ok(StateRoots { live, final_root, messages, pending, parked, forgotten, adversary_safe })
}
