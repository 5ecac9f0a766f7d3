//! Tombstones that other nodes hand over (`docs/protocol/tombstones.md`).
//!
//! Such a tombstone is a *claim*: nobody here has seen the content. It is pending until a FORGET that
//! names it is accepted here, and it gives way to the message itself.

use alephd_message::{Content, ErrorCode, ItemHash, MessageType, content::Body};
use alephd_rules::{Authorizations, Known, MessageStatus, Subject, Verdict, judge};
use alephd_store::{
    read::TombstoneRecord,
    write::{Claim, Place, Row, State},
};
use serde_json::value::RawValue;

use super::{Engine, Outcome, evaluate::subject_of, settle::WorkList};
use crate::{PipelineError, Prepared, prepare::Finding};

/// What became of a tombstone that another node handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TombstoneOutcome {
    /// It is here now.
    Taken,
    /// This node knows as much already, or more.
    Known,
    /// To be sent again when one of these is known here: a FORGET that names it, or the original that
    /// took it along. If who says it is trusted, what could be taken was.
    NeedsForget(Vec<ItemHash>),
    /// It is not taken.
    Refused(TombstoneRefusal),
}

/// Why a tombstone is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TombstoneRefusal {
    /// Nobody has signed such a message.
    #[error("the signature is not good")]
    Signature,
    /// It says what cannot be proved, and who says it is not trusted.
    #[error("it says what cannot be proved")]
    Unproved,
    /// None of the FORGETs that it lists may forget it.
    #[error("no FORGET that it lists may forget it")]
    NotForgotten,
    /// Too many messages of its sender wait here for others already.
    #[error("too many messages of its sender wait here already")]
    TooMany,
}

/// A FORGET that a record lists, and that is known here with its content.
struct Listed {
    row: Row,
    content: Content,
}

/// By what a FORGET forgets a message.
enum Naming {
    /// It names it.
    Itself,
    /// It names the original of an amend.
    Original(ItemHash),
    /// It names the aggregate of an element.
    Aggregate(ItemHash),
}

impl Engine {
    /// Takes in what is left of a message elsewhere. Its signature is the caller's to verify.
    pub(crate) fn take_tombstone(
        &mut self,
        record: &TombstoneRecord,
        trusted: bool,
    ) -> Result<TombstoneOutcome, PipelineError> {
        let (listed, missing) = self.listed_forgets(record)?;
        let mut work = WorkList::default();
        if trusted {
            for forget in &listed {
                self.make_final(forget, &mut work)?;
            }
        }
        let known = self.writer.message_find(&record.envelope.item_hash)?;
        if let Some(row) = &known
            && !self.gives_way(row, trusted)?
        {
            self.settle(work, self.now)?;
            return Ok(match trusted && !missing.is_empty() {
                true => TombstoneOutcome::NeedsForget(missing),
                false => TombstoneOutcome::Known,
            });
        }
        if listed.is_empty() {
            return Ok(match missing.is_empty() {
                true => TombstoneOutcome::Refused(TombstoneRefusal::NotForgotten),
                false => TombstoneOutcome::NeedsForget(missing),
            });
        }
        if !trusted && let Some(outcome) = self.speaks_against(record, known.as_ref(), &listed, &missing)? {
            return Ok(outcome);
        }
        // The FORGETs come first: what they took away cannot be in their way.
        listed.iter().for_each(|forget| work.push(forget.row.id));
        let place = match known {
            Some(row) => Some(self.make_room(&row, &mut work)?),
            None => None,
        };
        let id = self.insert_claim(record, trusted, place, &mut work)?;
        self.settle(work, self.now)?;
        if !trusted && self.claim_is_one_too_many(id)? {
            return Ok(TombstoneOutcome::Refused(TombstoneRefusal::TooMany));
        }
        Ok(match trusted && !missing.is_empty() {
            true => TombstoneOutcome::NeedsForget(missing),
            false => TombstoneOutcome::Taken,
        })
    }

    /// Claims wait as messages do: past the bound one is taken back.
    fn claim_is_one_too_many(&mut self, id: i64) -> Result<bool, PipelineError> {
        let row = self.writer.message_load(id)?;
        let limit = self.config.parked_per_sender;
        let waits = row.state.status == MessageStatus::Pending;
        if !waits || self.writer.parked_of_sender(&row, limit.saturating_add(1))? <= limit {
            return Ok(false);
        }
        let mut work = WorkList::default();
        self.make_room(&row, &mut work)?;
        self.settle(work, self.now)?;
        Ok(true)
    }

