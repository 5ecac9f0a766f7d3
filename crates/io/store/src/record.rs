//! A tombstone as nodes hand it to each other (`docs/protocol/tombstones.md`).

mod form;

use alephd_message::{Chain, Envelope, ItemHash, ItemType, MessageType, Micros, PaymentType};
use alephd_rules::{BalanceUpdate, Position, Remains, Subject};
use serde::{Deserialize, Serialize};

use crate::{
    leaf::CreditLine,
    read::Tombstone,
    write::{Bill, MessageCopy, Row, State, TransferLine},
};
use form::Form;

/// A forgotten message whose content is gone: what it was, and what it still does.
///
/// The signature of the envelope proves sender, chain, type and name. Everything else is what the
/// node that made the record found when it still had the content.
///
/// As JSON it is read with care: names, shapes, and counts are checked, unknown keys are refused.
/// The length of the text is the caller's to bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct TombstoneRecord {
    /// Who signed what, without content.
    pub envelope: Envelope,
    /// Address on whose behalf it acted.
    pub owner: String,
    /// Signed time: decides the position.
    pub content_time: Micros,
    /// Size of the content, as the API reports it.
    pub size: i64,
    /// How it was paid for.
    pub payment: Option<PaymentType>,
    /// `content.type` of a POST, `content.key` of an AGGREGATE.
    pub label: Option<String>,
    /// `content.ref`, or `replaces` of a machine.
    pub reference: Option<String>,
    /// Whether it had been accepted, leaving FORGETs aside.
    pub accepted: bool,
    /// What else others judge by.
    pub remains: Option<Remains>,
    /// The accepted FORGETs by which it went, by position.
    pub forgotten_by: Vec<ItemHash>,
    /// Whether the node that hands this out has seen the content, and was not told itself.
    pub witnessed: bool,
    /// What it did to others.
    pub deeds: Deeds,
}

/// What a forgotten message did to others, and still does. Nothing of it can be proved without the
/// content.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deeds {
    /// The delegations that it held, for an element of a `security` aggregate that had some.
    pub delegation: Option<String>,
    /// Its lines, for a distribution or an expense.
    pub credits: Vec<CreditLine>,
    /// Its lines, for a transfer of credits.
    pub transfers: Vec<TransferLine>,
    /// What it says, for a balance report.
    pub balances: Vec<BalanceUpdate>,
    /// What its owner had to pay for it until it was forgotten.
    pub bill: Option<Bill>,
}

impl Deeds {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }
}

impl TombstoneRecord {
    /// From the text of a peer; `None` if it is anything else.
    pub fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    /// As text.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers have a text")
    }

    /// Whether another node says the same of the message. Who had seen the content, and who
    /// signed which of several copies, does not matter.
    pub fn agrees_with(&self, other: &Self) -> bool {
        let fact = |record: &Self| Self {
            envelope: Envelope {
                chain: Chain::Eth,
                sender: String::new(),
                signature: None,
                time: Micros(0),
                channel: None,
                ..record.envelope.clone()
            },
            witnessed: false,
            ..record.clone()
        };
        fact(self) == fact(other)
    }

    /// Whether the message acted for the one who signed it.
    pub fn is_own(&self) -> bool {
        self.envelope.sender.eq_ignore_ascii_case(&self.owner)
    }

    /// Its place in the order.
    pub fn position(&self) -> Position {
        Position::provisional(self.content_time, self.envelope.item_hash.clone())
    }

    /// What other messages judge it by.
    pub fn subject(&self) -> Subject {
        self.row(Micros(0)).subject()
    }

    pub(crate) fn of(tombstone: Tombstone) -> Self {
        let row = tombstone.row;
        Self {
            envelope: Envelope {
                item_content: None,
                ..envelope_of(&row)
            },
            owner: row.owner.as_ref().into(),
            content_time: row.content_time,
            size: row.size,
            payment: row.payment,
            label: row.label.as_deref().map(str::to_owned),
            reference: row.reference,
            accepted: row.state.accepted,
            remains: row.remains,
            forgotten_by: tombstone.forgotten_by,
            witnessed: tombstone.claim.is_none(),
            deeds: Deeds {
                // What costs nothing keeps nobody from paying.
                bill: tombstone.deeds.bill.filter(|bill| bill.total > 0),
                ..tombstone.deeds
            },
        }
    }

    /// The row of the message, without number; it waits for its FORGETs.
    pub(crate) fn row(&self, reception: Micros) -> Row {
        let envelope = &self.envelope;
        Row {
            id: 0,
            hash: envelope.item_hash.clone(),
            state: State {
                accepted: self.accepted,
                purged: true,
                ..State::undecided()
            },
            message_type: envelope.message_type,
            chain: envelope.chain,
            item_type: envelope.item_type,
            sender: envelope.sender.as_str().into(),
            owner: self.owner.as_str().into(),
            channel: envelope.channel.as_deref().map(Into::into),
            label: self.label.as_deref().map(Into::into),
            payment: self.payment,
            time: envelope.time,
            content_time: self.content_time,
            reception,
            size: self.size,
            reference: self.reference.clone(),
            signature: envelope.signature.clone(),
            item_content: None,
            item_text: None,
            remains: self.remains.clone(),
            sender_id: 0,
            owner_id: 0,
            channel_id: None,
            label_id: None,
        }
    }
}

/// What to hand to another node for a message.
#[derive(Clone, Debug, PartialEq)]
pub enum WireRecord {
    /// The message, to be judged again.
    Message {
        /// Its copies; the one that is served here comes first.
        copies: Vec<Envelope>,
        /// Text of a content that is not inline, if it is known here.
        content: Option<String>,
    },
    /// What is left of it.
    Tombstone(Box<TombstoneRecord>),
}

impl WireRecord {
    pub(crate) fn message(row: &Row, copies: Vec<MessageCopy>) -> Self {
        let served = envelope_of(row);
        let others = copies.into_iter().map(|copy| Envelope {
            sender: copy.sender,
            chain: copy.chain,
            time: copy.time,
            channel: copy.channel,
            signature: Some(copy.signature),
            ..served.clone()
        });
        Self::Message {
            copies: std::iter::once(served.clone()).chain(others).collect(),
            content: row
                .item_content
                .clone()
                .filter(|_| row.item_type != ItemType::Inline),
        }
    }
}

/// The envelope that a row was made from.
fn envelope_of(row: &Row) -> Envelope {
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

/// Whether a message of this type can leave a tombstone.
pub(super) fn can_be_forgotten(message_type: MessageType) -> bool {
    message_type != MessageType::Forget
}
