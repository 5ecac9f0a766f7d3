//! First sight of a message.

use serde_json::Value;

use alephd_message::{Content, Envelope, ErrorCode, ItemHash, Micros, content::Body};
use alephd_rules::{MessageStatus, needs};
use alephd_store::write::{LinkKind, NewMessage, Refused, Row, State};

use super::{Engine, Outcome};
use crate::{PipelineError, prepare::Finding};

/// A row that nothing has been decided about.
fn undecided() -> State {
    State {
        status: MessageStatus::Pending,
        accepted: false,
        withdrawn: None,
        gone_at: None,
        purged: false,
        purge_after: None,
    }
}

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

    pub(super) fn take_new(
        &mut self,
        envelope: &Envelope,
        finding: &Finding,
        now: Micros,
    ) -> Result<Outcome, PipelineError> {
        let mut new = NewMessage {
            envelope,
            content: None,
            fetched_text: None,
            item_text: None,
            reception: now,
            leaf: None,
        };
        if let Finding::Valid {
            content,
            fetched_text,
            item_text,
            leaf,
        } = finding
        {
            new.content = Some(content);
            new.fetched_text = fetched_text.as_deref();
            new.item_text = item_text.as_deref();
            new.leaf = Some(leaf);
        }
        let content = new.content;
        self.writer.refused_clear(&envelope.item_hash)?;
        let dependents = self.writer.link_sources(&envelope.item_hash)?;
        if let Some(content) = content.filter(|_| dependents.is_empty())
            && stands_alone(envelope, content)
        {
            return self.take_plain(&new, content);
        }
        let row = self.writer.message_insert(&new, &undecided())?;
        let mut work = vec![row.id];
        match content {
            Some(content) => {
                self.link(row.id, content)?;
                self.remember_delegation(&row, content)?;
            }
            None => {
                self.writer.link_insert(row.id, LinkKind::File, &row.hash)?;
                self.writer
                    .verdict_set(row.id, ErrorCode::ContentUnavailable, None, now)?;
            }
        }
        work.extend(dependents.into_iter().map(|(_, source)| source));
        self.settle(work, now)?;
        let row = self.writer.message_load(row.id)?;
        self.bound_parked(row, now)
    }

    /// The usual message: about its sender's own things, referring to nothing, awaited by nobody.
    fn take_plain(&mut self, new: &NewMessage<'_>, content: &Content) -> Result<Outcome, PipelineError> {
        let state = State {
            status: MessageStatus::Processed,
            accepted: true,
            ..undecided()
        };
        let row = self.writer.message_insert(new, &state)?;
        self.effects_enter(&row, content)?;
        let outcome = Outcome {
            item_hash: row.hash.clone(),
            status: row.state.status,
            code: None,
        };
        self.risen.push(row.into());
        Ok(outcome)
    }

    /// Records what a message refers to.
    pub(super) fn link(&mut self, id: i64, content: &Content) -> Result<(), PipelineError> {
        for (kind, target) in links(content) {
            self.writer.link_insert(id, kind, &target)?;
        }
        Ok(())
    }

    /// Parked messages are bounded per sender: past the bound the newest is dropped again, and
    /// only its code is kept for clients that ask.
    fn bound_parked(&mut self, row: Row, now: Micros) -> Result<Outcome, PipelineError> {
        let outcome = self.outcome(&row)?;
        let parked = matches!(row.state.status, MessageStatus::Pending | MessageStatus::Rejected);
        let limit = self.config.parked_per_sender;
        if !parked || self.writer.parked_of_sender(&row, limit + 1)? <= limit {
            return Ok(outcome);
        }
        if let Some(content) = row.content_text()
            && let Ok(content) = Content::parse(row.message_type, content)
        {
            for (kind, target) in links(&content) {
                self.writer.link_remove(row.id, kind, &target)?;
            }
        }
        self.writer.link_remove(row.id, LinkKind::File, &row.hash)?;
        let envelope = super::copies::envelope_of(&row);
        let code = outcome.code.unwrap_or(ErrorCode::Internal);
        self.writer.message_drop(&row)?;
        let details = serde_json::json!({
            "errors": [format!("{limit} messages of this sender wait already; send again when they are settled")]
        });
        self.refuse(&envelope, None, code, &details, now)
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
        Body::VProgram(_) => true,
        Body::Store(_) | Body::Forget(_) | Body::Program(_) | Body::Instance(_) => false,
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
    links
}
