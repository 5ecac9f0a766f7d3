//! One evaluation: gather the facts, judge every copy, look for FORGETs.

use std::collections::HashMap;

use alephd_message::{Content, ErrorCode, ItemHash, MessageType, Micros};
use alephd_rules::{
    Authorizations, Facts, Known, Position, Remains, Subject, Verdict, VolumeUse, judge, needs,
    owners_to_consult,
};
use alephd_store::write::{Bill, LinkKind, MessageCopy, Row};
use serde_json::value::RawValue;

use super::{Engine, copies::copy_of_row, costs::has_price};
use crate::PipelineError;

/// What an evaluation found.
pub(super) struct Evaluation {
    /// The verdict on the best copy.
    pub(super) verdict: Verdict,
    /// The copy to serve.
    pub(super) copy: MessageCopy,
    /// Accepted FORGETs that name the message, by position.
    pub(super) forgets: Vec<Forgetting>,
    /// Owners whose delegations had a say.
    pub(super) consulted: Vec<String>,
    /// What the message costs, if that could be found out.
    pub(super) bill: Option<Bill>,
}

impl Evaluation {
    /// Of a message about which no other can have a say.
    pub(super) fn accepted(row: &Row) -> Self {
        Self {
            verdict: Verdict::Accept,
            copy: copy_of_row(row),
            forgets: Vec::new(),
            consulted: Vec::new(),
            bill: None,
        }
    }

    /// Of a message whose content has not arrived.
    pub(super) fn content_missing(row: &Row) -> Self {
        Self {
            verdict: Verdict::Wait {
                code: ErrorCode::ContentUnavailable,
                details: None,
            },
            ..Self::accepted(row)
        }
    }
}

/// One accepted FORGET.
#[derive(Clone, Debug)]
pub(super) struct Forgetting {
    pub(super) position: Position,
    pub(super) time: Micros,
    pub(super) id: i64,
}

impl Engine {
    /// Evaluates a message whose content is known, with all its copies in the order of preference.
    pub(super) fn evaluate(
        &mut self,
        row: &Row,
        content: &Content,
        copies: Vec<MessageCopy>,
    ) -> Result<Evaluation, PipelineError> {
        let forgets = self.forgets_of(row)?;
        let mut consulted = Vec::new();
        let mut first_refusal = None;
        let mut payment = None;
        for copy in copies {
            let subject = subject_of(row, &copy);
            let facts = self.gather(&subject, content)?;
            let mut verdict = judge(&subject, content, &facts);
            consulted.extend(facts.authorizations.into_keys());
            if verdict == Verdict::Accept {
                // Who signed does not matter for it: it is the same for all copies.
                let judged = match payment.take() {
                    Some(judged) => judged,
                    None => self.judge_payment(row, content)?,
                };
                verdict = judged.0.clone();
                payment = Some(judged);
            }
            match verdict {
                Verdict::Accept => {
                    return Ok(Evaluation {
                        verdict,
                        copy,
                        forgets,
                        consulted,
                        bill: payment.and_then(|(_, bill)| bill),
                    });
                }
                Verdict::Wait { .. } | Verdict::Refuse { .. } => match &mut first_refusal {
                    None => first_refusal = Some((verdict, copy)),
                    // A stranger who signs the same must not hide that the message waits for a file.
                    Some((first @ Verdict::Refuse { .. }, _)) if matches!(verdict, Verdict::Wait { .. }) => {
                        *first = verdict;
                    }
                    Some(_) => {}
                },
            }
        }
        let (verdict, copy) = first_refusal.expect("a row is one of its own copies");
        Ok(Evaluation {
            verdict,
            copy,
            forgets,
            consulted,
            bill: payment.and_then(|(_, bill)| bill),
        })
    }

    pub(super) fn gather(&mut self, subject: &Subject, content: &Content) -> Result<Facts, PipelineError> {
        let needs = needs(content);
        let mut messages = HashMap::new();
        for hash in &needs.messages {
            if let Some(target) = self.writer.message_find(hash)?
                && let Some(known) = self.known(&target)?
                && (known.subject.position < subject.position || !has_price(subject.message_type))
            {
                // What has to be paid for rests on earlier messages only: otherwise a machine and
                // its later volume could each be affordable just without the other.
                messages.insert(hash.clone(), known);
            }
        }
        let mut facts = Facts {
            messages,
            ..Facts::default()
        };
        for owner in owners_to_consult(subject, &facts.messages) {
            let value = self.writer.delegation_at(&owner, &subject.position)?;
            let list = value.and_then(|value| RawValue::from_string(value).ok());
            let list = list
                .map(|value| Authorizations::parse(&value))
                .unwrap_or_default();
            facts.authorizations.insert(owner, list);
        }
        if let Some(file) = &needs.file {
            facts.file_size = self.writer.file_size(file)?;
        }
        for key in needs.aggregates {
            if self.is_aggregate(&key, subject)? {
                facts.aggregates.push(key);
            }
        }
        if subject.message_type == MessageType::Forget {
            facts.uses = self.uses_of(&facts.messages)?;
        }
        Ok(facts)
    }

