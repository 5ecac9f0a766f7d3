//! First sight of a message.

use serde_json::Value;

use alephd_message::{Content, Envelope, ErrorCode, ItemHash, Micros, content::Body};
use alephd_rules::{MessageStatus, Verdict, needs};
use alephd_store::write::{LinkKind, NewMessage, Place, Refused, Row};

use super::{Engine, Outcome, copies::copy_of_row, evaluate::Evaluation, settle::WorkList};
use crate::{PipelineError, prepare::Finding};

impl Engine {
    /// A message that is refused for its form or signature never touches what is known.
    pub(super) fn refuse(
        &mut self,
        envelope: &Envelope,
        known: Option<&Row>,
        code: ErrorCode,
        details: &Value,
        now: Micros,
    ) -> Result<Outcome, PipelineError> {
        if known.is_none() {
            let message = alephd_signature::sign::wire_json(envelope);
            let refused = Refused {
                hash: &envelope.item_hash,
                code,
                details: Some(&details.to_string()),
                message: &message,
            };
            self.writer.refused_put(&refused, now)?;
        }
        Ok(Outcome {
            item_hash: envelope.item_hash.clone(),
            status: MessageStatus::Rejected,
            code: Some(code),
        })
    }

    /// A message is judged before it is written: nearly all are written once, in the state that
    /// they stay in.
    pub(super) fn take_new(
        &mut self,
        envelope: &Envelope,
        finding: &Finding,
        place: Option<Place>,
        now: Micros,
    ) -> Result<Outcome, PipelineError> {
        let (content, leaf, fetched_text, item_text) = match finding {
            Finding::Valid {
                content,
                fetched_text,
                item_text,
                leaf,
            } => (
                Some(content.as_ref()),
                Some(leaf),
                fetched_text.as_deref(),
                item_text.as_deref(),
            ),
            Finding::ContentMissing | Finding::Refused { .. } => (None, None, None, None),
        };
        self.writer.refused_clear(&envelope.item_hash)?;
        let dependents = self.writer.link_sources(&envelope.item_hash)?;
        let mut row = self.writer.message_draft(&NewMessage {
            envelope,
            content,
            fetched_text,
            item_text,
            reception: now,
        })?;
        if let Some(place) = place {
            row.move_to(place);
        }
        let evaluation = match content {
            None => Evaluation::content_missing(&row),
            Some(content) if dependents.is_empty() && stands_alone(envelope, content) => {
                Evaluation::accepted(&row)
            }
            Some(content) => self.evaluate(&row, content, vec![copy_of_row(&row)])?,
        };
        if let Some(removed) = self.writer.removal_time(&row.hash)? {
            row.state.status = MessageStatus::Removed;
            row.state.gone_at = Some(removed);
        }
        row.state = self.next_state(&row, &evaluation, now)?;
        if self.is_one_too_many(&row)? {
            return self.refuse_parked(envelope, &evaluation.verdict, now);
        }
        self.writer.message_insert(&row, leaf)?;
        let mut work = WorkList::default();
        match content {
            Some(content) => self.enter_new(&row, content, &evaluation, &mut work)?,
            None => self.writer.link_insert(row.id, LinkKind::File, &row.hash)?,
        }
        let outcome = Outcome {
            item_hash: row.hash.clone(),
            status: row.state.status,
            code: evaluation.verdict.code(),
        };
        self.note_forgets_and_verdict(&row, &evaluation, now)?;
        dependents.into_iter().for_each(|(_, source)| work.push(source));
        let id = row.id;
        if row.state.status.is_live() {
            self.risen.push(row.into());
        } else if row.state.status == MessageStatus::Forgotten {
            self.purge_if_final(row, &evaluation.forgets)?;
        }
        if work.is_empty() {
            return Ok(outcome);
        }
        self.settle(work, now)?;
        let row = self.writer.message_load(id)?;
        Ok(self.outcome(&row)?)
    }

    /// What a new message of known content brings along, and whom it wakes.
    fn enter_new(
        &mut self,
        row: &Row,
        content: &Content,
        evaluation: &Evaluation,
        work: &mut WorkList,
    ) -> Result<(), PipelineError> {
        self.link(row.id, content)?;
        self.remember_delegation(row, content)?;
        self.note_consulted(row, evaluation)?;
        if evaluation.bill.is_some() {
            self.note_bill(row, evaluation.bill.as_ref())?;
        }
        if row.state.status.is_live() {
            self.effects_enter(row, content)?;
        } else if row.state.accepted {
            // Forgotten before its turn came: what it did to money stands all the same.
            self.ledger_enter(row, content)?;
        }
        if row.state.accepted {
            self.wake(row, content, work)?;
        }
        Ok(())
    }

    /// Records what a message refers to.
    pub(super) fn link(&mut self, id: i64, content: &Content) -> Result<(), PipelineError> {
        for (kind, target) in links(content) {
            self.writer.link_insert(id, kind, &target)?;
        }
        Ok(())
    }

    /// Parked messages are bounded per sender: past the bound a new one is not kept, and only its
    /// code is, for clients that ask.
    fn is_one_too_many(&mut self, row: &Row) -> Result<bool, PipelineError> {
        let limit = self.config.parked_per_sender;
        let parked = matches!(row.state.status, MessageStatus::Pending | MessageStatus::Rejected);
        Ok(parked && self.writer.parked_of_sender(row, limit)? >= limit)
    }

    fn refuse_parked(
        &mut self,
        envelope: &Envelope,
        verdict: &Verdict,
        now: Micros,
    ) -> Result<Outcome, PipelineError> {
        let limit = self.config.parked_per_sender;
        let details = serde_json::json!({
            "errors": [format!("{limit} messages of this sender wait already; send again when they are settled")]
        });
        let code = verdict.code().unwrap_or(ErrorCode::Internal);
        self.refuse(envelope, None, code, &details, now)
    }
}

/// Whether no other message can have a say about this one.
fn stands_alone(envelope: &Envelope, content: &Content) -> bool {
    let own = envelope.sender.eq_ignore_ascii_case(&content.address);
    let simple = match &content.body {
        Body::Post(post) => !post.is_amend(),
        Body::Aggregate(aggregate) => {
            aggregate.key != super::effects::SECURITY && ItemHash::parse_strict(&aggregate.key).is_none()
        }
        Body::Store(_) | Body::Forget(_) | Body::Program(_) | Body::Instance(_) | Body::VProgram(_) => false,
    };
    own && simple
}

/// Every reference of a content, with its kind.
pub(super) fn links(content: &Content) -> Vec<(LinkKind, ItemHash)> {
    let needs = needs(content);
    let kind = match &content.body {
        Body::Post(_) | Body::Aggregate(_) => LinkKind::Amend,
        Body::Store(_) => LinkKind::Revision,
        Body::Forget(_) => LinkKind::Forget,
        Body::Program(_) | Body::Instance(_) | Body::VProgram(_) => LinkKind::Volume,
    };
    let mut links: Vec<_> = needs.messages.into_iter().map(|target| (kind, target)).collect();
    links.extend(
        needs
            .aggregates
            .into_iter()
            .map(|key| (LinkKind::ForgetAggregate, key)),
    );
    links.extend(needs.file.map(|file| (LinkKind::File, file)));
    if let Body::Aggregate(aggregate) = &content.body {
        links.extend(ItemHash::parse_strict(&aggregate.key).map(|key| (LinkKind::Element, key)));
    }
    links
}
