//! Posts: an original with its current revision.

use rusqlite::{Connection, OptionalExtension};

use alephd_message::{Chain, ItemHash, Micros};

use super::{message, message::MessageRow};
use crate::{StoreError, codec};

/// An original post with its current revision.
#[derive(Clone, Debug, PartialEq)]
pub struct PostRow {
    /// What stays of the original.
    pub original: OriginalPost,
    /// The current revision: the last amend, or the original itself.
    pub latest: MessageRow,
    /// Time of the current revision.
    pub updated: Micros,
}

/// What is shown of an original, whether amended or not.
#[derive(Clone, Debug, PartialEq)]
pub struct OriginalPost {
    /// Its name.
    pub item_hash: ItemHash,
    /// Chain of its signature.
    pub chain: Chain,
    /// Its signature.
    pub signature: Option<String>,
    /// Its type.
    pub post_type: String,
    /// Its owner.
    pub owner: String,
    /// Its channel.
    pub channel: Option<String>,
    /// Its `content.ref`.
    pub reference: Option<String>,
    /// Its signed time.
    pub created: Micros,
}

/// The post whose original has a row id.
pub(super) fn by_id(connection: &Connection, id: i64) -> Result<PostRow, StoreError> {
    let mut statement = connection.prepare_cached("SELECT latest, updated FROM posts WHERE id = ?")?;
    let found = statement
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (latest, updated) = found.ok_or(StoreError::Damaged("post id"))?;
    let latest = message::by_id(connection, latest)?.ok_or(StoreError::Damaged("revision"))?;
    let original = if latest.id == id {
        OriginalPost::of(&latest)
    } else {
        original(connection, id)?
    };
    Ok(PostRow {
        original,
        latest,
        updated: Micros(updated),
    })
}

impl OriginalPost {
    fn of(message: &MessageRow) -> Self {
        Self {
            item_hash: message.item_hash.clone(),
            chain: message.chain,
            signature: message.signature.clone(),
            post_type: message.label.clone().unwrap_or_default(),
            owner: message.owner.clone(),
            channel: message.channel.clone(),
            reference: message.reference.clone(),
            created: message.content_time,
        }
    }
}

fn original(connection: &Connection, id: i64) -> Result<OriginalPost, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT m.hash, m.signature, l.text, o.text, c.text, m.reference, m.content_time, m.chain
         FROM messages m JOIN addresses o ON o.id = m.owner LEFT JOIN names c ON c.id = m.channel
         LEFT JOIN names l ON l.id = m.label WHERE m.id = ?",
    )?;
    let mut rows = statement.query([id])?;
    let row = rows.next()?.ok_or(StoreError::Damaged("original post"))?;
    Ok(OriginalPost {
        item_hash: codec::item_hash(&row.get::<_, Vec<u8>>(0)?)?,
        chain: codec::chain(row.get(7)?)?,
        signature: row.get(1)?,
        post_type: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
        owner: row.get(3)?,
        channel: row.get(4)?,
        reference: row.get(5)?,
        created: Micros(row.get(6)?),
    })
}
