//! What the collector would do, without its being done.
//!
//! A removal has consequences: whoever was refused after the removed message may be able to pay now,
//! and the last pin of a file may have gone with it. So a rehearsal is the collection itself, from its
//! first step to its last, in a transaction that is taken back.

use alephd_economy::collection::Step;
use alephd_message::{ItemHash, Micros};
use alephd_store::Writer;

use super::{Engine, EngineConfig, collection::Tell};
use crate::PipelineError;

/// Tells every step that a node would take if it looked at all its accounts and files at `now`.
/// Nothing of it stays. Returns the messages that were refused or suspended and would take effect,
/// because what they could not pay after is removed.
///
/// Blocks for as long as the collection would take.
pub fn rehearse(
    writer: Writer,
    config: EngineConfig,
    now: Micros,
    mut tell: impl FnMut(&Step),
) -> Result<Vec<ItemHash>, PipelineError> {
    Engine::new(writer, config).rehearse(now, &mut tell)
}

impl Engine {
    pub(super) fn rehearse(&mut self, now: Micros, tell: Tell<'_>) -> Result<Vec<ItemHash>, PipelineError> {
        self.begin(now)?;
        self.start_round();
        let result = self.collect_all(tell);
        let risen = self.risen.iter().map(|row| row.hash.clone()).collect();
        self.rollback()?;
        result.map(|()| risen)
    }

    fn collect_all(&mut self, tell: Tell<'_>) -> Result<(), PipelineError> {
        while self.collect_some(tell)? {}
        // As a commit does.
        self.settle_by_credits()
    }
}
