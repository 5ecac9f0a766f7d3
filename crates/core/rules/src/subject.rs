//! The few facts about a message that other messages are judged by.

use alephd_message::{Chain, Content, Envelope, ItemHash, MessageType, content::Body};

use crate::Position;

/// What permission filters and references look at. It survives in the tombstone of a forgotten
/// message, so that late arrivals are judged alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// Name of the message.
    pub hash: ItemHash,
    /// Kind of content.
    pub message_type: MessageType,
    /// Chain of the signature.
    pub chain: Chain,
    /// Address that signed.
    pub sender: String,
    /// Address on whose behalf the message acts.
    pub owner: String,
    /// Channel of the copy under judgement.
    pub channel: Option<String>,
    /// `content.type` of a POST, `content.key` of an AGGREGATE.
    pub label: Option<String>,
    /// `content.ref`: target of an amend, original of a revised STORE.
    pub reference: Option<String>,
    /// Place in the order.
    pub position: Position,
}

impl Subject {
    /// The subject of a message whose content is known.
    pub fn of(envelope: &Envelope, content: &Content) -> Self {
        let (label, reference) = match &content.body {
            Body::Post(post) => (Some(post.post_type.clone()), post.reference.clone()),
            Body::Aggregate(aggregate) => (Some(aggregate.key.clone()), None),
            Body::Store(store) => (None, store.reference.clone()),
            Body::Forget(_) => (None, None),
            Body::Program(machine) | Body::Instance(machine) | Body::VProgram(machine) => {
                (None, machine.replaces.clone())
            }
        };
        Self {
            hash: envelope.item_hash.clone(),
            message_type: envelope.message_type,
            chain: envelope.chain,
            sender: envelope.sender.clone(),
            owner: content.address.clone(),
            channel: envelope.channel.clone(),
            label,
            reference,
            position: Position::provisional(content.position_time(), envelope.item_hash.clone()),
        }
    }

    /// Whether this is a POST that amends another one.
    pub fn is_amend(&self) -> bool {
        self.message_type == MessageType::Post && self.label.as_deref() == Some("amend")
    }

    /// Whether the sender acts for somebody else and so needs a delegation.
    pub fn is_delegated(&self) -> bool {
        !self.sender.eq_ignore_ascii_case(&self.owner)
    }
}
