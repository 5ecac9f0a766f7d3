//! Bills, as the price and cost routes show them.

use alephd_message::{Content, ItemHash, MessageType, PaymentType};
use alephd_rules::Remains;

use super::{lookup, stream};
use crate::{Reader, StoreError, codec, write::EVERYBODY};

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

const COLUMNS: &str = "m.hash, a.text, c.payment, c.total, c.hold, c.stream, c.credit, c.lines";
const JOINED: &str = "JOIN messages m ON m.id = c.message JOIN addresses a ON a.id = c.owner";

/// Which rows a query reads: the index, the conditions, and the values of its parameters.
struct Selected {
    index: &'static str,
    conditions: &'static str,
    order: &'static str,
    values: [Option<i64>; 2],
}

impl Reader {
    /// The bill of a live message; `None` if it has none.
    pub fn cost_get(&self, item_hash: &ItemHash) -> Result<Option<CostRow>, StoreError> {
        let Some(message) = lookup::message_id(self, item_hash)? else {
            return Ok(None);
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM costs c INDEXED BY costs_message {JOINED} WHERE c.message = ? AND c.live = 1"
        );
        let raw = stream::rows(self, &sql, &[&message], raw)?;
        raw.into_iter().next().map(row).transpose()
    }

    /// Bytes of the file of a STORE that is gone, as long as the file or the bill tells; `None` for other
    /// messages.
    pub fn gone_file_size(&self, item_hash: &ItemHash) -> Result<Option<u64>, StoreError> {
        type Found = (i64, Option<String>, Option<String>);
        self.snapshot(|reader| {
            let stores: Vec<Found> = stream::rows(
                reader,
                "SELECT id, remains, item_content FROM messages WHERE prefix = ? AND hash = ? AND type = ?",
                &[
                    &item_hash.order_prefix(),
                    &item_hash.key(),
                    &MessageType::Store.index(),
                ],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )?;
            let Some((message, remains, text)) = stores.into_iter().next() else {
                return Ok(None);
            };
            let content = text.and_then(|text| Content::parse(MessageType::Store, &text).ok());
            let remains = match content {
                Some(content) => Some(Remains::of(&content)),
                None => remains.and_then(|remains| Remains::parse(&remains)),
            };
            if let Some(file) = remains.and_then(|remains| remains.file())
                && let Some(file) = reader.file_get(&file)?
            {
                return Ok(Some(file.size));
            }
            // The double nearest to bytes / 2^20, from which the bytes come back.
            let sql =
                "SELECT lines ->> '$[0].size_mib' FROM costs INDEXED BY costs_message WHERE message = ?";
            let size_mib: Option<Option<f64>> = stream::value(reader, sql, &[&message])?;
            Ok(size_mib
                .flatten()
                .map(|size| (size * f64::from(1 << 20)).round() as u64))
        })
    }

    /// Bills in the order of the names of their messages.
    pub fn cost_list(&self, query: &CostQuery, offset: u64, limit: u64) -> Result<Vec<CostRow>, StoreError> {
        let Some(selected) = self.selected(query)? else {
            return Ok(Vec::new());
        };
        let (offset, limit) = (lookup::signed(offset), lookup::signed(limit));
        let [first, second] = selected.values;
        let rows = stream::rows(
            self,
            &selected.list_sql(),
            &[&query.payment.index(), &first, &second, &limit, &offset],
            raw,
        )?;
        rows.into_iter().map(row).collect()
    }

    /// What all bills that match come to. Sums of accounts and of everybody are kept by the writer.
    pub fn cost_sums(&self, query: &CostQuery) -> Result<CostSums, StoreError> {
        if query.item_hash.is_some() {
            return Ok(self
                .cost_list(query, 0, 1)?
                .first()
                .map_or_else(CostSums::default, |row| CostSums {
                    count: 1,
                    hold: row.hold,
                    stream: row.stream,
                    credit: row.credit,
                }));
        }
        let owner = match &query.owner {
            None => Some(EVERYBODY),
            Some(owner) => lookup::address_id(self, owner)?,
        };
        let Some(owner) = owner else {
            return Ok(CostSums::default());
        };
        let sums = stream::rows(
            self,
            "SELECT bills, hold, stream, credit FROM cost_sums WHERE owner = ? AND payment = ?",
            &[&owner, &query.payment.index()],
            |row| {
                let amounts: [Vec<u8>; 3] = [row.get(1)?, row.get(2)?, row.get(3)?];
                Ok((row.get::<_, i64>(0)?, amounts))
            },
        )?;
        match sums.first() {
            None => Ok(CostSums::default()),
            Some((bills, [hold, stream, credit])) => Ok(CostSums {
                count: lookup::unsigned(*bills),
                hold: codec::amount(hold)?,
                stream: codec::amount(stream)?,
                credit: codec::amount(credit)?,
            }),
        }
    }

    /// How SQLite reads the list.
    pub fn cost_explain(&self, query: &CostQuery) -> Result<Vec<String>, StoreError> {
        let selected = self.selected(query)?;
        let plan = selected.map(|selected| stream::explain(self, &selected.list_sql()));
        plan.into_iter().collect()
    }

    /// `None` if nothing can match.
    fn selected(&self, query: &CostQuery) -> Result<Option<Selected>, StoreError> {
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
        // Equal beginnings of names are sorted by the whole name, a few rows at a time.
        let order = match message {
            Some(_) => "",
            None => "ORDER BY c.prefix, m.hash",
        };
        let (index, conditions) = match (message, owner) {
            (Some(_), Some(_)) => ("costs_message", "AND c.message = ?2 AND c.owner = ?3"),
            (Some(_), None) => ("costs_message", "AND c.message = ?2"),
            (None, Some(_)) => ("costs_owned", "AND c.owner = ?3"),
            (None, None) => ("costs_listed", ""),
        };
        Ok(Some(Selected {
            index,
            conditions,
            order,
            values: [message, owner],
        }))
    }
}

impl Selected {
    /// Equal beginnings of names are sorted by the whole name, a few rows at a time.
    fn list_sql(&self) -> String {
        let Self {
            index,
            conditions,
            order,
            ..
        } = self;
        format!(
            "SELECT {COLUMNS} FROM costs c INDEXED BY {index} {JOINED}
             WHERE c.payment = ?1 AND c.live = 1 {conditions} {order} LIMIT ?4 OFFSET ?5"
        )
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
