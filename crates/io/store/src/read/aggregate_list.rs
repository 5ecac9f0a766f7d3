//! Lists of aggregates of many owners.

use rusqlite::{Connection, OptionalExtension};

use alephd_message::Micros;

use super::{
    aggregate,
    aggregate::AggregateRow,
    filter::Order,
    lookup,
    plan::MAX_COLLECTED,
    stream::{Columns, Conditions, Entry, Stream},
    window::{Reading, Span, Ties},
};
use crate::{Counter, Reader, StoreError};

/// Which aggregates are wanted; an empty list is no condition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AggregateFilter {
    /// Keys.
    pub keys: Vec<String>,
    /// Owners.
    pub owners: Vec<String>,
}

/// Primary column of a list of aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateSort {
    /// Time of the last element.
    Updated,
    /// Time of the first element.
    Created,
}

/// Place after which a list goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateCursor {
    /// Primary column.
    pub time: Micros,
    /// Key.
    pub key: String,
    /// Owner.
    pub owner: String,
}

/// A page of a list of aggregates. Equal times are in an order of keys, then owners, that is
/// stable on one node but is not that of the texts.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateQuery {
    /// Which.
    pub filter: AggregateFilter,
    /// Primary column.
    pub sort: AggregateSort,
    /// Its direction.
    pub order: Order,
    /// The row before the page; the offset does not count then.
    pub after: Option<AggregateCursor>,
    /// Rows before the page.
    pub offset: u64,
    /// Rows on the page.
    pub limit: u64,
}

/// An aggregate in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateItem {
    /// Its owner.
    pub owner: String,
    /// The aggregate.
    pub aggregate: AggregateRow,
}

impl Reader {
    /// Aggregates by the time of their first or last element.
    pub fn aggregate_list(&self, query: &AggregateQuery) -> Result<Vec<AggregateItem>, StoreError> {
        self.snapshot(|reader| {
            let span = match &query.after {
                None => Span {
                    after: None,
                    after_hash: None,
                    offset: query.offset,
                    limit: query.limit,
                },
                Some(cursor) => Span {
                    after: Some(place(reader, cursor)?),
                    after_hash: None,
                    offset: 0,
                    limit: query.limit,
                },
            };
            let reading = Reading {
                connection: reader,
                order: query.order,
                ties: Ties::Id,
            };
            let entries = match Scope::resolve(reader, &query.filter)? {
                None => Vec::new(),
                Some(scope) => match scope.collected(reader, query.sort)? {
                    Some(streams) => reading.collect(&streams, &span)?,
                    None => reading.merge(&[scope.scanned(query.sort)], &span)?,
                },
            };
            entries.iter().map(|entry| item(reader, entry)).collect()
        })
    }

    /// Number of aggregates that match.
    pub fn aggregate_count(&self, filter: &AggregateFilter) -> Result<u64, StoreError> {
        self.snapshot(|reader| {
            let Some(scope) = Scope::resolve(reader, filter)? else {
                return Ok(0);
            };
            let streams = scope.ranges(AggregateSort::Updated);
            match streams.is_empty() {
                true => lookup::counter(reader, Counter::Aggregates),
                false => streams.iter().map(|stream| stream.count(reader)).sum(),
            }
        })
    }

    /// How SQLite reads such a list.
    pub fn aggregate_explain(&self, query: &AggregateQuery) -> Result<Vec<String>, StoreError> {
        self.snapshot(|reader| {
            let Some(scope) = Scope::resolve(reader, &query.filter)? else {
                return Ok(Vec::new());
            };
            let mut plans = scope.scanned(query.sort).explain(reader, query.order, true)?;
            for stream in scope.ranges(query.sort) {
                plans.extend(stream.explain(reader, query.order, false)?);
            }
            Ok(plans)
        })
    }
}

/// A filter with its texts resolved to ids.
struct Scope {
    keys: Option<Vec<i64>>,
    owners: Option<Vec<i64>>,
}

