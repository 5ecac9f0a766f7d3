//! What refers to what: edges between messages, delegations, and who was judged by them.

use rusqlite::{OptionalExtension, params};

use alephd_message::{ItemHash, Micros};
use alephd_rules::Position;

use super::{Row, Writer};
use crate::{StoreError, codec};

/// Why one message refers to a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum LinkKind {
    /// An amend and its original.
    Amend = 0,
    /// A FORGET and its target.
    Forget = 1,
    /// A STORE and the one it revises.
    Revision = 2,
    /// A machine and its volume.
    Volume = 3,
    /// A program and the one it replaces.
    Replaces = 4,
    /// A FORGET and the key of an aggregate.
    ForgetAggregate = 5,
    /// A STORE and its file, or a message and its content.
    File = 6,
    /// An element of an aggregate and its key, if that is an item hash.
    Element = 7,
}

impl LinkKind {
    fn from_index(index: u8) -> Result<Self, StoreError> {
        Ok(match index {
            0 => Self::Amend,
            1 => Self::Forget,
            2 => Self::Revision,
            3 => Self::Volume,
            4 => Self::Replaces,
            5 => Self::ForgetAggregate,
            6 => Self::File,
            7 => Self::Element,
            _ => return Err(StoreError::Damaged("edge kind")),
        })
    }
}

impl Writer {
    /// Records that a message refers to a name, known or not.
    pub fn link_insert(&mut self, source: i64, kind: LinkKind, target: &ItemHash) -> Result<(), StoreError> {
        if let Some(known) = &mut self.known {
            known.add_target(target);
        }
        self.connection
            .prepare_cached(
                "INSERT OR IGNORE INTO edges (prefix, kind, source, target) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![target.order_prefix(), kind as u8, source, target.key()])?;
        Ok(())
    }

    /// Who refers to a name.
    pub fn link_sources(&mut self, target: &ItemHash) -> Result<Vec<(LinkKind, i64)>, StoreError> {
        if self
            .known
            .as_ref()
            .is_some_and(|known| !known.may_be_target(target))
        {
            return Ok(Vec::new());
        }
        let mut statement = self
            .connection
            .prepare_cached("SELECT kind, source FROM edges WHERE prefix = ?1 AND target = ?2")?;
        let rows = statement.query_map(params![target.order_prefix(), target.key()], |row| {
            Ok((row.get::<_, u8>(0)?, row.get(1)?))
        })?;
        rows.map(|row| {
            let (kind, source) = row?;
            Ok((LinkKind::from_index(kind)?, source))
        })
        .collect()
    }

    /// Records that a message was judged by the delegations of `owner`.
    pub fn consult_insert(&mut self, owner: &str, row: &Row) -> Result<(), StoreError> {
        let owner = self.addresses.intern(&self.connection, owner)?;
        self.connection
            .prepare_cached(
                "INSERT OR IGNORE INTO consults (owner, time, prefix, message) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                owner,
                row.content_time.0,
                row.hash.order_prefix(),
                row.id
            ])?;
        Ok(())
    }

    /// Messages judged by the delegations of `owner` from a time on, up to the next element that
    /// replaces them.
    pub fn consults_between(
        &mut self,
        owner: &str,
        from: Micros,
        until: Option<Micros>,
    ) -> Result<Vec<i64>, StoreError> {
        let Some(owner) = self.addresses.find(&self.connection, owner)? else {
            return Ok(Vec::new());
        };
        let mut statement = self
            .connection
            .prepare_cached("SELECT message FROM consults WHERE owner = ?1 AND time BETWEEN ?2 AND ?3")?;
        let until = until.map_or(i64::MAX, |until| until.0);
        let rows = statement.query_map(params![owner, from.0, until], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Keeps the `authorizations` value of an element of a `security` aggregate.
    pub fn delegation_insert(&mut self, row: &Row, value: &str) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT OR IGNORE INTO delegations (owner, time, hash, message, value) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![row.owner_id, row.content_time.0, row.hash.key(), row.id, value])?;
        Ok(())
    }

    /// The `authorizations` value of `owner` as of a position: that of the last element before it
    /// which is accepted and not withdrawn before it. (A FORGET may withdraw the very grant that it
    /// rests on: that is withdrawn at its position, not before.)
    pub fn delegation_at(&mut self, owner: &str, position: &Position) -> Result<Option<String>, StoreError> {
        let Some(owner) = self.addresses.find(&self.connection, owner)? else {
            return Ok(None);
        };
        let mut statement = self.connection.prepare_cached(
            "SELECT d.value FROM delegations d JOIN messages m ON m.id = d.message
             WHERE d.owner = ?1 AND (d.time, d.hash) < (?2, ?3) AND m.accepted
               AND (m.withdrawn_time IS NULL OR (m.withdrawn_time, m.withdrawn_hash) >= (?2, ?3))
             ORDER BY d.time DESC, d.hash DESC LIMIT 1",
        )?;
        let value = statement
            .query_row(params![owner, position.time.0, position.hash.key()], |row| {
                row.get(0)
            })
            .optional()?;
        Ok(value)
    }

    /// Who may have been granted something by an owner's current `security` aggregate: rewrites
    /// the list by which grants are found from the other side.
    pub fn grantees_set(&mut self, owner: &str, grantees: &[String]) -> Result<(), StoreError> {
        let owner = self.addresses.intern(&self.connection, owner)?;
        self.connection
            .prepare_cached("DELETE FROM grantees WHERE owner = ?1")?
            .execute([owner])?;
        let mut statement = self
            .connection
            .prepare_cached("INSERT OR IGNORE INTO grantees (grantee, owner) VALUES (?1, ?2)")?;
        for grantee in grantees {
            statement.execute(params![grantee, owner])?;
        }
        Ok(())
    }

    /// Keeps what a program subscribes to.
    pub fn subscription_set(&mut self, row: &Row, value: Option<&str>) -> Result<(), StoreError> {
        match value {
            Some(value) => self
                .connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO subscriptions (message, time, value) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![row.id, row.content_time.0, value])?,
            None => self
                .connection
                .prepare_cached("DELETE FROM subscriptions WHERE message = ?1")?
                .execute([row.id])?,
        };
        Ok(())
    }

    /// The name of a message.
    pub fn message_hash(&mut self, id: i64) -> Result<ItemHash, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT hash FROM messages WHERE id = ?1")?;
        let key: Option<Vec<u8>> = statement.query_row([id], |row| row.get(0)).optional()?;
        codec::item_hash(&key.ok_or(StoreError::Damaged("message id"))?)
    }
}
