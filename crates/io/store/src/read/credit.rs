//! The credit history of one address.

use std::cmp::Reverse;

use rusqlite::Connection;
use serde_json::{Map, Value};

use alephd_message::{ItemHash, Micros};
use alephd_rules::CreditKind;

use super::{
    filter::{Order, TypeSet},
    stream,
};
use crate::{Reader, StoreError, codec};

/// One row of a credit post.
#[derive(Clone, Debug, PartialEq)]
pub struct CreditRow {
    /// The post.
    pub item_hash: ItemHash,
    /// Number of the row in it.
    pub line: i64,
    /// Signed time of the post.
    pub time: Micros,
    /// What it does.
    pub kind: CreditKind,
    /// Signed change, in credits.
    pub amount: i64,
    /// End of validity of what was granted.
    pub expiration: Option<Micros>,
    /// What else the line says.
    pub details: CreditDetails,
}

/// The descriptive columns of a line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreditDetails {
    /// Decimal price of one credit.
    pub price: Option<String>,
    /// Credits on top of what was paid for.
    pub bonus_amount: Option<i64>,
    /// Payment behind a distribution; the node of an expense.
    pub tx_hash: Option<String>,
    /// Token of the payment.
    pub token: Option<String>,
    /// Chain of the payment.
    pub chain: Option<String>,
    /// Payment provider.
    pub provider: Option<String>,
    /// What the credits are for; the other side of a transfer.
    pub origin: Option<String>,
    /// Reference within the origin.
    pub origin_ref: Option<String>,
    /// How it was paid.
    pub payment_method: Option<String>,
    /// Units of an expense.
    pub expense_count: Option<i64>,
    /// Decimal size of an expense in MiB.
    pub expense_size_mib: Option<String>,
}

/// Which lines are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreditFilter {
    /// Exact.
    pub tx_hash: Option<String>,
    /// Exact.
    pub token: Option<String>,
    /// Exact.
    pub chain: Option<String>,
    /// Exact.
    pub provider: Option<String>,
    /// Exact.
    pub origin: Option<String>,
    /// Exact.
    pub origin_ref: Option<String>,
    /// Exact.
    pub payment_method: Option<String>,
    /// None of these. A line without a method stays.
    pub exclude_payment_methods: Vec<String>,
    /// With or without an end of validity.
    pub has_expiration: Option<bool>,
    /// First time.
    pub start: Option<Micros>,
    /// Last time, included.
    pub end: Option<Micros>,
    /// Only grants (`true`) or only debits.
    pub incoming: Option<bool>,
    /// Types of the message that the line is for, named by the origin or else by its reference.
    pub resource_types: Option<TypeSet>,
    /// That message.
    pub resource: Option<String>,
}

/// What a history is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of a line")]
pub enum CreditSort {
    Time,
    Expiration,
    PaymentMethod,
    Amount,
    Origin,
    TxHash,
    Provider,
}

/// A credit history. Missing values come last; equal ones are in the order of (time, post,
/// line), in the direction of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct CreditQuery {
    /// Which lines.
    pub filter: CreditFilter,
    /// Primary column.
    pub sort: CreditSort,
    /// Its direction.
    pub order: Order,
}

/// Sums over a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CreditSummary {
    /// Number of lines.
    pub entries: u64,
    /// Sum of the grants.
    pub incoming: i128,
    /// Sum of the debits, not positive.
    pub outgoing: i128,
}

impl CreditSummary {
    /// Of some lines.
    pub fn of(rows: &[CreditRow]) -> Self {
        rows.iter().fold(Self::default(), |sum, row| {
            let amount = i128::from(row.amount);
            Self {
                entries: sum.entries + 1,
                incoming: sum.incoming + amount.max(0),
                outgoing: sum.outgoing + amount.min(0),
            }
        })
    }
}

impl Reader {
    /// The lines of an address that match, all of them and in order: the caller cuts the page.
    /// Costs what the whole history of the address in that time costs.
    pub fn credit_history(&self, address: &str, query: &CreditQuery) -> Result<Vec<CreditRow>, StoreError> {
        self.snapshot(|reader| {
            let filter = &query.filter;
            let start = filter.start.map_or(i64::MIN, |start| start.0);
            let end = filter.end.map_or(i64::MAX, |end| end.0);
            let raw = stream::rows(
                reader,
                "SELECT m.hash, c.line, c.time, c.kind, c.amount, c.expiration, c.details
                 FROM credits c CROSS JOIN messages m ON m.id = c.message
                 WHERE c.address = ? AND c.time >= ? AND c.time <= ?",
                &[&address, &start, &end],
                RawCredit::read,
            )?;
            let mut rows = Vec::new();
            for raw in raw {
                let row = raw.into_row()?;
                if filter.matches(&row) && filter.matches_resource(reader, &row)? {
                    rows.push(row);
                }
            }
            sort(&mut rows, query);
            Ok(rows)
        })
    }

    /// What expenses took for a message from everybody, not negative.
    pub fn consumed_credits(&self, message: &str) -> Result<u64, StoreError> {
        let amounts: Vec<i64> = stream::rows(
            self,
            "SELECT amount FROM credits WHERE kind = 2 AND details ->> '$.origin' = ?",
            &[&message],
            |row| row.get(0),
        )?;
        Ok(amounts
            .iter()
            .fold(0, |sum, amount| sum.saturating_add(amount.unsigned_abs())))
    }
}

