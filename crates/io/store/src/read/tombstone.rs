//! What a rebuilt database begins with: facts whose messages are gone, or no longer decide.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use alephd_message::{ItemHash, MessageType, Micros};
use alephd_rules::{BalanceEntry, BalanceUpdate, CreditKind};

use super::{lookup, raw};
use crate::{
    Reader, StoreError, codec,
    leaf::CreditLine,
    record::Deeds,
    write::{Bill, Claim, FINAL_FORGETS, MessageCopy, RawRow, Row, TOMBSTONES, TransferLine},
};

/// A forgotten message whose content is gone, with everything that it still does.
#[derive(Clone, Debug)]
pub struct Tombstone {
    /// Its row.
    pub row: Row,
    /// The accepted FORGETs that name it, by position.
    pub forgotten_by: Vec<ItemHash>,
    /// What it did to others.
    pub deeds: Deeds,
    /// Whether another node said all this.
    pub claim: Option<Claim>,
}

/// An accepted FORGET that made contents go. It stays accepted whatever else is known.
#[derive(Clone, Debug)]
pub struct FinalForget {
    /// Its row.
    pub row: Row,
    /// Its other copies.
    pub copies: Vec<MessageCopy>,
}

impl Reader {
    /// Up to `limit` tombstones without content beyond the row id `from`, which is left out, in
    /// the order of reception.
    pub fn tombstones(&self, from: i64, limit: u64) -> Result<Vec<Tombstone>, StoreError> {
        self.snapshot(|reader| {
            let rows = rows(reader, TOMBSTONES, from, limit)?;
            rows.into_iter().map(|row| tombstone(reader, row)).collect()
        })
    }

    /// The same for accepted FORGETs that made contents go.
    pub fn final_forgets(&self, from: i64, limit: u64) -> Result<Vec<FinalForget>, StoreError> {
        self.snapshot(|reader| {
            let rows = rows(reader, FINAL_FORGETS, from, limit)?;
            let with_copies = |row: Row| {
                let copies = raw::copies(reader, row.id)?;
                Ok(FinalForget { row, copies })
            };
            rows.into_iter().map(with_copies).collect()
        })
    }
}

impl Reader {
    /// Messages that were removed for want of payment, and when, beyond a hash.
    pub fn removals(
        &self,
        after: Option<&ItemHash>,
        limit: u64,
    ) -> Result<Vec<(ItemHash, Micros)>, StoreError> {
        let mut statement = self.prepare_cached(
            "SELECT hash, time FROM removals WHERE (prefix, hash) > (?1, ?2) ORDER BY prefix, hash LIMIT ?3",
        )?;
        let prefix = after.map_or(i64::MIN, ItemHash::order_prefix);
        let key = after.map_or(&[][..], ItemHash::key);
        let rows = statement.query_map(params![prefix, key, lookup::signed(limit)], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?))
        })?;
        rows.map(|row| {
            let (hash, time) = row?;
            Ok((codec::item_hash(&hash)?, Micros(time)))
        })
        .collect()
    }
}

fn rows(connection: &Connection, sql: &str, from: i64, limit: u64) -> Result<Vec<Row>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let limit = lookup::signed(limit);
    let rows = statement.query_map(params![from, MessageType::Forget.index(), limit], RawRow::read)?;
    rows.map(|row| {
        row?.resolve(
            |id| Ok(Arc::from(lookup::address_text(connection, id)?)),
            |id| Ok(Arc::from(lookup::name_text(connection, id)?)),
        )
    })
    .collect()
}

/// What is left of the message of a row whose content is gone.
pub(super) fn tombstone(connection: &Connection, row: Row) -> Result<Tombstone, StoreError> {
    let mut statement = connection.prepare_cached("SELECT forgotten_by FROM tombstones WHERE message = ?")?;
    let forgotten_by: Option<String> = statement.query_row([row.id], |row| row.get(0)).optional()?;
    let forgotten_by = forgotten_by.unwrap_or_default();
    let forgotten_by = forgotten_by.split_ascii_whitespace();
    let forgotten_by =
        forgotten_by.map(|hash| ItemHash::parse_strict(hash).ok_or(StoreError::Damaged("forgotten_by")));
    Ok(Tombstone {
        forgotten_by: forgotten_by.collect::<Result<_, _>>()?,
        deeds: deeds(connection, &row)?,
        claim: claim(connection, row.id)?,
        row,
    })
}

