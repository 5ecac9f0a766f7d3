//! What another node is told that this one has, and what this one lacks.
//!
//! These walk over all rows, so they read no bodies: the columns that they need come before the
//! long texts of a row, which lie on pages of their own.

use rusqlite::{Row, ToSql};

use alephd_message::{Content, ErrorCode, ItemHash, MessageType, Micros, content::Body};
use alephd_rules::MessageStatus;

use super::{lookup, page, stream};
use crate::{Reader, StoreError, codec};

/// A message as far as it matters for finding out who has what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRow {
    /// Row id; grows in the order of reception.
    pub id: i64,
    /// Signed time; that of the envelope while the content is unknown.
    pub time: Micros,
    /// Its name.
    pub hash: ItemHash,
    /// Where it stands.
    pub status: MessageStatus,
    /// Whether the content is held. A forgotten message without is a tombstone; any other waits for
    /// its content, and its time may still change.
    pub has_content: bool,
    /// Whether this is a tombstone on the word of somebody who is not trusted. The message itself may
    /// well exist.
    pub is_hearsay: bool,
}

/// The same with what decides whether somebody is interested in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutlinedRow {
    /// The row.
    pub known: KnownRow,
    /// Its type.
    pub message_type: MessageType,
    /// Whose it is; the sender while the content is unknown.
    pub owner: String,
    /// Its channel.
    pub channel: Option<String>,
    /// The key of an aggregate, or the type of a post.
    pub label: Option<String>,
}

/// What has to be fetched for a message that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedKind {
    /// Its content.
    Content,
    /// The file of a STORE.
    File,
}

/// Bytes that a message waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Row id of the message.
    pub id: i64,
    /// Its name.
    pub hash: ItemHash,
    /// Who signed it.
    pub sender: String,
    /// Name of the bytes.
    pub name: ItemHash,
    /// What they are.
    pub what: WantedKind,
    /// Since when it waits.
    pub since: Micros,
}

/// `item_content IS NOT NULL` looks at the header of a row, not at the text.
const KNOWN: &str = "SELECT m.id, m.content_time, m.hash, m.status, m.item_content IS NOT NULL, c.trusted = 0
    FROM messages m LEFT JOIN claims c ON c.message = m.id WHERE m.id > ?1 ORDER BY m.id LIMIT ?2";

const OUTLINED: &str =
    "SELECT m.id, m.content_time, m.hash, m.status, m.item_content IS NOT NULL, c.trusted = 0,
        m.type, a.text, channel.text, label.text
    FROM messages m LEFT JOIN claims c ON c.message = m.id CROSS JOIN addresses a ON a.id = m.owner
    LEFT JOIN names channel ON channel.id = m.channel LEFT JOIN names label ON label.id = m.label
    WHERE m.id > ?1 ORDER BY m.id LIMIT ?2";

const PARKED_OUTLINED: &str =
    "SELECT m.id, m.content_time, m.hash, m.status, m.item_content IS NOT NULL, c.trusted = 0,
        m.type, a.text, channel.text, label.text
     FROM messages m INDEXED BY messages_parked LEFT JOIN claims c ON c.message = m.id
     CROSS JOIN addresses a ON a.id = m.owner
     LEFT JOIN names channel ON channel.id = m.channel LEFT JOIN names label ON label.id = m.label
     WHERE m.status IN (2, 3)
     UNION ALL
     SELECT m.id, m.content_time, m.hash, m.status, m.item_content IS NOT NULL, 1,
        m.type, a.text, channel.text, label.text
     FROM claims c INDEXED BY claims_untrusted CROSS JOIN messages m ON m.id = c.message
     CROSS JOIN addresses a ON a.id = m.owner
     LEFT JOIN names channel ON channel.id = m.channel LEFT JOIN names label ON label.id = m.label
     WHERE c.trusted = 0 AND m.status NOT IN (2, 3) LIMIT ?1";

const PARKED: &str =
    "SELECT m.id, m.content_time, m.hash, m.status, m.item_content IS NOT NULL, c.trusted = 0
     FROM messages m INDEXED BY messages_parked LEFT JOIN claims c ON c.message = m.id
     WHERE m.status IN (2, 3)
     UNION ALL
     SELECT m.id, m.content_time, m.hash, m.status, m.item_content IS NOT NULL, 1
     FROM claims c INDEXED BY claims_untrusted CROSS JOIN messages m ON m.id = c.message
     WHERE c.trusted = 0 AND m.status NOT IN (2, 3) LIMIT ?1";

/// Every message that waits or is refused has a verdict, and few others do.
const WANTED: &str = "SELECT v.message, v.code, v.since, m.hash, a.text, m.type,
        CASE WHEN v.code = ?2 THEN coalesce(m.item_text, m.item_content) END
    FROM verdicts v CROSS JOIN messages m ON m.id = v.message CROSS JOIN addresses a ON a.id = m.sender
    WHERE v.message > ?1 AND v.code IN (?2, ?3) AND m.status IN (2, 3) ORDER BY v.message LIMIT ?4";

