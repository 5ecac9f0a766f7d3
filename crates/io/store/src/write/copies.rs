//! Other valid copies of a message.

use std::sync::Arc;

use rusqlite::params;

use alephd_message::{Chain, Micros};

use super::{Row, Writer};
use crate::{StoreError, codec};

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

impl Writer {
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
            self.account_leave(&old);
            self.enter(row)?;
        }
        Ok(())
    }

    /// The other known copies of a message.
    pub fn copies(&mut self, message: i64) -> Result<Vec<MessageCopy>, StoreError> {
        if !self.any_copies {
            return Ok(Vec::new());
        }
        let mut statement = self.connection.prepare_cached(
            "SELECT sender, chain, time, channel, signature FROM copies WHERE message = ?1",
        )?;
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
        self.any_copies |= !copies.is_empty();
        self.connection
            .prepare_cached("DELETE FROM copies WHERE message = ?1")?
            .execute([message])?;
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
}
