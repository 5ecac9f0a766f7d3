//! Settling: judging again until nothing changes.

use std::collections::{HashSet, VecDeque};

use alephd_message::{Content, ErrorCode, ItemHash, MessageType, Micros};
use alephd_rules::{MessageStatus, Verdict};
use alephd_store::write::{LinkKind, Row, State};

use super::{
    Engine,
    effects::SECURITY,
    evaluate::{Evaluation, Forgetting},
};
use crate::PipelineError;

/// Evaluations after which something must be wrong: verdicts look backwards in the order of
/// positions only, so each message is judged a few times at most. One change of a delegation may
/// concern every message of a large owner.
const MOST_EVALUATIONS: usize = if cfg!(test) { 100_000 } else { 10_000_000 };

/// Messages to judge, each once at a time.
#[derive(Default)]
pub(super) struct WorkList {
    queue: VecDeque<i64>,
    queued: HashSet<i64>,
}

impl WorkList {
    pub(super) fn of(ids: impl IntoIterator<Item = i64>) -> Self {
        let mut list = Self::default();
        ids.into_iter().for_each(|id| list.push(id));
        list
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn push(&mut self, id: i64) {
        if self.queued.insert(id) {
            self.queue.push_back(id);
        }
    }

    fn pop(&mut self) -> Option<i64> {
        let id = self.queue.pop_front()?;
        self.queued.remove(&id);
        Some(id)
    }
}

impl Engine {
    /// Judges a message and all that refer to it.
    pub(super) fn settle_with_dependents(&mut self, row: &Row, now: Micros) -> Result<(), PipelineError> {
        let mut work = WorkList::of([row.id]);
        for (_, source) in self.writer.link_sources(&row.hash)? {
            work.push(source);
        }
        self.settle(work, now)
    }

    /// Judges the given messages, and whatever depends on a change, until nothing changes.
    pub(super) fn settle(&mut self, mut work: WorkList, now: Micros) -> Result<(), PipelineError> {
        let mut evaluations = 0;
        while let Some(id) = work.pop() {
            evaluations += 1;
            if evaluations > MOST_EVALUATIONS {
                return Err(PipelineError::Unsettled(evaluations));
            }
            let row = self.writer.message_load(id)?;
            self.settle_one(row, now, &mut work)?;
        }
        Ok(())
    }

    fn settle_one(&mut self, mut row: Row, now: Micros, work: &mut WorkList) -> Result<(), PipelineError> {
        if row.state.purged && row.message_type != MessageType::Forget {
            return self.settle_tombstone(row, work);
        }
        let Some(text) = row.content_text() else {
            return Ok(());
        };
        let content = Content::parse(row.message_type, text)
            .map_err(|_| alephd_store::StoreError::Damaged("content no longer parses"))?;
        if row.state.purged && row.state.accepted {
            return self.settle_final(row, &content);
        }
        let copies = self.copies_of(&row)?;
        let evaluation = self.evaluate(&row, &content, copies)?;
        self.note_consulted(&row, &evaluation)?;
        let old = row.state.clone();
        let copy_changed = self.serve_best_copy(&mut row, &content, &evaluation)?;
        let state = self.next_state(&row, &evaluation, now)?;
        self.change_state(&mut row, &content, state)?;
        if old.withdrawn.is_some() && evaluation.forgets.is_empty() {
            self.mark_forgotten(&row, &[])?;
        }
        if !old.accepted && row.state.accepted {
            self.writer.verdict_clear(row.id)?;
        }
        self.note_forgets_and_verdict(&row, &evaluation, now)?;
        self.note_bill(&row, evaluation.bill.as_ref())?;
        let fact_changed = (old.accepted, &old.withdrawn) != (row.state.accepted, &row.state.withdrawn);
        if fact_changed || copy_changed {
            self.wake(&row, &content, work)?;
        }
        if row.state.status == MessageStatus::Forgotten {
            self.purge_if_final(row, &evaluation.forgets)?;
        }
        Ok(())
    }

