//! What is handed to another node for a message.

use std::sync::Arc;

use rusqlite::OptionalExtension;

use alephd_message::MessageType;

use super::{lookup, raw, tombstone::tombstone};
use crate::{
    Reader, StoreError,
    record::{TombstoneRecord, WireRecord},
    write::{BY_ID, RawRow},
};

impl Reader {
    /// What to hand to another node for a row. A forgotten message whose content is still held is a
    /// message: its FORGET does there what it did here. `None` for a row that does not exist, and
    /// for what is left of a message whose FORGETs are not accepted here.
    pub fn wire(&self, id: i64) -> Result<Option<WireRecord>, StoreError> {
        self.snapshot(|reader| {
            let mut statement = reader.prepare_cached(BY_ID)?;
            let Some(raw) = statement.query_row([id], RawRow::read).optional()? else {
                return Ok(None);
            };
            let row = raw.resolve(
                |id| Ok(Arc::from(lookup::address_text(reader, id)?)),
                |id| Ok(Arc::from(lookup::name_text(reader, id)?)),
            )?;
            if row.state.purged && row.message_type != MessageType::Forget {
                let record = TombstoneRecord::of(tombstone(reader, row)?);
                let is_sound = !record.forgotten_by.is_empty();
                return Ok(is_sound.then(|| WireRecord::Tombstone(Box::new(record))));
            }
            let copies = raw::copies(reader, id)?;
            Ok(Some(WireRecord::message(&row, copies)))
        })
    }
}
