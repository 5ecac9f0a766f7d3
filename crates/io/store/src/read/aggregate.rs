//! Aggregates of one owner.

use rusqlite::{Connection, Row};

use alephd_message::{ItemHash, Micros};

use super::{lookup, stream};
use crate::{Reader, StoreError, codec};

/// The current state of an aggregate.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateRow {
    /// Its key.
    pub key: String,
    /// Its fields in the order of their names; the values are JSON, verbatim.
    pub fields: Vec<(String, String)>,
    /// Time of the first element.
    pub created: Micros,
    /// Time of the last element.
    pub updated: Micros,
    /// Name of the first element.
    pub first: ItemHash,
    /// Name of the last element.
    pub last: ItemHash,
}

/// What precedes the fields.
pub(super) struct Head {
    pub(super) id: i64,
    key: String,
    created: i64,
    updated: i64,
    first: Vec<u8>,
    last: Vec<u8>,
}

const HEAD: &str = "a.id, k.text, a.created, a.updated, f.hash, l.hash FROM aggregates a \
    JOIN names k ON k.id = a.key JOIN messages f ON f.id = a.first JOIN messages l ON l.id = a.last";

impl Reader {
    /// Aggregates of an owner, all or those with some keys, in the order of the keys. Unknown
    /// keys are left out.
    pub fn aggregate_get(
        &self,
        owner: &str,
        keys: Option<&[String]>,
    ) -> Result<Vec<AggregateRow>, StoreError> {
        self.snapshot(|reader| {
            let Some(owner) = lookup::address_id(reader, owner)? else {
                return Ok(Vec::new());
            };
            let heads = match keys {
                None => {
                    let sql = format!("SELECT {HEAD} WHERE a.owner = ?");
                    stream::rows(reader, &sql, &[&owner], Head::read)?
                }
                Some(keys) => {
                    let ids = lookup::ids(reader, keys, lookup::name_id)?.unwrap_or_default();
                    let heads = ids.into_iter().map(|key| head(reader, owner, key));
                    heads
                        .collect::<Result<Vec<_>, _>>()?
                        .into_iter()
                        .flatten()
                        .collect()
                }
            };
            let rows = heads.into_iter().map(|head: Head| head.with_fields(reader));
            let mut rows = rows.collect::<Result<Vec<_>, _>>()?;
            rows.sort_unstable_by(|a, b| a.key.cmp(&b.key));
            Ok(rows)
        })
    }
}

/// One aggregate by the ids of owner and key.
pub(super) fn head(connection: &Connection, owner: i64, key: i64) -> Result<Option<Head>, StoreError> {
    let sql = format!("SELECT {HEAD} WHERE a.owner = ? AND a.key = ?");
    Ok(stream::rows(connection, &sql, &[&owner, &key], Head::read)?
        .into_iter()
        .next())
}

impl Head {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            key: row.get(1)?,
            created: row.get(2)?,
            updated: row.get(3)?,
            first: row.get(4)?,
            last: row.get(5)?,
        })
    }

    pub(super) fn with_fields(self, connection: &Connection) -> Result<AggregateRow, StoreError> {
        let fields = stream::rows(
            connection,
            "SELECT field, value FROM aggregate_fields WHERE aggregate = ? ORDER BY field",
            &[&self.id],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        Ok(AggregateRow {
            key: self.key,
            fields,
            created: Micros(self.created),
            updated: Micros(self.updated),
            first: codec::item_hash(&self.first)?,
            last: codec::item_hash(&self.last)?,
        })
    }
}
