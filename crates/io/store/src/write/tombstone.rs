//! Facts that no message can give again: what a rebuilt database begins with.
//!
//! Once a content is gone, the tombstone cannot be judged a second time, and the FORGETs behind it
//! stay accepted whatever is known later. Both are copied as they are. Everything else follows
//! from the messages.

use alephd_message::{Content, ItemHash, ItemType, MessageType};
use alephd_rules::Remains;

use super::{LinkKind, PinKind, Place, Row, Writer};
use crate::{
    StoreError,
    read::{Deeds, FinalForget, Tombstone},
};

impl Writer {
    /// Takes over a FORGET that made contents go: it is live here, and final. The files that are
    /// held must be known before. Comes before the tombstones.
    pub fn forget_seed(&mut self, forget: &FinalForget) -> Result<(), StoreError> {
        let row = self.row_seed(&forget.row, None)?;
        self.copies_set(row.id, &forget.copies)?;
        self.enter(&row)?;
        if row.item_type != ItemType::Inline {
            self.pin_insert(&row, PinKind::Content, &row.hash)?;
        }
        // A content that was damaged on the disk names nothing. That it was is shown by the root.
        let content = row
            .content_text()
            .and_then(|text| Content::parse(row.message_type, text).ok());
        let Some(content) = content else { return Ok(()) };
        let needs = alephd_rules::needs(&content);
        for target in &needs.messages {
            self.link_insert(row.id, LinkKind::Forget, target)?;
        }
        for key in &needs.aggregates {
            self.link_insert(row.id, LinkKind::ForgetAggregate, key)?;
        }
        Ok(())
    }

    /// Takes over a tombstone whose content is gone, with what the message did to others. Of the
    /// FORGETs that name it those count that were taken over; the others join when they are
    /// accepted here. What follows from credit posts is left to [`Writer::lots_set`] and
    /// [`Writer::transfer_rows_set`]; that it is not written is noted.
    pub fn tombstone_seed(&mut self, tombstone: &Tombstone) -> Result<(), StoreError> {
        let row = self.row_seed(&tombstone.row, None)?;
        self.tombstone_links(&row)?;
        self.deeds_insert(&row, &tombstone.deeds)?;
        if !tombstone.deeds.credits.is_empty() || !tombstone.deeds.transfers.is_empty() {
            self.credits_set_stale(true)?;
        }
        if let Some(claim) = tombstone.claim {
            self.claim_set(row.id, claim)?;
        }
        let mut forgotten_by = Vec::with_capacity(tombstone.forgotten_by.len());
        for forget in &tombstone.forgotten_by {
            if self.message_find(forget)?.is_some() {
                forgotten_by.push(forget.clone());
            }
        }
        self.tombstone_set(&row, &forgotten_by)
    }

    /// What a tombstone refers to.
    pub(super) fn tombstone_links(&mut self, row: &Row) -> Result<(), StoreError> {
        for (kind, target) in links_of(row) {
            self.link_insert(row.id, kind, &target)?;
        }
        Ok(())
    }

    /// What the message of a row did to others.
    pub(super) fn deeds_insert(&mut self, row: &Row, deeds: &Deeds) -> Result<(), StoreError> {
        if let Some(value) = &deeds.delegation {
            self.delegation_insert(row, value)?;
        }
        for line in &deeds.credits {
            self.credit_insert(row, line)?;
        }
        for line in &deeds.transfers {
            self.transfer_line_insert(row, line)?;
        }
        for update in &deeds.balances {
            self.balances_apply(row, update)?;
        }
        if let Some(bill) = &deeds.bill {
            self.bill_set(row, bill)?;
        }
        Ok(())
    }

    /// Inserts a row of another database in the state that it has there.
    pub(super) fn row_seed(&mut self, row: &Row, place: Option<Place>) -> Result<Row, StoreError> {
        let mut row = row.clone();
        row.sender_id = self.addresses.intern(&self.connection, &row.sender)?;
        row.owner_id = self.addresses.intern(&self.connection, &row.owner)?;
        row.channel_id = match &row.channel {
            Some(channel) => Some(self.names.intern(&self.connection, channel)?),
            None => None,
        };
        row.label_id = match &row.label {
            Some(label) => Some(self.names.intern(&self.connection, label)?),
            None => None,
        };
        match place {
            Some(place) => row.move_to(place),
            None => {
                row.id = self.message_number();
                row.reception.0 = row.reception.0.max(self.last_reception + 1);
                self.last_reception = row.reception.0;
            }
        }
        self.write_row(&row)?;
        self.count_status(row.state.status, 1);
        Ok(row)
    }
}

/// What a message whose content is gone still refers to.
pub(super) fn links_of(row: &Row) -> Vec<(LinkKind, ItemHash)> {
    let mut links = Vec::new();
    if row.subject().is_amend() {
        let original = row.reference.as_deref().and_then(ItemHash::parse_strict);
        links.extend(original.map(|original| (LinkKind::Amend, original)));
    }
    let volumes = row.remains.iter().flat_map(Remains::volumes);
    links.extend(volumes.map(|store| (LinkKind::Volume, store)));
    if row.message_type == MessageType::Aggregate {
        let key = row.label.as_deref().and_then(ItemHash::parse_strict);
        links.extend(key.map(|key| (LinkKind::Element, key)));
    }
    links
}
