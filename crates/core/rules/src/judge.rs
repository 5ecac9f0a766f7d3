//! The verdict on one message (docs/protocol/state.md, "Verdicts").

use std::collections::HashMap;

use serde_json::{Value, json};

use alephd_message::{
    Content, ErrorCode, ItemHash, MessageType,
    content::{Body, Forget, Machine, Post, Store},
};

use crate::{Authorizations, Position, Subject};

/// What a message refers to: the facts that must be gathered before it can be judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Needs {
    /// Other messages, by name, without duplicates.
    pub messages: Vec<ItemHash>,
    /// Aggregate keys of the owner whose elements a FORGET names.
    pub aggregates: Vec<ItemHash>,
    /// The file of a STORE.
    pub file: Option<ItemHash>,
}

/// What is known about a message that another one refers to.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// What it is.
    pub subject: Subject,
    /// Whether it was found acceptable, leaving later FORGETs aside.
    pub accepted: bool,
    /// Position of the first accepted FORGET that names it.
    pub withdrawn: Option<Position>,
    /// Whether a PROGRAM may be replaced.
    pub allow_amend: bool,
    /// Bytes of the file of a STORE.
    pub file_size: Option<u64>,
}

impl Known {
    /// Whether the message has its effects at this position.
    pub fn is_live_at(&self, position: &Position) -> bool {
        self.accepted
            && self
                .withdrawn
                .as_ref()
                .is_none_or(|withdrawn| withdrawn > position)
    }
}

/// A machine that uses a STORE as volume.
#[derive(Clone, Debug, PartialEq)]
pub struct VolumeUse {
    /// The STORE.
    pub store: ItemHash,
    /// The machine.
    pub machine: Known,
}

/// The facts behind one verdict.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Those of [`Needs::messages`] that are known.
    pub messages: HashMap<ItemHash, Known>,
    /// Which of [`Needs::aggregates`] have elements before the message.
    pub aggregates: Vec<ItemHash>,
    /// Delegations of each of [`owners_to_consult`], as of the position of the message.
    pub authorizations: HashMap<String, Authorizations>,
    /// Machines that use a target of a FORGET as volume.
    pub uses: Vec<VolumeUse>,
    /// Size of [`Needs::file`], if its bytes are held.
    pub file_size: Option<u64>,
}

/// The outcome of judging a message against facts.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The message has its effects.
    Accept,
    /// A fact is missing. The message is woken by it.
    Wait {
        /// Shown to clients once the retry budget is used up.
        code: ErrorCode,
        /// What is missing, as the API shows it.
        details: Option<Value>,
    },
    /// The known facts speak against the message.
    Refuse {
        /// Shown to clients at once.
        code: ErrorCode,
        /// More, as the API shows it.
        details: Option<Value>,
    },
}

impl Verdict {
    /// Why the message is not accepted.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Accept => None,
            Self::Wait { code, .. } | Self::Refuse { code, .. } => Some(*code),
        }
    }
}

/// Which facts `content` needs.
pub fn needs(content: &Content) -> Needs {
    let mut needs = Needs::default();
    match &content.body {
        Body::Post(post) if post.is_amend() => {
            needs
                .messages
                .extend(post.reference.as_deref().and_then(ItemHash::parse_strict));
        }
        Body::Post(_) | Body::Aggregate(_) => {}
        Body::Store(store) => {
            needs.file = Some(store.item_hash.clone());
            needs
                .messages
                .extend(store.reference.as_deref().and_then(ItemHash::parse_strict));
        }
        Body::Forget(forget) => {
            needs.messages = forget.hashes.clone();
            needs.aggregates = forget.aggregates.clone();
        }
        // The network checks no dependency of a V-PROGRAM.
        Body::VProgram(_) => {}
        Body::Program(machine) | Body::Instance(machine) => {
            needs
                .messages
                .extend(machine.volumes.iter().map(|volume| volume.reference.clone()));
            needs
                .messages
                .extend(machine.replaces.as_deref().and_then(ItemHash::parse_strict));
        }
    }
    needs.messages.sort();
    needs.messages.dedup();
    needs
}

