//! Addresses by the number of messages that they have sent.
//!
//! The numbers have no index, since each message would move entries of it: such a list is sorted when
//! it is asked for, from one row for each address and type, and only as far as the page goes. Callers
//! ask for one at a time. Addresses that have sent none of a type are those of all types without the
//! others.

use rusqlite::types::Value;

use alephd_message::MessageType;

use super::{
    super::{filter::Order, lookup, stream},
    AddressStats, TYPES,
};
use crate::{Reader, StoreError, write::address_start};

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

impl Reader {
    /// Numbers of messages of some addresses, in the order asked for; those without messages have
    /// zeros.
    pub fn address_stats(&self, addresses: &[String]) -> Result<Vec<AddressStats>, StoreError> {
        self.snapshot(|reader| {
            let stats = addresses.iter().map(|address| {
                let id = lookup::address_id(reader, address)?;
                stats_of(reader, id.unwrap_or_default(), address.clone())
            });
            stats.collect()
        })
    }

    /// A page of the addresses that have sent messages, with their numbers of messages. Looks at all
    /// of them.
    pub fn address_stats_list(&self, query: &StatsQuery) -> Result<Vec<AddressStats>, StoreError> {
        self.snapshot(|reader| {
            let mut page = Page::new(reader, query);
            page.read()?;
            let found = page.found.into_iter();
            found.map(|(id, address)| stats_of(reader, id, address)).collect()
        })
    }

    /// Number of addresses in the whole list. Looks at all of them.
    pub fn address_stats_count(&self, contains: &str) -> Result<u64, StoreError> {
        let count: Option<i64> = if contains.is_empty() {
            stream::value(self, "SELECT count(*) FROM senders", &[])?
        } else {
            stream::value(self, COUNT, &[&contains.to_ascii_lowercase()])?
        };
        Ok(lookup::unsigned(count.unwrap_or(0)))
    }
}

const COUNT: &str = "SELECT count(*) FROM senders s JOIN addresses a ON a.id = s.address
    WHERE instr(lower(a.text), ?1) > 0";

