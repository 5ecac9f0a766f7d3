//! Single messages.

use rusqlite::{Connection, Row};

use alephd_message::{Chain, ItemHash, ItemType, MessageType, Micros, PaymentType};
use alephd_rules::MessageStatus;

use super::{lookup, stream};
use crate::{Reader, StoreError, codec, write};

/// A message as the API shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageRow {
    /// Row id; grows in the order of reception.
    pub id: i64,
    /// Name of the message.
    pub item_hash: ItemHash,
    /// State as stored; see [`StatusRow`](super::StatusRow) for what is shown of a waiting one.
    pub status: MessageStatus,
    /// Kind of content.
    pub message_type: MessageType,
    /// Chain of the signature.
    pub chain: Chain,
    /// Where the content came from.
    pub item_type: ItemType,
    /// Address that signed.
    pub sender: String,
    /// Address on whose behalf the message acts.
    pub owner: String,
    /// Channel.
    pub channel: Option<String>,
    /// `content.type` of a POST, `content.key` of an AGGREGATE.
    pub label: Option<String>,
    /// `content.ref`, or `replaces` of a machine.
    pub reference: Option<String>,
    /// How a STORE or machine is paid for.
    pub payment: Option<PaymentType>,
    /// Envelope time.
    pub time: Micros,
    /// Signed time.
    pub content_time: Micros,
    /// When it arrived first.
    pub reception: Micros,
    /// Size of the content.
    pub size: i64,
    /// Signature.
    pub signature: Option<String>,
    /// Content as signed.
    text: Option<String>,
    /// Content as served, where that differs.
    served_text: Option<String>,
    /// When it was forgotten or removed.
    pub gone_at: Option<Micros>,
    /// Earliest confirmation.
    pub confirmed_at: Option<Micros>,
    /// All confirmations, earliest first.
    pub confirmations: Vec<Confirmation>,
    /// Of a forgotten message: the FORGETs by which it went, in the order of their positions.
    pub forgotten_by: Vec<ItemHash>,
}

/// A message was found on a chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirmation {
    /// The chain.
    pub chain: Chain,
    /// The transaction.
    pub hash: String,
    /// Its block.
    pub height: i64,
    /// Time of the block.
    pub time: Micros,
}

impl MessageRow {
    /// Text of the content as signed; `None` while it is unknown and after it is gone.
    pub fn signed_text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// The field `item_content` of the wire: only inline messages have one.
    pub fn item_content(&self) -> Option<&str> {
        self.text
            .as_deref()
            .filter(|_| self.item_type == ItemType::Inline)
    }

    /// The content as served, JSON.
    pub fn content(&self) -> Option<&str> {
        self.served_text.as_deref().or(self.text.as_deref())
    }

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get(0)?,
            item_hash: codec::item_hash(row.get_ref(1)?.as_bytes().map_err(rusqlite::Error::from)?)?,
            status: codec::status(row.get(2)?)?,
            message_type: codec::message_type(row.get(3)?)?,
            chain: codec::chain(row.get(4)?)?,
            item_type: codec::item_type(row.get(5)?)?,
            sender: row.get(6)?,
            owner: row.get(7)?,
            channel: row.get(8)?,
            label: row.get(9)?,
            reference: row.get(10)?,
            payment: codec::payment(row.get(11)?)?,
            time: Micros(row.get(12)?),
            content_time: Micros(row.get(13)?),
            reception: Micros(row.get(14)?),
            size: row.get(15)?,
            signature: row.get(16)?,
            text: row.get(17)?,
            served_text: row.get(18)?,
            gone_at: row.get::<_, Option<i64>>(19)?.map(Micros),
            confirmed_at: row.get::<_, Option<i64>>(20)?.map(Micros),
            confirmations: Vec::new(),
            forgotten_by: Vec::new(),
        })
    }
}