impl Reader {
    /// Up to `limit` messages of every status beyond the row id `after`, in the order of reception.
    /// What happens to a message after it was read here is not shown by reading on: what is parked
    /// may rise ([`Reader::known_parked`]), what is live may be forgotten.
    pub fn known(&self, after: i64, limit: u64) -> Result<Vec<KnownRow>, StoreError> {
        known_rows(self, KNOWN, &[&after, &lookup::signed(limit)])
    }

    /// The same with what decides whether somebody is interested in them.
    pub fn known_outlined(&self, after: i64, limit: u64) -> Result<Vec<OutlinedRow>, StoreError> {
        outlined_rows(self, OUTLINED, &[&after, &lookup::signed(limit)])
    }

    /// Up to `limit` messages that may still become something else: that wait or are refused, and
    /// tombstones that are hearsay.
    pub fn known_parked(&self, limit: u64) -> Result<Vec<KnownRow>, StoreError> {
        known_rows(self, PARKED, &[&lookup::signed(limit)])
    }

    /// The same with what decides whether somebody is interested in them.
    pub fn known_parked_outlined(&self, limit: u64) -> Result<Vec<OutlinedRow>, StoreError> {
        outlined_rows(self, PARKED_OUTLINED, &[&lookup::signed(limit)])
    }

    /// Bytes that up to `limit` messages beyond the row id `after` wait for, in the order of
    /// reception: contents that are unknown, and files of STOREs that lack nothing else.
    pub fn wanted(&self, after: i64, limit: u64) -> Result<Vec<Wanted>, StoreError> {
        let (file, content) = (
            ErrorCode::FileUnavailable.code(),
            ErrorCode::ContentUnavailable.code(),
        );
        let values: [&dyn ToSql; 4] = [&after, &file, &content, &lookup::signed(limit)];
        stream::rows(self, WANTED, &values, |row| {
            let code: i16 = row.get(1)?;
            let text: Option<String> = row.get(6)?;
            let wanted = (
                row.get(0)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
                row.get(5)?,
                text.filter(|_| code == file),
            );
            Ok(wanted)
        })?
        .into_iter()
        .map(wanted)
        .collect()
    }

    /// The plans of these statements, for tests.
    pub fn known_explain(&self) -> Result<Vec<String>, StoreError> {
        [KNOWN, OUTLINED, PARKED, PARKED_OUTLINED, WANTED]
            .iter()
            .map(|sql| page::explain(self, sql))
            .collect()
    }
}

fn known_rows(reader: &Reader, sql: &str, values: &[&dyn ToSql]) -> Result<Vec<KnownRow>, StoreError> {
    let mut statement = reader.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    let mut known = Vec::new();
    while let Some(row) = rows.next()? {
        known.push(known_row(row)?);
    }
    Ok(known)
}

fn outlined_rows(reader: &Reader, sql: &str, values: &[&dyn ToSql]) -> Result<Vec<OutlinedRow>, StoreError> {
    let mut statement = reader.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    let mut outlined = Vec::new();
    while let Some(row) = rows.next()? {
        outlined.push(OutlinedRow {
            known: known_row(row)?,
            message_type: codec::message_type(row.get(6)?)?,
            owner: row.get(7)?,
            channel: row.get(8)?,
            label: row.get(9)?,
        });
    }
    Ok(outlined)
}

fn known_row(row: &Row<'_>) -> Result<KnownRow, StoreError> {
    Ok(KnownRow {
        id: row.get(0)?,
        time: Micros(row.get(1)?),
        hash: codec::item_hash(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?,
        status: codec::status(row.get(3)?)?,
        has_content: row.get(4)?,
        is_hearsay: row.get::<_, Option<bool>>(5)?.unwrap_or(false),
    })
}

/// Columns of [`WANTED`]; the text is there if the message waits for a file.
type WantedColumns = (i64, i64, Vec<u8>, String, u8, Option<String>);

fn wanted((id, since, hash, sender, kind, text): WantedColumns) -> Result<Wanted, StoreError> {
    let hash = codec::item_hash(&hash)?;
    let (name, what) = match text {
        None => (hash.clone(), WantedKind::Content),
        Some(text) => (file_of(codec::message_type(kind)?, &text)?, WantedKind::File),
    };
    Ok(Wanted {
        id,
        hash,
        sender,
        name,
        what,
        since: Micros(since),
    })
}

fn file_of(message_type: MessageType, text: &str) -> Result<ItemHash, StoreError> {
    match Content::parse(message_type, text).map(|content| content.body) {
        Ok(Body::Store(store)) => Ok(store.item_hash),
        Ok(_) | Err(_) => Err(StoreError::Damaged("verdict on a file without a file")),
    }
}
