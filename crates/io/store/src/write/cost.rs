//! Bills: what messages cost, whose account is charged, and what an account had to pay for and
//! with as of a position.

mod recorded;

use std::cmp::Ordering;

use rusqlite::params;

use alephd_message::{ItemHash, Micros, PaymentType};
use alephd_rules::Position;

use super::{Row, Writer, sums::CostChange};
use crate::{StoreError, codec};
pub(super) use recorded::Recorded;
use recorded::{Place, Recording};

/// The bill of a message. Amounts count 10^-18.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
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

/// A message that costs something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimant {
    /// Id of its row.
    pub message: i64,
    /// Its place among the messages of its owner.
    pub position: Position,
    /// What it costs in the currency of its payment.
    pub total: i128,
}

const ENTERED_BETWEEN: &str = "SELECT total FROM costs
    WHERE owner = ?1 AND payment = ?2 AND (time, hash) >= (?3, ?4) AND (time, hash) < (?5, ?6) AND admitted
      AND (until_time IS NULL OR (until_time, until_hash) > (?5, ?6))";
const WITHDRAWN_BETWEEN: &str = "SELECT total FROM costs INDEXED BY costs_until
    WHERE owner = ?1 AND payment = ?2 AND (until_time, until_hash) > (?3, ?4)
      AND (until_time, until_hash) <= (?5, ?6) AND until_time IS NOT NULL AND (time, hash) < (?3, ?4) AND admitted";

