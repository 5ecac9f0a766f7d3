//! The set of what is known, kept up to date.
//!
//! Rows get ascending ids and, once they are live or gone, keep their place in the set for good. So a
//! refresh reads the rows that are new, and again those that waited or were refused when they were
//! read last: few, and under an index of their own.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use alephd_message::Micros;
use alephd_peer_protocol::catchup::id_of;
use alephd_reconcile::{Element, Id, Known, KnownIndex, Snapshot};
use alephd_rules::MessageStatus;
use alephd_store::read::KnownRow;
use alephd_tasks::Clock;
use tokio::sync::Mutex;

use super::{Holdings, HoldingsError, KnownPage};

/// Rows that are read at a time: a few megabytes.
const PAGE: u64 = 32_768;

/// What is known at one moment.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// What other nodes are told.
    pub set: Snapshot,
    /// What is held and refused: neither told nor asked for.
    pub refused: Arc<HashSet<Id>>,
}

/// Keeps the set.
pub struct Catalogue {
    holdings: Arc<dyn Holdings>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    index: KnownIndex,
    refused: Arc<HashSet<Id>>,
    last_row: i64,
    /// Rows that waited or were refused when they were read last.
    parked: HashSet<i64>,
    refreshed: Option<Duration>,
}

impl Catalogue {
    /// Of what a node holds. Nothing is read before [`Catalogue::refresh`].
    pub fn new(holdings: Arc<dyn Holdings>, clock: Arc<dyn Clock>) -> Self {
        let state = Mutex::default();
        Self {
            holdings,
            clock,
            state,
        }
    }

    /// What is known now.
    pub async fn refresh(&self) -> Result<View, HoldingsError> {
        self.refresh_unless_younger(Duration::ZERO).await
    }

    /// What was known at most so long ago.
    pub async fn refresh_unless_younger(&self, age: Duration) -> Result<View, HoldingsError> {
        let mut state = self.state.lock().await;
        let now = self.clock.monotonic();
        let is_fresh = state.refreshed.is_some_and(|then| now.saturating_sub(then) < age);
        if !is_fresh {
            self.read_new(&mut state).await?;
            self.read_parked(&mut state).await?;
            state.refreshed = Some(self.clock.monotonic());
        }
        Ok(View {
            set: state.index.snapshot(),
            refused: Arc::clone(&state.refused),
        })
    }

    async fn read_new(&self, state: &mut State) -> Result<(), HoldingsError> {
        loop {
            let KnownPage { rows, last } = self.holdings.known(state.last_row, PAGE).await?;
            let Some(last) = last else { return Ok(()) };
            state.last_row = last;
            let parked = rows.iter().filter(|row| is_parked(row)).map(|row| row.id);
            state.parked.extend(parked);
            let known = rows.iter().filter(|row| is_known(row)).map(known);
            state.index.update(known.collect(), Vec::new());
        }
    }

    async fn read_parked(&self, state: &mut State) -> Result<(), HoldingsError> {
        let rows = self.holdings.known_parked().await?;
        let (mut add, mut remove, mut refused) = (Vec::new(), Vec::new(), HashSet::new());
        let mut parked = HashMap::with_capacity(rows.len());
        // Those that came just now are read with the new ones next time.
        for row in rows.iter().filter(|row| row.id <= state.last_row) {
            parked.insert(row.id, ());
            if is_known(row) {
                add.push(known(row));
            } else {
                remove.push(known(row).element());
                if row.has_content {
                    refused.insert(id_of(&row.hash));
                }
            }
        }
        let risen = state.parked.iter().filter(|id| !parked.contains_key(id));
        for id in risen.copied().collect::<Vec<_>>() {
            let found = self.holdings.known(id - 1, 1).await?.rows;
            // A row that is gone altogether was waiting without a content.
            add.extend(
                found
                    .iter()
                    .filter(|row| row.id == id && is_known(row))
                    .map(known),
            );
        }
        state.parked = parked.into_keys().collect();
        state.refused = Arc::new(refused);
        state
            .index
            .update(add, remove.into_iter().collect::<Vec<Element>>());
        Ok(())
    }
}

/// Whether other nodes are told of it. What is refused is not, nor what this node has only heard of.
fn is_known(row: &KnownRow) -> bool {
    match row.status {
        MessageStatus::Processed | MessageStatus::Removing => true,
        MessageStatus::Forgotten | MessageStatus::Removed => true,
        MessageStatus::Pending => row.has_content,
        MessageStatus::Rejected => false,
    }
}

fn is_parked(row: &KnownRow) -> bool {
    matches!(row.status, MessageStatus::Pending | MessageStatus::Rejected)
}

fn known(row: &KnownRow) -> Known {
    Known {
        time: millis(row.time),
        id: id_of(&row.hash),
        row: row.id,
    }
}

/// Times before 1970 are all the same.
fn millis(time: Micros) -> u64 {
    u64::try_from(time.0 / 1_000).unwrap_or(0)
}

#[cfg(test)]
mod tests;
