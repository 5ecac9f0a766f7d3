//! What belongs to an account, page by page: credit lots, entries of its credit history, bills.

use alephd_message::{ItemHash, MessageType, Micros, PaymentType};
use alephd_rules::{CreditKind, MessageStatus};

use super::{
    lookup,
    page::{self, Page, Place},
};
use crate::{Reader, StoreError, codec};

/// Credits that came together.
#[derive(Clone, Debug, PartialEq)]
pub struct LotRow {
    /// The post that gave them.
    pub item_hash: ItemHash,
    /// Its signed time.
    pub time: Micros,
    /// What is left of them after all posts of the account.
    pub remaining: u64,
    /// When they end.
    pub expiration: Option<Micros>,
}

/// One change of the credits of an account.
#[derive(Clone, Debug, PartialEq)]
pub struct CreditEntry {
    /// The post.
    pub item_hash: ItemHash,
    /// Its signed time.
    pub time: Micros,
    /// What it does.
    pub kind: CreditKind,
    /// Signed change, in credits.
    pub amount: i64,
    /// End of validity of what was granted.
    pub expiration: Option<Micros>,
    /// What the credits are for; the other side of a transfer.
    pub origin: Option<String>,
    /// How they were paid for.
    pub payment_method: Option<String>,
}

/// A live message that costs something.
#[derive(Clone, Debug, PartialEq)]
pub struct BillRow {
    /// Its name.
    pub item_hash: ItemHash,
    /// What it is.
    pub message_type: MessageType,
    /// Whether it is paid for.
    pub status: MessageStatus,
    /// Its signed time.
    pub time: Micros,
    /// How it is paid.
    pub payment: PaymentType,
    /// In the currency of the payment, in 10^-18.
    pub total: i128,
}

/// The newest first: they are used up last. Those that have ended are passed over.
const LOTS: &str = "SELECT time, line, hash, remaining, expiration FROM lots
    WHERE address = ?1 AND (time, hash, line) < (?2, ?3, ?4)
    ORDER BY time DESC, hash DESC, line DESC";

/// The newest first.
const ENTRIES: &str = "SELECT c.time, c.message, c.line, m.hash, c.kind, c.amount, c.expiration,
        CAST(c.details ->> '$.origin' AS TEXT), CAST(c.details ->> '$.payment_method' AS TEXT)
    FROM credits c CROSS JOIN messages m ON m.id = c.message
    WHERE c.address = ?1 AND (c.time, c.message, c.line) < (?2, ?3, ?4)
    ORDER BY c.time DESC, c.message DESC, c.line DESC";

/// By the way of payment, the newest first. Bills of what is not live are passed over.
const BILLS: &str = "SELECT c.payment, c.time, c.message, c.hash, c.total, c.live, m.type, m.status
    FROM costs c CROSS JOIN messages m ON m.id = c.message
    WHERE c.owner = ?1 AND (c.payment, c.time, c.hash, c.message) < (?2, ?3, ?4, ?5)
    ORDER BY c.payment DESC, c.time DESC, c.hash DESC, c.message DESC";

/// Greater than the key of any name.
const LAST_KEY: &[u8] = &[u8::MAX; 64];

impl Reader {
    /// What is left of the credits of an account, and until when it is valid.
    pub fn lot_list(
        &self,
        address: &str,
        now: Micros,
        after: Option<&Place>,
        limit: u64,
    ) -> Result<Page<LotRow>, StoreError> {
        let [time, line, _] = after.map_or([i64::MAX; 3], |place| place.numbers);
        let key = after.map_or(LAST_KEY, Place::key);
        page::page(self, LOTS, &[&address, &time, &key, &line], limit, |row| {
            let (time, line) = (row.get(0)?, row.get(1)?);
            let hash = codec::item_hash(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
            let place = Place::new([time, line, 0], Some(hash.clone()));
            let expiration = row.get::<_, Option<i64>>(4)?.map(Micros);
            let lot = LotRow {
                item_hash: hash,
                time: Micros(time),
                remaining: lookup::unsigned(row.get(3)?),
                expiration,
            };
            let is_valid = lot.remaining > 0 && expiration.is_none_or(|end| end > now);
            Ok((place, is_valid.then_some(lot)))
        })
    }

    /// What changed the credits of an account.
    pub fn credit_entry_list(
        &self,
        address: &str,
        after: Option<&Place>,
        limit: u64,
    ) -> Result<Page<CreditEntry>, StoreError> {
        let [time, message, line] = after.map_or([i64::MAX; 3], |place| place.numbers);
        page::page(self, ENTRIES, &[&address, &time, &message, &line], limit, |row| {
            let time = row.get(0)?;
            let entry = CreditEntry {
                item_hash: codec::item_hash(row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?)?,
                time: Micros(time),
                kind: kind(row.get(4)?)?,
                amount: row.get(5)?,
                expiration: row.get::<_, Option<i64>>(6)?.map(Micros),
                origin: row.get(7)?,
                payment_method: row.get(8)?,
            };
            Ok((Place::new([time, row.get(1)?, row.get(2)?], None), Some(entry)))
        })
    }

    /// What the live messages of an account cost.
    pub fn bill_list(
        &self,
        owner: &str,
        after: Option<&Place>,
        limit: u64,
    ) -> Result<Page<BillRow>, StoreError> {
        let Some(owner) = lookup::address_id(self, owner)? else {
            return Ok(Page {
                rows: Vec::new(),
                next: None,
            });
        };
        let [payment, time, message] = after.map_or([i64::MAX; 3], |place| place.numbers);
        let key = after.map_or(LAST_KEY, Place::key);
        let values: [&dyn rusqlite::ToSql; 5] = [&owner, &payment, &time, &key, &message];
        page::page(self, BILLS, &values, limit, |row| {
            let (payment, time) = (row.get::<_, u8>(0)?, row.get(1)?);
            let hash = codec::item_hash(row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?)?;
            let numbers = [i64::from(payment), time, row.get(2)?];
            let place = Place::new(numbers, Some(hash.clone()));
            if !row.get::<_, bool>(5)? {
                return Ok((place, None));
            }
            let bill = BillRow {
                item_hash: hash,
                message_type: codec::message_type(row.get(6)?)?,
                status: codec::status(row.get(7)?)?,
                time: Micros(time),
                payment: codec::payment(Some(payment))?.ok_or(StoreError::Damaged("payment"))?,
                total: codec::amount(row.get_ref(4)?.as_blob().map_err(rusqlite::Error::from)?)?,
            };
            Ok((place, Some(bill)))
        })
    }

    /// How SQLite reads the lists of an account.
    pub fn holdings_explain(&self) -> Result<Vec<String>, StoreError> {
        [LOTS, ENTRIES, BILLS]
            .iter()
            .map(|sql| page::explain(self, sql))
            .collect()
    }
}

fn kind(index: u8) -> Result<CreditKind, StoreError> {
    match index {
        0 => Ok(CreditKind::Distribution),
        1 => Ok(CreditKind::Transfer),
        2 => Ok(CreditKind::Expense),
        _ => Err(StoreError::Damaged("kind of credit")),
    }
}
