//! Aggregates: for each owner and key, the last value of every top-level field.
//!
//! The value of a field is that of the element with the greatest (content time, item hash) that
//! sets it. Superseded writes are remembered by name only, so that forgetting an element costs
//! what the element holds, not what the aggregate has ever held.

use rusqlite::{OptionalExtension, params};

use alephd_message::{Content, content::Body};
use alephd_rules::root::Leaf;

use super::{Row, Writer};
use crate::{Counter, StoreError, leaf};

/// A row of `aggregates`.
struct Head {
    id: i64,
    created: i64,
    updated: i64,
    first: i64,
    last: i64,
    elements: i64,
}

impl Writer {
    /// An element becomes live.
    pub fn aggregate_enter(&mut self, row: &Row, fields: &[(String, &str)]) -> Result<(), StoreError> {
        let old = self.aggregate_head(row)?;
        let id = match &old {
            Some(head) => head.id,
            None => self.aggregate_insert(row)?,
        };
        let position = (row.content_time.0, row.hash.key());
        self.connection
            .prepare_cached(
                "INSERT INTO aggregate_elements (aggregate, time, hash, message) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![id, position.0, position.1, row.id])?;
        for (field, value) in fields {
            self.field_write(row, id, field, value)?;
        }
        match old {
            None => {
                self.count(Counter::Aggregates, 1);
                let head = Head {
                    id,
                    created: position.0,
                    updated: position.0,
                    first: row.id,
                    last: row.id,
                    elements: 1,
                };
                self.head_leaf(row, &head, true)
            }
            Some(old) => {
                let mut new = Head {
                    elements: old.elements + 1,
                    ..old
                };
                if self.element_before(row, old.first, old.created)? {
                    (new.created, new.first) = (position.0, row.id);
                }
                if !self.element_before(row, old.last, old.updated)? {
                    (new.updated, new.last) = (position.0, row.id);
                }
                self.head_change(row, &old, &new)
            }
        }
    }

    /// An element is no longer live. `fields` names what it sets.
    pub fn aggregate_leave(&mut self, row: &Row, fields: &[&str]) -> Result<(), StoreError> {
        let Some(old) = self.aggregate_head(row)? else {
            return Ok(());
        };
        self.connection
            .prepare_cached(
                "DELETE FROM aggregate_elements WHERE aggregate = ?1 AND time = ?2 AND hash = ?3 AND message = ?4",
            )?
            .execute(params![old.id, row.content_time.0, row.hash.key(), row.id])?;
        for field in fields {
            self.field_unwrite(row, old.id, field)?;
        }
        if old.elements <= 1 {
            self.head_leaf(row, &old, false)?;
            self.connection
                .prepare_cached("DELETE FROM aggregates WHERE id = ?1")?
                .execute([old.id])?;
            self.count(Counter::Aggregates, -1);
            return Ok(());
        }
        let (created, first) = self.element_at_end(old.id, "ASC")?;
        let (updated, last) = self.element_at_end(old.id, "DESC")?;
        let new = Head {
            created,
            updated,
            first,
            last,
            elements: old.elements - 1,
            ..old
        };
        self.head_change(row, &old, &new)
    }

    /// Ids of the live elements of an aggregate.
    pub fn aggregate_elements(&mut self, owner: &str, key: &str) -> Result<Vec<i64>, StoreError> {
        let (Some(owner), Some(key)) = (
            self.addresses.find(&self.connection, owner)?,
            self.names.find(&self.connection, key)?,
        ) else {
            return Ok(Vec::new());
        };
        let mut statement = self.connection.prepare_cached(
            "SELECT e.message FROM aggregates a JOIN aggregate_elements e ON e.aggregate = a.id
             WHERE a.owner = ?1 AND a.key = ?2",
        )?;
        let ids = statement.query_map(params![owner, key], |row| row.get(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// The current value of one field of an aggregate.
    pub fn aggregate_field(&mut self, row: &Row, field: &str) -> Result<Option<String>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT f.value FROM aggregates a JOIN aggregate_fields f ON f.aggregate = a.id
             WHERE a.owner = ?1 AND a.key = ?2 AND f.field = ?3",
        )?;
        let value = statement.query_row(params![row.owner_id, row.label_id, field], |row| row.get(0));
        Ok(value.optional()?)
    }

    fn aggregate_head(&mut self, row: &Row) -> Result<Option<Head>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, created, updated, first, last, elements FROM aggregates WHERE owner = ?1 AND key = ?2",
        )?;
        let head = statement.query_row(params![row.owner_id, row.label_id], |row| {
            Ok(Head {
                id: row.get(0)?,
                created: row.get(1)?,
                updated: row.get(2)?,
                first: row.get(3)?,
                last: row.get(4)?,
                elements: row.get(5)?,
            })
        });
        Ok(head.optional()?)
    }

    fn aggregate_insert(&mut self, row: &Row) -> Result<i64, StoreError> {
        let id = self
            .connection
            .prepare_cached(
                "INSERT INTO aggregates (owner, key, created, updated, first, last, elements)
                 VALUES (?1, ?2, ?3, ?3, ?4, ?4, 1)",
            )?
            .insert(params![row.owner_id, row.label_id, row.content_time.0, row.id])?;
        Ok(id)
    }

    /// Whether `row` precedes the element `other`, whose time is given.
    fn element_before(&mut self, row: &Row, other: i64, time: i64) -> Result<bool, StoreError> {
        if row.content_time.0 != time {
            return Ok(row.content_time.0 < time);
        }
        let hash = self.message_hash(other)?;
        Ok(row.hash.key() < hash.key())
    }

