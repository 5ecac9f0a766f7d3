//! Rows of `messages`: the raw facts and the verdict on each.

use std::sync::Arc;

use rusqlite::params;

use alephd_message::{Content, Envelope, ItemType, Micros, PaymentType};
use alephd_rules::{MessageStatus, Remains, Subject, root::StateRoot};

use super::{Row, State, Writer};
use crate::{
    Counter, StoreError,
    leaf::{self, MessageParts},
};

/// What is written when a message is first seen.
#[derive(Clone, Debug)]
pub struct NewMessage<'a> {
    /// The envelope.
    pub envelope: &'a Envelope,
    /// The content, if its bytes are known.
    pub content: Option<&'a Content>,
    /// Text of a content that is not inline.
    pub fetched_text: Option<&'a str>,
    /// What is served as content when it differs from the text.
    pub item_text: Option<&'a str>,
    /// When it arrived.
    pub reception: Micros,
}

impl NewMessage<'_> {
    /// The state root of a network with this message alone, that is without what it does to
    /// tables of its type.
    pub fn leaf_sum(&self) -> StateRoot {
        let envelope = self.envelope;
        let owner = self.content.map_or(&envelope.sender, |content| &content.address);
        let leaf = leaf::message(&MessageParts {
            hash: envelope.item_hash.key(),
            kinds: [
                envelope.message_type.index(),
                envelope.chain.index(),
                envelope.item_type.index(),
            ],
            sender: &envelope.sender,
            owner,
            size: self.size(),
            content: self.item_text.or(self.text()).unwrap_or_default(),
        });
        let mut sum = StateRoot::default();
        sum.add(&leaf);
        sum
    }

    /// The text of the content, as signed.
    fn text(&self) -> Option<&str> {
        self.envelope.item_content.as_deref().or(self.fetched_text)
    }

    /// The size that the API reports: characters of an inline content, bytes of any other.
    fn size(&self) -> i64 {
        let size = match (self.envelope.item_type, self.text()) {
            (_, None) => 0,
            (ItemType::Inline, Some(text)) => text.chars().count(),
            (ItemType::Storage | ItemType::Ipfs, Some(text)) => text.len(),
        };
        i64::try_from(size).unwrap_or(i64::MAX)
    }
}

impl Writer {
    /// The row of a message that is seen for the first time: numbered, not written.
    pub fn message_draft(&mut self, new: &NewMessage<'_>) -> Result<Row, StoreError> {
        let envelope = new.envelope;
        let sender: Arc<str> = envelope.sender.as_str().into();
        let sender_id = self.addresses.intern(&self.connection, &sender)?;
        let owner: Arc<str> = match new.content {
            Some(content) if content.address != envelope.sender => content.address.as_str().into(),
            _ => Arc::clone(&sender),
        };
        let owner_id = if owner == sender {
            sender_id
        } else {
            self.addresses.intern(&self.connection, &owner)?
        };
        let channel_id = match &envelope.channel {
            Some(channel) => Some(self.names.intern(&self.connection, channel)?),
            None => None,
        };
        let (label, reference) = match new.content {
            Some(content) => {
                let subject = Subject::of(envelope, content);
                (subject.label, subject.reference)
            }
            None => (None, None),
        };
        let label_id = match &label {
            Some(label) => Some(self.names.intern(&self.connection, label)?),
            None => None,
        };
        // Receptions are distinct and grow, so that the order of ids is their order.
        let reception = Micros(new.reception.0.max(self.last_reception + 1));
        self.last_reception = reception.0;
        Ok(Row {
            id: self.message_number(),
            hash: envelope.item_hash.clone(),
            state: State::undecided(),
            message_type: envelope.message_type,
            chain: envelope.chain,
            item_type: envelope.item_type,
            sender,
            owner,
            channel: envelope.channel.as_deref().map(Arc::from),
            label: label.map(Arc::from),
            payment: new.content.and_then(Content::payment_type),
            time: envelope.time,
            content_time: new.content.map_or(envelope.time, Content::position_time),
            reception,
            size: new.size(),
            reference,
            signature: envelope.signature.clone(),
            item_content: new.text().map(str::to_owned),
            item_text: new.item_text.map(str::to_owned),
            remains: None,
            sender_id,
            owner_id,
            channel_id,
            label_id,
        })
    }

