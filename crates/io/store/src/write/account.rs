//! What addresses use: message counts, channels, post types.

use rusqlite::params;

use alephd_message::MessageType;

use super::{Row, Writer};
use crate::StoreError;

/// Characters of `start`.
const START: usize = 10;
const CHANNEL: u8 = 0;
const POST_TYPE: u8 = 1;

impl Writer {
    /// A live message counts for its sender.
    pub(super) fn account_enter(&mut self, row: &Row) {
        self.account_change(row, 1);
    }

    /// A message that was live no longer counts.
    pub(super) fn account_leave(&mut self, row: &Row) {
        self.account_change(row, -1);
    }

    fn account_change(&mut self, row: &Row, delta: i64) {
        *self
            .sent
            .entry((row.sender_id, row.message_type.index()))
            .or_default() += delta;
        let post_type = row.label_id.filter(|_| row.message_type == MessageType::Post);
        let names = [(CHANNEL, row.channel_id), (POST_TYPE, post_type)];
        for (kind, name) in names {
            if let Some(name) = name {
                *self.used_names.entry((row.sender_id, kind, name)).or_default() += delta;
            }
        }
    }

    /// Writes what the transaction has added up, in the order of the tables.
    pub(super) fn flush_accounts(&mut self) -> Result<(), StoreError> {
        self.flush_sent()?;
        let mut changes: Vec<_> = self.used_names.drain().filter(|(_, delta)| *delta != 0).collect();
        changes.sort_unstable();
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO used_names (address, kind, name, n) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (address, kind, name) DO UPDATE SET n = n + ?4",
        )?;
        let mut unused = Vec::new();
        for ((address, kind, name), delta) in changes {
            statement.execute(params![address, kind, name, delta])?;
            if delta < 0 {
                unused.push((address, kind, name));
            }
        }
        let mut statement = self.connection.prepare_cached(
            "DELETE FROM used_names WHERE address = ?1 AND kind = ?2 AND name = ?3 AND n <= 0",
        )?;
        for (address, kind, name) in unused {
            statement.execute(params![address, kind, name])?;
        }
        Ok(())
    }

    /// Messages sent, by type.
    fn flush_sent(&mut self) -> Result<(), StoreError> {
        let mut changes: Vec<_> = self.sent.drain().filter(|(_, delta)| *delta != 0).collect();
        changes.sort_unstable();
        let mut update = self
            .connection
            .prepare_cached("UPDATE sent SET n = n + ?3 WHERE address = ?1 AND type = ?2")?;
        let mut insert = self
            .connection
            .prepare_cached("INSERT INTO sent (address, type, n, start) VALUES (?1, ?2, ?3, ?4)")?;
        for ((address, kind), delta) in changes {
            if update.execute(params![address, kind, delta])? == 0 {
                let start = address_start(&self.addresses.text(&self.connection, address)?);
                insert.execute(params![address, kind, delta, start])?;
            }
        }
        Ok(())
    }
}

/// The beginning of an address: eight characters after `0x`, so that equal ones are made by hand.
pub(crate) fn address_start(address: &str) -> String {
    address.chars().take(START).collect()
}
