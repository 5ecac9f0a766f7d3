//! The credit history of one address.

mod history;
mod place;

use rusqlite::Connection;
use serde_json::{Map, Value};

use alephd_message::{ItemHash, Micros};
use alephd_rules::CreditKind;

pub use place::{CreditPlace, CreditValue};

use super::{
    filter::{Order, TypeSet},
    stream,
};
use crate::{StoreError, codec};

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

/// A credit history. Missing values come last; equal ones are in the order of (post, line), in the
/// direction of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct CreditQuery {
    /// Which lines.
    pub filter: CreditFilter,
    /// Primary column.
    pub sort: CreditSort,
    /// Its direction.
    pub order: Order,
}

/// Which part of a history.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreditWindow {
    /// The line before the page; the offset does not count then.
    pub after: Option<CreditPlace>,
    /// Lines before the page.
    pub offset: u64,
    /// Lines on the page; `None` for all.
    pub limit: Option<u64>,
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
