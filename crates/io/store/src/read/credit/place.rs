//! Where a line stands in a history.

use std::cmp::Ordering;

use alephd_message::Micros;

use super::{CreditRow, CreditSort};
use crate::read::Order;

/// What a history is sorted by, of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreditValue {
    /// The column is empty; such lines come last in either direction.
    Missing,
    /// A time.
    Time(Micros),
    /// An amount.
    Int(i64),
    /// A text.
    Text(String),
}

/// Where a line stands in a history that is sorted in some way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditPlace {
    /// The column.
    pub value: CreditValue,
    /// Name of the post; any text that a client wrote.
    pub item_hash: String,
    /// Number of the row in it.
    pub line: i64,
}

impl CreditPlace {
    /// That of a line.
    pub fn of(row: &CreditRow, sort: CreditSort) -> Self {
        let details = &row.details;
        let time = |time: Option<Micros>| time.map_or(CreditValue::Missing, CreditValue::Time);
        let text = |text: &Option<String>| text.clone().map_or(CreditValue::Missing, CreditValue::Text);
        Self {
            value: match sort {
                CreditSort::Time => time(Some(row.time)),
                CreditSort::Expiration => time(row.expiration),
                CreditSort::Amount => CreditValue::Int(row.amount),
                CreditSort::PaymentMethod => text(&details.payment_method),
                CreditSort::Origin => text(&details.origin),
                CreditSort::TxHash => text(&details.tx_hash),
                CreditSort::Provider => text(&details.provider),
            },
            item_hash: row.item_hash.to_string(),
            line: row.line,
        }
    }

    /// Which of two comes first.
    pub fn compare(&self, other: &Self, order: Order) -> Ordering {
        let is_missing = |place: &Self| place.value == CreditValue::Missing;
        let forward = match (&self.value, &other.value) {
            (CreditValue::Time(a), CreditValue::Time(b)) => a.cmp(b),
            (CreditValue::Int(a), CreditValue::Int(b)) => a.cmp(b),
            (CreditValue::Text(a), CreditValue::Text(b)) => a.cmp(b),
            _ => Ordering::Equal,
        };
        let forward = forward
            .then_with(|| self.item_hash.cmp(&other.item_hash))
            .then(self.line.cmp(&other.line));
        let directed = match order {
            Order::Ascending => forward,
            Order::Descending => forward.reverse(),
        };
        is_missing(self).cmp(&is_missing(other)).then(directed)
    }
}
