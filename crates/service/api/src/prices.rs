//! The price list that holds now, for everything that is priced on request.
//!
//! Bills of messages are made by the pipeline with the list of their time. Estimates, and the check
//! of an upload before it is kept, ask for the current one: thousands of times between two changes,
//! and each reading of it parses two aggregates. So it is kept until a message of the owner of the
//! list passes, and for [`KEPT_FOR`] at most, because not every change makes an event: a list also
//! goes back to what it was when a message is suspended.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use alephd_economy::pricing::{PRICING_KEY, Pricing, SETTINGS_KEY};
use alephd_message::MessageType;
use alephd_store::{read::AggregateRow, write::Row};

use crate::{Api, ApiError, json::Writer};

/// Longest time that a change may go unnoticed: long against the microseconds of a reading, short
/// against the hour that an estimate is good for.
const KEPT_FOR: Duration = Duration::from_secs(10);

/// The price list, as far as it is remembered.
#[derive(Default)]
pub(crate) struct PriceList {
    /// Grows with each event that may have changed the list.
    changes: AtomicU64,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    pricing: Arc<Pricing>,
    /// Of [`PriceList::changes`] before the list was read.
    changes: u64,
    read_at: Duration,
}

impl PriceList {
    /// A message became live: it may belong to the list.
    pub(crate) fn notice(&self, row: &Row, owner: &str) {
        let may_change = matches!(row.message_type, MessageType::Aggregate | MessageType::Forget);
        if may_change && row.owner.as_ref() == owner {
            self.forget();
        }
    }

    /// The list is read again when somebody asks.
    pub(crate) fn forget(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    fn kept(&self, now: Duration) -> Option<Arc<Pricing>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.as_ref()?;
        let is_fresh = now.saturating_sub(kept.read_at) < KEPT_FOR;
        let is_current = kept.changes == self.changes.load(Ordering::Acquire);
        (is_fresh && is_current).then(|| Arc::clone(&kept.pricing))
    }
}

impl Api {
    /// The prices that hold now.
    pub(crate) fn prices(&self) -> Result<Arc<Pricing>, ApiError> {
        let list = self.price_list();
        let now = self.clock.monotonic();
        if let Some(pricing) = list.kept(now) {
            return Ok(pricing);
        }
        // Before reading: what changes meanwhile makes this reading an old one.
        let changes = list.changes.load(Ordering::Acquire);
        let keys = [PRICING_KEY, SETTINGS_KEY].map(str::to_owned);
        let owner = &self.settings.money.pricing_owner;
        let found = self.read(|reader| reader.aggregate_get(owner, Some(&keys)))?;
        let text = |key| found.iter().find(|row| row.key == key).map(text_of);
        let pricing = Pricing::read(text(PRICING_KEY).as_deref(), text(SETTINGS_KEY).as_deref());
        let pricing = Arc::new(pricing);
        let kept = Kept {
            pricing: Arc::clone(&pricing),
            changes,
            read_at: now,
        };
        *list.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(pricing)
    }
}

fn text_of(aggregate: &AggregateRow) -> String {
    let mut out = Writer::new();
    out.begin_object();
    for (name, value) in &aggregate.fields {
        out.key(name).raw(value);
    }
    out.end_object();
    out.finish()
}
