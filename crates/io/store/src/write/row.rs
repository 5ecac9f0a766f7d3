//! The form in which the writer sees a message.

use std::sync::Arc;

use rusqlite::{OptionalExtension, params};

use alephd_message::{Chain, ItemHash, ItemType, MessageType, Micros, PaymentType};
use alephd_rules::{MessageStatus, Position, Remains, Subject, root::Leaf};

use super::Writer;
use crate::{
    StoreError, codec,
    leaf::{self, MessageParts, TombstoneParts},
};

/// A row, with interned texts resolved.
#[derive(Clone, Debug)]
pub struct Row {
    /// Row id; grows in the order of reception.
    pub id: i64,
    /// Name of the message.
    pub hash: ItemHash,
    /// Status, verdict and tombstone.
    pub state: State,
    /// Kind of content.
    pub message_type: MessageType,
    /// Chain of the signature.
    pub chain: Chain,
    /// Where the content came from.
    pub item_type: ItemType,
    /// Address that signed.
    pub sender: Arc<str>,
    /// Address on whose behalf the message acts.
    pub owner: Arc<str>,
    /// Channel of the winning copy.
    pub channel: Option<Arc<str>>,
    /// `content.type` of a POST, `content.key` of an AGGREGATE.
    pub label: Option<Arc<str>>,
    /// How a STORE or machine is paid for.
    pub payment: Option<PaymentType>,
    /// Envelope time of the winning copy.
    pub time: Micros,
    /// Signed time.
    pub content_time: Micros,
    /// When it arrived first.
    pub reception: Micros,
    /// Size as the API reports it.
    pub size: i64,
    /// `content.ref`, or `replaces` of a machine.
    pub reference: Option<String>,
    /// Signature of the winning copy.
    pub signature: Option<String>,
    /// Text of the content as signed.
    pub item_content: Option<String>,
    /// What is served as content when it differs.
    pub item_text: Option<String>,
    /// What remains of a content that is gone.
    pub remains: Option<Remains>,
    pub(crate) sender_id: i64,
    pub(crate) owner_id: i64,
    pub(crate) channel_id: Option<i64>,
    pub(crate) label_id: Option<i64>,
}

/// The part of a row that changes.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Shown status.
    pub status: MessageStatus,
    /// Verdict, leaving FORGETs aside.
    pub accepted: bool,
    /// Position of the first accepted FORGET that names the message.
    pub withdrawn: Option<Position>,
    /// Envelope time of that FORGET.
    pub gone_at: Option<Micros>,
    /// The content is gone; for a FORGET: it made contents go.
    pub purged: bool,
    /// A tombstone whose content is still held, and until when.
    pub purge_after: Option<Micros>,
}

impl State {
    /// Nothing has been decided.
    pub const fn undecided() -> Self {
        Self {
            status: MessageStatus::Pending,
            accepted: false,
            withdrawn: None,
            gone_at: None,
            purged: false,
            purge_after: None,
        }
    }
}

impl Row {
    /// What other messages judge this one by.
    pub fn subject(&self) -> Subject {
        Subject {
            hash: self.hash.clone(),
            message_type: self.message_type,
            chain: self.chain,
            sender: self.sender.as_ref().into(),
            owner: self.owner.as_ref().into(),
            channel: self.channel.as_deref().map(str::to_owned),
            label: self.label.as_deref().map(str::to_owned),
            reference: self.reference.clone(),
            position: self.position(),
        }
    }

    /// Place in the order.
    pub fn position(&self) -> Position {
        Position::provisional(self.content_time, self.hash.clone())
    }

    /// The text that content rules read and the API serves.
    pub fn content_text(&self) -> Option<&str> {
        self.item_text.as_deref().or(self.item_content.as_deref())
    }

    pub(super) fn leaf(&self) -> Leaf {
        leaf::message(&MessageParts {
            hash: self.hash.key(),
            kinds: [
                self.message_type.index(),
                self.chain.index(),
                self.item_type.index(),
            ],
            sender: &self.sender,
            owner: &self.owner,
            size: self.size,
            content: self.content_text().unwrap_or_default(),
        })
    }

    pub(super) fn tombstone(&self, forgotten_by: &str) -> Leaf {
        leaf::tombstone(&TombstoneParts {
            hash: self.hash.key(),
            kinds: [self.message_type.index(), self.item_type.index()],
            owner: &self.owner,
            size: self.size,
            payment: self.payment.map(PaymentType::index),
            forgotten_by,
        })
    }
}

/// A statement that reads rows in the order of [`RawRow::read`].
macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT id, hash, status, accepted, type, chain, item_type, sender, owner, channel, label, payment, ",
            "time, content_time, reception, size, reference, signature, item_content, item_text, ",
            "withdrawn_time, withdrawn_hash, gone_at, purged, purge_after, remains FROM messages WHERE ",
            $condition
        )
    };
}

/// Tombstones without content beyond a row id, in the order of reception. Parameters: that id,
/// the type index of a FORGET, how many.
pub(crate) const TOMBSTONES: &str = select!("id > ?1 AND purged = 1 AND type <> ?2 ORDER BY id LIMIT ?3");