impl Writer {
    /// Records what a message costs, in the state that its row has; replaces an older bill.
    pub fn bill_set(&mut self, row: &Row, bill: &Bill) -> Result<(), StoreError> {
        let old = self.bill_take(row)?;
        let withdrawn = row.state.withdrawn.as_ref();
        self.connection
            .prepare_cached(
                "INSERT INTO costs (owner, payment, time, hash, message, total, hold, stream, credit, admitted, live,
                    until_time, until_hash, prefix, lines)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            )?
            .execute(params![
                row.owner_id,
                bill.payment.index(),
                row.content_time.0,
                row.hash.key(),
                row.id,
                bill.total.to_be_bytes(),
                bill.hold.to_be_bytes(),
                bill.stream.to_be_bytes(),
                bill.credit.to_be_bytes(),
                row.state.accepted,
                row.state.status.is_live(),
                withdrawn.map(|position| position.time.0),
                withdrawn.map(|position| position.hash.key()),
                row.hash.order_prefix(),
                bill.lines,
            ])?;
        let new = Recording::of(row, bill);
        self.bill_changed(old.as_ref(), Some(&new));
        Ok(())
    }

    /// The message has no bill.
    pub fn bill_remove(&mut self, row: &Row) -> Result<(), StoreError> {
        let old = self.bill_take(row)?;
        self.bill_changed(old.as_ref(), None);
        Ok(())
    }

    fn bill_take(&mut self, row: &Row) -> Result<Option<Recording>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "DELETE FROM costs WHERE message = ?1 RETURNING owner, payment, time, hash, until_time, until_hash,
                admitted, live, total, hold, stream, credit",
        )?;
        let mut rows = statement.query([row.id])?;
        let mut taken = None;
        while let Some(row) = rows.next()? {
            taken = Some(Recording::read(row)?);
        }
        Ok(taken)
    }

    /// The sums follow.
    fn bill_changed(&mut self, old: Option<&Recording>, new: Option<&Recording>) {
        if old == new {
            return;
        }
        for (recording, sign) in [(old, -1), (new, 1)] {
            let Some(recording) = recording else { continue };
            if recording.live {
                let change = CostChange {
                    bills: sign,
                    amounts: recording.amounts.map(|amount| amount * i128::from(sign)),
                };
                self.sums.costs(recording.owner, recording.payment, change);
            }
            self.recorded.follow(recording, sign);
        }
    }

    /// What the admitted messages of an owner cost as of a position: those before it that were not
    /// withdrawn before it.
    pub fn costs_before(
        &mut self,
        owner: &str,
        payment: PaymentType,
        position: &Position,
    ) -> Result<Vec<Claimant>, StoreError> {
        let Some(owner) = self.addresses.find(&self.connection, owner)? else {
            return Ok(Vec::new());
        };
        let mut statement = self.connection.prepare_cached(
            "SELECT message, time, hash, total FROM costs
             WHERE owner = ?1 AND payment = ?2 AND (time, hash) < (?3, ?4) AND admitted
               AND (until_time IS NULL OR (until_time, until_hash) > (?3, ?4))
             ORDER BY time, hash",
        )?;
        let rows = statement.query_map(
            params![owner, payment.index(), position.time.0, position.hash.key()],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )?;
        rows.map(|row| claimant(row?)).collect()
    }

    /// What these come to.
    ///
    /// The last answer for each account is kept, and one for another position is made from it with
    /// the bills between the two: a large owner's messages mostly come in the order of their
    /// positions, and each would cost a look at all before it.
    pub fn costs_sum_before(
        &mut self,
        owner: &str,
        payment: PaymentType,
        position: &Position,
    ) -> Result<i128, StoreError> {
        let Some(owner) = self.addresses.find(&self.connection, owner)? else {
            return Ok(0);
        };
        let at = (position.time.0, position.hash.key().to_vec());
        let account = (owner, payment.index());
        let (known_at, known) = match self.recorded.get(account) {
            Some((known_at, known)) => (known_at.clone(), *known),
            None => ((i64::MIN, Vec::new()), 0),
        };
        let sum = match known_at.cmp(&at) {
            Ordering::Equal => known,
            Ordering::Less => known.saturating_add(self.costs_between(account, &known_at, &at)?),
            Ordering::Greater => known.saturating_sub(self.costs_between(account, &at, &known_at)?),
        };
        self.recorded.keep(account, at, sum);
        Ok(sum)
    }

    /// What the sum before `high` is greater by than the one before `low`.
    fn costs_between(
        &mut self,
        (owner, payment): (i64, u8),
        low: &Place,
        high: &Place,
    ) -> Result<i128, StoreError> {
        let key = params![owner, payment, low.0, low.1, high.0, high.1];
        let mut sum = 0_i128;
        for (sql, sign) in [(ENTERED_BETWEEN, 1), (WITHDRAWN_BETWEEN, -1)] {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query(key)?;
            while let Some(row) = rows.next()? {
                let total = codec::amount(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
                sum = sum.saturating_add(total.max(0) * sign);
            }
        }
        Ok(sum)
    }

    /// Messages of an owner whose bills depend on what happened at a position: those after it,
    /// admitted or not.
    pub fn costs_after(
        &mut self,
        owner: &str,
        payment: PaymentType,
        position: &Position,
    ) -> Result<Vec<i64>, StoreError> {
        let Some(owner) = self.addresses.find(&self.connection, owner)? else {
            return Ok(Vec::new());
        };
        let mut statement = self.connection.prepare_cached(
            "SELECT message FROM costs WHERE owner = ?1 AND payment = ?2 AND (time, hash) > (?3, ?4)",
        )?;
        let key = params![owner, payment.index(), position.time.0, position.hash.key()];
        let ids = statement.query_map(key, |row| row.get(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// Every message with a bill after a position: a price list of that position changes them.
    pub fn bills_after(&mut self, position: &Position) -> Result<Vec<i64>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT message FROM costs WHERE (time, hash) > (?1, ?2)")?;
        let ids = statement.query_map(params![position.time.0, position.hash.key()], |row| row.get(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// Reported tokens of an address as of a position, one text for each chain and dapp. Reports at
    /// the position itself do not count.
    pub fn balances_at(
        &mut self,
        address: &str,
        with_dapps: bool,
        position: &Position,
    ) -> Result<Vec<String>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT (SELECT r.balance FROM balance_reports r
                     WHERE r.address = b.address AND r.chain = b.chain AND r.dapp = b.dapp
                       AND (r.time, r.hash) < (?3, ?4)
                     ORDER BY r.height DESC, r.time, r.hash, r.message LIMIT 1)
             FROM balances b WHERE b.address = ?1 AND (?2 OR b.dapp = 0)",
        )?;
        let key = params![address, with_dapps, position.time.0, position.hash.key()];
        let balances = statement.query_map(key, |row| row.get::<_, Option<String>>(0))?;
        Ok(balances.filter_map(Result::transpose).collect::<Result<_, _>>()?)
    }
}

fn claimant((message, time, hash, total): (i64, i64, Vec<u8>, Vec<u8>)) -> Result<Claimant, StoreError> {
    let hash: ItemHash = codec::item_hash(&hash)?;
    Ok(Claimant {
        message,
        position: Position::provisional(Micros(time), hash),
        total: codec::amount(&total)?,
    })
}