/// The owners whose delegations decide, once the messages of [`Needs`] are known. Empty for
/// somebody who only acts on what is his own.
pub fn owners_to_consult(subject: &Subject, messages: &HashMap<ItemHash, Known>) -> Vec<String> {
    let mut owners = Vec::new();
    if subject.message_type == MessageType::Forget {
        let targets = messages.values().map(|known| &known.subject.owner);
        owners.extend(
            targets
                .filter(|owner| !owner.eq_ignore_ascii_case(&subject.sender))
                .cloned(),
        );
        owners.sort();
        owners.dedup();
    } else if subject.is_delegated() {
        owners.push(subject.owner.clone());
    }
    owners
}

/// Judges a message. `subject` is the one of the copy under judgement.
pub fn judge(subject: &Subject, content: &Content, facts: &Facts) -> Verdict {
    let verdict = match &content.body {
        Body::Post(post) if post.is_amend() => judge_amend(subject, post, facts),
        Body::Forget(forget) => judge_forget(subject, forget, facts),
        body => permitted(subject, subject, facts).and_then(|()| match body {
            Body::Store(store) => judge_store(subject, store, facts),
            Body::Program(machine) | Body::Instance(machine) => judge_machine(subject, machine, facts),
            Body::Post(_) | Body::Aggregate(_) | Body::Forget(_) | Body::VProgram(_) => Ok(()),
        }),
    };
    match verdict {
        Ok(()) => Verdict::Accept,
        Err(verdict) => verdict,
    }
}

/// `Err` carries a verdict other than acceptance.
type Step = Result<(), Verdict>;

fn wait(code: ErrorCode, details: Option<Value>) -> Step {
    Err(Verdict::Wait { code, details })
}

fn refuse(code: ErrorCode, details: Option<Value>) -> Step {
    Err(Verdict::Refuse { code, details })
}

fn permitted(subject: &Subject, target: &Subject, facts: &Facts) -> Step {
    let own = subject.sender.eq_ignore_ascii_case(&target.owner);
    let delegated = || {
        let list = facts.authorizations.get(&target.owner);
        list.is_some_and(|list| list.allow(&subject.sender, target))
    };
    if own || delegated() {
        Ok(())
    } else {
        refuse(ErrorCode::PermissionDenied, None)
    }
}

fn judge_amend(subject: &Subject, post: &Post, facts: &Facts) -> Step {
    let target = post.reference.as_deref().and_then(ItemHash::parse_strict);
    let target = target.and_then(|target| facts.messages.get(&target));
    let Some(target) = target.filter(|known| known.subject.message_type == MessageType::Post) else {
        permitted(subject, subject, facts)?;
        return wait(ErrorCode::PostAmendTargetNotFound, None);
    };
    if target.subject.owner != subject.owner {
        return refuse(ErrorCode::PermissionDenied, None);
    }
    permitted(subject, &target.subject, facts)?;
    if target.subject.is_amend() {
        return refuse(ErrorCode::PostAmendAmend, None);
    }
    // A forgotten original takes its amends along, so that it counts as known here.
    if target.accepted {
        Ok(())
    } else {
        wait(ErrorCode::PostAmendTargetNotFound, None)
    }
}

fn judge_store(subject: &Subject, store: &Store, facts: &Facts) -> Step {
    if store.item_hash.item_type() != store.item_type {
        return refuse(ErrorCode::InvalidFormat, None);
    }
    if let Some(original) = store.reference.as_deref().and_then(ItemHash::parse_strict) {
        let known = facts.messages.get(&original);
        let known = known.filter(|known| {
            known.subject.message_type == MessageType::Store && known.is_live_at(&subject.position)
        });
        let Some(known) = known else {
            return wait(ErrorCode::StoreRefNotFound, None);
        };
        if known.subject.reference.is_some() {
            return refuse(ErrorCode::StoreUpdateUpdate, None);
        }
        if known.subject.owner != subject.owner {
            return refuse(ErrorCode::PermissionDenied, None);
        }
    }
    match facts.file_size {
        Some(_) => Ok(()),
        None => wait(
            ErrorCode::FileUnavailable,
            Some(json!({"errors": [format!("File not found: {}", store.item_hash)]})),
        ),
    }
}

