//! The leaves of the state root, one function a kind.
//!
//! Two readers of the same columns share them: the writer, which keeps the root while it changes
//! rows, and the check that adds the root up again from the tables. `docs/protocol/state.md` says
//! what goes into each leaf.

use alephd_message::{ItemHash, Micros};
use alephd_rules::root::{Leaf, LeafKind};

/// The indices of type, chain and item type, and what else a live message is.
pub(crate) struct MessageParts<'a> {
    pub(crate) hash: &'a [u8],
    /// Indices of type, chain and item type.
    pub(crate) kinds: [u8; 3],
    pub(crate) sender: &'a str,
    pub(crate) owner: &'a str,
    pub(crate) size: i64,
    pub(crate) content: &'a str,
}

pub(crate) fn message(parts: &MessageParts<'_>) -> Leaf {
    Leaf::new(LeafKind::Message)
        .part(parts.hash)
        .part(parts.kinds)
        .part(parts.sender)
        .part(parts.owner)
        .number(parts.size)
        .part(parts.content)
}

/// What is left of a forgotten message.
pub(crate) struct TombstoneParts<'a> {
    pub(crate) hash: &'a [u8],
    /// Indices of type and item type. Chain and sender are left out: once the content is gone,
    /// copies signed by somebody else can no longer be compared, and whichever came first stays.
    pub(crate) kinds: [u8; 2],
    pub(crate) owner: &'a str,
    pub(crate) size: i64,
    /// Index of the payment type.
    pub(crate) payment: Option<u8>,
    pub(crate) forgotten_by: &'a str,
}

pub(crate) fn tombstone(parts: &TombstoneParts<'_>) -> Leaf {
    Leaf::new(LeafKind::Tombstone)
        .part(parts.hash)
        .part(parts.kinds)
        .part(parts.owner)
        .number(parts.size)
        .option(parts.payment.map(|payment| [payment]))
        .part(parts.forgotten_by)
}

pub(crate) fn revision(original: &[u8], amend: &[u8]) -> Leaf {
    Leaf::new(LeafKind::Revision).part(original).part(amend)
}

pub(crate) fn aggregate(owner: &str, key: &str, first: &[u8], last: &[u8]) -> Leaf {
    Leaf::new(LeafKind::Aggregate)
        .part(owner)
        .part(key)
        .part(first)
        .part(last)
}

pub(crate) fn field(owner: &str, key: &str, field: &str, element: &[u8], value: &str) -> Leaf {
    Leaf::new(LeafKind::Field)
        .part(owner)
        .part(key)
        .part(field)
        .part(element)
        .part(value)
}

pub(crate) fn tag(tag: &str, store: &[u8]) -> Leaf {
    Leaf::new(LeafKind::Tag).part(tag).part(store)
}

pub(crate) fn balance(address: &str, chain: u8, dapp: Option<&str>, balance: &str, height: i64) -> Leaf {
    Leaf::new(LeafKind::Balance)
        .part(address)
        .part([chain])
        .option(dapp)
        .part(balance)
        .number(height)
}

/// A line of a credit post as its row has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditLine {
    /// Place in the post.
    pub line: i64,
    /// Index of the kind.
    pub kind: u8,
    /// Address whose balance changes.
    pub address: String,
    /// Signed change.
    pub amount: i64,
    /// End of validity of what was granted.
    pub expiration: Option<Micros>,
    /// The descriptive columns, JSON.
    pub details: String,
}

pub(crate) fn credit(post: &ItemHash, line: &CreditLine) -> Leaf {
    Leaf::new(LeafKind::Credit)
        .part(post.key())
        .number(line.line)
        .part([line.kind])
        .part(&line.address)
        .number(line.amount)
        .option(line.expiration.map(|time| time.0.to_le_bytes()))
        .part(&line.details)
}
