//! The engine: the one place where messages meet each other.
//!
//! A message is inserted as a raw fact, then *settled*: it and everything that refers to it is
//! judged until no verdict changes. Verdicts look at facts as of the position of the message, so
//! the work list comes to rest and its order is irrelevant.

mod claims;
mod collection;
mod copies;
mod costs;
mod credits;
mod effects;
mod evaluate;
mod intake;
mod purge;
mod rehearsal;
mod settle;
mod tombstones;

use std::sync::Arc;

use alephd_economy::{admission, collection::Periods, pricing::Pricing};
use alephd_message::{ErrorCode, ItemHash, Micros};
use alephd_rules::{MessageStatus, Trusted};
use alephd_store::{StoreError, Writer, read::FileKind, write::Row};

use crate::{PipelineError, Prepared, prepare::Finding};

pub use claims::{TombstoneOutcome, TombstoneRefusal};
pub(crate) use copies::envelope_of;
pub use rehearsal::rehearse;

/// What the engine takes from the network profile and the configuration.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Who is trusted with money facts.
    pub trusted: Trusted,
    /// Who sets prices, and from when on what has to be paid how.
    pub money: admission::Parameters,
    /// Whether what dapps hold for an address counts for it.
    pub count_dapp_balances: bool,
    /// Owners whose aggregates are stored but never built.
    pub unbuilt_aggregates: Vec<String>,
    /// Most parked messages of one sender: enough for a burst that outruns its dependencies,
    /// little enough that a thousand hostile keys cost a gigabyte at worst.
    pub parked_per_sender: u32,
    /// How long the content of a provisional tombstone and an upload without STORE are held.
    pub grace: Micros,
    /// How long unpaid messages and unkept files stay.
    pub periods: Periods,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            trusted: Trusted::default(),
            money: admission::Parameters {
                pricing_owner: String::new(),
                cost_time: Micros(i64::MAX),
                cost_height: u64::MAX,
                no_hold_time: Micros(i64::MAX),
                credit_only_time: Micros(i64::MAX),
            },
            count_dapp_balances: false,
            unbuilt_aggregates: Vec::new(),
            parked_per_sender: 1_000,
            grace: Micros(24 * 3_600 * 1_000_000),
            periods: Periods::default(),
        }
    }
}

/// Where a message stands after it was taken in.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Its name.
    pub item_hash: ItemHash,
    /// Its status.
    pub status: MessageStatus,
    /// Why, if it is not live.
    pub code: Option<ErrorCode>,
}

pub(crate) struct Engine {
    writer: Writer,
    config: EngineConfig,
    prices: costs::PriceLists,
    unwalked: collection::Unwalked,
    /// Files whose bytes go after the commit.
    deleted: Vec<ItemHash>,
    default_prices: Arc<Pricing>,
    credits: credits::Credits,
    /// Messages that became live in this transaction.
    risen: Vec<Arc<Row>>,
    /// Whether a message began to wait for its content or a file in this transaction.
    began_to_want: bool,
    /// The instant of this transaction.
    now: Micros,
}

impl Engine {
    pub(crate) fn new(writer: Writer, config: EngineConfig) -> Self {
        Self {
            writer,
            config,
            prices: costs::PriceLists::default(),
            unwalked: collection::Unwalked::default(),
            deleted: Vec::new(),
            default_prices: Arc::new(Pricing::defaults()),
            credits: credits::Credits::default(),
            risen: Vec::new(),
            began_to_want: false,
            now: Micros(0),
        }
    }

    /// Opens a transaction; everything in it happens at `now`.
    pub(crate) fn begin(&mut self, now: Micros) -> Result<(), StoreError> {
        self.risen.clear();
        self.began_to_want = false;
        self.now = now;
        self.writer.begin()
    }

    /// Commits, and hands out what became live since `begin`.
    pub(crate) fn commit(&mut self) -> Result<Vec<Arc<Row>>, PipelineError> {
        self.settle_by_credits()?;
        self.writer.commit()?;
        Ok(std::mem::take(&mut self.risen))
    }

    /// Whether a message began to wait for its content or a file since `begin`.
    pub(crate) fn began_to_want(&self) -> bool {
        self.began_to_want
    }

    pub(crate) fn rollback(&mut self) -> Result<(), StoreError> {
        self.risen.clear();
        self.prices.forget();
        self.credits.forget();
        self.deleted.clear();
        // Which accounts had changed is not known any more.
        self.unwalked.start_round();
        self.writer.rollback()
    }

    /// Whether the bytes of a file are known to be held.
    pub(crate) fn is_held(&mut self, file: &ItemHash) -> Result<bool, StoreError> {
        Ok(self.writer.file_size(file)?.is_some())
    }

    /// All accounts have their turn in the next [`Engine::collect`]s.
    pub(crate) fn start_round(&mut self) {
        self.unwalked.start_round();
    }

    pub(crate) fn end_bulk(&mut self) -> Result<(), StoreError> {
        self.credits_finish()?;
        self.writer.end_bulk()
    }

    pub(crate) fn checkpoint(&mut self) -> Result<(), StoreError> {
        self.writer.checkpoint()
    }

    /// Takes in one prepared message.
    pub(crate) fn take(&mut self, prepared: &Prepared) -> Result<Outcome, PipelineError> {
        let (envelope, now) = (&prepared.envelope, self.now);
        let known = self.writer.message_find(&envelope.item_hash)?;
        match (&prepared.finding, known) {
            (Finding::Refused { code, details }, known) => {
                self.refuse(envelope, known.as_ref(), *code, details, now)
            }
            (finding, Some(row)) if self.is_outdone(&row, finding)? => self.take_instead(&row, prepared),
            (_, Some(row)) => self.take_copy(row, prepared, now),
            (finding, None) => self.take_new(envelope, finding, None, now),
        }
    }

    /// Records that the bytes of a file are held and wakes who waits for them. Returns messages
    /// whose content this is: they must be prepared again with it.
    pub(crate) fn file_arrived(
        &mut self,
        hash: &ItemHash,
        size: u64,
        kind: FileKind,
    ) -> Result<Vec<Arc<Row>>, PipelineError> {
        let now = self.now;
        self.writer.file_insert(hash, size, kind, now)?;
        self.writer
            .pin_grace(hash, now, Micros(now.0 + self.config.grace.0))?;
        let mut waiting = Vec::new();
        let mut stores = settle::WorkList::default();
        for (_, source) in self.writer.link_sources(hash)? {
            let row = self.writer.message_load(source)?;
            let lacks_content =
                row.item_content.is_none() && (!row.state.purged || self.writer.claim_get(row.id)?.is_some());
            if lacks_content && &row.hash == hash {
                waiting.push(Arc::new(row));
            } else {
                stores.push(source);
            }
        }
        self.settle(stores, now)?;
        Ok(waiting)
    }

    /// The outcome to report for a row.
    fn outcome(&mut self, row: &Row) -> Result<Outcome, StoreError> {
        let code = if row.state.status.is_live() {
            None
        } else {
            self.writer.verdict_get(row.id)?
        };
        Ok(Outcome {
            item_hash: row.hash.clone(),
            status: row.state.status,
            code,
        })
    }
}

#[cfg(test)]
mod tests;
