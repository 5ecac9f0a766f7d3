//! What addresses have sent, and the names that they use.

use rusqlite::Connection;

use alephd_message::MessageType;

use super::{filter::Order, lookup, stream};
use crate::{Reader, StoreError};

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

/// What a list of addresses is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatsSort {
    /// Messages of all types.
    Total,
    /// Messages of one type.
    Type(MessageType),
}

/// Place after which a list goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct StatsCursor {
    /// The number that the list is sorted by.
    pub value: u64,
    /// The address.
    pub address: String,
}

/// A page of addresses. Equal numbers are in the order of the addresses.
#[derive(Clone, Debug, PartialEq)]
pub struct StatsQuery {
    /// Part of the address, without regard to the case of ASCII letters; empty for all.
    pub contains: String,
    /// Primary column.
    pub sort: StatsSort,
    /// Its direction.
    pub order: Order,
    /// The address before the page; the offset does not count then.
    pub after: Option<StatsCursor>,
    /// Addresses before the page.
    pub offset: u64,
    /// Addresses on the page; `None` for all.
    pub limit: Option<u64>,
}

const BY_ADDRESS: &str = "SELECT a.text, s.type, s.n FROM sent s CROSS JOIN addresses a ON a.id = s.address \
    WHERE s.n > 0";

impl Reader {
    /// Numbers of messages of some addresses, in the order asked for; those without messages have
    /// zeros.
    pub fn address_stats(&self, addresses: &[String]) -> Result<Vec<AddressStats>, StoreError> {
        self.snapshot(|reader| {
            let stats = addresses.iter().map(|address| {
                let sql = "SELECT type, n FROM sent WHERE n > 0
                     AND address = (SELECT id FROM addresses WHERE text = ?)";
                let mut stats = AddressStats {
                    address: address.clone(),
                    counts: [0; TYPES],
                };
                for (kind, count) in stream::rows(reader, sql, &[address], |row| {
                    Ok((row.get::<_, u8>(0)?, row.get(1)?))
                })? {
                    stats.add(kind, count)?;
                }
                Ok(stats)
            });
            stats.collect()
        })
    }

    /// Numbers of messages of every address that has sent any, in the order of reception.
    pub fn address_stats_all(&self) -> Result<Vec<AddressStats>, StoreError> {
        self.snapshot(|reader| {
            // The table is in the order of addresses, so equal ones follow each other.
            let sql = format!("{BY_ADDRESS} ORDER BY s.address, s.type");
            let rows = stream::rows(reader, &sql, &[], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, u8>(1)?, row.get(2)?))
            })?;
            let mut stats: Vec<AddressStats> = Vec::new();
            for (address, kind, count) in rows {
                if stats.last().is_none_or(|last| last.address != address) {
                    stats.push(AddressStats {
                        address,
                        counts: [0; TYPES],
                    });
                }
                if let Some(last) = stats.last_mut() {
                    last.add(kind, count)?;
                }
            }
            Ok(stats)
        })
    }

    /// A page of addresses with their numbers of messages, and the number of all that match. Reads the
    /// numbers of every address: callers that need it often should keep the answer for a while.
    pub fn address_stats_list(&self, query: &StatsQuery) -> Result<(Vec<AddressStats>, u64), StoreError> {
        let mut stats = self.address_stats_all()?;
        let part = query.contains.to_ascii_lowercase();
        stats.retain(|stats| stats.address.to_ascii_lowercase().contains(&part));
        let total = stats.len() as u64;
        let value = |stats: &AddressStats| match query.sort {
            StatsSort::Total => stats.total(),
            StatsSort::Type(kind) => stats.of(kind),
        };
        let place = |value: u64| match query.order {
            Order::Ascending => value,
            Order::Descending => !value,
        };
        let mut offset = query.offset;
        if let Some(after) = &query.after {
            let seen = (place(after.value), after.address.as_str());
            stats.retain(|stats| (place(value(stats)), stats.address.as_str()) > seen);
            offset = 0;
        }
        stats.sort_by_cached_key(|stats| (place(value(stats)), stats.address.clone()));
        let limit = query.limit.unwrap_or(u64::MAX);
        let page = stats.into_iter().skip(to_usize(offset)).take(to_usize(limit));
        Ok((page.collect(), total))
    }

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

impl AddressStats {
    fn add(&mut self, kind: u8, count: i64) -> Result<(), StoreError> {
        let slot = self
            .counts
            .get_mut(usize::from(kind))
            .ok_or(StoreError::Damaged("type"))?;
        *slot += lookup::unsigned(count);
        Ok(())
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

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
