//! Texts to ids, and numbers from the counters.

use rusqlite::{Connection, OptionalExtension};

use alephd_message::{ItemHash, Micros};

use crate::{Counter, StoreError, codec, term::is_counted};

/// The id of an address.
pub(super) fn address_id(connection: &Connection, text: &str) -> Result<Option<i64>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT id FROM addresses WHERE text = ?")?;
    Ok(statement.query_row([text], |row| row.get(0)).optional()?)
}

/// The id of a channel, type or key.
pub(super) fn name_id(connection: &Connection, text: &str) -> Result<Option<i64>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT id FROM names WHERE text = ?")?;
    Ok(statement.query_row([text], |row| row.get(0)).optional()?)
}

/// The ids of those texts that are known, without duplicates; `None` for an absent filter.
pub(super) fn ids(
    connection: &Connection,
    texts: &[String],
    find: fn(&Connection, &str) -> Result<Option<i64>, StoreError>,
) -> Result<Option<Vec<i64>>, StoreError> {
    if texts.is_empty() {
        return Ok(None);
    }
    let mut ids = Vec::with_capacity(texts.len());
    for text in texts {
        ids.extend(find(connection, text)?);
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(Some(ids))
}

/// The text of an address.
pub(super) fn address_text(connection: &Connection, id: i64) -> Result<String, StoreError> {
    let mut statement = connection.prepare_cached("SELECT text FROM addresses WHERE id = ?")?;
    let text = statement.query_row([id], |row| row.get(0)).optional()?;
    text.ok_or(StoreError::Damaged("address id"))
}

/// The text of a channel, type or key.
pub(super) fn name_text(connection: &Connection, id: i64) -> Result<String, StoreError> {
    let mut statement = connection.prepare_cached("SELECT text FROM names WHERE id = ?")?;
    let text = statement.query_row([id], |row| row.get(0)).optional()?;
    text.ok_or(StoreError::Damaged("name id"))
}

/// The value of a counter.
pub(super) fn counter(connection: &Connection, counter: Counter) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached("SELECT n FROM counters WHERE key = ?")?;
    let count: Option<i64> = statement.query_row([counter.id()], |row| row.get(0)).optional()?;
    Ok(unsigned(count.unwrap_or(0)))
}

/// The number of live messages with a term.
pub(super) fn term_count(connection: &Connection, term: i64) -> Result<u64, StoreError> {
    if is_counted(term) {
        return counter(connection, Counter::Term(term));
    }
    let mut statement = connection.prepare_cached("SELECT count(*) FROM terms WHERE term = ?")?;
    Ok(unsigned(statement.query_row([term], |row| row.get(0))?))
}

/// The name of a message.
pub(super) fn message_hash(connection: &Connection, id: i64) -> Result<ItemHash, StoreError> {
    let mut statement = connection.prepare_cached("SELECT hash FROM messages WHERE id = ?")?;
    let key: Option<Vec<u8>> = statement.query_row([id], |row| row.get(0)).optional()?;
    codec::item_hash(&key.ok_or(StoreError::Damaged("message id"))?)
}

/// The row id of a message, whatever its status.
pub(super) fn message_id(connection: &Connection, hash: &ItemHash) -> Result<Option<i64>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT id FROM messages WHERE prefix = ? AND hash = ?")?;
    let id = statement.query_row((hash.order_prefix(), hash.key()), |row| row.get(0));
    Ok(id.optional()?)
}

/// Counts are never negative; should one be, an empty list serves clients better than a failure.
pub(super) fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// A limit or offset for SQL.
pub(super) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Inclusive bounds of a half-open range of time.
pub(super) fn bounds(start: Option<Micros>, end: Option<Micros>) -> (i64, i64) {
    (
        start.map_or(i64::MIN, |start| start.0),
        end.map_or(i64::MAX, |end| end.0.saturating_sub(1)),
    )
}
