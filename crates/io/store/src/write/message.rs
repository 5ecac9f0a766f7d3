//! Rows of `messages`: the raw facts and the verdict on each.

use std::sync::Arc;

use rusqlite::{OptionalExtension, params};

use alephd_message::{Chain, Content, Envelope, ErrorCode, ItemHash, ItemType, MessageType, Micros, PaymentType};
use alephd_rules::{
    MessageStatus, Position, Subject,
    root::{Leaf, LeafKind},
};

use super::Writer;
use crate::{Counter, StoreError, codec};

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

/// A row, with interned texts resolved.
#[derive(Clone, Debug)]
pub struct Row {
    /// Row id; grows in the order of reception.
    pub id: i64,
    /// Name of the message.
    pub hash: ItemHash,
    /// Status, verdict and tombstone.
    pub state: State,
    /// Kind of content.
    pub message_type: MessageType,
    /// Chain of the signature.
    pub chain: Chain,
    /// Where the content came from.
    pub item_type: ItemType,
    /// Address that signed.
    pub sender: Arc<str>,
    /// Address on whose behalf the message acts.
    pub owner: Arc<str>,
    /// Channel of the winning copy.
    pub channel: Option<Arc<str>>,
    /// `content.type` of a POST, `content.key` of an AGGREGATE.
    pub label: Option<Arc<str>>,
    /// How a STORE or machine is paid for.
    pub payment: Option<PaymentType>,
    /// Envelope time of the winning copy.
    pub time: Micros,
    /// Signed time.
    pub content_time: Micros,
    /// When it arrived first.
    pub reception: Micros,
    /// Size as the API reports it.
    pub size: i64,
    /// `content.ref`, or `replaces` of a machine.
    pub reference: Option<String>,
    /// Signature of the winning copy.
    pub signature: Option<String>,
    /// Text of the content as signed.
    pub item_content: Option<String>,
    /// What is served as content when it differs.
    pub item_text: Option<String>,
    pub(crate) sender_id: i64,
    pub(crate) owner_id: i64,
    pub(crate) channel_id: Option<i64>,
    pub(crate) label_id: Option<i64>,
}

/// The part of a row that changes.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Shown status.
    pub status: MessageStatus,
    /// Verdict, leaving FORGETs aside.
    pub accepted: bool,
    /// Position of the first accepted FORGET that names the message.
    pub withdrawn: Option<Position>,
    /// Envelope time of that FORGET.
    pub gone_at: Option<Micros>,
    /// The content is gone; for a FORGET: it made contents go.
    pub purged: bool,
    /// A tombstone whose content is still held, and until when.
    pub purge_after: Option<Micros>,
}

/// What may differ between valid copies of one message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageCopy {
    /// Address that signed.
    pub sender: String,
    /// Chain of the signature.
    pub chain: Chain,
    /// Envelope time.
    pub time: Micros,
    /// Channel.
    pub channel: Option<String>,
    /// Signature.
    pub signature: String,
}

/// A message refused for its form or signature.
#[derive(Clone, Debug)]
pub struct Refused<'a> {
    /// The name it claimed.
    pub hash: &'a ItemHash,
    /// Why.
    pub code: ErrorCode,
    /// More, as JSON.
    pub details: Option<&'a str>,
    /// The wire object.
    pub message: &'a str,
}

impl Row {
    /// What other messages judge this one by.
    pub fn subject(&self) -> Subject {
        Subject {
            hash: self.hash.clone(),
            message_type: self.message_type,
            chain: self.chain,
            sender: self.sender.as_ref().into(),
            owner: self.owner.as_ref().into(),
            channel: self.channel.as_deref().map(str::to_owned),
            label: self.label.as_deref().map(str::to_owned),
            reference: self.reference.clone(),
            position: self.position(),
        }
    }

    /// Place in the order.
    pub fn position(&self) -> Position {
        Position::provisional(self.content_time, self.hash.clone())
    }

    /// The text that content rules read and the API serves.
    pub fn content_text(&self) -> Option<&str> {
        self.item_text.as_deref().or(self.item_content.as_deref())
    }