struct RawCredit {
    hash: Vec<u8>,
    line: i64,
    time: i64,
    kind: u8,
    amount: i64,
    expiration: Option<i64>,
    details: String,
}

impl RawCredit {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            hash: row.get(0)?,
            line: row.get(1)?,
            time: row.get(2)?,
            kind: row.get(3)?,
            amount: row.get(4)?,
            expiration: row.get(5)?,
            details: row.get(6)?,
        })
    }

    fn into_row(self) -> Result<CreditRow, StoreError> {
        let kind = match self.kind {
            0 => CreditKind::Distribution,
            1 => CreditKind::Transfer,
            2 => CreditKind::Expense,
            _ => return Err(StoreError::Damaged("kind of credit")),
        };
        Ok(CreditRow {
            item_hash: codec::item_hash(&self.hash)?,
            line: self.line,
            time: Micros(self.time),
            kind,
            amount: self.amount,
            expiration: self.expiration.map(Micros),
            details: CreditDetails::parse(&self.details)?,
        })
    }
}

impl CreditDetails {
    fn parse(text: &str) -> Result<Self, StoreError> {
        let map: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| StoreError::Damaged("details of a credit"))?;
        let text = |key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
        let number = |key: &str| map.get(key).and_then(Value::as_i64);
        Ok(Self {
            price: text("price"),
            bonus_amount: number("bonus_amount"),
            tx_hash: text("tx_hash"),
            token: text("token"),
            chain: text("chain"),
            provider: text("provider"),
            origin: text("origin"),
            origin_ref: text("origin_ref"),
            payment_method: text("payment_method"),
            expense_count: number("expense_count"),
            expense_size_mib: text("expense_size_mib"),
        })
    }

    /// What the credits were spent on or given for.
    fn resource(&self) -> Option<&str> {
        self.origin.as_deref().or(self.origin_ref.as_deref())
    }
}

impl CreditFilter {
    fn matches(&self, row: &CreditRow) -> bool {
        let details = &row.details;
        let exact = [
            (&self.tx_hash, &details.tx_hash),
            (&self.token, &details.token),
            (&self.chain, &details.chain),
            (&self.provider, &details.provider),
            (&self.origin, &details.origin),
            (&self.origin_ref, &details.origin_ref),
            (&self.payment_method, &details.payment_method),
        ];
        let method = details.payment_method.as_ref();
        exact
            .into_iter()
            .all(|(wanted, value)| wanted.is_none() || wanted == value)
            && !method.is_some_and(|method| self.exclude_payment_methods.contains(method))
            && self
                .has_expiration
                .is_none_or(|wanted| wanted == row.expiration.is_some())
            && self.incoming.is_none_or(|incoming| incoming == (row.amount > 0))
            && (self.resource.is_none() || self.resource.as_deref() == details.resource())
    }

    fn matches_resource(&self, connection: &Connection, row: &CreditRow) -> Result<bool, StoreError> {
        let Some(types) = self.resource_types else {
            return Ok(true);
        };
        let Some(hash) = row.details.resource().and_then(ItemHash::parse_lenient) else {
            return Ok(false);
        };
        let kind: Option<u8> = stream::value(
            connection,
            "SELECT type FROM messages WHERE prefix = ? AND hash = ?",
            &[&hash.order_prefix(), &hash.key()],
        )?;
        Ok(kind
            .map(codec::message_type)
            .transpose()?
            .is_some_and(|kind| types.contains(kind)))
    }
}

fn sort(rows: &mut [CreditRow], query: &CreditQuery) {
    let descending = query.order == Order::Descending;
    let place = |row: &CreditRow| (row.time, row.item_hash.clone(), row.line);
    if descending {
        rows.sort_by_cached_key(|row| Reverse(place(row)));
    } else {
        rows.sort_by_cached_key(place);
    }
    let mut by_text = |column: fn(&CreditDetails) -> &Option<String>| {
        rows.sort_by(|a, b| missing_last(column(&a.details), column(&b.details), descending));
    };
    // Sorting is stable: what was done above remains for equal values.
    match query.sort {
        CreditSort::Time => {}
        CreditSort::PaymentMethod => by_text(|details| &details.payment_method),
        CreditSort::Origin => by_text(|details| &details.origin),
        CreditSort::TxHash => by_text(|details| &details.tx_hash),
        CreditSort::Provider => by_text(|details| &details.provider),
        CreditSort::Expiration => {
            rows.sort_by(|a, b| missing_last(&a.expiration, &b.expiration, descending));
        }
        CreditSort::Amount => {
            rows.sort_by(|a, b| missing_last(&Some(a.amount), &Some(b.amount), descending));
        }
    }
}

fn missing_last<T: Ord>(a: &Option<T>, b: &Option<T>, descending: bool) -> std::cmp::Ordering {
    let values = if descending { b.cmp(a) } else { a.cmp(b) };
    a.is_none().cmp(&b.is_none()).then(values)
}
