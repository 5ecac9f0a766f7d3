//! Which names are known to be absent without asking the database.
//!
//! A message that is loaded in bulk is nearly always new, and nothing refers to it yet. Finding that out
//! costs two searches in indexes that are larger than the cache. So a bulk load remembers the
//! prefixes of all names that are there: what is not among them is absent, and the rest is looked up.

use std::collections::HashSet;

use rusqlite::Connection;

use alephd_message::ItemHash;

use crate::StoreError;

/// Prefixes of names in the database, and perhaps of some more: an entry is not taken back when a
/// transaction is.
#[derive(Debug)]
pub(super) struct Known {
    messages: HashSet<i64>,
    targets: HashSet<i64>,
}

impl Known {
    /// Everything that is there now. About 16 bytes of memory for each name.
    pub(super) fn read(connection: &Connection) -> Result<Self, StoreError> {
        let prefixes = |sql: &str| -> Result<HashSet<i64>, StoreError> {
            let mut statement = connection.prepare(sql)?;
            let found = statement.query_map([], |row| row.get(0))?;
            Ok(found.collect::<Result<_, _>>()?)
        };
        Ok(Self {
            messages: prefixes("SELECT prefix FROM messages INDEXED BY messages_hash")?,
            targets: prefixes("SELECT DISTINCT prefix FROM edges")?,
        })
    }

    pub(super) fn add_message(&mut self, name: &ItemHash) {
        self.messages.insert(name.order_prefix());
    }

    pub(super) fn add_target(&mut self, name: &ItemHash) {
        self.targets.insert(name.order_prefix());
    }

    /// Whether there may be a message of this name.
    pub(super) fn may_be_message(&self, name: &ItemHash) -> bool {
        self.messages.contains(&name.order_prefix())
    }

    /// Whether something may refer to this name.
    pub(super) fn may_be_target(&self, name: &ItemHash) -> bool {
        self.targets.contains(&name.order_prefix())
    }
}
