//! Pages of the lists that people look through: rows in the order of an index, a bounded part of it
//! at a time.

use std::{fmt, str::FromStr};

use rusqlite::{Connection, Row, ToSql};

use alephd_message::ItemHash;

use crate::StoreError;

/// Entries of an index that are read for one page. Where most of them do not belong to the list, a
/// page may be short and still not be the last.
const SCANNED: usize = 2_000;

/// A part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// Where the next part starts, if there may be one.
    pub next: Option<Place>,
}

/// The key of the last entry that a page has seen. Which numbers it has depends on the list; as a
/// text it is a cursor, valid on the node that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub(super) numbers: [i64; 3],
    pub(super) hash: Option<ItemHash>,
}

impl Place {
    pub(super) fn new(numbers: [i64; 3], hash: Option<ItemHash>) -> Self {
        Self { numbers, hash }
    }

    /// The key of the name in the database; before all others without one.
    pub(super) fn key(&self) -> &[u8] {
        self.hash.as_ref().map_or(&[], ItemHash::key)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, third] = self.numbers;
        write!(f, "{first}.{second}.{third}")?;
        match &self.hash {
            Some(hash) => write!(f, ".{hash}"),
            None => Ok(()),
        }
    }
}

/// A text that is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a place in a list")]
pub struct BadPlace;

impl FromStr for Place {
    type Err = BadPlace;

    fn from_str(text: &str) -> Result<Self, BadPlace> {
        let mut parts = text.splitn(4, '.');
        let mut number = || parts.next()?.parse::<i64>().ok();
        let numbers = [number(), number(), number()].map(|number| number.ok_or(BadPlace));
        let [first, second, third] = numbers;
        let hash = match parts.next() {
            None => None,
            Some(name) => Some(ItemHash::parse_strict(name).ok_or(BadPlace)?),
        };
        Ok(Self::new([first?, second?, third?], hash))
    }
}

/// Reads a page. `read` makes the place of an entry, and a row unless it does not belong to the list.
pub(super) fn page<T>(
    connection: &Connection,
    sql: &str,
    values: &[&dyn ToSql],
    limit: u64,
    mut read: impl FnMut(&Row<'_>) -> Result<(Place, Option<T>), StoreError>,
) -> Result<Page<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut entries = statement.query(values)?;
    let mut page = Page {
        rows: Vec::new(),
        next: None,
    };
    let mut last = None;
    let mut scanned = 0;
    while let Some(entry) = entries.next()? {
        if page.rows.len() as u64 >= limit || scanned >= SCANNED {
            page.next = last;
            break;
        }
        let (place, row) = read(entry)?;
        page.rows.extend(row);
        last = Some(place);
        scanned += 1;
    }
    Ok(page)
}

/// What SQLite does for a statement.
pub(super) fn explain(connection: &Connection, sql: &str) -> Result<String, StoreError> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
    let nulls = vec![rusqlite::types::Value::Null; statement.parameter_count()];
    let steps = statement.query_map(rusqlite::params_from_iter(nulls), |row| row.get::<_, String>(3))?;
    let steps: Vec<_> = steps.collect::<Result<_, _>>()?;
    Ok(format!("{} <- {sql}", steps.join("; ")))
}
