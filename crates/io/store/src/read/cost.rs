//! Bills, as the price and cost routes show them.

use alephd_message::{ItemHash, PaymentType};

use super::{lookup, stream};
use crate::{Reader, StoreError, codec};

/// The bill of a live message. Amounts count 10^-18.
#[derive(Clone, Debug, PartialEq)]
pub struct CostRow {
    /// Name of the message.
    pub item_hash: ItemHash,
    /// The account that is charged.
    pub owner: String,
    /// How it is paid.
    pub payment: PaymentType,
    /// In the currency of the payment.
    pub total: i128,
    /// Tokens to hold.
    pub hold: i128,
    /// Tokens by the second.
    pub stream: i128,
    /// Credits by the second.
    pub credit: i128,
    /// The lines as JSON, with sizes.
    pub lines: String,
}

/// Which bills.
#[derive(Clone, Debug, PartialEq)]
pub struct CostQuery {
    /// How they are paid.
    pub payment: PaymentType,
    /// Of this account only.
    pub owner: Option<String>,
    /// Of this message only.
    pub item_hash: Option<ItemHash>,
}

/// Sums over bills.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CostSums {
    /// Number of bills.
    pub count: u64,
    /// Tokens to hold.
    pub hold: i128,
    /// Tokens by the second.
    pub stream: i128,
    /// Credits by the second.
    pub credit: i128,
}

const COLUMNS: &str = "m.hash, a.text, c.payment, c.total, c.hold, c.stream, c.credit, c.lines \
    FROM costs c JOIN messages m ON m.id = c.message JOIN addresses a ON a.id = c.owner";

impl Reader {
    /// The bill of a live message; `None` if it has none.
    pub fn cost_get(&self, item_hash: &ItemHash) -> Result<Option<CostRow>, StoreError> {
        let Some(message) = lookup::message_id(self, item_hash)? else {
            return Ok(None);
        };
        let sql = format!("SELECT {COLUMNS} WHERE c.message = ? AND c.live = 1");
        let raw = stream::rows(self, &sql, &[&message], raw)?;
        raw.into_iter().next().map(row).transpose()
    }

    /// Bills in the order of the names of their messages.
    pub fn cost_list(&self, query: &CostQuery, offset: u64, limit: u64) -> Result<Vec<CostRow>, StoreError> {
        let Some(selected) = self.selected(query)? else {
            return Ok(Vec::new());
        };
        let sql = format!(
            "SELECT {COLUMNS} WHERE {} ORDER BY c.prefix, m.hash LIMIT ?3 OFFSET ?4",
            selected.0
        );
        let (offset, limit) = (lookup::signed(offset), lookup::signed(limit));
        let rows = stream::rows(
            self,
            &sql,
            &[&query.payment.index(), &selected.1, &limit, &offset],
            raw,
        )?;
        rows.into_iter().map(row).collect()
    }

    /// What all bills that match come to. Reads each of them.
    pub fn cost_sums(&self, query: &CostQuery) -> Result<CostSums, StoreError> {
        let Some(selected) = self.selected(query)? else {
            return Ok(CostSums::default());
        };
        let sql = format!(
            "SELECT c.hold, c.stream, c.credit FROM costs c WHERE {}",
            selected.0
        );
        let mut statement = self.prepare_cached(&sql)?;
        let mut rows = statement.query(rusqlite::params![query.payment.index(), selected.1])?;
        let mut sums = CostSums::default();
        while let Some(row) = rows.next()? {
            let amount = |column| -> Result<i128, StoreError> {
                codec::amount(row.get_ref(column)?.as_blob().map_err(rusqlite::Error::from)?)
            };
            sums.count += 1;
            sums.hold = sums.hold.saturating_add(amount(0)?);
            sums.stream = sums.stream.saturating_add(amount(1)?);
            sums.credit = sums.credit.saturating_add(amount(2)?);
        }
        Ok(sums)
    }

    /// Condition and value of its second parameter; `None` if nothing can match.
    fn selected(&self, query: &CostQuery) -> Result<Option<(String, Option<i64>)>, StoreError> {
        let listed = "c.payment = ?1 AND c.live = 1";
        let message = match &query.item_hash {
            None => None,
            Some(hash) => match lookup::message_id(self, hash)? {
                None => return Ok(None),
                found => found,
            },
        };
        let owner = match &query.owner {
            None => None,
            Some(owner) => match lookup::address_id(self, owner)? {
                None => return Ok(None),
                found => found,
            },
        };
        Ok(Some(match (message, owner) {
            (Some(message), Some(owner)) => (
                format!("{listed} AND c.message = ?2 AND c.owner = {owner}"),
                Some(message),
            ),
            (Some(message), None) => (format!("{listed} AND c.message = ?2"), Some(message)),
            (None, Some(owner)) => (format!("{listed} AND c.owner = ?2"), Some(owner)),
            (None, None) => (format!("{listed} AND ?2 IS NULL"), None),
        }))
    }
}

type Raw = (Vec<u8>, String, u8, [Vec<u8>; 4], String);

fn raw(row: &rusqlite::Row<'_>) -> rusqlite::Result<Raw> {
    Ok((
        row.get(0)?,
        row.get(1)?,
        row.get(2)?,
        [row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?],
        row.get(7)?,
    ))
}

fn row((hash, owner, payment, [total, hold, stream, credit], lines): Raw) -> Result<CostRow, StoreError> {
    Ok(CostRow {
        item_hash: codec::item_hash(&hash)?,
        owner,
        payment: codec::payment(Some(payment))?.ok_or(StoreError::Damaged("payment"))?,
        total: codec::amount(&total)?,
        hold: codec::amount(&hold)?,
        stream: codec::amount(&stream)?,
        credit: codec::amount(&credit)?,
        lines,
    })
}
