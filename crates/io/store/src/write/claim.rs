//! Tombstones that other nodes hand over.

use rusqlite::params;

use alephd_message::Micros;

use super::{LinkKind, Row, Writer, tombstone::links_of};
use crate::{
    StoreError,
    read::{self, Deeds, TombstoneRecord},
};

/// On whose word a tombstone is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Somebody's: nothing but the signature and the FORGETs speaks for it.
    Untrusted = 0,
    /// Somebody's who is believed without proof.
    Trusted = 1,
}

impl Claim {
    pub(crate) fn from_index(index: u8) -> Result<Self, StoreError> {
        match index {
            0 => Ok(Self::Untrusted),
            1 => Ok(Self::Trusted),
            _ => Err(StoreError::Damaged("claim")),
        }
    }
}

/// Number and reception of a row that makes room for another one about the same message: others
/// refer to it by its number.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub(super) id: i64,
    pub(super) reception: Micros,
}

impl Row {
    /// Where it is.
    pub fn place(&self) -> Place {
        Place {
            id: self.id,
            reception: self.reception,
        }
    }

    /// Moves a draft there.
    pub fn move_to(&mut self, place: Place) {
        self.id = place.id;
        self.reception = place.reception;
    }
}

impl Writer {
    /// On whose word a tombstone is here; `None` for what was judged here.
    pub fn claim_get(&mut self, message: i64) -> Result<Option<Claim>, StoreError> {
        if !self.any_claims {
            return Ok(None);
        }
        read::claim(&self.connection, message)
    }

    /// Notes it.
    pub(super) fn claim_set(&mut self, message: i64, claim: Claim) -> Result<(), StoreError> {
        self.any_claims = true;
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO claims (message, trusted) VALUES (?1, ?2)")?
            .execute(params![message, claim as u8])?;
        Ok(())
    }

    /// Inserts a tombstone on the word of another node: pending, since no FORGET has forgotten it
    /// yet. What follows from credit posts is the caller's to write.
    pub fn claim_insert(
        &mut self,
        record: &TombstoneRecord,
        claim: Claim,
        place: Option<Place>,
        now: Micros,
    ) -> Result<Row, StoreError> {
        let row = self.row_seed(&record.row(now), place)?;
        self.refused_clear(&row.hash)?;
        self.tombstone_links(&row)?;
        self.deeds_insert(&row, &record.deeds)?;
        self.claim_set(row.id, claim)?;
        Ok(row)
    }

    /// What a message did to others, as far as other tables have it.
    pub fn deeds(&mut self, row: &Row) -> Result<Deeds, StoreError> {
        read::deeds(&self.connection, row)
    }

    /// Removes a row that holds no content, and everything that it refers to and did, to make room: a
    /// message whose content is unknown, or a tombstone that is here on the word of another node. Its
    /// credit lines are the caller's to remove before.
    pub fn row_remove(&mut self, row: &Row) -> Result<(), StoreError> {
        let deeds = self.deeds(row)?;
        for update in &deeds.balances {
            self.balances_withdraw(row, update)?;
        }
        self.bill_remove(row)?;
        self.tombstone_set(row, &[])?;
        self.verdict_clear(row.id)?;
        self.copies_set(row.id, &[])?;
        let mut links = links_of(row);
        links.push((LinkKind::File, row.hash.clone()));
        for (kind, target) in links {
            self.connection
                .prepare_cached(
                    "DELETE FROM edges WHERE prefix = ?1 AND kind = ?2 AND source = ?3 AND target = ?4",
                )?
                .execute(params![target.order_prefix(), kind as u8, row.id, target.key()])?;
        }
        self.connection
            .prepare_cached(
                "DELETE FROM delegations WHERE owner = ?1 AND time = ?2 AND hash = ?3 AND message = ?4",
            )?
            .execute(params![row.owner_id, row.content_time.0, row.hash.key(), row.id])?;
        for sql in [
            "DELETE FROM claims WHERE message = ?1",
            "DELETE FROM messages WHERE id = ?1",
        ] {
            self.connection.prepare_cached(sql)?.execute([row.id])?;
        }
        self.count_status(row.state.status, -1);
        Ok(())
    }

    /// The bill of a tombstone follows its row: a FORGET with an earlier position ended it earlier.
    pub fn bill_follow(&mut self, row: &Row) -> Result<(), StoreError> {
        match read::bill(&self.connection, row.id)? {
            Some(bill) => self.bill_set(row, &bill),
            None => Ok(()),
        }
    }
}