fn judge_machine(subject: &Subject, machine: &Machine, facts: &Facts) -> Step {
    let stores = |reference: &ItemHash| {
        facts.messages.get(reference).filter(|known| {
            known.subject.message_type == MessageType::Store && known.is_live_at(&subject.position)
        })
    };
    let mut missing: Vec<String> = Vec::new();
    for volume in &machine.volumes {
        if stores(&volume.reference).is_none() {
            missing.push(volume.reference.to_string());
        }
    }
    if !missing.is_empty() {
        missing.sort();
        missing.dedup();
        return wait(ErrorCode::VmVolumeNotFound, Some(json!({ "errors": missing })));
    }
    if let Some(replaced) = &machine.replaces {
        let known = ItemHash::parse_strict(replaced).and_then(|hash| facts.messages.get(&hash));
        let known = known.filter(|known| {
            known.subject.message_type == MessageType::Program && known.is_live_at(&subject.position)
        });
        match known {
            None => return wait(ErrorCode::VmRefNotFound, None),
            Some(known) if !known.allow_amend => return refuse(ErrorCode::VmAmendNotAllowed, None),
            Some(_) => {}
        }
    }
    for volume in &machine.volumes {
        // The size is compared with the file that the reference itself names: a later revision
        // of it must not turn against a machine that was accepted before.
        let parent_size = stores(&volume.reference).and_then(|known| known.file_size);
        let (Some(size_mib), Some(parent_size)) = (volume.size_mib, parent_size) else {
            continue;
        };
        let volume_size = size_mib.saturating_mul(1 << 20);
        if volume_size < parent_size {
            return refuse(
                ErrorCode::VmVolumeTooSmall,
                Some(json!({"errors": [{
                    "volume_name": volume.name,
                    "parent_ref": volume.reference,
                    "parent_file": volume.reference,
                    "parent_size": parent_size,
                    "volume_size": volume_size,
                }]})),
            );
        }
    }
    Ok(())
}

fn judge_forget(subject: &Subject, forget: &Forget, facts: &Facts) -> Step {
    if forget.hashes.is_empty() && forget.aggregates.is_empty() {
        return refuse(ErrorCode::ForgetNoTarget, None);
    }
    for key in &forget.aggregates {
        if !facts.aggregates.contains(key) {
            let details = json!({"errors": [{"aggregate": key}]});
            return wait(ErrorCode::ForgetTargetNotFound, Some(details));
        }
    }
    for hash in &forget.hashes {
        let details = || Some(json!({"errors": [{"message": hash}]}));
        match facts.messages.get(hash) {
            None => return wait(ErrorCode::ForgetTargetNotFound, details()),
            Some(known) if known.subject.message_type == MessageType::Forget => {
                return refuse(ErrorCode::ForgetForget, details());
            }
            Some(_) => {}
        }
    }
    for hash in &forget.hashes {
        if let Some(known) = facts.messages.get(hash) {
            permitted(subject, &known.subject, facts)?;
        }
    }
    for hash in &forget.hashes {
        let mut uses = facts.uses.iter().filter(|volume_use| &volume_use.store == hash);
        // A machine that comes later finds the volume gone; one that is forgotten by the same
        // message does not count either, since its withdrawal is not later than this position.
        let holder = uses.find(|volume_use| {
            volume_use.machine.subject.position < subject.position
                && !forget.hashes.contains(&volume_use.machine.subject.hash)
                && volume_use.machine.is_live_at(&subject.position)
        });
        if let Some(holder) = holder {
            let details = json!({"errors": [{"message": hash, "used_by": holder.machine.subject.hash}]});
            return refuse(ErrorCode::ForgetNotAllowed, Some(details));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
