//! What addresses have sent, and the names that they use.

use rusqlite::Connection;

use alephd_message::MessageType;

use super::{lookup, stream};
use crate::{Reader, StoreError};

mod stats;

pub use stats::{StatsCursor, StatsQuery, StatsSort};

/// Live messages that an address has sent.
#[derive(Clone, Debug, PartialEq)]
pub struct AddressStats {
    /// The address.
    pub address: String,
    counts: [u64; TYPES],
}

const TYPES: usize = MessageType::ALL.len();

impl AddressStats {
    /// Messages of all types.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Messages of one type.
    pub fn of(&self, kind: MessageType) -> u64 {
        self.counts[usize::from(kind.index())]
    }
}

impl Reader {
    /// Types of the live posts that an address has sent, sorted.
    pub fn post_types_of(&self, sender: &str) -> Result<Vec<String>, StoreError> {
        self.used_names(sender, 1)
    }

    /// Channels of the live messages that an address has sent, sorted.
    pub fn channels_of(&self, sender: &str) -> Result<Vec<String>, StoreError> {
        self.used_names(sender, 0)
    }

    fn used_names(&self, sender: &str, kind: u8) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT n.text FROM used_names u CROSS JOIN names n ON n.id = u.name
             WHERE u.address = (SELECT id FROM addresses WHERE text = ?) AND u.kind = ?";
        let mut names: Vec<String> = stream::rows(self, sql, &[&sender, &kind], |row| row.get(0))?;
        names.sort_unstable();
        Ok(names)
    }

    /// All channels with live messages, sorted. Costs a look at the index for each channel.
    pub fn channel_list(&self) -> Result<Vec<String>, StoreError> {
        self.snapshot(|reader| {
            let mut names = Vec::new();
            let mut last = i64::MIN;
            while let Some(next) = next_channel(reader, last)? {
                names.push(lookup::name_text(reader, next)?);
                last = next;
            }
            names.sort_unstable();
            Ok(names)
        })
    }
}

/// The channel with the next greater id, skipping the messages of the last one.
fn next_channel(connection: &Connection, last: i64) -> Result<Option<i64>, StoreError> {
    stream::value(
        connection,
        "SELECT channel FROM messages INDEXED BY messages_channel
         WHERE status <= 1 AND channel IS NOT NULL AND channel > ? ORDER BY channel LIMIT 1",
        &[&last],
    )
}