/// A row that was just written, for those who are told of it before they read. It carries no
/// confirmations: whoever needs them asks for the message.
impl From<&write::Row> for MessageRow {
    fn from(row: &write::Row) -> Self {
        Self {
            id: row.id,
            item_hash: row.hash.clone(),
            status: row.state.status,
            message_type: row.message_type,
            chain: row.chain,
            item_type: row.item_type,
            sender: row.sender.as_ref().into(),
            owner: row.owner.as_ref().into(),
            channel: row.channel.as_deref().map(str::to_owned),
            label: row.label.as_deref().map(str::to_owned),
            reference: row.reference.clone(),
            payment: row.payment,
            time: row.time,
            content_time: row.content_time,
            reception: row.reception,
            size: row.size,
            signature: row.signature.clone(),
            text: row.item_content.clone(),
            served_text: row.item_text.clone(),
            gone_at: row.state.gone_at,
            confirmed_at: None,
            confirmations: Vec::new(),
            forgotten_by: Vec::new(),
        }
    }
}

const BY_ID: &str = "SELECT m.id, m.hash, m.status, m.type, m.chain, m.item_type, s.text, o.text, c.text, l.text, \
    m.reference, m.payment, m.time, m.content_time, m.reception, m.size, m.signature, m.item_content, m.item_text, \
    m.gone_at, m.confirmed_at \
    FROM messages m JOIN addresses s ON s.id = m.sender JOIN addresses o ON o.id = m.owner \
    LEFT JOIN names c ON c.id = m.channel LEFT JOIN names l ON l.id = m.label WHERE m.id = ?";

impl Reader {
    /// A message with a valid form and signature, whatever its status.
    pub fn message_get(&self, hash: &ItemHash) -> Result<Option<MessageRow>, StoreError> {
        self.snapshot(|reader| match lookup::message_id(reader, hash)? {
            Some(id) => by_id(reader, id),
            None => Ok(None),
        })
    }
}

/// The message with a row id.
pub(super) fn by_id(connection: &Connection, id: i64) -> Result<Option<MessageRow>, StoreError> {
    let mut statement = connection.prepare_cached(BY_ID)?;
    let mut rows = statement.query([id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut message = MessageRow::read(row)?;
    if message.confirmed_at.is_some() {
        message.confirmations = confirmations(connection, id)?;
    }
    if message.status == MessageStatus::Forgotten {
        message.forgotten_by = forgotten_by(connection, id)?;
        // It may still be held for a while, but not for anybody to see.
        (message.text, message.served_text) = (None, None);
    }
    Ok(Some(message))
}

/// The messages with these ids, in this order.
pub(super) fn by_ids(
    connection: &Connection,
    ids: impl IntoIterator<Item = i64>,
) -> Result<Vec<MessageRow>, StoreError> {
    let rows = ids
        .into_iter()
        .map(|id| by_id(connection, id)?.ok_or(StoreError::Damaged("message id")));
    rows.collect()
}

fn confirmations(connection: &Connection, id: i64) -> Result<Vec<Confirmation>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT chain, tx_hash, height, time FROM confirmations WHERE message = ? ORDER BY time, tx_hash",
    )?;
    let mut rows = statement.query([id])?;
    let mut confirmations = Vec::new();
    while let Some(row) = rows.next()? {
        confirmations.push(Confirmation {
            chain: codec::chain(row.get(0)?)?,
            hash: row.get(1)?,
            height: row.get(2)?,
            time: Micros(row.get(3)?),
        });
    }
    Ok(confirmations)
}

/// The names in a tombstone are separated by spaces.
fn forgotten_by(connection: &Connection, id: i64) -> Result<Vec<ItemHash>, StoreError> {
    let names: Option<String> = stream::value(
        connection,
        "SELECT forgotten_by FROM tombstones WHERE message = ?",
        &[&id],
    )?;
    let names = names.unwrap_or_default();
    let hashes = names.split_whitespace().map(ItemHash::parse_lenient);
    hashes
        .collect::<Option<_>>()
        .ok_or(StoreError::Damaged("tombstone"))
}