    /// The FORGETs of a record that are known here and forget its message, and those that are not
    /// known.
    fn listed_forgets(
        &mut self,
        record: &TombstoneRecord,
    ) -> Result<(Vec<Listed>, Vec<ItemHash>), PipelineError> {
        let (mut listed, mut missing) = (Vec::new(), Vec::new());
        for name in &record.forgotten_by {
            let row = self.writer.message_find(name)?;
            let text = row.as_ref().and_then(Row::content_text);
            let (Some(text), Some(row)) = (text, &row) else {
                missing.push(name.clone());
                continue;
            };
            if let Ok(content) = Content::parse(row.message_type, text)
                && naming(record, row, &content).is_some()
            {
                let row = row.clone();
                listed.push(Listed { row, content });
            }
        }
        Ok((listed, missing))
    }

    /// A FORGET stays accepted whatever is known here: somebody who is trusted says that it made a
    /// content go.
    fn make_final(&mut self, forget: &Listed, work: &mut WorkList) -> Result<(), PipelineError> {
        let (mut row, content) = (forget.row.clone(), &forget.content);
        if row.state.accepted {
            if !row.state.purged {
                self.writer.forget_set_final(row.id)?;
            }
            return Ok(());
        }
        let state = State {
            status: MessageStatus::Processed,
            accepted: true,
            purged: true,
            ..row.state.clone()
        };
        self.change_state(&mut row, content, state)?;
        self.writer.verdict_clear(row.id)?;
        self.wake(&row, content, work)
    }

    /// Whether a tombstone of another node says more than what is known here.
    fn gives_way(&mut self, row: &Row, trusted: bool) -> Result<bool, PipelineError> {
        if row.item_content.is_some() {
            return Ok(false);
        }
        if !row.state.purged {
            return Ok(true);
        }
        Ok(trusted && self.writer.claim_get(row.id)? == Some(Claim::Untrusted))
    }

    /// Why the word of somebody who is not trusted is not taken.
    fn speaks_against(
        &mut self,
        record: &TombstoneRecord,
        known: Option<&Row>,
        listed: &[Listed],
        missing: &[ItemHash],
    ) -> Result<Option<TombstoneOutcome>, PipelineError> {
        let subject = record.subject();
        if let Some(row) = known
            && !self.has_signed(&subject, row)?
        {
            return Ok(Some(TombstoneOutcome::Refused(TombstoneRefusal::Unproved)));
        }
        let may_act = record.is_own() || {
            let list = self.authorizations_at(&subject)?;
            list.allow(&subject.sender, &subject)
        };
        if !may_act || !record.deeds.is_empty() {
            return Ok(Some(TombstoneOutcome::Refused(TombstoneRefusal::Unproved)));
        }
        let mut needed = missing.to_vec();
        for forget in listed {
            match naming(record, &forget.row, &forget.content) {
                Some(Naming::Original(original)) if self.writer.message_find(&original)?.is_none() => {
                    needed.push(original);
                }
                Some(naming) if self.would_forget(forget, &naming, record)? => return Ok(None),
                Some(_) | None => {}
            }
        }
        Ok(Some(match needed.is_empty() {
            true => TombstoneOutcome::Refused(TombstoneRefusal::NotForgotten),
            false => TombstoneOutcome::NeedsForget(needed),
        }))
    }

    /// Whether the message of a record is the one that waits here for its content: anybody can sign the
    /// name of any message.
    fn has_signed(&mut self, subject: &Subject, row: &Row) -> Result<bool, PipelineError> {
        let is_same = |sender: &str| sender.eq_ignore_ascii_case(&subject.sender);
        let copies = self.copies_of(row)?;
        Ok(row.message_type == subject.message_type && copies.iter().any(|copy| is_same(&copy.sender)))
    }

    fn authorizations_at(&mut self, subject: &Subject) -> Result<Authorizations, PipelineError> {
        let value = self.writer.delegation_at(&subject.owner, &subject.position)?;
        let value = value.and_then(|value| RawValue::from_string(value).ok());
        Ok(value
            .map(|value| Authorizations::parse(&value))
            .unwrap_or_default())
    }

