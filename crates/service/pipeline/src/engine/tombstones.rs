//! What is left of a message whose content is gone, as FORGETs of it come and go.

use alephd_message::{ErrorCode, MessageType, PaymentType};
use alephd_rules::MessageStatus;
use alephd_store::write::{LinkKind, Row, State};

use super::{Engine, settle::WorkList};
use crate::PipelineError;

impl Engine {
    /// The FORGETs of a message whose content is gone changed. Nothing is left to judge; another
    /// FORGET may still join those that name it.
    pub(super) fn settle_tombstone(
        &mut self,
        mut row: Row,
        work: &mut WorkList,
    ) -> Result<(), PipelineError> {
        let forgets = self.forgets_of(&row)?;
        let claim = self.writer.claim_get(row.id)?;
        if forgets.is_empty() && claim.is_none() {
            return Ok(());
        }
        let first = forgets.first();
        let state = State {
            status: match first {
                Some(_) => MessageStatus::Forgotten,
                None => MessageStatus::Pending,
            },
            withdrawn: first.map(|forget| forget.position.clone()),
            gone_at: first.map(|forget| forget.time),
            ..row.state.clone()
        };
        if row.state.withdrawn != state.withdrawn {
            self.writer.message_set_state(&mut row, state)?;
            self.writer.bill_follow(&row)?;
            self.wake_by_tombstone(&row, work)?;
        }
        match first {
            Some(_) => self.writer.verdict_clear(row.id)?,
            // It is as if its content had not come yet.
            None => self
                .writer
                .verdict_set(row.id, ErrorCode::ContentUnavailable, None, self.now)?,
        }
        let mut names = Vec::with_capacity(forgets.len());
        for forget in &forgets {
            names.push(self.writer.message_hash(forget.id)?);
        }
        self.writer.tombstone_set(&row, &names)?;
        Ok(())
    }

    /// Queues everything whose verdict may follow from a tombstone.
    pub(super) fn wake_by_tombstone(&mut self, row: &Row, work: &mut WorkList) -> Result<(), PipelineError> {
        for (_, source) in self.writer.link_sources(&row.hash)? {
            if source != row.id {
                work.push(source);
            }
        }
        for store in row.remains.iter().flat_map(|remains| remains.volumes()) {
            for (kind, source) in self.writer.link_sources(&store)? {
                if kind == LinkKind::Forget {
                    work.push(source);
                }
            }
        }
        if row.message_type == MessageType::Aggregate {
            self.wake_by_aggregate(row, work)?;
        }
        let deeds = self.writer.deeds(row)?;
        if let Some(bill) = &deeds.bill {
            self.wake_claims(&row.owner, bill.payment, &row.position(), work)?;
        }
        for entry in deeds.balances.iter().flat_map(|update| &update.entries) {
            self.wake_claims(&entry.address, PaymentType::Hold, &row.position(), work)?;
        }
        Ok(())
    }
}
