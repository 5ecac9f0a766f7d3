//! Money facts: reported balances and the lines of credit posts.

use rusqlite::{OptionalExtension, params};
use serde_json::{Map, Value, json};

use alephd_rules::{BalanceUpdate, CreditEntry, root::Leaf};

use super::{Row, Writer};
use crate::{
    StoreError,
    leaf::{self, CreditLine},
};

/// A row of `balances`.
struct Balance {
    balance: String,
    height: i64,
    message: i64,
}

impl Writer {
    /// Takes over what a balance report says where it is newer than what is known: greater height
    /// first, then the smaller position.
    pub fn balances_apply(&mut self, row: &Row, update: &BalanceUpdate) -> Result<(), StoreError> {
        let dapp = match &update.dapp {
            Some(dapp) => self.names.intern(&self.connection, dapp)?,
            None => 0,
        };
        for entry in &update.entries {
            let known = self.balance_row(&entry.address, update.chain.index(), dapp)?;
            if let Some(known) = &known {
                if !self.report_wins(row, update.height, known)? {
                    continue;
                }
                self.root_remove(&balance_leaf(
                    update,
                    &entry.address,
                    &known.balance,
                    known.height,
                ));
            }
            self.root_add(&balance_leaf(
                update,
                &entry.address,
                &entry.balance,
                update.height,
            ));
            self.connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO balances (address, chain, dapp, balance, height, message)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![
                    entry.address,
                    update.chain.index(),
                    dapp,
                    entry.balance,
                    update.height,
                    row.id
                ])?;
        }
        Ok(())
    }

    fn report_wins(&mut self, row: &Row, height: i64, known: &Balance) -> Result<bool, StoreError> {
        if height != known.height || known.message == row.id {
            return Ok(height > known.height);
        }
        let other = self.message_load(known.message)?;
        Ok(row.position() < other.position())
    }

    /// Takes back what a report said. Returns the ids of reports of the same owner, which must be
    /// applied again.
    pub fn balances_withdraw(&mut self, row: &Row, update: &BalanceUpdate) -> Result<Vec<i64>, StoreError> {
        let dapp = match &update.dapp {
            Some(dapp) => self.names.intern(&self.connection, dapp)?,
            None => 0,
        };
        for entry in &update.entries {
            let known = self.balance_row(&entry.address, update.chain.index(), dapp)?;
            let Some(known) = known.filter(|known| known.message == row.id) else {
                continue;
            };
            self.root_remove(&balance_leaf(
                update,
                &entry.address,
                &known.balance,
                known.height,
            ));
            self.connection
                .prepare_cached("DELETE FROM balances WHERE address = ?1 AND chain = ?2 AND dapp = ?3")?
                .execute(params![entry.address, update.chain.index(), dapp])?;
        }
        let mut statement = self.connection.prepare_cached(
            "SELECT id FROM messages WHERE accepted AND type = ?1 AND label = ?2 AND id <> ?3",
        )?;
        let ids = statement.query_map(params![row.message_type.index(), row.label_id, row.id], |row| {
            row.get(0)
        })?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    fn balance_row(&mut self, address: &str, chain: u8, dapp: i64) -> Result<Option<Balance>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT balance, height, message FROM balances WHERE address = ?1 AND chain = ?2 AND dapp = ?3",
        )?;
        let found = statement.query_row(params![address, chain, dapp], |row| {
            Ok(Balance {
                balance: row.get(0)?,
                height: row.get(1)?,
                message: row.get(2)?,
            })
        });
        Ok(found.optional()?)
    }

    /// Adds the lines of a credit post.
    pub fn credits_apply(&mut self, row: &Row, entries: &[CreditEntry]) -> Result<(), StoreError> {
        for (line, entry) in entries.iter().enumerate() {
            self.credit_insert(row, &credit_line(line, entry))?;
        }
        Ok(())
    }

    /// Adds one line of a credit post; nothing happens if it is there already.
    pub(super) fn credit_insert(&mut self, row: &Row, line: &CreditLine) -> Result<(), StoreError> {
        let added = self
            .connection
            .prepare_cached(
                "INSERT OR IGNORE INTO credits (address, time, message, line, kind, amount, expiration, details)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                line.address,
                row.content_time.0,
                row.id,
                line.line,
                line.kind,
                line.amount,
                line.expiration.map(|time| time.0),
                line.details,
            ])?;
        if added > 0 {
            self.root_add(&leaf::credit(&row.hash, line));
        }
        Ok(())
    }

    /// Takes back the lines of a credit post that is no longer acceptable.
    pub fn credits_withdraw(&mut self, row: &Row, entries: &[CreditEntry]) -> Result<(), StoreError> {
        for (line, entry) in entries.iter().enumerate() {
            let line = credit_line(line, entry);
            let removed = self
                .connection
                .prepare_cached(
                    "DELETE FROM credits WHERE address = ?1 AND time = ?2 AND message = ?3 AND line = ?4",
                )?
                .execute(params![entry.address, row.content_time.0, row.id, line.line])?;
            if removed > 0 {
                self.root_remove(&leaf::credit(&row.hash, &line));
            }
        }
        Ok(())
    }

    /// Whether a post has lines in the ledger.
    pub fn credits_exist(&mut self, row: &Row) -> Result<bool, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT 1 FROM credits WHERE message = ?1")?;
        Ok(statement.exists([row.id])?)
    }
}

fn balance_leaf(update: &BalanceUpdate, address: &str, balance: &str, height: i64) -> Leaf {
    leaf::balance(
        address,
        update.chain.index(),
        update.dapp.as_deref(),
        balance,
        height,
    )
}

fn credit_line(line: usize, entry: &CreditEntry) -> CreditLine {
    CreditLine {
        line: i64::try_from(line).unwrap_or(i64::MAX),
        kind: entry.kind as u8,
        address: entry.address.clone(),
        amount: entry.amount,
        expiration: entry.expiration,
        details: details(entry).to_string(),
    }
}

/// The descriptive columns of a line, as the API lists them; absent ones are left out.
fn details(entry: &CreditEntry) -> Value {
    let mut map = Map::new();
    let texts = [
        ("counterparty", &entry.counterparty),
        ("price", &entry.price),
        ("tx_hash", &entry.tx_hash),
        ("token", &entry.token),
        ("chain", &entry.chain),
        ("provider", &entry.provider),
        ("origin", &entry.origin),
        ("origin_ref", &entry.origin_ref),
        ("payment_method", &entry.payment_method),
        ("expense_size_mib", &entry.size_mib),
    ];
    for (key, value) in texts {
        if let Some(value) = value {
            map.insert(key.to_owned(), json!(value));
        }
    }
    for (key, value) in [
        ("bonus_amount", entry.bonus_amount),
        ("expense_count", entry.count),
    ] {
        if let Some(value) = value {
            map.insert(key.to_owned(), json!(value));
        }
    }
    Value::Object(map)
}
