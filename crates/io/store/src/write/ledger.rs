//! Money facts: reported balances and the lines of credit posts.

use rusqlite::{OptionalExtension, params};
use serde_json::{Map, Value, json};

use alephd_rules::{BalanceUpdate, CreditEntry, root::Leaf};

use super::{Row, Writer};
use crate::{
    StoreError,
    leaf::{self, CreditLine},
};

/// What counts as the balance of an address on a chain.
#[derive(PartialEq)]
struct Balance {
    balance: String,
    height: i64,
}

/// Whose balance a report is about, where.
#[derive(Clone, Copy)]
struct Account<'a> {
    address: &'a str,
    chain: u8,
    dapp: i64,
}

impl Writer {
    /// Adds what a balance report says. Of several reports about an address the one of the
    /// greatest height counts, then the one of the smallest position.
    pub fn balances_apply(&mut self, row: &Row, update: &BalanceUpdate) -> Result<(), StoreError> {
        self.balances_change(
            row,
            update,
            "INSERT OR IGNORE INTO balance_reports (address, chain, dapp, height, time, hash, message, balance)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
    }

    /// Takes back what a report said.
    pub fn balances_withdraw(&mut self, row: &Row, update: &BalanceUpdate) -> Result<(), StoreError> {
        self.balances_change(
            row,
            update,
            "DELETE FROM balance_reports WHERE address = ?1 AND chain = ?2 AND dapp = ?3 AND height = ?4
                AND time = ?5 AND hash = ?6 AND message = ?7 AND balance = ?8",
        )
    }

    fn balances_change(&mut self, row: &Row, update: &BalanceUpdate, sql: &str) -> Result<(), StoreError> {
        let dapp = match &update.dapp {
            Some(dapp) => self.names.intern(&self.connection, dapp)?,
            None => 0,
        };
        for entry in &update.entries {
            let account = Account {
                address: &entry.address,
                chain: update.chain.index(),
                dapp,
            };
            self.connection.prepare_cached(sql)?.execute(params![
                account.address,
                account.chain,
                account.dapp,
                update.height,
                row.content_time.0,
                row.hash.key(),
                row.id,
                entry.balance,
            ])?;
            self.balance_refresh(account, update.dapp.as_deref())?;
        }
        Ok(())
    }

    /// Makes the report that counts the current one.
    fn balance_refresh(&mut self, account: Account<'_>, dapp: Option<&str>) -> Result<(), StoreError> {
        let key = params![account.address, account.chain, account.dapp];
        let read = |sql: &str| -> Result<Option<Balance>, StoreError> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let found = statement.query_row(key, |row| {
                Ok(Balance {
                    balance: row.get(0)?,
                    height: row.get(1)?,
                })
            });
            Ok(found.optional()?)
        };
        let old =
            read("SELECT balance, height FROM balances WHERE address = ?1 AND chain = ?2 AND dapp = ?3")?;
        let new = read(
            "SELECT balance, height FROM balance_reports WHERE address = ?1 AND chain = ?2 AND dapp = ?3
             ORDER BY height DESC, time, hash, message LIMIT 1",
        )?;
        if old == new {
            return Ok(());
        }
        if let Some(old) = &old {
            self.root_remove(&balance_leaf(account, dapp, old));
        }
        let Some(new) = new else {
            self.connection
                .prepare_cached("DELETE FROM balances WHERE address = ?1 AND chain = ?2 AND dapp = ?3")?
                .execute(key)?;
            return Ok(());
        };
        self.root_add(&balance_leaf(account, dapp, &new));
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO balances (address, chain, dapp, balance, height) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                account.address,
                account.chain,
                account.dapp,
                new.balance,
                new.height
            ])?;
        Ok(())
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

fn balance_leaf(account: Account<'_>, dapp: Option<&str>, row: &Balance) -> Leaf {
    leaf::balance(account.address, account.chain, dapp, &row.balance, row.height)
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
