//! Why a message waits, was refused, or is gone.

use rusqlite::{OptionalExtension, params};

use alephd_message::{ErrorCode, ItemHash, Micros};

use super::{Row, Writer};
use crate::StoreError;

/// A message refused for its form or signature.
#[derive(Clone, Debug)]
pub struct Refused<'a> {
    /// The name it claimed.
    pub hash: &'a ItemHash,
    /// Why.
    pub code: ErrorCode,
    /// More, as JSON.
    pub details: Option<&'a str>,
    /// The wire object.
    pub message: &'a str,
}

/// The largest number of rejected messages kept for clients that ask.
const REFUSED_KEPT: i64 = 100_000;

impl Writer {
    /// Number of parked messages (waiting or refused) of a sender, up to `limit`.
    pub fn parked_of_sender(&mut self, row: &Row, limit: u32) -> Result<u32, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM messages WHERE sender = ?1 AND status IN (2, 3) LIMIT ?2)",
        )?;
        Ok(statement.query_row(params![row.sender_id, limit], |row| row.get(0))?)
    }

    /// Records by whom a message is forgotten; empty if it no longer is.
    pub fn tombstone_set(&mut self, row: &Row, forgotten_by: &[ItemHash]) -> Result<(), StoreError> {
        let old: Option<String> = self
            .connection
            .prepare_cached("SELECT forgotten_by FROM tombstones WHERE message = ?1")?
            .query_row([row.id], |row| row.get(0))
            .optional()?;
        let new: Vec<String> = forgotten_by.iter().map(ItemHash::to_string).collect();
        let new = new.join(" ");
        let old = old.unwrap_or_default();
        if old == new {
            return Ok(());
        }
        if !old.is_empty() {
            self.root_remove(&row.tombstone(&old));
        }
        if new.is_empty() {
            self.connection
                .prepare_cached("DELETE FROM tombstones WHERE message = ?1")?
                .execute([row.id])?;
        } else {
            self.root_add(&row.tombstone(&new));
            self.connection
                .prepare_cached("INSERT OR REPLACE INTO tombstones (message, forgotten_by) VALUES (?1, ?2)")?
                .execute(params![row.id, new])?;
        }
        Ok(())
    }

    /// The code and the time since which a message waits or is refused.
    pub fn verdict_get(&mut self, message: i64) -> Result<Option<ErrorCode>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT code FROM verdicts WHERE message = ?1")?;
        let code: Option<i16> = statement.query_row([message], |row| row.get(0)).optional()?;
        code.map(|code| ErrorCode::from_code(code).ok_or(StoreError::Damaged("error code")))
            .transpose()
    }

    /// Records why a message waits or is refused.
    pub fn verdict_set(
        &mut self,
        message: i64,
        code: ErrorCode,
        details: Option<&str>,
        now: Micros,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO verdicts (message, code, details, since) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (message) DO UPDATE SET code = ?2, details = ?3",
            )?
            .execute(params![message, code.code(), details, now.0])?;
        Ok(())
    }

    /// The message no longer waits.
    pub fn verdict_clear(&mut self, message: i64) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("DELETE FROM verdicts WHERE message = ?1")?
            .execute([message])?;
        Ok(())
    }

    /// Keeps a refused message for clients that ask; the oldest ones go when there are too many.
    pub fn refused_put(&mut self, refused: &Refused<'_>, now: Micros) -> Result<(), StoreError> {
        self.any_refused = true;
        self.connection
            .prepare_cached(
                "INSERT INTO refused (hash, reception, code, details, message) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (hash) DO UPDATE SET code = ?3, details = ?4",
            )?
            .execute(params![
                refused.hash.key(),
                now.0,
                refused.code.code(),
                refused.details,
                refused.message,
            ])?;
        let newest = self.connection.last_insert_rowid();
        self.connection
            .prepare_cached("DELETE FROM refused WHERE id <= ?1")?
            .execute([newest - REFUSED_KEPT])?;
        Ok(())
    }

    /// A good copy of a refused message arrived.
    pub fn refused_clear(&mut self, hash: &ItemHash) -> Result<(), StoreError> {
        if !self.any_refused {
            return Ok(());
        }
        self.connection
            .prepare_cached("DELETE FROM refused WHERE hash = ?1")?
            .execute([hash.key()])?;
        Ok(())
    }
}