fn stats_of(reader: &Reader, id: i64, address: String) -> Result<AddressStats, StoreError> {
    let sql = "SELECT type, n FROM sent WHERE address = ? AND n > 0";
    let rows: Vec<(u8, i64)> = stream::rows(reader, sql, &[&id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut counts = [0; TYPES];
    for (kind, count) in rows {
        let slot = counts
            .get_mut(usize::from(kind))
            .ok_or(StoreError::Damaged("type"))?;
        *slot = lookup::unsigned(count);
    }
    Ok(AddressStats { address, counts })
}

/// What numbers a statement reads.
#[derive(Clone, Copy)]
enum Numbers {
    /// This one, in the order of the addresses.
    One(i64),
    /// All that are smaller, the greatest first.
    Below(i64),
    /// All that are greater, the smallest first.
    Above(i64),
    /// None of the type, in the order of the addresses.
    Zero,
}

/// A page that is being read.
struct Page<'a> {
    reader: &'a Reader,
    query: &'a StatsQuery,
    contains: Option<String>,
    offset: u64,
    missing: u64,
    /// Ids and texts.
    found: Vec<(i64, String)>,
}

impl<'a> Page<'a> {
    fn new(reader: &'a Reader, query: &'a StatsQuery) -> Self {
        let contains = query.contains.to_ascii_lowercase();
        Self {
            reader,
            query,
            contains: (!contains.is_empty()).then_some(contains),
            offset: if query.after.is_some() { 0 } else { query.offset },
            missing: query.limit.unwrap_or(u64::MAX),
            found: Vec::new(),
        }
    }

    fn read(&mut self) -> Result<(), StoreError> {
        let after = self.query.after.as_ref();
        let value = after.map(|after| i64::try_from(after.value).unwrap_or(i64::MAX));
        match (self.query.order, value) {
            (Order::Descending, Some(0)) => self.take(Numbers::Zero, after),
            (Order::Descending, _) => {
                if let Some(value) = value {
                    self.take(Numbers::One(value), after)?;
                }
                self.take(Numbers::Below(value.unwrap_or(i64::MAX)), None)?;
                self.take(Numbers::Zero, None)
            }
            (Order::Ascending, value) => {
                let last = value.unwrap_or(0);
                match last {
                    0 => self.take(Numbers::Zero, after)?,
                    _ => self.take(Numbers::One(last), after)?,
                }
                self.take(Numbers::Above(last), None)
            }
        }
    }

    /// Adds addresses with these numbers; of a single number only those after one of them.
    fn take(&mut self, numbers: Numbers, after: Option<&StatsCursor>) -> Result<(), StoreError> {
        if self.missing == 0 || (matches!(numbers, Numbers::Zero) && self.kind().is_none()) {
            return Ok(());
        }
        let values = self.values(numbers, after);
        let mut statement = self.reader.prepare_cached(&self.select(numbers))?;
        let rows = statement.query_map(rusqlite::params_from_iter(&values), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        let mut rows: Vec<(i64, String)> = rows.collect::<Result<_, _>>()?;
        if rows.is_empty() && self.offset > 0 {
            let mut statement = self.reader.prepare_cached(&self.count(numbers))?;
            let used = values.iter().take(statement.parameter_count());
            let passed: i64 = statement.query_row(rusqlite::params_from_iter(used), |row| row.get(0))?;
            self.offset -= lookup::unsigned(passed).min(self.offset);
            return Ok(());
        }
        if !rows.is_empty() {
            self.offset = 0;
        }
        self.missing -= rows.len() as u64;
        self.found.append(&mut rows);
        Ok(())
    }

    fn kind(&self) -> Option<MessageType> {
        match self.query.sort {
            StatsSort::Total => None,
            StatsSort::Type(kind) => Some(kind),
        }
    }

    /// Number, beginning and text of the address before, type, part of the address; limit, offset.
    fn values(&self, numbers: Numbers, after: Option<&StatsCursor>) -> [Value; 7] {
        let number = match numbers {
            Numbers::One(number) | Numbers::Below(number) | Numbers::Above(number) => number,
            Numbers::Zero => 0,
        };
        let text = after.map_or("", |after| after.address.as_str());
        let kind = self
            .kind()
            .map_or(Value::Null, |kind| i64::from(kind.index()).into());
        [
            number.into(),
            address_start(text).into(),
            text.to_owned().into(),
            kind,
            self.contains.clone().map_or(Value::Null, Value::from),
            lookup::signed(self.missing).into(),
            lookup::signed(self.offset).into(),
        ]
    }

    fn from(&self, numbers: Numbers) -> String {
        let (table, kind) = match (self.kind(), numbers) {
            (None, _) => ("senders s", ""),
            (Some(_), Numbers::Zero) => (
                "senders s",
                " AND NOT EXISTS (SELECT 1 FROM sent t WHERE t.address = s.address AND t.type = ?4 AND t.n > 0)",
            ),
            (Some(_), _) => ("sent s", " AND s.type = ?4"),
        };
        let range = match numbers {
            Numbers::One(_) => "s.n = ?1 AND s.start >= ?2 AND (s.start > ?2 OR a.text > ?3)",
            Numbers::Below(_) => "s.n < ?1",
            Numbers::Above(_) => "s.n > ?1",
            Numbers::Zero => "s.start >= ?2 AND (s.start > ?2 OR a.text > ?3)",
        };
        let contains = match self.contains {
            Some(_) => " AND instr(lower(a.text), ?5) > 0",
            None => "",
        };
        format!(
            "FROM {table} CROSS JOIN addresses a ON a.id = s.address WHERE {range} AND s.n > 0{kind}{contains}"
        )
    }

    fn select(&self, numbers: Numbers) -> String {
        let order = match numbers {
            Numbers::Below(_) => "s.n DESC, s.start, a.text",
            Numbers::Above(_) => "s.n, s.start, a.text",
            Numbers::One(_) | Numbers::Zero => "s.start, a.text",
        };
        let from = self.from(numbers);
        format!("SELECT s.address, a.text {from} ORDER BY {order} LIMIT ?6 OFFSET ?7")
    }

    fn count(&self, numbers: Numbers) -> String {
        format!("SELECT count(*) {}", self.from(numbers))
    }
}