    /// Whether the owner of a FORGET had an aggregate of that key as of the position of the FORGET:
    /// an element before it, forgotten or not.
    fn is_aggregate(&mut self, key: &ItemHash, forget: &Subject) -> Result<bool, PipelineError> {
        for (kind, source) in self.writer.link_sources(key)? {
            if kind != LinkKind::Element {
                continue;
            }
            let element = self.writer.message_load(source)?;
            if element.state.accepted
                && element.owner.as_ref() == forget.owner.as_str()
                && element.position() < forget.position
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What others may know about a message; nothing while its content is unknown.
    pub(super) fn known(&mut self, row: &Row) -> Result<Option<Known>, PipelineError> {
        if row.item_content.is_none() && !row.state.purged {
            return Ok(None);
        }
        let mut known = Known {
            subject: row.subject(),
            accepted: row.state.accepted,
            withdrawn: row.state.withdrawn.clone(),
            allow_amend: false,
            file_size: None,
        };
        let with_details = matches!(row.message_type, MessageType::Store | MessageType::Program);
        if with_details && let Some(remains) = remains_of(row) {
            known.allow_amend = remains.allow_amend();
            if let Some(file) = remains.file() {
                known.file_size = self.writer.file_size(&file)?;
            }
        }
        Ok(Some(known))
    }

    fn uses_of(&mut self, targets: &HashMap<ItemHash, Known>) -> Result<Vec<VolumeUse>, PipelineError> {
        let mut uses = Vec::new();
        for (store, known) in targets {
            if known.subject.message_type != MessageType::Store {
                continue;
            }
            for (kind, source) in self.writer.link_sources(store)? {
                if kind != LinkKind::Volume {
                    continue;
                }
                let row = self.writer.message_load(source)?;
                let is_use =
                    remains_of(&row).is_some_and(|remains| remains.volumes().any(|volume| &volume == store));
                if let Some(machine) = self.known(&row)?.filter(|_| is_use) {
                    uses.push(VolumeUse {
                        store: store.clone(),
                        machine,
                    });
                }
            }
        }
        Ok(uses)
    }

    /// The accepted FORGETs that name a message, its original, or its aggregate.
    pub(super) fn forgets_of(&mut self, row: &Row) -> Result<Vec<Forgetting>, PipelineError> {
        let mut forgets = Vec::new();
        if row.message_type == MessageType::Forget {
            return Ok(forgets);
        }
        self.forgets_naming(&row.hash, LinkKind::Forget, |_| true, &mut forgets)?;
        if row.subject().is_amend()
            && let Some(original) = row.reference.as_deref().and_then(ItemHash::parse_strict)
        {
            let own = match self.writer.message_find(&original)? {
                Some(target) => target.message_type == MessageType::Post && target.owner == row.owner,
                None => false,
            };
            if own {
                self.forgets_naming(&original, LinkKind::Forget, |_| true, &mut forgets)?;
            }
        }
        if let (MessageType::Aggregate, Some(key)) = (row.message_type, row.label.as_deref())
            && let Some(key) = ItemHash::parse_strict(key)
        {
            let position = row.position();
            let names_it = |forget: &Row| forget.owner == row.owner && forget.position() > position;
            self.forgets_naming(&key, LinkKind::ForgetAggregate, names_it, &mut forgets)?;
        }
        forgets.sort_by(|a, b| a.position.cmp(&b.position));
        forgets.dedup_by_key(|forget| forget.id);
        Ok(forgets)
    }

    fn forgets_naming(
        &mut self,
        target: &ItemHash,
        wanted: LinkKind,
        also: impl Fn(&Row) -> bool,
        forgets: &mut Vec<Forgetting>,
    ) -> Result<(), PipelineError> {
        for (kind, source) in self.writer.link_sources(target)? {
            if kind != wanted {
                continue;
            }
            let forget = self.writer.message_load(source)?;
            if forget.state.accepted && also(&forget) {
                forgets.push(Forgetting {
                    position: forget.position(),
                    time: forget.time,
                    id: forget.id,
                });
            }
        }
        Ok(())
    }
}

/// What others judge a message by, whether its content is still there or not.
pub(super) fn remains_of(row: &Row) -> Option<Remains> {
    match row.content_text() {
        Some(text) => Some(Remains::of(&Content::parse(row.message_type, text).ok()?)),
        None => row.remains.clone(),
    }
}

/// The subject of a row as one of its copies shows it.
pub(super) fn subject_of(row: &Row, copy: &MessageCopy) -> Subject {
    Subject {
        sender: copy.sender.clone(),
        chain: copy.chain,
        channel: copy.channel.clone(),
        ..row.subject()
    }
}
