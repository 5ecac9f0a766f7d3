//! What the collector of unpaid messages and unkept files reads and does.

use std::sync::Arc;

use rusqlite::{OptionalExtension, params};

use alephd_message::{ItemHash, Micros, PaymentType};

use super::{PinKind, Writer};
use crate::{Counter, StoreError, codec};

/// A live message with a bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenBill {
    /// Id of its row.
    pub message: i64,
    /// How it is paid.
    pub payment: PaymentType,
    /// In the currency of the payment, in 10^-18.
    pub total: i128,
}

/// A file whose bytes are held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldFile {
    /// Its name.
    pub hash: ItemHash,
    /// When its bytes came.
    pub created: Micros,
    /// Why it is kept.
    pub pins: Vec<HeldPin>,
}

/// One reason to keep a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldPin {
    /// Which kind.
    pub kind: PinKind,
    /// Id and name of the message that keeps it, if one does.
    pub message: Option<(i64, ItemHash)>,
    /// End of a grace period.
    pub until: Option<Micros>,
}

impl Writer {
    /// Accounts with a bill, beyond an address id, with their ids.
    pub fn accounts_with_bills(
        &mut self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Arc<str>)>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT DISTINCT owner FROM costs WHERE owner > ?1 ORDER BY owner LIMIT ?2")?;
        let ids = statement.query_map(params![after, limit], |row| row.get(0))?;
        let ids: Vec<i64> = ids.collect::<Result<_, _>>()?;
        drop(statement);
        let text = |id| Ok((id, self.addresses.text(&self.connection, id)?));
        ids.into_iter().map(text).collect()
    }

    /// The bills of the live messages of an account.
    pub fn open_bills(&mut self, owner: &str) -> Result<Vec<OpenBill>, StoreError> {
        let Some(owner) = self.addresses.find(&self.connection, owner)? else {
            return Ok(Vec::new());
        };
        let mut statement = self
            .connection
            .prepare_cached("SELECT message, payment, total FROM costs WHERE owner = ?1 AND live = 1")?;
        let mut rows = statement.query([owner])?;
        let mut bills = Vec::new();
        while let Some(row) = rows.next()? {
            let payment = codec::payment(row.get(1)?)?;
            bills.push(OpenBill {
                message: row.get(0)?,
                payment: payment.ok_or(StoreError::Damaged("payment"))?,
                total: codec::amount(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?,
            });
        }
        Ok(bills)
    }

    /// Whether an account has a message that is about to be removed.
    pub fn has_removing(&mut self, owner: &str) -> Result<bool, StoreError> {
        let Some(owner) = self.addresses.find(&self.connection, owner)? else {
            return Ok(false);
        };
        let mut statement = self
            .connection
            .prepare_cached("SELECT 1 FROM messages WHERE status = 1 AND owner = ?1")?;
        Ok(statement.exists([owner])?)
    }

    /// Accounts with a message that has been about to be removed since `since` or longer.
    pub fn accounts_with_removing(&mut self, since: Micros, limit: u32) -> Result<Vec<Arc<str>>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT DISTINCT owner FROM messages WHERE status = 1 AND gone_at <= ?1 LIMIT ?2",
        )?;
        let ids = statement.query_map(params![since.0, limit], |row| row.get(0))?;
        let ids: Vec<i64> = ids.collect::<Result<_, _>>()?;
        drop(statement);
        ids.into_iter()
            .map(|id| self.addresses.text(&self.connection, id))
            .collect()
    }

    /// Remembers that a message was removed for want of payment.
    pub fn removal_insert(&mut self, message: &ItemHash, now: Micros) -> Result<(), StoreError> {
        self.any_removed = true;
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO removals (prefix, hash, time) VALUES (?1, ?2, ?3)")?
            .execute(params![message.order_prefix(), message.key(), now.0])?;
        Ok(())
    }

    /// When a message was removed for want of payment.
    pub fn removal_time(&mut self, hash: &ItemHash) -> Result<Option<Micros>, StoreError> {
        if !self.any_removed {
            return Ok(None);
        }
        let mut statement = self
            .connection
            .prepare_cached("SELECT time FROM removals WHERE prefix = ?1 AND hash = ?2")?;
        let time = statement.query_row(params![hash.order_prefix(), hash.key()], |row| row.get(0));
        Ok(time.optional()?.map(Micros))
    }

    /// Files that nothing keeps for good: those with a grace period that is over, and those without
    /// any pin.
    pub fn files_to_review(&mut self, now: Micros, limit: u32) -> Result<Vec<HeldFile>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT f.id, f.hash, f.created FROM files f
             WHERE f.id IN (SELECT file FROM pins WHERE delete_by IS NOT NULL AND delete_by <= ?1 LIMIT ?2)
                OR NOT EXISTS (SELECT 1 FROM pins p WHERE p.file = f.id) LIMIT ?2",
        )?;
        let rows = statement.query_map(params![now.0, limit], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
        let rows: Vec<(i64, Vec<u8>, i64)> = rows.collect::<Result<_, _>>()?;
        drop(statement);
        rows.into_iter()
            .map(|(id, hash, created)| {
                Ok(HeldFile {
                    hash: codec::item_hash(&hash)?,
                    created: Micros(created),
                    pins: self.pins_of(id)?,
                })
            })
            .collect()
    }

    fn pins_of(&mut self, file: i64) -> Result<Vec<HeldPin>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT kind, message, delete_by FROM pins WHERE file = ?1")?;
        let rows = statement.query_map([file], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let rows: Vec<(u8, i64, Option<i64>)> = rows.collect::<Result<_, _>>()?;
        drop(statement);
        rows.into_iter()
            .map(|(kind, message, until)| {
                let message = if message == 0 {
                    None
                } else {
                    Some((message, self.message_hash(message)?))
                };
                Ok(HeldPin {
                    kind: PinKind::from_index(kind)?,
                    message,
                    until: until.map(Micros),
                })
            })
            .collect()
    }

    /// The end of the grace period of a file, if it has one.
    pub fn grace_until(&mut self, file: &ItemHash) -> Result<Option<Micros>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT delete_by FROM pins WHERE file = (SELECT id FROM files WHERE hash = ?1) AND kind = ?2 AND message = 0",
        )?;
        let until = statement.query_row(params![file.key(), PinKind::Grace as u8], |row| row.get(0));
        Ok(until.optional()?.map(Micros))
    }

    /// Ends a grace period.
    pub fn grace_end(&mut self, file: &ItemHash) -> Result<(), StoreError> {
        let removed = self
            .connection
            .prepare_cached(
                "DELETE FROM pins WHERE file = (SELECT id FROM files WHERE hash = ?1) AND kind = ?2 AND message = 0",
            )?
            .execute(params![file.key(), PinKind::Grace as u8])?;
        if removed > 0 {
            self.count(Counter::Pins, -1);
        }
        Ok(())
    }

    /// The bytes of a file go after the commit: nothing may find them from now on.
    pub fn file_remove(&mut self, file: &ItemHash) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("DELETE FROM files WHERE hash = ?1")?
            .execute([file.key()])?;
        Ok(())
    }
}
