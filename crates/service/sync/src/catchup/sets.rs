//! The sets that are compared: one for each interest that peers have.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use alephd_net::PeerId;
use alephd_rules::Interest;
use alephd_tasks::Clock;
use serde_json::Value;

use super::{Catalogue, Holdings};

/// Sets that are kept at a time, besides the one for peers that keep everything: each takes up to
/// 48 bytes a message. The one that was not needed for the longest time goes.
const KEPT: usize = 8;
/// Names in an interest of a peer.
const NAMES: usize = 1_024;

/// The catalogues of a node.
pub(super) struct Sets {
    holdings: Arc<dyn Holdings>,
    clock: Arc<dyn Clock>,
    own: Interest,
    /// For peers that keep everything.
    whole: Arc<Catalogue>,
    /// For others, the one that was needed last at the end.
    parts: Mutex<Vec<(Interest, Arc<Catalogue>)>>,
    /// What connected peers keep.
    interests: Mutex<HashMap<PeerId, Interest>>,
}

impl Sets {
    pub(super) fn new(holdings: Arc<dyn Holdings>, clock: Arc<dyn Clock>, own: Interest) -> Self {
        let mut sets = Self {
            whole: Arc::new(Catalogue::new(Arc::clone(&holdings), Arc::clone(&clock))),
            holdings,
            clock,
            own,
            parts: Mutex::default(),
            interests: Mutex::default(),
        };
        if !sets.own.is_everything() {
            sets.whole = sets.catalogue(vec![sets.own.clone()]);
        }
        sets
    }

    /// What this node and a peer with this interest both keep.
    pub(super) fn with(&self, theirs: &Interest) -> Arc<Catalogue> {
        if theirs.is_everything() || *theirs == self.own {
            return Arc::clone(&self.whole);
        }
        let mut parts = lock(&self.parts);
        let part = match parts.iter().position(|(interest, _)| interest == theirs) {
            Some(at) => parts.remove(at),
            None => {
                let mut both = vec![theirs.clone()];
                both.extend((!self.own.is_everything()).then(|| self.own.clone()));
                (theirs.clone(), self.catalogue(both))
            }
        };
        if parts.len() >= KEPT {
            parts.remove(0);
        }
        let catalogue = Arc::clone(&part.1);
        parts.push(part);
        catalogue
    }

    /// What this node keeps.
    pub(super) fn own(&self) -> &Interest {
        &self.own
    }

    /// What a peer keeps; everything as long as it has not spoken.
    pub(super) fn interest_of(&self, peer: &PeerId) -> Interest {
        lock(&self.interests).get(peer).cloned().unwrap_or_default()
    }

    /// A peer has said what it keeps.
    pub(super) fn heard(&self, peer: PeerId, interest: Interest) {
        lock(&self.interests).insert(peer, interest);
    }

    /// The same of one that surprised this node. Says whether that can be compared and was not known.
    pub(super) fn learn(&self, peer: PeerId, said: Option<&Value>) -> bool {
        let Some(interest) = interest(said) else {
            return false;
        };
        let is_new = interest != self.interest_of(&peer);
        self.heard(peer, interest);
        is_new
    }

    /// A peer is gone.
    pub(super) fn forget(&self, peer: &PeerId) {
        lock(&self.interests).remove(peer);
    }

    fn catalogue(&self, interests: Vec<Interest>) -> Arc<Catalogue> {
        let holdings = self.holdings.within(interests);
        Arc::new(Catalogue::new(holdings, Arc::clone(&self.clock)))
    }
}

/// An interest as it is told to peers; nothing for everything.
pub(super) fn said(interest: &Interest) -> Option<Value> {
    (!interest.is_everything())
        .then(|| serde_json::to_value(interest).ok())
        .flatten()
}

/// What a peer says that it keeps; nothing if that cannot be understood.
pub(super) fn interest(said: Option<&Value>) -> Option<Interest> {
    let Some(said) = said else {
        return Some(Interest::default());
    };
    let interest: Interest = serde_json::from_value(said.clone()).ok()?;
    let names = interest.channels.len() + interest.addresses.len() + interest.types.len();
    (names <= NAMES).then_some(interest)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
