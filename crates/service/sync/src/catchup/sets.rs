//! The sets that are compared: one for each interest that peers have.

use std::sync::{Arc, Mutex, PoisonError};

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
}

impl Sets {
    pub(super) fn new(holdings: Arc<dyn Holdings>, clock: Arc<dyn Clock>, own: Interest) -> Self {
        let mut sets = Self {
            whole: Arc::new(Catalogue::new(Arc::clone(&holdings), Arc::clone(&clock))),
            holdings,
            clock,
            own,
            parts: Mutex::default(),
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
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
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

    /// What is told to peers.
    pub(super) fn own(&self) -> Option<Value> {
        (!self.own.is_everything())
            .then(|| serde_json::to_value(&self.own).ok())
            .flatten()
    }

    fn catalogue(&self, interests: Vec<Interest>) -> Arc<Catalogue> {
        let holdings = self.holdings.within(interests);
        Arc::new(Catalogue::new(holdings, Arc::clone(&self.clock)))
    }
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
