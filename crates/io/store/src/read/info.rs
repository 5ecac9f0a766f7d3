//! Numbers and lists for the pages about the node itself.

use alephd_message::{ErrorCode, ItemHash, MessageType, Micros};
use alephd_rules::MessageStatus;

use super::{
    filter::Order,
    list::live_count,
    lookup,
    status::{VerdictRow, error_code},
    stream,
};
use crate::{Counter, Reader, StoreError, codec};

/// How much of everything there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Live messages.
    pub messages: u64,
    /// Messages that wait.
    pub pending: u64,
    /// Messages that are parked as refused.
    pub parked: u64,
    /// Tombstones.
    pub forgotten: u64,
    /// Reasons to keep files.
    pub pins: u64,
    /// Posts, without amends.
    pub posts: u64,
    /// Aggregates.
    pub aggregates: u64,
}

/// What a program wants to be started by.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscription {
    /// The program.
    pub item_hash: ItemHash,
    /// Its `content.on.message`, JSON, verbatim.
    pub value: String,
}

/// A message that waits or is refused.
#[derive(Clone, Debug, PartialEq)]
pub struct ParkedRow {
    /// Its name.
    pub item_hash: ItemHash,
    /// Kind of content.
    pub message_type: MessageType,
    /// Who signed it.
    pub sender: String,
    /// When it arrived.
    pub reception: Micros,
    /// What is shown of it.
    pub status: MessageStatus,
    /// Why.
    pub code: ErrorCode,
    /// More, JSON.
    pub details: Option<String>,
}

/// Which of the two state roots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// Of everything known.
    Live,
    /// Of what is final on the ordering chain.
    Final,
}

impl Reader {
    /// How much of everything there is.
    pub fn counts(&self) -> Result<Counts, StoreError> {
        self.snapshot(|reader| {
            Ok(Counts {
                messages: live_count(reader)?,
                pending: lookup::counter(reader, Counter::Pending)?,
                parked: lookup::counter(reader, Counter::Parked)?,
                forgotten: lookup::counter(reader, Counter::Forgotten)?,
                pins: lookup::counter(reader, Counter::Pins)?,
                posts: lookup::counter(reader, Counter::Posts)?,
                aggregates: lookup::counter(reader, Counter::Aggregates)?,
            })
        })
    }

    /// The bytes of a state root; `None` before anything was written.
    pub fn state_root(&self, root: Root) -> Result<Option<Vec<u8>>, StoreError> {
        let key = match root {
            Root::Live => crate::write::LIVE_ROOT,
            Root::Final => "root_final",
        };
        stream::value(self, "SELECT value FROM meta WHERE key = ?", &[&key])
    }

    /// Live programs that subscribe to messages, by signed time.
    pub fn subscription_list(&self, order: Order) -> Result<Vec<Subscription>, StoreError> {
        let mut rows = stream::rows(
            self,
            "SELECT s.time, m.hash, s.value FROM subscriptions s CROSS JOIN messages m ON m.id = s.message
             WHERE m.status <= 1",
            &[],
            |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, Vec<u8>>(1)?,
                    row.get::<_, String>(2)?,
                ))
            },
        )?;
        rows.sort_unstable();
        if order == Order::Descending {
            rows.reverse();
        }
        let subscriptions = rows.into_iter().map(|(_, hash, value)| {
            Ok(Subscription {
                item_hash: codec::item_hash(&hash)?,
                value,
            })
        });
        subscriptions.collect()
    }

    /// Messages that wait or are refused, newest first.
    pub fn parked_list(&self, limit: u64, now: Micros) -> Result<Vec<ParkedRow>, StoreError> {
        let mut statement = self.prepare_cached(
            "SELECT m.hash, m.type, a.text, m.reception, m.status, v.code, v.details, v.since
             FROM verdicts v CROSS JOIN messages m ON m.id = v.message CROSS JOIN addresses a ON a.id = m.sender
             WHERE m.status IN (2, 3) ORDER BY v.message DESC LIMIT ?",
        )?;
        let mut rows = statement.query([lookup::signed(limit)])?;
        let mut parked = Vec::new();
        while let Some(row) = rows.next()? {
            let code = error_code(row.get(5)?)?;
            let verdict = VerdictRow {
                code,
                details: row.get(6)?,
                since: Micros(row.get(7)?),
            };
            parked.push(ParkedRow {
                item_hash: codec::item_hash(&row.get::<_, Vec<u8>>(0)?)?,
                message_type: codec::message_type(row.get(1)?)?,
                sender: row.get(2)?,
                reception: Micros(row.get(3)?),
                status: verdict.shown(codec::status(row.get(4)?)?, now),
                code,
                details: verdict.details,
            });
        }
        Ok(parked)
    }
}