    /// A FORGET that made contents go cannot be taken back. Another copy of it may still be the better
    /// one.
    fn settle_final(&mut self, mut row: Row, content: &Content) -> Result<(), PipelineError> {
        let copies = self.copies_of(&row)?;
        if copies.len() > 1 {
            let evaluation = self.evaluate(&row, content, copies)?;
            if evaluation.verdict == Verdict::Accept {
                self.serve_copy(&mut row, &evaluation.copy)?;
            }
        }
        Ok(())
    }

    /// By whom a message is forgotten, and why it waits. What is no longer so is the caller's to
    /// clear: a new message has nothing to clear.
    pub(super) fn note_forgets_and_verdict(
        &mut self,
        row: &Row,
        evaluation: &Evaluation,
        now: Micros,
    ) -> Result<(), PipelineError> {
        if !evaluation.forgets.is_empty() {
            self.mark_forgotten(row, &evaluation.forgets)?;
        }
        match &evaluation.verdict {
            Verdict::Accept => {}
            Verdict::Wait { code, details } | Verdict::Refuse { code, details } => {
                self.began_to_want |= is_wanting(*code);
                let details = details.as_ref().map(ToString::to_string);
                self.writer.verdict_set(row.id, *code, details.as_deref(), now)?;
            }
        }
        Ok(())
    }

    /// Whose delegations a message was judged by: it is judged again when these change.
    pub(super) fn note_consulted(&mut self, row: &Row, evaluation: &Evaluation) -> Result<(), PipelineError> {
        for owner in &evaluation.consulted {
            self.writer.consult_insert(owner, row)?;
        }
        Ok(())
    }

    /// Says whether another copy is served than before.
    fn serve_best_copy(
        &mut self,
        row: &mut Row,
        content: &Content,
        evaluation: &Evaluation,
    ) -> Result<bool, PipelineError> {
        let changed = self.serve_copy(row, &evaluation.copy)?;
        if row.state.accepted {
            self.effects_refresh(row, content)?;
        }
        Ok(changed)
    }

    pub(super) fn next_state(
        &mut self,
        row: &Row,
        evaluation: &Evaluation,
        now: Micros,
    ) -> Result<State, PipelineError> {
        let first = evaluation.forgets.first();
        let accepted = evaluation.verdict == Verdict::Accept;
        let status = match &evaluation.verdict {
            _ if first.is_some() => MessageStatus::Forgotten,
            Verdict::Accept if is_unpaid(row.state.status) => row.state.status,
            Verdict::Accept => MessageStatus::Processed,
            Verdict::Wait { .. } => MessageStatus::Pending,
            Verdict::Refuse { .. } if self.was_acknowledged(row)? => MessageStatus::Pending,
            Verdict::Refuse { .. } => MessageStatus::Rejected,
        };
        let purge_after = first.map(|_| {
            row.state
                .purge_after
                .unwrap_or(Micros(now.0 + self.config.grace.0))
        });
        let unpaid_since = row.state.gone_at.filter(|_| is_unpaid(status));
        Ok(State {
            status,
            accepted,
            withdrawn: first.map(|forget| forget.position.clone()),
            gone_at: first.map(|forget| forget.time).or(unpaid_since),
            purged: row.state.purged,
            purge_after,
        })
    }

    /// Whether somebody was told that the message is processed. Such a message is suspended, not
    /// rejected, when a late fact speaks against it.
    fn was_acknowledged(&mut self, row: &Row) -> Result<bool, PipelineError> {
        if row.state.accepted {
            return Ok(true);
        }
        let suspended = row.state.status == MessageStatus::Pending
            && self
                .writer
                .verdict_get(row.id)?
                .is_some_and(|code| !code.is_retryable());
        Ok(suspended)
    }

