//! Sums that are asked for again and again: kept beside the rows, so that no request adds these up.
//!
//! What a transaction changes is added up in memory and written at its end: a post with a thousand
//! lines for one account costs one row here.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use alephd_rules::CreditKind;
use serde_json::Value;

use crate::{StoreError, codec, leaf::CreditLine};

/// The owner that stands for everybody.
pub(crate) const EVERYBODY: i64 = 0;
/// The key of what the expenses of everybody took, in `meta`.
pub(crate) const SPENT: &str = "credits_spent";

/// Changes of the open transaction. No sum can leave its range: a bill is below 10^28 and a line of
/// credits below 2^63, and there is no room for 2^33 of either.
#[derive(Default)]
pub(super) struct Sums {
    costs: HashMap<(i64, u8), CostChange>,
    credits: HashMap<String, CreditChange>,
    /// By resource and account.
    consumed: HashMap<(String, String), i128>,
    spent: i128,
}

/// Live bills: how many, and what they come to in each currency.
#[derive(Clone, Copy, Default)]
pub(super) struct CostChange {
    pub(super) bills: i64,
    /// Hold, stream, credit.
    pub(super) amounts: [i128; 3],
}

#[derive(Clone, Copy, Default)]
struct CreditChange {
    entries: i64,
    /// Incoming, outgoing, spent.
    amounts: [i128; 3],
}

impl Sums {
    /// Bills of an owner came, or went if the change is negative.
    pub(super) fn costs(&mut self, owner: i64, payment: u8, change: CostChange) {
        for owner in [owner, EVERYBODY] {
            let sum = self.costs.entry((owner, payment)).or_default();
            sum.bills += change.bills;
            add(&mut sum.amounts, change.amounts);
        }
    }

    /// A row of a history came (`sign` 1) or went (-1).
    pub(super) fn credits(&mut self, line: &CreditLine, sign: i64) {
        let amount = i128::from(line.amount) * i128::from(sign);
        let is_expense = line.kind == CreditKind::Expense as u8;
        let spent = if is_expense { -amount } else { 0 };
        let (incoming, outgoing) = if line.amount > 0 { (amount, 0) } else { (0, amount) };
        let sum = self.credits.entry(line.address.clone()).or_default();
        sum.entries += sign;
        add(&mut sum.amounts, [incoming, outgoing, spent]);
        self.spent = self.spent.saturating_add(spent);
        if let Some(resource) = origin(line).filter(|_| is_expense) {
            let sum = self.consumed.entry((resource, line.address.clone())).or_default();
            *sum = sum.saturating_add(spent);
        }
    }

    /// Writes the changes, in the order of the tables, and forgets them.
    pub(super) fn flush(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let mut costs: Vec<_> = self.costs.drain().collect();
        costs.sort_unstable_by_key(|(key, _)| *key);
        for (key, change) in costs {
            flush_costs(connection, key, change)?;
        }
        let mut credits: Vec<_> = self.credits.drain().collect();
        credits.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (address, change) in credits {
            flush_credits(connection, &address, change)?;
        }
        let mut consumed: Vec<_> = self.consumed.drain().collect();
        consumed.sort_unstable();
        for ((resource, address), change) in consumed {
            flush_consumed(connection, &resource, &address, change)?;
        }
        let change = std::mem::take(&mut self.spent);
        if change != 0 {
            let sql = "SELECT value FROM meta WHERE key = ?1";
            let mut sum = [change];
            read(connection, sql, params![SPENT], &mut sum)?;
            connection
                .prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
                .execute(params![SPENT, sum[0].to_be_bytes()])?;
        }
        Ok(())
    }
}

fn flush_costs(
    connection: &Connection,
    (owner, payment): (i64, u8),
    change: CostChange,
) -> Result<(), StoreError> {
    let mut amounts = change.amounts;
    let sql = "SELECT hold, stream, credit, bills FROM cost_sums WHERE owner = ?1 AND payment = ?2";
    let bills = change.bills + read(connection, sql, params![owner, payment], &mut amounts)?;
    if bills == 0 {
        connection
            .prepare_cached("DELETE FROM cost_sums WHERE owner = ?1 AND payment = ?2")?
            .execute(params![owner, payment])?;
        return Ok(());
    }
    let [hold, stream, credit] = amounts.map(i128::to_be_bytes);
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO cost_sums (owner, payment, bills, hold, stream, credit)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![owner, payment, bills, hold, stream, credit])?;
    Ok(())
}

fn flush_credits(connection: &Connection, address: &str, change: CreditChange) -> Result<(), StoreError> {
    let mut amounts = change.amounts;
    let sql = "SELECT incoming, outgoing, spent, entries FROM credit_sums WHERE address = ?1";
    let entries = change.entries + read(connection, sql, params![address], &mut amounts)?;
    if entries == 0 {
        connection
            .prepare_cached("DELETE FROM credit_sums WHERE address = ?1")?
            .execute([address])?;
        return Ok(());
    }
    let [incoming, outgoing, spent] = amounts.map(i128::to_be_bytes);
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO credit_sums (address, entries, incoming, outgoing, spent)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![address, entries, incoming, outgoing, spent])?;
    Ok(())
}

fn flush_consumed(
    connection: &Connection,
    resource: &str,
    address: &str,
    change: i128,
) -> Result<(), StoreError> {
    let mut sum = [change];
    let sql = "SELECT credits FROM consumed WHERE resource = ?1 AND address = ?2";
    read(connection, sql, params![resource, address], &mut sum)?;
    if sum[0] == 0 {
        connection
            .prepare_cached("DELETE FROM consumed WHERE resource = ?1 AND address = ?2")?
            .execute([resource, address])?;
        return Ok(());
    }
    connection
        .prepare_cached("INSERT OR REPLACE INTO consumed (resource, address, credits) VALUES (?1, ?2, ?3)")?
        .execute(params![resource, address, sum[0].to_be_bytes()])?;
    Ok(())
}

/// Adds what is stored, and says how many rows it is the sum of, if that is in the column after it.
fn read<const N: usize>(
    connection: &Connection,
    sql: &str,
    key: &[&dyn rusqlite::ToSql],
    sums: &mut [i128; N],
) -> Result<i64, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let columns = statement.column_count();
    let stored = statement.query_row(key, |row| {
        let amounts: Vec<Vec<u8>> = (0..N).map(|column| row.get(column)).collect::<Result<_, _>>()?;
        let rows = if columns > N { row.get(N)? } else { 0 };
        Ok((amounts, rows))
    });
    let Some((amounts, rows)) = stored.optional()? else {
        return Ok(0);
    };
    for (sum, stored) in sums.iter_mut().zip(&amounts) {
        *sum = sum.saturating_add(codec::amount(stored)?);
    }
    Ok(rows)
}

fn add(sums: &mut [i128; 3], change: [i128; 3]) {
    for (sum, change) in sums.iter_mut().zip(change) {
        *sum = sum.saturating_add(change);
    }
}

/// What a line is for.
fn origin(line: &CreditLine) -> Option<String> {
    let details: Value = serde_json::from_str(&line.details).ok()?;
    Some(details.get("origin")?.as_str()?.to_owned())
}
