//! Bills: what messages cost, whose account is charged, and what an account had to pay for and
//! with as of a position.

use rusqlite::params;

use alephd_message::{ItemHash, Micros, PaymentType};
use alephd_rules::Position;

use super::{Row, Writer};
use crate::{StoreError, codec};

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

impl Writer {
    /// Records what a message costs, in the state that its row has; replaces an older bill.
    pub fn bill_set(&mut self, row: &Row, bill: &Bill) -> Result<(), StoreError> {
        self.bill_remove(row)?;
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
        Ok(())
    }

    /// The message has no bill.
    pub fn bill_remove(&mut self, row: &Row) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("DELETE FROM costs WHERE message = ?1")?
            .execute([row.id])?;
        Ok(())
    }

    /// The bill goes where the message went: whether it was admitted, is live, or was withdrawn.
    pub fn bill_follow(&mut self, row: &Row) -> Result<(), StoreError> {
        let withdrawn = row.state.withdrawn.as_ref();
        self.connection
            .prepare_cached(
                "UPDATE costs SET admitted = ?2, live = ?3, until_time = ?4, until_hash = ?5 WHERE message = ?1",
            )?
            .execute(params![
                row.id,
                row.state.accepted,
                row.state.status.is_live(),
                withdrawn.map(|position| position.time.0),
                withdrawn.map(|position| position.hash.key()),
            ])?;
        Ok(())
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
