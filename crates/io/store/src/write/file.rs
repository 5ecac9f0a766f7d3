//! Files: what is held, why it is kept, and the names it has.

use rusqlite::{OptionalExtension, params};

use alephd_message::{ItemHash, Micros};

use super::{Row, Writer};
use crate::{Counter, StoreError, codec, leaf, read::FileKind};

/// Why a file is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PinKind {
    /// It is the content of a message.
    Content = 0,
    /// A STORE names it.
    Message = 1,
    /// It is an archive of a chain.
    Archive = 2,
    /// It was uploaded and waits for a STORE.
    Grace = 3,
}

impl PinKind {
    pub(super) fn from_index(index: u8) -> Result<Self, StoreError> {
        Ok(match index {
            0 => Self::Content,
            1 => Self::Message,
            2 => Self::Archive,
            3 => Self::Grace,
            _ => return Err(StoreError::Damaged("pin kind")),
        })
    }
}

impl Writer {
    /// Records that the bytes of a file or directory are held, since `now` if that is news.
    pub fn file_insert(
        &mut self,
        hash: &ItemHash,
        size: u64,
        kind: FileKind,
        now: Micros,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT OR IGNORE INTO files (hash, size, kind, created) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                hash.key(),
                i64::try_from(size).unwrap_or(i64::MAX),
                kind as u8,
                now.0
            ])?;
        Ok(())
    }

    /// Size of a file that is held.
    pub fn file_size(&mut self, hash: &ItemHash) -> Result<Option<u64>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT size FROM files WHERE hash = ?1")?;
        let size: Option<i64> = statement.query_row([hash.key()], |row| row.get(0)).optional()?;
        Ok(size.map(|size| size.unsigned_abs()))
    }

    /// Keeps an uploaded file until `delete_by`.
    pub fn pin_grace(&mut self, hash: &ItemHash, now: Micros, delete_by: Micros) -> Result<(), StoreError> {
        let Some(file) = self.file_id(hash)? else {
            return Ok(());
        };
        let added = self
            .connection
            .prepare_cached(
                "INSERT INTO pins (file, kind, message, created, prefix, delete_by) VALUES (?1, ?2, 0, ?3, ?4, ?5)
                 ON CONFLICT (file, kind, message) DO NOTHING",
            )?
            .execute(params![file, PinKind::Grace as u8, now.0, hash.order_prefix(), delete_by.0])?;
        if added > 0 {
            self.count(Counter::Pins, 1);
        } else {
            self.connection
                .prepare_cached("UPDATE pins SET delete_by = max(delete_by, ?3) WHERE file = ?1 AND kind = ?2 AND message = 0")?
                .execute(params![file, PinKind::Grace as u8, delete_by.0])?;
        }
        Ok(())
    }

    /// Keeps a file for a message.
    pub fn pin_insert(&mut self, row: &Row, kind: PinKind, file: &ItemHash) -> Result<(), StoreError> {
        let Some(file_id) = self.file_id(file)? else {
            return Ok(());
        };
        let owner = if kind == PinKind::Content {
            row.sender_id
        } else {
            row.owner_id
        };
        let added = self
            .connection
            .prepare_cached(
                "INSERT OR IGNORE INTO pins (file, kind, message, owner, created, prefix) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![file_id, kind as u8, row.id, owner, row.content_time.0, row.hash.order_prefix()])?;
        if added > 0 {
            self.count_pin(kind, owner, file, 1)?;
        }
        Ok(())
    }

    /// No longer keeps a file for a message.
    pub fn pin_remove(&mut self, row: &Row, kind: PinKind, file: &ItemHash) -> Result<(), StoreError> {
        let Some(file_id) = self.file_id(file)? else {
            return Ok(());
        };
        let removed = self
            .connection
            .prepare_cached("DELETE FROM pins WHERE file = ?1 AND kind = ?2 AND message = ?3")?
            .execute(params![file_id, kind as u8, row.id])?;
        if removed > 0 {
            let owner = if kind == PinKind::Content {
                row.sender_id
            } else {
                row.owner_id
            };
            self.count_pin(kind, owner, file, -1)?;
        }
        Ok(())
    }

    /// Gives a name to the file of a STORE.
    pub fn tag_insert(&mut self, tag: &str, row: &Row) -> Result<(), StoreError> {
        let old = self.tag_current(tag)?;
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO tags (tag, time, hash, message) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![tag, row.content_time.0, row.hash.key(), row.id])?;
        self.tag_leaf_change(tag, old)
    }

    /// Takes a name from the file of a STORE; an earlier version becomes current again.
    pub fn tag_remove(&mut self, tag: &str, row: &Row) -> Result<(), StoreError> {
        let old = self.tag_current(tag)?;
        self.connection
            .prepare_cached("DELETE FROM tags WHERE tag = ?1 AND time = ?2 AND hash = ?3 AND message = ?4")?
            .execute(params![tag, row.content_time.0, row.hash.key(), row.id])?;
        self.tag_leaf_change(tag, old)
    }

    /// The STORE whose file has a name.
    pub fn tag_current(&mut self, tag: &str) -> Result<Option<ItemHash>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT hash FROM tags WHERE tag = ?1 ORDER BY time DESC, hash DESC LIMIT 1")?;
        let key: Option<Vec<u8>> = statement.query_row([tag], |row| row.get(0)).optional()?;
        key.map(|key| codec::item_hash(&key)).transpose()
    }

    fn tag_leaf_change(&mut self, tag: &str, old: Option<ItemHash>) -> Result<(), StoreError> {
        let new = self.tag_current(tag)?;
        if old == new {
            return Ok(());
        }
        if let Some(old) = old {
            self.root_remove(&leaf::tag(tag, old.key()));
        }
        if let Some(new) = new {
            self.root_add(&leaf::tag(tag, new.key()));
        }
        Ok(())
    }

    fn file_id(&mut self, hash: &ItemHash) -> Result<Option<i64>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT id FROM files WHERE hash = ?1")?;
        Ok(statement.query_row([hash.key()], |row| row.get(0)).optional()?)
    }

    fn count_pin(&mut self, kind: PinKind, owner: i64, file: &ItemHash, sign: i64) -> Result<(), StoreError> {
        self.count(Counter::Pins, sign);
        if kind == PinKind::Message {
            let size = self.file_size(file)?.unwrap_or(0);
            self.count(Counter::Files(owner), sign);
            self.count(
                Counter::FileBytes(owner),
                sign * i64::try_from(size).unwrap_or(i64::MAX),
            );
        }
        Ok(())
    }
}
