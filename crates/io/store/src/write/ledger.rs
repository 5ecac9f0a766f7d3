//! Money facts: reported balances here, credit posts and what follows from them below.

mod credits;
mod lots;

use rusqlite::{OptionalExtension, params};

use alephd_rules::{BalanceUpdate, root::Leaf};

pub use credits::TransferLine;

use super::{Row, Writer};
use crate::{Counter, StoreError, leaf};

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
            self.count(Counter::Balances(account.chain), -1);
            return Ok(());
        };
        if old.is_none() {
            self.count(Counter::Balances(account.chain), 1);
        }
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
}

fn balance_leaf(account: Account<'_>, dapp: Option<&str>, row: &Balance) -> Leaf {
    leaf::balance(account.address, account.chain, dapp, &row.balance, row.height)
}
