//! The raw facts: messages as they were received, for export and for rebuilding.

use rusqlite::{Connection, Row};

use alephd_message::{Envelope, ItemType, MessageType, Micros};
use alephd_rules::MessageStatus;

use super::{filter::Order, lookup};
use crate::{Reader, StoreError, codec, write::MessageCopy};

/// A message as it was received.
#[derive(Clone, Debug, PartialEq)]
pub struct RawMessage {
    /// Row id; grows in the order of reception.
    pub id: i64,
    /// What became of it.
    pub status: MessageStatus,
    /// Whether nothing changes it any more: a tombstone whose content is gone for good, or an
    /// accepted FORGET that made a content go.
    pub is_final: bool,
    /// The copy that is served; the content only if it is inline.
    pub envelope: Envelope,
    /// Other valid copies.
    pub copies: Vec<MessageCopy>,
}

impl RawMessage {
    /// The other valid copies as envelopes.
    pub fn other_envelopes(&self) -> impl Iterator<Item = Envelope> + '_ {
        self.copies.iter().map(|copy| Envelope {
            sender: copy.sender.clone(),
            chain: copy.chain,
            time: copy.time,
            channel: copy.channel.clone(),
            signature: Some(copy.signature.clone()),
            ..self.envelope.clone()
        })
    }
}

const COLUMNS: &str = "SELECT m.id, m.status, m.chain, s.text, m.type, m.hash, m.item_type, m.item_content, \
    m.signature, m.time, c.text, m.purged, m.accepted \
    FROM messages m CROSS JOIN addresses s ON s.id = m.sender LEFT JOIN names c ON c.id = m.channel";

impl Reader {
    /// Up to `limit` messages of every status beyond the row id `from`, which is left out, in the
    /// order of reception or against it.
    pub fn raw_messages(&self, from: i64, order: Order, limit: u64) -> Result<Vec<RawMessage>, StoreError> {
        let text = match order {
            Order::Ascending => format!("{COLUMNS} WHERE m.id > ? ORDER BY m.id LIMIT ?"),
            Order::Descending => format!("{COLUMNS} WHERE m.id < ? ORDER BY m.id DESC LIMIT ?"),
        };
        self.snapshot(|reader| {
            let mut statement = reader.prepare_cached(&text)?;
            let mut rows = statement.query([from, lookup::signed(limit)])?;
            let mut messages = Vec::new();
            while let Some(row) = rows.next()? {
                let mut message = read(row)?;
                message.copies = copies(reader, message.id)?;
                messages.push(message);
            }
            Ok(messages)
        })
    }
}

fn read(row: &Row<'_>) -> Result<RawMessage, StoreError> {
    let item_type = codec::item_type(row.get(6)?)?;
    let text: Option<String> = row.get(7)?;
    let envelope = Envelope {
        chain: codec::chain(row.get(2)?)?,
        sender: row.get(3)?,
        message_type: codec::message_type(row.get(4)?)?,
        item_hash: codec::item_hash(row.get_ref(5)?.as_bytes().map_err(rusqlite::Error::from)?)?,
        item_type,
        item_content: text.filter(|_| item_type == ItemType::Inline),
        signature: row.get(8)?,
        time: Micros(row.get(9)?),
        channel: row.get(10)?,
    };
    let status = codec::status(row.get(1)?)?;
    Ok(RawMessage {
        id: row.get(0)?,
        status,
        is_final: row.get::<_, bool>(11)?
            && (envelope.message_type != MessageType::Forget || (row.get(12)? && status.is_live())),
        envelope,
        copies: Vec::new(),
    })
}

pub(super) fn copies(connection: &Connection, id: i64) -> Result<Vec<MessageCopy>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT sender, chain, time, channel, signature FROM copies WHERE message = ?")?;
    let mut rows = statement.query([id])?;
    let mut copies = Vec::new();
    while let Some(row) = rows.next()? {
        copies.push(MessageCopy {
            sender: row.get(0)?,
            chain: codec::chain(row.get(1)?)?,
            time: Micros(row.get(2)?),
            channel: row.get(3)?,
            signature: row.get(4)?,
        });
    }
    Ok(copies)
}
