//! What follows from credit posts: the rows of transfers, and what is left of which credits.
//!
//! It is computed above; here only what has changed is written.

use std::collections::BTreeMap;

use rusqlite::params;

use alephd_economy::lots::{self, Book};
use alephd_message::Micros;
use alephd_rules::{CreditEntry, CreditKind};

use super::credits::details;
use crate::{
    StoreError,
    leaf::CreditLine,
    write::{Row, Writer},
};

/// Position of the post, its row.
type Place = (i64, Vec<u8>, i64);
/// What remains, until when.
type Rest = (i64, Option<i64>);

impl Writer {
    /// Makes these the rows of a transfer in the history. Accounts are ids of addresses.
    pub fn transfer_rows_set(&mut self, row: &Row, rows: &[lots::Row<&i64>]) -> Result<(), StoreError> {
        let mut lines = Vec::with_capacity(rows.len());
        for moved in rows {
            let other = moved.counterparty.copied().unwrap_or_default();
            let other = self.addresses.text(&self.connection, other)?;
            lines.push(CreditLine {
                line: i64::from(moved.index),
                kind: CreditKind::Transfer as u8,
                address: self.address_text(*moved.account)?,
                amount: i64::try_from(moved.amount).unwrap_or(i64::MAX),
                expiration: moved.expiration,
                details: details(&CreditEntry::of_transfer(&other)),
            });
        }
        if lines == self.credit_lines(row)? {
            return Ok(());
        }
        self.credit_lines_remove(row)?;
        for line in &lines {
            self.credit_insert(row, line)?;
        }
        Ok(())
    }

    /// Records what is left to an account after all rows of its history, which must be written
    /// before.
    pub fn lots_set(&mut self, account: i64, book: &Book<i64>) -> Result<(), StoreError> {
        let address = self.address_text(account)?;
        let Some(last) = self.history_end(&address)? else {
            for table in ["lots", "credit_accounts"] {
                let sql = format!("DELETE FROM {table} WHERE address = ?1");
                self.connection.prepare_cached(&sql)?.execute([&address])?;
            }
            return Ok(());
        };
        self.connection
            .prepare_cached(
                "INSERT INTO credit_accounts (address, last) VALUES (?1, ?2)
                 ON CONFLICT (address) DO UPDATE SET last = ?2 WHERE last <> ?2",
            )?
            .execute(params![address, last.0])?;
        let mut old = self.lots_of(&address)?;
        // Not what is left in the end: a void transfer has no rows, and yet time has passed.
        let state = book.account(&account, last);
        for lot in state.lots(last) {
            let (time, hash) = (lot.position.time.0, lot.position.hash.key().to_vec());
            let place = (time, hash, i64::from(lot.index));
            let remaining = i64::try_from(lot.remaining).unwrap_or(i64::MAX);
            let rest = (remaining, lot.expiration.map(|end| end.0));
            if old.remove(&place) != Some(rest) {
                self.lot_put(&address, &place, rest)?;
            }
        }
        let mut statement = self.connection.prepare_cached(
            "DELETE FROM lots WHERE address = ?1 AND time = ?2 AND hash = ?3 AND line = ?4",
        )?;
        for (time, hash, line) in old.into_keys() {
            statement.execute(params![address, time, hash, line])?;
        }
        Ok(())
    }

    fn history_end(&mut self, address: &str) -> Result<Option<Micros>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT max(time) FROM credits WHERE address = ?1")?;
        let last: Option<i64> = statement.query_row([address], |row| row.get(0))?;
        Ok(last.map(Micros))
    }

    fn lots_of(&mut self, address: &str) -> Result<BTreeMap<Place, Rest>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT time, hash, line, remaining, expiration FROM lots WHERE address = ?1")?;
        let rows = statement.query_map([address], |row| {
            let place = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((place, (row.get(3)?, row.get(4)?)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn lot_put(&mut self, address: &str, place: &Place, rest: Rest) -> Result<(), StoreError> {
        let (time, hash, line) = place;
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO lots (address, time, hash, line, remaining, expiration)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![address, time, hash, line, rest.0, rest.1])?;
        Ok(())
    }
}