/// What a message does to others beside what its own row says.
pub(crate) fn deeds(connection: &Connection, row: &Row) -> Result<Deeds, StoreError> {
    Ok(Deeds {
        delegation: delegation(connection, row)?,
        credits: credits(connection, row.id)?,
        transfers: transfers(connection, row.id)?,
        balances: balances(connection, row.id)?,
        bill: bill(connection, row.id)?,
    })
}

/// What another node said about a message, if that is all that is known.
pub(crate) fn claim(connection: &Connection, message: i64) -> Result<Option<Claim>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT trusted FROM claims WHERE message = ?")?;
    let claim: Option<u8> = statement.query_row([message], |row| row.get(0)).optional()?;
    claim.map(Claim::from_index).transpose()
}

/// What the owner of a message had to pay for it.
pub(crate) fn bill(connection: &Connection, message: i64) -> Result<Option<Bill>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT payment, total, hold, stream, credit, lines FROM costs INDEXED BY costs_message
         WHERE message = ?",
    )?;
    let mut rows = statement.query([message])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let amount = |column| -> Result<i128, StoreError> {
        codec::amount(row.get_ref(column)?.as_blob().map_err(rusqlite::Error::from)?)
    };
    let payment = codec::payment(Some(row.get(0)?))?.ok_or(StoreError::Damaged("payment"))?;
    Ok(Some(Bill {
        payment,
        total: amount(1)?,
        hold: amount(2)?,
        stream: amount(3)?,
        credit: amount(4)?,
        lines: row.get(5)?,
    }))
}

fn delegation(connection: &Connection, row: &Row) -> Result<Option<String>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT value FROM delegations WHERE owner = ? AND time = ? AND hash = ? AND message = ?",
    )?;
    let key = params![row.owner_id, row.content_time.0, row.hash.key(), row.id];
    Ok(statement.query_row(key, |row| row.get(0)).optional()?)
}

/// The rows of a message in the history of credits.
pub(crate) const CREDIT_LINES: &str = "SELECT line, kind, address, amount, expiration, details \
    FROM credits INDEXED BY credits_message WHERE message = ? ORDER BY line";

pub(crate) fn credit_line(row: &rusqlite::Row<'_>) -> rusqlite::Result<CreditLine> {
    Ok(CreditLine {
        line: row.get(0)?,
        kind: row.get(1)?,
        address: row.get(2)?,
        amount: row.get(3)?,
        expiration: row.get::<_, Option<i64>>(4)?.map(Micros),
        details: row.get(5)?,
    })
}

/// Rows of transfers are left out: they are derived.
fn credits(connection: &Connection, message: i64) -> Result<Vec<CreditLine>, StoreError> {
    let mut statement = connection.prepare_cached(CREDIT_LINES)?;
    let lines = statement.query_map([message], credit_line)?;
    let lines: Vec<CreditLine> = lines.collect::<Result<_, _>>()?;
    let is_said = |line: &CreditLine| line.kind != CreditKind::Transfer as u8;
    Ok(lines.into_iter().filter(is_said).collect())
}

fn transfers(connection: &Connection, message: i64) -> Result<Vec<TransferLine>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT t.line, a.text, t.amount, t.expiration, t.required FROM credit_transfers t
         CROSS JOIN addresses a ON a.id = t.recipient WHERE t.message = ? ORDER BY t.line",
    )?;
    let lines = statement.query_map([message], |row| {
        Ok(TransferLine {
            line: row.get(0)?,
            recipient: row.get(1)?,
            amount: row.get(2)?,
            expiration: row.get::<_, Option<i64>>(3)?.map(Micros),
            required: row.get::<_, Option<[u8; 8]>>(4)?.map(u64::from_be_bytes),
        })
    })?;
    Ok(lines.collect::<Result<_, _>>()?)
}

fn balances(connection: &Connection, message: i64) -> Result<Vec<BalanceUpdate>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT chain, dapp, height, address, balance FROM balance_reports INDEXED BY balance_reports_message
         WHERE message = ?",
    )?;
    let mut rows = statement.query([message])?;
    let mut updates = Vec::new();
    while let Some(row) = rows.next()? {
        let dapp: i64 = row.get(1)?;
        let dapp = (dapp != 0).then(|| lookup::name_text(connection, dapp));
        updates.push(BalanceUpdate {
            chain: codec::chain(row.get(0)?)?,
            dapp: dapp.transpose()?,
            height: row.get(2)?,
            entries: vec![BalanceEntry {
                address: row.get(3)?,
                balance: row.get(4)?,
            }],
        });
    }
    Ok(updates)
}
