//! What addresses use: message counts, channels, post types.

use std::collections::BTreeMap;

use rusqlite::params;

use alephd_message::MessageType;

use super::{Row, Writer};
use crate::{Counter, StoreError};

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

    /// Messages sent: by type, and of all types. Who sends a first one is counted, or takes a last
    /// one back.
    fn flush_sent(&mut self) -> Result<(), StoreError> {
        let mut changes: Vec<_> = self.sent.drain().filter(|(_, delta)| *delta != 0).collect();
        changes.sort_unstable();
        let mut totals: BTreeMap<(String, i64), i64> = BTreeMap::new();
        let mut to_sent = self.connection.prepare_cached(
            "INSERT INTO sent (address, type, n, start) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (address, type) DO UPDATE SET n = n + ?3",
        )?;
        for ((address, kind), delta) in changes {
            let start = address_start(&self.addresses.text(&self.connection, address)?);
            to_sent.execute(params![address, kind, delta, start])?;
            *totals.entry((start, address)).or_default() += delta;
        }
        let mut to_senders = self.connection.prepare_cached(
            "INSERT INTO senders (start, address, n) VALUES (?1, ?2, ?3)
             ON CONFLICT (start, address) DO UPDATE SET n = n + ?3 RETURNING n",
        )?;
        let mut counted = 0;
        for ((start, address), delta) in totals.into_iter().filter(|(_, delta)| *delta != 0) {
            let sum: i64 = to_senders.query_row(params![start, address, delta], |row| row.get(0))?;
            counted += appeared(sum, delta);
        }
        drop((to_sent, to_senders));
        self.count(Counter::Senders, counted);
        Ok(())
    }
}

/// Whether something that is counted is there now and was not, or the other way round.
fn appeared(sum: i64, delta: i64) -> i64 {
    i64::from(sum > 0) - i64::from(sum - delta > 0)
}

/// The beginning of an address: eight characters after `0x`, so that equal ones are made by hand.
pub(crate) fn address_start(address: &str) -> String {
    address.chars().take(START).collect()
}
