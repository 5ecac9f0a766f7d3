//! Indexes that only lists read.
//!
//! They are a third of the cost of writing a message, because a new entry of most of them falls on
//! a page that nothing else has touched lately. A bulk load does without and makes them afterwards
//! from sorted entries. That they are missing is noticed whenever the database is opened for
//! writing, so a load that was killed leaves nothing to repair by hand.

use rusqlite::Connection;

use crate::StoreError;

/// Name and definition of each.
const LISTS: [(&str, &str); 13] = [
    ("messages_time", "messages (time DESC, prefix) WHERE status <= 1"),
    (
        "messages_type",
        "messages (type, time DESC, prefix) WHERE status <= 1",
    ),
    (
        "messages_sender",
        "messages (sender, type, time DESC, prefix) WHERE status <= 1",
    ),
    // Most messages act for their own sender: only the others need an entry by owner.
    (
        "messages_owner",
        "messages (owner, type, time DESC, prefix) WHERE status <= 1 AND owner <> sender",
    ),
    (
        "messages_channel",
        "messages (channel, type, time DESC, prefix) WHERE status <= 1 AND channel IS NOT NULL",
    ),
    ("posts_updated", "posts (updated DESC, prefix)"),
    ("posts_owner", "posts (owner, type, updated DESC, prefix)"),
    ("posts_type", "posts (type, updated DESC, prefix)"),
    (
        "posts_channel",
        "posts (channel, updated DESC, prefix) WHERE channel IS NOT NULL",
    ),
    ("aggregates_key", "aggregates (key, owner)"),
    ("aggregates_updated", "aggregates (updated DESC, key, owner)"),
    ("aggregates_created", "aggregates (created DESC, key, owner)"),
    ("costs_owned", "costs (owner, payment, prefix) WHERE live = 1"),
];

/// Makes those that are missing.
pub(crate) fn create(connection: &Connection) -> Result<(), StoreError> {
    for (name, definition) in LISTS {
        connection.execute_batch(&format!("CREATE INDEX IF NOT EXISTS {name} ON {definition}"))?;
    }
    Ok(())
}

/// Drops them for a bulk load.
pub(crate) fn drop(connection: &Connection) -> Result<(), StoreError> {
    for (name, _) in LISTS {
        connection.execute_batch(&format!("DROP INDEX IF EXISTS {name}"))?;
    }
    Ok(())
}
