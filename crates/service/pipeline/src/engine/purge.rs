//! When the content of a forgotten message goes.
//!
//! A FORGET of one's own messages, none of which a machine may be using, cannot be taken back by
//! any later fact: the contents go with the same commit. Any other FORGET hides its targets at
//! once and holds their contents for the grace period, during which a late fact that precedes it
//! (a revocation, a machine that used the volume) may still undo it. After that it is final.

use alephd_message::{Content, MessageType};
use alephd_store::write::Row;

use super::{Engine, evaluate::Forgetting};
use crate::PipelineError;

/// Tombstones purged in one transaction, so that the engine is not held up.
const PURGED_AT_ONCE: u32 = 512;

impl Engine {
    pub(super) fn purge_if_final(&mut self, row: Row, forgets: &[Forgetting]) -> Result<(), PipelineError> {
        // What a message does to money stands even if it is forgotten. It must stay readable until
        // an acceptable copy, its ground, or a copy in the right channel has arrived.
        let undone = super::effects::is_credit_post(&row) && !self.writer.credits_exist(&row)?;
        if !row.state.accepted || undone {
            return Ok(());
        }
        for forget in forgets {
            let forget = self.writer.message_load(forget.id)?;
            if self.is_unconditional(&forget)? {
                return self.purge(row, forgets);
            }
        }
        Ok(())
    }

    /// Purges tombstones whose grace is over. Says whether there may be more.
    pub(crate) fn sweep(&mut self) -> Result<bool, PipelineError> {
        let due = self.writer.messages_to_purge(self.now, PURGED_AT_ONCE)?;
        for id in &due {
            let row = self.writer.message_load(*id)?;
            let forgets = self.forgets_of(&row)?;
            self.purge(row, &forgets)?;
        }
        Ok(due.len() == PURGED_AT_ONCE as usize)
    }

    fn purge(&mut self, mut row: Row, forgets: &[Forgetting]) -> Result<(), PipelineError> {
        self.writer.message_purge(&mut row)?;
        for forget in forgets {
            self.writer.forget_set_final(forget.id)?;
        }
        Ok(())
    }

    /// Whether no later fact can speak against an accepted FORGET.
    fn is_unconditional(&mut self, forget: &Row) -> Result<bool, PipelineError> {
        let Some(text) = forget.content_text() else {
            return Ok(false);
        };
        let Ok(content) = Content::parse(forget.message_type, text) else {
            return Ok(false);
        };
        for target in alephd_rules::needs(&content).messages {
            let Some(target) = self.writer.message_find(&target)? else {
                return Ok(false);
            };
            let own = target.owner.eq_ignore_ascii_case(&forget.sender);
            // Whose message it was is another node's word.
            let is_claim = target.state.purged && self.writer.claim_get(target.id)?.is_some();
            if !own || is_claim || target.message_type == MessageType::Store {
                return Ok(false);
            }
        }
        // Copies of the FORGET by other senders do not matter: one acceptable copy suffices.
        Ok(true)
    }
}
