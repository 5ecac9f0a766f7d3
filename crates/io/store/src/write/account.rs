//! What addresses use: message counts, channels, post types.

use std::collections::HashSet;

use rusqlite::{OptionalExtension, params};

use alephd_message::MessageType;

use super::{Row, Writer};
use crate::StoreError;

/// Names known to be in `used_names` already, so that the usual message costs no statement.
#[derive(Default)]
pub(crate) struct SeenNames(HashSet<(i64, u8, i64)>);

/// Entries kept in memory (24 bytes each).
const CACHED: usize = 262_144;

impl SeenNames {
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether this is new to the cache.
    fn insert(&mut self, key: (i64, u8, i64)) -> bool {
        if self.0.len() >= CACHED {
            self.0.clear();
        }
        self.0.insert(key)
    }
}

const CHANNEL: u8 = 0;
const POST_TYPE: u8 = 1;

impl Writer {
    pub(super) fn account_enter(&mut self, row: &Row) -> Result<(), StoreError> {
        *self
            .sent
            .entry((row.sender_id, row.message_type.index()))
            .or_default() += 1;
        for (kind, name) in used(row) {
            if self.used_names.insert((row.sender_id, kind, name)) {
                self.connection
                    .prepare_cached(
                        "INSERT OR IGNORE INTO used_names (address, kind, name) VALUES (?1, ?2, ?3)",
                    )?
                    .execute(params![row.sender_id, kind, name])?;
            }
        }
        Ok(())
    }

    /// Called after the row has left the live states.
    pub(super) fn account_leave(&mut self, row: &Row) -> Result<(), StoreError> {
        *self
            .sent
            .entry((row.sender_id, row.message_type.index()))
            .or_default() -= 1;
        for (kind, name) in used(row) {
            let sql = if kind == CHANNEL {
                "SELECT 1 FROM messages WHERE sender = ?1 AND status <= 1 AND channel = ?2 AND ?3 >= 0 LIMIT 1"
            } else {
                "SELECT 1 FROM messages WHERE sender = ?1 AND status <= 1 AND type = ?3 AND label = ?2 LIMIT 1"
            };
            let found: Option<i64> = self
                .connection
                .prepare_cached(sql)?
                .query_row(params![row.sender_id, name, MessageType::Post.index()], |row| {
                    row.get(0)
                })
                .optional()?;
            if found.is_none() {
                self.connection
                    .prepare_cached("DELETE FROM used_names WHERE address = ?1 AND kind = ?2 AND name = ?3")?
                    .execute(params![row.sender_id, kind, name])?;
                self.used_names.0.remove(&(row.sender_id, kind, name));
            }
        }
        Ok(())
    }
}

fn used(row: &Row) -> impl Iterator<Item = (u8, i64)> {
    let post_type = row.label_id.filter(|_| row.message_type == MessageType::Post);
    row.channel_id
        .map(|name| (CHANNEL, name))
        .into_iter()
        .chain(post_type.map(|name| (POST_TYPE, name)))
}
