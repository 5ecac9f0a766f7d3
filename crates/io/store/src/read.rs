//! Reading: single rows, lists, counts.
//!
//! Everything is a method of [`Reader`] and returns plain structures: no JSON, and
//! texts that were stored verbatim come back verbatim.
//!
//! # How a list is read
//!
//! ```text
//!   filter ──▶ plan: the dimension that matches the fewest rows is split into index ranges
//!                     (streams), each already in the wanted order
//!          ──▶ window: one stream: OFFSET in SQL over the index
//!                      several: k-way merge, fetched in small pieces
//!          ──▶ ids ──▶ rows
//! ```
//!
//! The order of a list is time, then the item hash as text. An index holds only the first 60 bits
//! of the hash, so rows that are equal there are put in order by reading their hashes
//! (`window`). Statements name their index: the plan must not change with the statistics
//! that SQLite gathers.
//!
//! # What callers may rely on
//!
//! - Each method sees one snapshot. [`Reader::snapshot`] widens that to
//!   several calls.
//! - A list without a limit returns everything that matches: bounding it is the caller's choice.
//! - No answer depends on the order in which messages arrived, except where ids are the order
//!   (receptions).

mod account;
mod aggregate;
mod aggregate_list;
mod authorization;
mod balance;
mod cost;
mod credit;
mod file;
mod filter;
mod gone;
mod holdings;
mod info;
mod known;
mod list;
mod lookup;
mod lots;
mod message;
mod page;
mod plan;
mod post;
mod post_list;
mod raw;
mod root;
mod status;
mod storage;
mod stream;
mod tombstone;
mod window;
mod wire;

pub use account::{AddressStats, StatsCursor, StatsQuery, StatsSort};
pub use aggregate::AggregateRow;
pub use aggregate_list::{AggregateCursor, AggregateFilter, AggregateItem, AggregateQuery, AggregateSort};
pub use balance::{BalanceCursor, BalanceQuery, BalanceRow};
pub use cost::{CostQuery, CostRow, CostSums};
pub use credit::{
    CreditDetails, CreditFilter, CreditPlace, CreditQuery, CreditRow, CreditSort, CreditSummary, CreditValue,
    CreditWindow,
};
pub use file::{FileKind, FileRow, OwnedFile, StoredFile};
pub use filter::{GoneFilter, MessageFilter, Order, PostFilter, Sort, TypeSet, Window};
pub use holdings::{BillRow, CreditEntry, LotRow};
pub use info::{Counts, ParkedRow, Root, Subscription};
pub use known::{KnownRow, OutlinedRow, Wanted, WantedKind};
pub use lots::{CreditBalance, CreditBalanceQuery, CreditsByExpiration};
pub use message::{Confirmation, MessageRow};
pub use page::{BadPlace, Page, Place};
pub use post::{OriginalPost, PostRow};
pub use raw::RawMessage;
pub use status::{RefusedRow, StatusRow, VerdictRow};
pub use storage::{ExpiringRow, PinCounts, RemovingRow, Usage};
pub(crate) use tombstone::{CREDIT_LINES, bill, claim, credit_line, deeds};
pub use tombstone::{FinalForget, Tombstone};

pub use crate::leaf::CreditLine;
pub use crate::record::{Deeds, TombstoneRecord, WireRecord};
use crate::{Reader, StoreError};

impl Reader {
    /// Runs several reads on one snapshot. Calls may be nested.
    pub fn snapshot<T>(&self, read: impl FnOnce(&Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if !self.is_autocommit() {
            return read(self);
        }
        self.prepare_cached("BEGIN")?.execute([])?;
        let result = read(self);
        // Nothing was written: ending the transaction cannot lose anything, whatever came out.
        self.prepare_cached("COMMIT")?.execute([])?;
        result
    }
}