    pub(super) fn change_state(
        &mut self,
        row: &mut Row,
        content: &Content,
        state: State,
    ) -> Result<(), PipelineError> {
        let (was_live, is_live) = (row.state.status.is_live(), state.status.is_live());
        let keeps_ledger = state.accepted;
        if was_live && !is_live {
            self.effects_leave(row, content, keeps_ledger)?;
        }
        let was_accepted = row.state.accepted;
        self.writer.message_set_state(row, state)?;
        if !was_live && is_live {
            self.effects_enter(row, content)?;
            self.risen.push(row.clone().into());
        } else if was_accepted && !row.state.accepted && !was_live {
            self.ledger_leave(row, content)?;
        } else if !was_accepted && row.state.accepted && !is_live {
            // Forgotten before its turn came: what it did to money stands all the same.
            self.ledger_enter(row, content)?;
        }
        Ok(())
    }

    fn mark_forgotten(&mut self, row: &Row, forgets: &[Forgetting]) -> Result<(), PipelineError> {
        let mut names = Vec::with_capacity(forgets.len());
        for forget in forgets {
            names.push(self.writer.message_hash(forget.id)?);
        }
        Ok(self.writer.tombstone_set(row, &names)?)
    }

    /// Queues everything whose verdict may follow from a change of this message.
    pub(super) fn wake(
        &mut self,
        row: &Row,
        content: &Content,
        work: &mut WorkList,
    ) -> Result<(), PipelineError> {
        for (_, source) in self.writer.link_sources(&row.hash)? {
            work.push(source);
        }
        self.wake_by_money(row, content, work)?;
        match row.message_type {
            MessageType::Forget => {
                for target in alephd_rules::needs(content).messages {
                    if let Some(target) = self.writer.message_find(&target)? {
                        work.push(target.id);
                        // Amends share the fate of their original.
                        for (kind, source) in self.writer.link_sources(&target.hash)? {
                            if kind == LinkKind::Amend {
                                work.push(source);
                            }
                        }
                    }
                }
                self.wake_elements(content, work)?;
            }
            MessageType::Program | MessageType::Instance | MessageType::VProgram => {
                for volume in alephd_rules::needs(content).messages {
                    for (kind, source) in self.writer.link_sources(&volume)? {
                        if kind == LinkKind::Forget {
                            work.push(source);
                        }
                    }
                }
            }
            MessageType::Aggregate => self.wake_by_aggregate(row, work)?,
            MessageType::Post | MessageType::Store => {}
        }
        Ok(())
    }

    /// A FORGET of whole aggregates concerns their elements, those that are gone already too: it
    /// joins the FORGETs that name them.
    fn wake_elements(&mut self, content: &Content, work: &mut WorkList) -> Result<(), PipelineError> {
        for key in alephd_rules::needs(content).aggregates {
            for (kind, source) in self.writer.link_sources(&key)? {
                if kind == LinkKind::Element {
                    work.push(source);
                }
            }
        }
        Ok(())
    }

    pub(super) fn wake_by_aggregate(&mut self, row: &Row, work: &mut WorkList) -> Result<(), PipelineError> {
        let key = row.label.as_deref().unwrap_or_default();
        if key == SECURITY {
            for id in self.writer.consults_between(&row.owner, row.content_time, None)? {
                work.push(id);
            }
        }
        if let Some(key) = ItemHash::parse_strict(key) {
            for (kind, source) in self.writer.link_sources(&key)? {
                if kind == LinkKind::ForgetAggregate {
                    work.push(source);
                }
            }
        }
        Ok(())
    }
}

/// Whether the message waits for bytes that somebody may bring.
fn is_wanting(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::ContentUnavailable | ErrorCode::FileUnavailable)
}

/// What becomes of it is the collector's to say.
fn is_unpaid(status: MessageStatus) -> bool {
    matches!(status, MessageStatus::Removing | MessageStatus::Removed)
}