    fn leaf(&self) -> Leaf {
        Leaf::new(LeafKind::Message)
            .part(self.hash.key())
            .part([self.message_type.index(), self.chain.index(), self.item_type.index()])
            .part(self.sender.as_bytes())
            .part(self.owner.as_bytes())
            .number(self.size)
            .part(self.content_text().unwrap_or_default())
    }

    fn tombstone(&self, forgotten_by: &str) -> Leaf {
        // Sender and chain are left out: once the content is gone, copies signed by somebody else
        // can no longer be compared, and whichever came first stays.
        Leaf::new(LeafKind::Tombstone)
            .part(self.hash.key())
            .part([self.message_type.index(), self.item_type.index()])
            .part(self.owner.as_bytes())
            .number(self.size)
            .option(self.payment.map(|payment| [payment.index()]))
            .part(forgotten_by)
    }
}

const COLUMNS: &str = "id, hash, status, accepted, type, chain, item_type, sender, owner, channel, label, payment, \
    time, content_time, reception, size, reference, signature, item_content, item_text, withdrawn_time, \
    withdrawn_hash, gone_at, purged, purge_after";

/// The largest number of rejected messages kept for clients that ask.
const REFUSED_KEPT: i64 = 100_000;

impl Writer {
    /// The row of a message.
    pub fn message_find(&mut self, hash: &ItemHash) -> Result<Option<Row>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM messages WHERE prefix = ?1 AND hash = ?2");
        let raw = self
            .connection
            .prepare_cached(&sql)?
            .query_row(params![hash.order_prefix(), hash.key()], RawRow::read)
            .optional()?;
        raw.map(|raw| self.resolve(raw)).transpose()
    }

    /// The row with an id that came from another table.
    pub fn message_load(&mut self, id: i64) -> Result<Row, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM messages WHERE id = ?1");
        let raw = self.connection.prepare_cached(&sql)?.query_row([id], RawRow::read).optional()?;
        self.resolve(raw.ok_or(StoreError::Damaged("message id"))?)
    }

    /// Whether a message is known, without reading it.
    pub fn message_exists(&mut self, hash: &ItemHash) -> Result<bool, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT 1 FROM messages WHERE prefix = ?1 AND hash = ?2")?;
        Ok(statement.exists(params![hash.order_prefix(), hash.key()])?)
    }

    /// Inserts a message in a given state, without effects.
    pub fn message_insert(&mut self, new: &NewMessage<'_>, state: &State) -> Result<Row, StoreError> {
        let envelope = new.envelope;
        let sender: Arc<str> = envelope.sender.as_str().into();
        let sender_id = self.addresses.intern(&self.connection, &sender)?;
        let owner: Arc<str> = match new.content {
            Some(content) if content.address != envelope.sender => content.address.as_str().into(),
            _ => Arc::clone(&sender),
        };
        let owner_id =
            if owner == sender { sender_id } else { self.addresses.intern(&self.connection, &owner)? };
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
        let text = envelope.item_content.as_deref().or(new.fetched_text);
        let size = match envelope.item_type {
            ItemType::Inline => text.map_or(0, |text| text.chars().count()),
            ItemType::Storage | ItemType::Ipfs => text.map_or(0, str::len),
        };
        // Receptions are distinct and grow, so that the order of ids is their order.
        let reception = Micros(new.reception.0.max(self.last_reception + 1));
        self.last_reception = reception.0;
        let mut row = Row {
            id: 0,
            hash: envelope.item_hash.clone(),
            state: state.clone(),
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
            size: i64::try_from(size).unwrap_or(i64::MAX),
            reference,
            signature: envelope.signature.clone(),
            item_content: text.map(str::to_owned),
            item_text: new.item_text.map(str::to_owned),
            sender_id,
            owner_id,
            channel_id,
            label_id,
        };
        self.write_row(&mut row)?;
        self.count_status(row.state.status, 1);
        if row.state.status.is_live() {
            self.enter(&row)?;
        }
        Ok(row)
    }

    fn write_row(&mut self, row: &mut Row) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO messages (id, prefix, hash, status, accepted, type, chain, item_type, sender, owner, channel,
                label, payment, time, content_time, reception, size, reference, signature, item_content, item_text,
                withdrawn_time, withdrawn_hash, gone_at, purged, purge_after)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
                ?22, ?23, ?24, ?25, ?26)",
        )?;
        let withdrawn = row.state.withdrawn.as_ref();
        let id = statement.insert(params![
            (row.id != 0).then_some(row.id),
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
        ])?;
        row.id = id;
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
    fn enter(&mut self, row: &Row) -> Result<(), StoreError> {
        self.root_add(&row.leaf());
        self.account_enter(row)?;
        self.index_enter(row)
    }

    /// The message leaves the lists.
    fn leave(&mut self, row: &Row) -> Result<(), StoreError> {
        self.root_remove(&row.leaf());
        self.account_leave(row)?;
        self.index_leave(row)
    }

    /// Another copy becomes the one that is served. A live message leaves and enters the lists.
    pub fn message_set_copy(&mut self, row: &mut Row, copy: &MessageCopy) -> Result<(), StoreError> {
        let live = row.state.status.is_live();
        if live {
            self.root_remove(&row.leaf());
            self.index_leave(row)?;
        }
        let old = row.clone();
        row.sender_id = self.addresses.intern(&self.connection, &copy.sender)?;
        row.channel_id = match &copy.channel {
            Some(channel) => Some(self.names.intern(&self.connection, channel)?),
            None => None,
        };
        row.sender = copy.sender.as_str().into();
        row.chain = copy.chain;
        row.time = copy.time;
        row.channel = copy.channel.as_deref().map(Arc::from);
        row.signature = Some(copy.signature.clone());
        self.connection
            .prepare_cached(
                "UPDATE messages SET sender = ?2, chain = ?3, time = ?4, channel = ?5, signature = ?6 WHERE id = ?1",
            )?
            .execute(params![
                row.id,
                row.sender_id,
                row.chain.index(),
                row.time.0,
                row.channel_id,
                row.signature
            ])?;
        if live {
            self.account_leave(&old)?;
            self.enter(row)?;
        }
        Ok(())
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
        self.connection
            .prepare_cached(
                "UPDATE messages SET item_content = NULL, item_text = NULL, purged = 1, purge_after = NULL
                 WHERE id = ?1",
            )?
            .execute([row.id])?;
        self.connection.prepare_cached("DELETE FROM copies WHERE message = ?1")?.execute([row.id])?;
        row.item_content = None;
        row.item_text = None;
        row.state.purged = true;
        row.state.purge_after = None;
        Ok(())
    }

    /// An accepted FORGET made contents go and cannot be taken back.
    pub fn forget_set_final(&mut self, id: i64) -> Result<(), StoreError> {
        self.connection.prepare_cached("UPDATE messages SET purged = 1 WHERE id = ?1")?.execute([id])?;
        Ok(())
    }

    /// Tombstones whose content may go by now, at most `limit`.
    pub fn messages_to_purge(&mut self, now: Micros, limit: u32) -> Result<Vec<i64>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT id FROM messages WHERE purge_after <= ?1 ORDER BY purge_after LIMIT ?2")?;
        let ids = statement.query_map(params![now.0, limit], |row| row.get(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// Forgets a parked message completely, to stay within bounds.
    pub fn message_drop(&mut self, row: &Row) -> Result<(), StoreError> {
        self.connection.prepare_cached("DELETE FROM messages WHERE id = ?1")?.execute([row.id])?;
        self.connection.prepare_cached("DELETE FROM copies WHERE message = ?1")?.execute([row.id])?;
        self.verdict_clear(row.id)?;
        self.count_status(row.state.status, -1);
        Ok(())
    }

    /// Number of parked messages (waiting or refused) of a sender, up to `limit`.
    pub fn parked_of_sender(&mut self, row: &Row, limit: u32) -> Result<u32, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM messages WHERE sender = ?1 AND status IN (2, 3) LIMIT ?2)",
        )?;
        Ok(statement.query_row(params![row.sender_id, limit], |row| row.get(0))?)
    }

    /// Records by whom a message is forgotten; empty if it no longer is.
    pub fn tombstone_set(&mut self, row: &Row, forgotten_by: &[ItemHash]) -> Result<(), StoreError> {
        let old: Option<String> = self
            .connection
            .prepare_cached("SELECT forgotten_by FROM tombstones WHERE message = ?1")?
            .query_row([row.id], |row| row.get(0))
            .optional()?;
        let new: Vec<String> = forgotten_by.iter().map(ItemHash::to_string).collect();
        let new = new.join(" ");
        let old = old.unwrap_or_default();
        if old == new {
            return Ok(());
        }
        if !old.is_empty() {
            self.root_remove(&row.tombstone(&old));
        }
        if new.is_empty() {
            self.connection.prepare_cached("DELETE FROM tombstones WHERE message = ?1")?.execute([row.id])?;
        } else {
            self.root_add(&row.tombstone(&new));
            self.connection
                .prepare_cached("INSERT OR REPLACE INTO tombstones (message, forgotten_by) VALUES (?1, ?2)")?
                .execute(params![row.id, new])?;
        }
        Ok(())
    }

    /// The code and the time since which a message waits or is refused.
    pub fn verdict_get(&mut self, message: i64) -> Result<Option<ErrorCode>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT code FROM verdicts WHERE message = ?1")?;
        let code: Option<i16> = statement.query_row([message], |row| row.get(0)).optional()?;
        code.map(|code| ErrorCode::from_code(code).ok_or(StoreError::Damaged("error code"))).transpose()
    }

    /// Records why a message waits or is refused.
    pub fn verdict_set(
        &mut self,
        message: i64,
        code: ErrorCode,
        details: Option<&str>,
        now: Micros,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO verdicts (message, code, details, since) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (message) DO UPDATE SET code = ?2, details = ?3",
            )?
            .execute(params![message, code.code(), details, now.0])?;
        Ok(())
    }

    /// The message no longer waits.
    pub fn verdict_clear(&mut self, message: i64) -> Result<(), StoreError> {
        self.connection.prepare_cached("DELETE FROM verdicts WHERE message = ?1")?.execute([message])?;
        Ok(())
    }

    /// Keeps a refused message for clients that ask; the oldest ones go when there are too many.
    pub fn refused_put(&mut self, refused: &Refused<'_>, now: Micros) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO refused (hash, reception, code, details, message) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (hash) DO UPDATE SET code = ?3, details = ?4",
            )?
            .execute(params![
                refused.hash.key(),
                now.0,
                refused.code.code(),
                refused.details,
                refused.message,
            ])?;
        let newest = self.connection.last_insert_rowid();
        self.connection
            .prepare_cached("DELETE FROM refused WHERE id <= ?1")?
            .execute([newest - REFUSED_KEPT])?;
        Ok(())
    }

    /// A good copy of a refused message arrived.
    pub fn refused_clear(&mut self, hash: &ItemHash) -> Result<(), StoreError> {
        self.connection.prepare_cached("DELETE FROM refused WHERE hash = ?1")?.execute([hash.key()])?;
        Ok(())
    }

    /// The other known copies of a message.
    pub fn copies(&mut self, message: i64) -> Result<Vec<MessageCopy>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT sender, chain, time, channel, signature FROM copies WHERE message = ?1")?;
        let mut rows = statement.query([message])?;
        let mut copies = Vec::new();
        while let Some(row) = rows.next()? {
            copies.push(MessageCopy {
                sender: row.get(0)?,
                chain: codec::chain(row.get(1)?)?,
                time: Micros(row.get(2)?),
                channel: row.get(3)?,
                signature: row.get(4)?,
            });
        }
        Ok(copies)
    }

    /// Replaces the other known copies of a message.
    pub fn copies_set(&mut self, message: i64, copies: &[MessageCopy]) -> Result<(), StoreError> {
        self.connection.prepare_cached("DELETE FROM copies WHERE message = ?1")?.execute([message])?;
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO copies (message, sender, chain, time, channel, signature) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for copy in copies {
            statement.execute(params![
                message,
                copy.sender,
                copy.chain.index(),
                copy.time.0,
                copy.channel,
                copy.signature
            ])?;
        }
        Ok(())
    }

    fn count_status(&mut self, status: MessageStatus, delta: i64) {
        match status {
            MessageStatus::Pending => self.count(Counter::Pending, delta),
            MessageStatus::Rejected => self.count(Counter::Parked, delta),
            MessageStatus::Forgotten => self.count(Counter::Forgotten, delta),
            MessageStatus::Processed | MessageStatus::Removing | MessageStatus::Removed => {}
        }
    }

    fn resolve(&mut self, raw: RawRow) -> Result<Row, StoreError> {
        let withdrawn = match (raw.withdrawn_time, &raw.withdrawn_hash) {
            (Some(time), Some(hash)) => Some(Position::provisional(Micros(time), codec::item_hash(hash)?)),
            _ => None,
        };
        let sender = self.addresses.text(&self.connection, raw.sender)?;
        let owner = if raw.owner == raw.sender {
            Arc::clone(&sender)
        } else {
            self.addresses.text(&self.connection, raw.owner)?
        };
        let channel = raw.channel.map(|id| self.names.text(&self.connection, id)).transpose()?;
        let label = raw.label.map(|id| self.names.text(&self.connection, id)).transpose()?;
        Ok(Row {
            id: raw.id,
            hash: codec::item_hash(&raw.hash)?,
            state: State {
                status: codec::status(raw.status)?,
                accepted: raw.accepted,
                withdrawn,
                gone_at: raw.gone_at.map(Micros),
                purged: raw.purged,
                purge_after: raw.purge_after.map(Micros),
            },
            message_type: codec::message_type(raw.kind)?,
            chain: codec::chain(raw.chain)?,
            item_type: codec::item_type(raw.item_type)?,
            sender,
            owner,
            channel,
            label,
            payment: codec::payment(raw.payment)?,
            time: Micros(raw.time),
            content_time: Micros(raw.content_time),
            reception: Micros(raw.reception),
            size: raw.size,
            reference: raw.reference,
            signature: raw.signature,
            item_content: raw.item_content,
            item_text: raw.item_text,
            sender_id: raw.sender,
            owner_id: raw.owner,
            channel_id: raw.channel,
            label_id: raw.label,
        })
    }
}