impl Scope {
    /// `None` if nothing can match.
    fn resolve(connection: &Connection, filter: &AggregateFilter) -> Result<Option<Self>, StoreError> {
        let keys = lookup::ids(connection, &filter.keys, lookup::name_id)?;
        let owners = lookup::ids(connection, &filter.owners, lookup::address_id)?;
        let unknown = [&keys, &owners].into_iter().flatten().any(Vec::is_empty);
        Ok((!unknown).then_some(Self { keys, owners }))
    }

    /// The ranges of an index that hold exactly what matches, in no order; none without a filter.
    fn ranges(&self, sort: AggregateSort) -> Vec<Stream> {
        let mut ranges = Vec::new();
        match (&self.owners, &self.keys) {
            (None, None) => {}
            (None, Some(keys)) => {
                let range = |key: &i64| {
                    let from = "aggregates a INDEXED BY aggregates_key";
                    stream(sort, from, Conditions::new("a.key = ?", [*key]))
                };
                ranges.extend(keys.iter().map(range));
            }
            (Some(owners), keys) => {
                for owner in owners {
                    let mut conditions = Conditions::new("a.owner = ?", [*owner]);
                    if let Some(keys) = keys {
                        conditions.and_list("a.key IN (SELECT value FROM json_each(?))", keys);
                    }
                    let from = "aggregates a INDEXED BY sqlite_autoindex_aggregates_1";
                    ranges.push(stream(sort, from, conditions));
                }
            }
        }
        ranges
    }

    /// The ranges, if they are few enough to be sorted.
    fn collected(
        &self,
        connection: &Connection,
        sort: AggregateSort,
    ) -> Result<Option<Vec<Stream>>, StoreError> {
        let ranges = self.ranges(sort);
        let mut rows = 0;
        for range in &ranges {
            rows += range.count(connection)?;
            if rows > MAX_COLLECTED {
                return Ok(None);
            }
        }
        Ok((!ranges.is_empty()).then_some(ranges))
    }

    /// All aggregates in order, filtered.
    fn scanned(&self, sort: AggregateSort) -> Stream {
        let mut conditions = Conditions::new("TRUE", []);
        for (column, ids) in [("a.key", &self.keys), ("a.owner", &self.owners)] {
            if let Some(ids) = ids {
                conditions.and_list(&format!("+{column} IN (SELECT value FROM json_each(?))"), ids);
            }
        }
        let from = match sort {
            AggregateSort::Updated => "aggregates a INDEXED BY aggregates_updated",
            AggregateSort::Created => "aggregates a INDEXED BY aggregates_created",
        };
        stream(sort, from, conditions)
    }
}

/// Key and owner stand in the columns of a prefix and an id: together they name the row.
fn stream(sort: AggregateSort, from: &str, conditions: Conditions) -> Stream {
    let time = match sort {
        AggregateSort::Updated => "a.updated",
        AggregateSort::Created => "a.created",
    };
    Stream {
        from: from.to_owned(),
        columns: Columns {
            sort: None,
            time,
            prefix: "a.key",
            id: "a.owner",
        },
        conditions,
        bounds: (i64::MIN, i64::MAX),
    }
}

/// A cursor that names an unknown key or owner shows rows of its time again rather than none.
fn place(connection: &Connection, cursor: &AggregateCursor) -> Result<Entry, StoreError> {
    let key = lookup::name_id(connection, &cursor.key)?;
    let owner = lookup::address_id(connection, &cursor.owner)?;
    let (prefix, id) = key.zip(owner).unwrap_or((i64::MIN, i64::MIN));
    Ok(Entry {
        sort: 0,
        time: cursor.time.0,
        prefix,
        id,
    })
}

fn item(connection: &Connection, entry: &Entry) -> Result<AggregateItem, StoreError> {
    let head = aggregate::head(connection, entry.id, entry.prefix)?;
    let head = head.ok_or(StoreError::Damaged("aggregate"))?;
    let mut statement = connection.prepare_cached("SELECT text FROM addresses WHERE id = ?")?;
    let owner = statement.query_row([entry.id], |row| row.get(0)).optional()?;
    let owner = owner.ok_or(StoreError::Damaged("address id"))?;
    Ok(AggregateItem {
        owner,
        aggregate: head.with_fields(connection)?,
    })
}
