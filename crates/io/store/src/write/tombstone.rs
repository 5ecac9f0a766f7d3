//! Facts that no message can give again: what a rebuilt database begins with.
//!
//! Once a content is gone, the tombstone cannot be judged a second time, and the FORGETs behind it
//! stay accepted whatever is known later. Both are copied as they are. Everything else follows
//! from the messages.

use alephd_message::{Content, ItemHash, ItemType, MessageType};
use alephd_rules::Remains;

use super::{LinkKind, PinKind, Row, Writer};
use crate::{
    StoreError,
    read::{FinalForget, Tombstone},
};

impl Writer {
    /// Takes over a FORGET that made contents go: it is live here, and final. The files that are
    /// held must be known before. Comes before the tombstones.
    pub fn forget_seed(&mut self, forget: &FinalForget) -> Result<(), StoreError> {
        let row = self.row_seed(&forget.row)?;
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

    /// Takes over a tombstone whose content is gone, with what the message did to others: its
    /// delegations, its credit lines, the balances that it reported. Of the FORGETs that name it
    /// those count that were taken over; the others join when they are accepted here. What follows
    /// from credit posts is left to [`Writer::lots_set`] and [`Writer::transfer_rows_set`]; that it
    /// is not written is noted.
    pub fn tombstone_seed(&mut self, tombstone: &Tombstone) -> Result<(), StoreError> {
        let row = self.row_seed(&tombstone.row)?;
        if row.subject().is_amend()
            && let Some(original) = row.reference.as_deref().and_then(ItemHash::parse_strict)
        {
            self.link_insert(row.id, LinkKind::Amend, &original)?;
        }
        for store in row.remains.iter().flat_map(Remains::volumes) {
            self.link_insert(row.id, LinkKind::Volume, &store)?;
        }
        if row.message_type == MessageType::Aggregate
            && let Some(key) = row.label.as_deref().and_then(ItemHash::parse_strict)
        {
            self.link_insert(row.id, LinkKind::Element, &key)?;
        }
        if let Some(value) = &tombstone.delegation {
            self.delegation_insert(&row, value)?;
        }
        for line in &tombstone.credits {
            self.credit_insert(&row, line)?;
        }
        for line in &tombstone.transfers {
            self.transfer_line_insert(&row, line)?;
        }
        if !tombstone.credits.is_empty() || !tombstone.transfers.is_empty() {
            self.credits_set_stale(true)?;
        }
        for update in &tombstone.balances {
            self.balances_apply(&row, update)?;
        }
        let mut forgotten_by = Vec::with_capacity(tombstone.forgotten_by.len());
        for forget in &tombstone.forgotten_by {
            if self.message_find(forget)?.is_some() {
                forgotten_by.push(forget.clone());
            }
        }
        self.tombstone_set(&row, &forgotten_by)
    }

    /// Inserts a row of another database in the state that it has there.
    fn row_seed(&mut self, row: &Row) -> Result<Row, StoreError> {
        let mut row = row.clone();
        row.id = self.message_number();
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
        row.reception.0 = row.reception.0.max(self.last_reception + 1);
        self.last_reception = row.reception.0;
        self.write_row(&row)?;
        self.count_status(row.state.status, 1);
        Ok(row)
    }
}