    /// Writes a draft in the state that it has. `leaf` is [`NewMessage::leaf_sum`], if it was made
    /// beforehand, on another core. Tables of single message types are the caller's to change.
    pub fn message_insert(&mut self, row: &Row, leaf: Option<&StateRoot>) -> Result<(), StoreError> {
        self.write_row(row)?;
        self.count_status(row.state.status, 1);
        if row.state.status.is_live() {
            match leaf {
                Some(sum) => self.root_merge(sum),
                None => self.root_add(&row.leaf()),
            }
            self.enter_lists(row)?;
        }
        Ok(())
    }

    /// A number for a new row. Never used twice, so that no other table can mean the wrong row.
    pub(super) fn message_number(&mut self) -> i64 {
        self.last_message += 1;
        self.last_message
    }

    pub(super) fn write_row(&mut self, row: &Row) -> Result<(), StoreError> {
        if let Some(known) = &mut self.known {
            known.add_message(&row.hash);
        }
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO messages (id, prefix, hash, status, accepted, type, chain, item_type, sender, owner, channel,
                label, payment, time, content_time, reception, size, reference, signature, item_content, item_text,
                withdrawn_time, withdrawn_hash, gone_at, purged, purge_after, remains)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
                ?22, ?23, ?24, ?25, ?26, ?27)",
        )?;
        let withdrawn = row.state.withdrawn.as_ref();
        statement.execute(params![
            row.id,
            row.hash.order_prefix(),
            row.hash.key(),
            row.state.status.index(),
            row.state.accepted,
            row.message_type.index(),
            row.chain.index(),
            row.item_type.index(),
            row.sender_id,
            row.owner_id,
            row.channel_id,
            row.label_id,
            row.payment.map(PaymentType::index),
            row.time.0,
            row.content_time.0,
            row.reception.0,
            row.size,
            row.reference,
            row.signature,
            row.item_content,
            row.item_text,
            withdrawn.map(|position| position.time.0),
            withdrawn.map(|position| position.hash.key()),
            row.state.gone_at.map(|time| time.0),
            row.state.purged,
            row.state.purge_after.map(|time| time.0),
            row.remains.as_ref().and_then(Remains::to_json),
        ])?;
        Ok(())
    }

    /// Changes the state of a message: status, lists, counters and root move together. Tables of
    /// single message types are the caller's to change.
    pub fn message_set_state(&mut self, row: &mut Row, state: State) -> Result<(), StoreError> {
        if row.state == state {
            return Ok(());
        }
        let (was_live, is_live) = (row.state.status.is_live(), state.status.is_live());
        let withdrawn = state.withdrawn.as_ref();
        self.connection
            .prepare_cached(
                "UPDATE messages SET status = ?2, accepted = ?3, withdrawn_time = ?4, withdrawn_hash = ?5,
                    gone_at = ?6, purged = ?7, purge_after = ?8 WHERE id = ?1",
            )?
            .execute(params![
                row.id,
                state.status.index(),
                state.accepted,
                withdrawn.map(|position| position.time.0),
                withdrawn.map(|position| position.hash.key()),
                state.gone_at.map(|time| time.0),
                state.purged,
                state.purge_after.map(|time| time.0),
            ])?;
        self.count_status(row.state.status, -1);
        self.count_status(state.status, 1);
        row.state = state;
        match (was_live, is_live) {
            (false, true) => self.enter(row)?,
            (true, false) => self.leave(row)?,
            (true, true) | (false, false) => {}
        }
        Ok(())
    }

    /// The message enters the lists.
    pub(super) fn enter(&mut self, row: &Row) -> Result<(), StoreError> {
        self.root_add(&row.leaf());
        self.enter_lists(row)
    }

    fn enter_lists(&mut self, row: &Row) -> Result<(), StoreError> {
        self.account_enter(row);
        self.index_enter(row)
    }

    /// The message leaves the lists.
    fn leave(&mut self, row: &Row) -> Result<(), StoreError> {
        self.root_remove(&row.leaf());
        self.account_leave(row);
        self.index_leave(row)
    }

    /// The content of a message that waited for it. The message must not be live.
    pub fn message_set_content(
        &mut self,
        row: &mut Row,
        content: &Content,
        text: &str,
        item_text: Option<&str>,
        envelope: &Envelope,
    ) -> Result<(), StoreError> {
        let subject = Subject::of(envelope, content);
        row.owner = subject.owner.as_str().into();
        row.owner_id = self.addresses.intern(&self.connection, &subject.owner)?;
        row.label_id = match &subject.label {
            Some(label) => Some(self.names.intern(&self.connection, label)?),
            None => None,
        };
        row.label = subject.label.map(Arc::from);
        row.reference = subject.reference;
        row.payment = content.payment_type();
        row.content_time = subject.position.time;
        row.size = i64::try_from(text.len()).unwrap_or(i64::MAX);
        row.item_content = Some(text.to_owned());
        row.item_text = item_text.map(str::to_owned);
        self.connection
            .prepare_cached(
                "UPDATE messages SET owner = ?2, label = ?3, payment = ?4, content_time = ?5, size = ?6,
                    reference = ?7, item_content = ?8, item_text = ?9 WHERE id = ?1",
            )?
            .execute(params![
                row.id,
                row.owner_id,
                row.label_id,
                row.payment.map(PaymentType::index),
                row.content_time.0,
                row.size,
                row.reference,
                row.item_content,
                row.item_text,
            ])?;
        Ok(())
    }

    /// Removes the content of a tombstone for good.
    pub fn message_purge(&mut self, row: &mut Row) -> Result<(), StoreError> {
        let content = row.content_text();
        let content = content.and_then(|text| Content::parse(row.message_type, text).ok());
        let remains = content.map(|content| Remains::of(&content));
        self.connection
            .prepare_cached(
                "UPDATE messages SET item_content = NULL, item_text = NULL, purged = 1, purge_after = NULL,
                    remains = ?2 WHERE id = ?1",
            )?
            .execute(params![row.id, remains.as_ref().and_then(Remains::to_json)])?;
        row.remains = remains;
        if self.any_copies {
            self.copies_set(row.id, &[])?;
        }
        row.item_content = None;
        row.item_text = None;
        row.state.purged = true;
        row.state.purge_after = None;
        Ok(())
    }

    /// An accepted FORGET made contents go and cannot be taken back.
    pub fn forget_set_final(&mut self, id: i64) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("UPDATE messages SET purged = 1 WHERE id = ?1")?
            .execute([id])?;
        Ok(())
    }

    /// Tombstones whose content may go by now, at most `limit`.
    pub fn messages_to_purge(&mut self, now: Micros, limit: u32) -> Result<Vec<i64>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id FROM messages WHERE purge_after <= ?1 ORDER BY purge_after LIMIT ?2",
        )?;
        let ids = statement.query_map(params![now.0, limit], |row| row.get(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    pub(super) fn count_status(&mut self, status: MessageStatus, delta: i64) {
        match status {
            MessageStatus::Pending => self.count(Counter::Pending, delta),
            MessageStatus::Rejected => self.count(Counter::Parked, delta),
            MessageStatus::Forgotten => self.count(Counter::Forgotten, delta),
            MessageStatus::Processed | MessageStatus::Removing | MessageStatus::Removed => {}
        }
    }
}
