//! What a node hands out and takes in.

use std::sync::Arc;

use alephd_peer_protocol::catchup::Record;
use alephd_rules::Interest;
use alephd_store::read::KnownRow;
use async_trait::async_trait;

/// Why a node could not look or take: its own fault.
pub type HoldingsError = Box<dyn std::error::Error + Send + Sync>;

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is known here now, and not refused.
    Known,
    /// The rules or a bound of this node refuse it.
    Refused,
    /// It can be taken when others are known. It is given back, to be tried again at the end.
    Later(Record),
    /// Nobody has signed it, or it has no form: honest nodes do not know such messages.
    Invalid,
    /// Its bytes do not have its name.
    WrongBytes,
}

/// A part of the rows.
#[derive(Clone, Debug, Default)]
pub struct KnownPage {
    /// Those that count.
    pub rows: Vec<KnownRow>,
    /// The last one that was looked at; nothing at the end.
    pub last: Option<i64>,
}

impl KnownPage {
    /// All of these rows.
    pub fn of(rows: Vec<KnownRow>) -> Self {
        let last = rows.last().map(|row| row.id);
        Self { rows, last }
    }
}

/// The messages of a node. A trait because the protocol is tested without a node behind it.
#[async_trait]
pub trait Holdings: Send + Sync + 'static {
    /// Rows beyond a row id, in the order of their ids.
    async fn known(&self, after: i64, limit: u64) -> Result<KnownPage, HoldingsError>;

    /// All rows that wait or are refused.
    async fn known_parked(&self) -> Result<Vec<KnownRow>, HoldingsError>;

    /// What to hand out for rows, in their order.
    async fn records(&self, rows: Vec<i64>) -> Result<Vec<Option<Record>>, HoldingsError>;

    /// The same, but of what is known only what all of these are interested in.
    fn within(&self, interests: Vec<Interest>) -> Arc<dyn Holdings>;

    /// Takes a record in and waits until that is on disk. `trusted`: what cannot be proved may be
    /// believed.
    async fn take(&self, record: Record, trusted: bool) -> Result<Taken, HoldingsError>;
}
