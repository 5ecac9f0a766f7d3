//! State roots of a database: two nodes with the same facts show the same ones.
//!
//! The object is the one that a running node serves at `/api/v0/state/root`.

use serde::Serialize;

use alephd_rules::root::StateRoot;
use alephd_store::{
    Store, StoreError,
    read::{Counts, Root},
};

use crate::{DataDir, NodeError, Profile};

/// The roots and what they are roots of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StateRoots {
    /// Over everything known.
    pub live: String,
    /// Over what is final on the ordering chain. Without one nothing gets more final than it is.
    #[serde(rename = "final")]
    pub last: String,
    /// Name of the network.
    pub network: String,
    /// Whether backdating a message gains nothing.
    pub adversary_safe: bool,
    /// Live messages.
    pub messages: u64,
    /// Messages that wait.
    pub pending: u64,
    /// Messages that are parked as refused.
    pub parked: u64,
    /// Tombstones.
    pub forgotten: u64,
}

/// The roots of a data folder. A running node does not mind.
pub fn of_folder(folder: &DataDir) -> Result<StateRoots, NodeError> {
    let store = folder.open_for_reading()?;
    let network = folder.network()?.unwrap_or_default();
    // A profile that is not built in is not found by its name: nothing is promised for it.
    let is_safe = Profile::load(&network).is_ok_and(|profile| profile.is_adversary_safe());
    of_store(&store, &network, is_safe)
}

/// The roots of an open database.
pub(crate) fn of_store(store: &Store, network: &str, adversary_safe: bool) -> Result<StateRoots, NodeError> {
    let reader = store.reader();
    let (counts, live, last) = reader.snapshot(|reader| {
        Ok((
            reader.counts()?,
            digest(reader.state_root(Root::Live)?)?,
            digest(reader.state_root(Root::Final)?)?,
        ))
    })?;
    let Counts {
        messages,
        pending,
        parked,
        forgotten,
        ..
    } = counts;
    let last = if adversary_safe { last } else { live.clone() };
    Ok(StateRoots {
        live,
        last,
        network: network.to_owned(),
        adversary_safe,
        messages,
        pending,
        parked,
        forgotten,
    })
}

fn digest(bytes: Option<Vec<u8>>) -> Result<String, StoreError> {
    let root = match bytes {
        None => StateRoot::default(),
        Some(bytes) => StateRoot::from_bytes(&bytes).ok_or(StoreError::Damaged("state root"))?,
    };
    Ok(root.digest())
}