    fn element_at_end(&mut self, aggregate: i64, order: &str) -> Result<(i64, i64), StoreError> {
        let sql = format!(
            "SELECT time, message FROM aggregate_elements WHERE aggregate = ?1
             ORDER BY time {order}, hash {order} LIMIT 1"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement.query_row([aggregate], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    fn head_change(&mut self, row: &Row, old: &Head, new: &Head) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "UPDATE aggregates SET created = ?2, updated = ?3, first = ?4, last = ?5, elements = ?6 WHERE id = ?1",
            )?
            .execute(params![new.id, new.created, new.updated, new.first, new.last, new.elements])?;
        if (old.first, old.last) != (new.first, new.last) {
            self.head_leaf(row, old, false)?;
            self.head_leaf(row, new, true)?;
        }
        Ok(())
    }

    fn head_leaf(&mut self, row: &Row, head: &Head, add: bool) -> Result<(), StoreError> {
        let first = self.message_hash(head.first)?;
        let last = self.message_hash(head.last)?;
        let key = row.label.as_deref().unwrap_or_default();
        let leaf = leaf::aggregate(&row.owner, key, first.key(), last.key());
        if add {
            self.root_add(&leaf)
        } else {
            self.root_remove(&leaf)
        }
        Ok(())
    }

    fn field_write(&mut self, row: &Row, aggregate: i64, field: &str, value: &str) -> Result<(), StoreError> {
        let current = self.field_current(aggregate, field)?;
        if let Some(current) = &current {
            let new_position = (row.content_time.0, row.hash.key());
            if new_position < (current.time, &current.hash) {
                return self.loser_insert(aggregate, field, new_position, row.id);
            }
            self.loser_insert(aggregate, field, (current.time, &current.hash), current.message)?;
            self.root_remove(&field_leaf(row, field, &current.hash, &current.value));
        }
        self.root_add(&field_leaf(row, field, row.hash.key(), value));
        self.field_put(
            aggregate,
            field,
            (row.content_time.0, row.hash.key()),
            row.id,
            value,
        )
    }

    fn field_unwrite(&mut self, row: &Row, aggregate: i64, field: &str) -> Result<(), StoreError> {
        let Some(current) = self.field_current(aggregate, field)? else {
            return Ok(());
        };
        if current.message != row.id {
            return self.loser_remove(aggregate, field, (row.content_time.0, row.hash.key()), row.id);
        }
        self.root_remove(&field_leaf(row, field, &current.hash, &current.value));
        let mut statement = self.connection.prepare_cached(
            "SELECT time, hash, message FROM aggregate_losers WHERE aggregate = ?1 AND field = ?2
             ORDER BY time DESC, hash DESC LIMIT 1",
        )?;
        let next: Option<(i64, Vec<u8>, i64)> = statement
            .query_row(params![aggregate, field], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        drop(statement);
        let Some((time, hash, message)) = next else {
            self.connection
                .prepare_cached("DELETE FROM aggregate_fields WHERE aggregate = ?1 AND field = ?2")?
                .execute(params![aggregate, field])?;
            return Ok(());
        };
        self.loser_remove(aggregate, field, (time, &hash), message)?;
        let value = self.field_value(message, field)?;
        self.root_add(&field_leaf(row, field, &hash, &value));
        self.field_put(aggregate, field, (time, &hash), message, &value)
    }

    /// The value that an element gives to a field.
    fn field_value(&mut self, message: i64, field: &str) -> Result<String, StoreError> {
        let row = self.message_load(message)?;
        let text = row
            .content_text()
            .ok_or(StoreError::Damaged("element without content"))?;
        let content = Content::parse(row.message_type, text)
            .map_err(|_| StoreError::Damaged("element with invalid content"))?;
        let Body::Aggregate(aggregate) = content.body else {
            return Err(StoreError::Damaged("element of another type"));
        };
        let value = aggregate.fields.into_iter().find(|(name, _)| name == field);
        let (_, value) = value.ok_or(StoreError::Damaged("element without its field"))?;
        Ok(value.get().to_owned())
    }

    fn field_current(&mut self, aggregate: i64, field: &str) -> Result<Option<Current>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT time, hash, message, value FROM aggregate_fields WHERE aggregate = ?1 AND field = ?2",
        )?;
        let current = statement.query_row(params![aggregate, field], |row| {
            Ok(Current {
                time: row.get(0)?,
                hash: row.get(1)?,
                message: row.get(2)?,
                value: row.get(3)?,
            })
        });
        Ok(current.optional()?)
    }

    fn field_put(
        &mut self,
        aggregate: i64,
        field: &str,
        position: (i64, &[u8]),
        message: i64,
        value: &str,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO aggregate_fields (aggregate, field, time, hash, message, value)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![aggregate, field, position.0, position.1, message, value])?;
        Ok(())
    }

    fn loser_insert(
        &mut self,
        aggregate: i64,
        field: &str,
        position: (i64, &[u8]),
        message: i64,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT OR IGNORE INTO aggregate_losers (aggregate, field, time, hash, message)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![aggregate, field, position.0, position.1, message])?;
        Ok(())
    }

    fn loser_remove(
        &mut self,
        aggregate: i64,
        field: &str,
        position: (i64, &[u8]),
        message: i64,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "DELETE FROM aggregate_losers WHERE aggregate = ?1 AND field = ?2 AND time = ?3 AND hash = ?4
                    AND message = ?5",
            )?
            .execute(params![aggregate, field, position.0, position.1, message])?;
        Ok(())
    }
}

/// A row of `aggregate_fields`.
struct Current {
    time: i64,
    hash: Vec<u8>,
    message: i64,
    value: String,
}

fn field_leaf(row: &Row, field: &str, element: &[u8], value: &str) -> Leaf {
    let key = row.label.as_deref().unwrap_or_default();
    leaf::field(&row.owner, key, field, element, value)
}
