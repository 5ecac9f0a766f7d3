//! Rows of bills as sums see them, and the sums that are kept in memory.

use std::collections::HashMap;

use alephd_rules::Position;

use super::{Bill, Row};
use crate::{StoreError, codec};

/// Time and hash of a position.
pub(super) type Place = (i64, Vec<u8>);

/// A row of bills, as far as sums depend on it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Recording {
    pub(super) owner: i64,
    pub(super) payment: u8,
    place: Place,
    until: Option<Place>,
    admitted: bool,
    pub(super) live: bool,
    total: i128,
    /// Hold, stream, credit.
    pub(super) amounts: [i128; 3],
}

impl Recording {
    pub(super) fn of(row: &Row, bill: &Bill) -> Self {
        let place = |position: &Position| (position.time.0, position.hash.key().to_vec());
        Self {
            owner: row.owner_id,
            payment: bill.payment.index(),
            place: (row.content_time.0, row.hash.key().to_vec()),
            until: row.state.withdrawn.as_ref().map(place),
            admitted: row.state.accepted,
            live: row.state.status.is_live(),
            total: bill.total,
            amounts: [bill.hold, bill.stream, bill.credit],
        }
    }

    pub(super) fn read(row: &rusqlite::Row<'_>) -> Result<Self, StoreError> {
        let amount = |column| -> Result<i128, StoreError> {
            codec::amount(row.get_ref(column)?.as_blob().map_err(rusqlite::Error::from)?)
        };
        let until: (Option<i64>, Option<Vec<u8>>) = (row.get(4)?, row.get(5)?);
        Ok(Self {
            owner: row.get(0)?,
            payment: row.get(1)?,
            place: (row.get(2)?, row.get(3)?),
            until: until.0.zip(until.1),
            admitted: row.get(6)?,
            live: row.get(7)?,
            total: amount(8)?,
            amounts: [amount(9)?, amount(10)?, amount(11)?],
        })
    }

    fn counts_before(&self, at: &Place) -> bool {
        self.admitted && self.place < *at && self.until.as_ref().is_none_or(|until| until > at)
    }
}

/// What the admitted messages of accounts cost before a position, each account's for the position
/// that was asked for last.
#[derive(Default)]
pub(in crate::write) struct Recorded(HashMap<(i64, u8), (Place, i128)>);

/// Accounts that are kept: the owners who are busy at a time are fewer.
const RECORDED: usize = 4096;

impl Recorded {
    pub(super) fn get(&self, account: (i64, u8)) -> Option<&(Place, i128)> {
        self.0.get(&account)
    }

    pub(super) fn keep(&mut self, account: (i64, u8), at: Place, sum: i128) {
        if self.0.len() >= RECORDED {
            self.0.clear();
        }
        self.0.insert(account, (at, sum));
    }

    pub(super) fn follow(&mut self, recording: &Recording, sign: i64) {
        if let Some((at, sum)) = self.0.get_mut(&(recording.owner, recording.payment))
            && recording.counts_before(at)
        {
            *sum = sum.saturating_add(recording.total.max(0) * i128::from(sign));
        }
    }
}
