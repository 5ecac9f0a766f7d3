//! Several copies of one message.
//!
//! Nobody signed the envelope time, the channel and the form of the signature, so that a relay
//! can make copies that differ in them; and somebody else may sign the same content. The message
//! is acceptable if any valid copy is, and of the acceptable copies the first in a fixed order is
//! served: the owner's own before a delegate's, then the least. Both depend on the set of copies
//! only. At most [`COPIES_KEPT`] others are kept, the first ones.

use alephd_message::{Envelope, ItemType, Micros};
use alephd_store::write::{MessageCopy, Row};

use super::{Engine, Outcome, settle::WorkList};
use crate::{PipelineError, Prepared, prepare::Finding};

/// Copies kept beside the one that is served. An honest network has none.
const COPIES_KEPT: usize = 7;

impl Engine {
    /// A message whose name is known already.
    pub(super) fn take_copy(
        &mut self,
        mut row: Row,
        prepared: &Prepared,
        now: Micros,
    ) -> Result<Outcome, PipelineError> {
        let envelope = &prepared.envelope;
        if row.item_content.is_none()
            && !row.state.purged
            && let Finding::Valid {
                content,
                fetched_text: Some(text),
                item_text,
                ..
            } = &prepared.finding
        {
            self.writer
                .message_set_content(&mut row, content, text, item_text.as_deref(), envelope)?;
            self.link(row.id, content)?;
            self.remember_delegation(&row, content)?;
            self.settle_with_dependents(&row, now)?;
            let row = self.writer.message_load(row.id)?;
            return Ok(self.outcome(&row)?);
        }
        let copy = copy_of(envelope);
        if row.state.purged || copy == copy_of_row(&row) {
            return Ok(self.outcome(&row)?);
        }
        let mut copies = self.writer.copies(row.id)?;
        if !copies.contains(&copy) {
            copies.push(copy);
            self.keep_copies(&row, copies)?;
            self.settle(WorkList::of([row.id]), now)?;
            row = self.writer.message_load(row.id)?;
        }
        Ok(self.outcome(&row)?)
    }

    /// All known copies in the order of preference; the row's own is among them.
    pub(super) fn copies_of(&mut self, row: &Row) -> Result<Vec<MessageCopy>, PipelineError> {
        let mut copies = self.writer.copies(row.id)?;
        copies.push(copy_of_row(row));
        sort(&mut copies, row);
        Ok(copies)
    }

    /// Serves this copy. Says whether it is another one than before.
    pub(super) fn serve_copy(&mut self, row: &mut Row, copy: &MessageCopy) -> Result<bool, PipelineError> {
        let old = copy_of_row(row);
        if &old == copy {
            return Ok(false);
        }
        let mut others = self.writer.copies(row.id)?;
        others.retain(|other| other != copy);
        others.push(old);
        self.keep_copies(row, others)?;
        self.writer.message_set_copy(row, copy)?;
        Ok(true)
    }

    fn keep_copies(&mut self, row: &Row, mut copies: Vec<MessageCopy>) -> Result<(), PipelineError> {
        sort(&mut copies, row);
        copies.truncate(COPIES_KEPT);
        self.writer.copies_set(row.id, &copies)?;
        Ok(())
    }
}

fn sort(copies: &mut Vec<MessageCopy>, row: &Row) {
    copies.sort_by_cached_key(|copy| (!copy.sender.eq_ignore_ascii_case(&row.owner), copy.clone()));
    copies.dedup();
}

fn copy_of(envelope: &Envelope) -> MessageCopy {
    MessageCopy {
        sender: envelope.sender.clone(),
        chain: envelope.chain,
        time: envelope.time,
        channel: envelope.channel.clone(),
        signature: envelope.signature.clone().unwrap_or_default(),
    }
}

pub(super) fn copy_of_row(row: &Row) -> MessageCopy {
    MessageCopy {
        sender: row.sender.as_ref().into(),
        chain: row.chain,
        time: row.time,
        channel: row.channel.as_deref().map(str::to_owned),
        signature: row.signature.clone().unwrap_or_default(),
    }
}

/// The envelope that a row was made from.
pub(crate) fn envelope_of(row: &Row) -> Envelope {
    Envelope {
        chain: row.chain,
        sender: row.sender.as_ref().into(),
        message_type: row.message_type,
        item_hash: row.hash.clone(),
        item_type: row.item_type,
        item_content: row
            .item_content
            .clone()
            .filter(|_| row.item_type == ItemType::Inline),
        signature: row.signature.clone(),
        time: row.time,
        channel: row.channel.as_deref().map(str::to_owned),
    }
}