/// The same for live FORGETs that made contents go.
pub(crate) const FINAL_FORGETS: &str =
    select!("id > ?1 AND purged = 1 AND type = ?2 AND accepted = 1 AND status <= 1 ORDER BY id LIMIT ?3");

/// The row with an id.
pub(crate) const BY_ID: &str = select!("id = ?1");

impl Writer {
    /// The row of a message.
    pub fn message_find(&mut self, hash: &ItemHash) -> Result<Option<Row>, StoreError> {
        if self
            .known
            .as_ref()
            .is_some_and(|known| !known.may_be_message(hash))
        {
            return Ok(None);
        }
        let raw = self
            .connection
            .prepare_cached(select!("prefix = ?1 AND hash = ?2"))?
            .query_row(params![hash.order_prefix(), hash.key()], RawRow::read)
            .optional()?;
        raw.map(|raw| self.resolve(raw)).transpose()
    }

    /// The row with an id that came from another table.
    pub fn message_load(&mut self, id: i64) -> Result<Row, StoreError> {
        let raw = self
            .connection
            .prepare_cached(BY_ID)?
            .query_row([id], RawRow::read)
            .optional()?;
        self.resolve(raw.ok_or(StoreError::Damaged("message id"))?)
    }

    fn resolve(&mut self, raw: RawRow) -> Result<Row, StoreError> {
        let connection = &self.connection;
        raw.resolve(
            |id| self.addresses.text(connection, id),
            |id| self.names.text(connection, id),
        )
    }
}

/// The columns of a row as they are.
pub(crate) struct RawRow {
    id: i64,
    hash: Vec<u8>,
    status: u8,
    accepted: bool,
    kind: u8,
    chain: u8,
    item_type: u8,
    sender: i64,
    owner: i64,
    channel: Option<i64>,
    label: Option<i64>,
    payment: Option<u8>,
    time: i64,
    content_time: i64,
    reception: i64,
    size: i64,
    reference: Option<String>,
    signature: Option<String>,
    item_content: Option<String>,
    item_text: Option<String>,
    withdrawn_time: Option<i64>,
    withdrawn_hash: Option<Vec<u8>>,
    gone_at: Option<i64>,
    purged: bool,
    purge_after: Option<i64>,
    remains: Option<String>,
}

impl RawRow {
    /// The row, with interned texts looked up.
    pub(crate) fn resolve(
        self,
        mut address: impl FnMut(i64) -> Result<Arc<str>, StoreError>,
        mut name: impl FnMut(i64) -> Result<Arc<str>, StoreError>,
    ) -> Result<Row, StoreError> {
        let raw = self;
        let withdrawn = match (raw.withdrawn_time, &raw.withdrawn_hash) {
            (Some(time), Some(hash)) => Some(Position::provisional(Micros(time), codec::item_hash(hash)?)),
            _ => None,
        };
        let sender = address(raw.sender)?;
        let owner = if raw.owner == raw.sender {
            Arc::clone(&sender)
        } else {
            address(raw.owner)?
        };
        let channel = raw.channel.map(&mut name).transpose()?;
        let label = raw.label.map(&mut name).transpose()?;
        Ok(Row {
            id: raw.id,
            hash: codec::item_hash(&raw.hash)?,
            state: State {
                status: codec::status(raw.status)?,
                accepted: raw.accepted,
                withdrawn,
                gone_at: raw.gone_at.map(Micros),
                purged: raw.purged,
                purge_after: raw.purge_after.map(Micros),
            },
            message_type: codec::message_type(raw.kind)?,
            chain: codec::chain(raw.chain)?,
            item_type: codec::item_type(raw.item_type)?,
            sender,
            owner,
            channel,
            label,
            payment: codec::payment(raw.payment)?,
            time: Micros(raw.time),
            content_time: Micros(raw.content_time),
            reception: Micros(raw.reception),
            size: raw.size,
            reference: raw.reference,
            signature: raw.signature,
            item_content: raw.item_content,
            item_text: raw.item_text,
            remains: raw.remains.as_deref().and_then(Remains::parse),
            sender_id: raw.sender,
            owner_id: raw.owner,
            channel_id: raw.channel,
            label_id: raw.label,
        })
    }

    pub(crate) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            hash: row.get(1)?,
            status: row.get(2)?,
            accepted: row.get(3)?,
            kind: row.get(4)?,
            chain: row.get(5)?,
            item_type: row.get(6)?,
            sender: row.get(7)?,
            owner: row.get(8)?,
            channel: row.get(9)?,
            label: row.get(10)?,
            payment: row.get(11)?,
            time: row.get(12)?,
            content_time: row.get(13)?,
            reception: row.get(14)?,
            size: row.get(15)?,
            reference: row.get(16)?,
            signature: row.get(17)?,
            item_content: row.get(18)?,
            item_text: row.get(19)?,
            withdrawn_time: row.get(20)?,
            withdrawn_hash: row.get(21)?,
            gone_at: row.get(22)?,
            purged: row.get(23)?,
            purge_after: row.get(24)?,
            remains: row.get(25)?,
        })
    }
}