struct RawRow {
    id: i64,
    hash: Vec<u8>,
    status: u8,
    accepted: bool,
    kind: u8,
    chain: u8,
    item_type: u8,
    sender: i64,
    owner: i64,
    channel: Option<i64>,
    label: Option<i64>,
    payment: Option<u8>,
    time: i64,
    content_time: i64,
    reception: i64,
    size: i64,
    reference: Option<String>,
    signature: Option<String>,
    item_content: Option<String>,
    item_text: Option<String>,
    withdrawn_time: Option<i64>,
    withdrawn_hash: Option<Vec<u8>>,
    gone_at: Option<i64>,
    purged: bool,
    purge_after: Option<i64>,
}

impl RawRow {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            hash: row.get(1)?,
            status: row.get(2)?,
            accepted: row.get(3)?,
            kind: row.get(4)?,
            chain: row.get(5)?,
            item_type: row.get(6)?,
            sender: row.get(7)?,
            owner: row.get(8)?,
            channel: row.get(9)?,
            label: row.get(10)?,
            payment: row.get(11)?,
            time: row.get(12)?,
            content_time: row.get(13)?,
            reception: row.get(14)?,
            size: row.get(15)?,
            reference: row.get(16)?,
            signature: row.get(17)?,
            item_content: row.get(18)?,
            item_text: row.get(19)?,
            withdrawn_time: row.get(20)?,
            withdrawn_hash: row.get(21)?,
            gone_at: row.get(22)?,
            purged: row.get(23)?,
            purge_after: row.get(24)?,
        })
    }
}