    /// Whether a FORGET would be accepted if the message of a record were known, or waits for others
    /// only.
    fn would_forget(
        &mut self,
        forget: &Listed,
        naming: &Naming,
        record: &TombstoneRecord,
    ) -> Result<bool, PipelineError> {
        if forget.row.state.accepted {
            return Ok(true);
        }
        for copy in self.copies_of(&forget.row)? {
            let subject = subject_of(&forget.row, &copy);
            let target = match naming {
                Naming::Itself => Some(record.subject()),
                Naming::Original(original) => {
                    let original = self.writer.message_find(original)?;
                    original.map(|original| original.subject())
                }
                // An owner forgets his own aggregates: that is in the naming.
                Naming::Aggregate(_) => None,
            };
            let mut facts = self.gather(&subject, &forget.content)?;
            if let Some(target) = &target {
                let list = self.authorizations_at(&Subject {
                    owner: target.owner.clone(),
                    ..subject.clone()
                })?;
                let own = subject.sender.eq_ignore_ascii_case(&target.owner);
                if !own && !list.allow(&subject.sender, target) {
                    continue;
                }
                facts.authorizations.insert(target.owner.clone(), list);
            }
            match naming {
                Naming::Itself => {
                    let name = record.envelope.item_hash.clone();
                    facts.messages.insert(name, claimed(record));
                }
                Naming::Aggregate(key) => facts.aggregates.push(key.clone()),
                Naming::Original(_) => {}
            }
            match judge(&subject, &forget.content, &facts) {
                Verdict::Accept => return Ok(true),
                Verdict::Wait { code, .. } => return Ok(code == ErrorCode::ForgetTargetNotFound),
                Verdict::Refuse { .. } => {}
            }
        }
        Ok(false)
    }

    fn insert_claim(
        &mut self,
        record: &TombstoneRecord,
        trusted: bool,
        place: Option<Place>,
        work: &mut WorkList,
    ) -> Result<i64, PipelineError> {
        let has_credits = !record.deeds.credits.is_empty() || !record.deeds.transfers.is_empty();
        if has_credits {
            self.credits_prepare()?;
        }
        let claim = if trusted { Claim::Trusted } else { Claim::Untrusted };
        let row = self.writer.claim_insert(record, claim, place, self.now)?;
        if has_credits {
            self.credits_joined(&row)?;
        }
        work.push(row.id);
        self.wake_by_tombstone(&row, work)?;
        Ok(row.id)
    }

    /// Removes what is known of a message without content, and queues whatever depends on it.
    fn make_room(&mut self, row: &Row, work: &mut WorkList) -> Result<Place, PipelineError> {
        self.wake_by_tombstone(row, work)?;
        self.credits_leave(row)?;
        self.writer.row_remove(row)?;
        Ok(row.place())
    }

    /// The message itself arrived after a tombstone of it that another node had handed over.
    pub(super) fn take_instead(&mut self, row: &Row, prepared: &Prepared) -> Result<Outcome, PipelineError> {
        let mut work = WorkList::default();
        let place = self.make_room(row, &mut work)?;
        let outcome = self.take_new(&prepared.envelope, &prepared.finding, Some(place), self.now)?;
        self.settle(work, self.now)?;
        match self.writer.message_find(&prepared.envelope.item_hash)? {
            Some(row) => Ok(self.outcome(&row)?),
            None => Ok(outcome),
        }
    }

    /// Whether a row is there on the word of another node, and the message itself has come.
    pub(super) fn is_outdone(&mut self, row: &Row, finding: &Finding) -> Result<bool, PipelineError> {
        let has_come = matches!(finding, Finding::Valid { .. });
        Ok(has_come && row.state.purged && self.writer.claim_get(row.id)?.is_some())
    }
}

/// How a FORGET concerns the message of a record, if it does.
fn naming(record: &TombstoneRecord, forget: &Row, content: &Content) -> Option<Naming> {
    let Body::Forget(named) = &content.body else {
        return None;
    };
    let subject = record.subject();
    if named.hashes.contains(&subject.hash) {
        return Some(Naming::Itself);
    }
    let reference = subject.reference.as_deref().and_then(ItemHash::parse_strict);
    if let Some(original) = reference.filter(|_| subject.is_amend())
        && named.hashes.contains(&original)
    {
        return Some(Naming::Original(original));
    }
    let key = subject.label.as_deref().and_then(ItemHash::parse_strict);
    let key =
        key.filter(|key| subject.message_type == MessageType::Aggregate && named.aggregates.contains(key));
    let is_owners = forget.owner.as_ref() == record.owner && forget.position() > record.position();
    key.filter(|_| is_owners).map(Naming::Aggregate)
}

/// What would be known of the message of a record.
fn claimed(record: &TombstoneRecord) -> Known {
    Known {
        subject: record.subject(),
        accepted: record.accepted,
        withdrawn: None,
        allow_amend: record
            .remains
            .as_ref()
            .is_some_and(|remains| remains.allow_amend()),
        file_size: None,
    }
}
