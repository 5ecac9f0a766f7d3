//! What is shown of a message that is not live.

use rusqlite::{Connection, OptionalExtension};

use alephd_message::{ErrorCode, ItemHash, Micros};
use alephd_rules::{MessageStatus, SHOWN_AS_PENDING};

use super::stream;
use crate::{Reader, StoreError, codec};

/// The status of a message as clients see it.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusRow {
    /// The status. A message that has waited longer than
    /// [`SHOWN_AS_PENDING`] shows as rejected.
    pub status: MessageStatus,
    /// When the message arrived.
    pub reception: Micros,
    /// Why it waits or is refused.
    pub verdict: Option<VerdictRow>,
    /// Whether only its wire form is kept: see [`Reader::refused_get`].
    pub refused: bool,
}

/// Why a message waits or is refused.
#[derive(Clone, Debug, PartialEq)]
pub struct VerdictRow {
    /// The code.
    pub code: ErrorCode,
    /// More, JSON.
    pub details: Option<String>,
    /// Since when.
    pub since: Micros,
}

/// A message refused for its form or signature.
#[derive(Clone, Debug, PartialEq)]
pub struct RefusedRow {
    /// The name that it claims.
    pub item_hash: ItemHash,
    /// When it arrived.
    pub reception: Micros,
    /// Why it was refused.
    pub code: ErrorCode,
    /// More, JSON.
    pub details: Option<String>,
    /// The wire object, JSON.
    pub message: String,
}

impl VerdictRow {
    /// What clients see at `now` of a parked message with this verdict.
    pub(super) fn shown(&self, stored: MessageStatus, now: Micros) -> MessageStatus {
        let budget = i64::try_from(SHOWN_AS_PENDING.as_micros()).unwrap_or(i64::MAX);
        // A code that no retry can lift means that the message was acknowledged and is suspended.
        let waits = stored == MessageStatus::Pending && self.code.is_retryable();
        if waits && self.since.0.saturating_add(budget) <= now.0 {
            return MessageStatus::Rejected;
        }
        stored
    }
}

impl Reader {
    /// The status of a message, refused ones included; `None` if it is unknown.
    pub fn message_status(&self, hash: &ItemHash, now: Micros) -> Result<Option<StatusRow>, StoreError> {
        self.snapshot(|reader| {
            let known = stream::rows(
                reader,
                "SELECT id, status, reception FROM messages WHERE prefix = ? AND hash = ?",
                &[&hash.order_prefix(), &hash.key()],
                |row| Ok((row.get::<_, i64>(0)?, row.get::<_, u8>(1)?, Micros(row.get(2)?))),
            )?;
            let Some((id, status, reception)) = known.into_iter().next() else {
                let refused = reader.refused_get(hash)?;
                return Ok(refused.map(StatusRow::of_refused));
            };
            let stored = codec::status(status)?;
            let verdict = if stored.is_live() {
                None
            } else {
                verdict(reader, id)?
            };
            let status = verdict
                .as_ref()
                .map_or(stored, |verdict| verdict.shown(stored, now));
            Ok(Some(StatusRow {
                status,
                reception,
                verdict,
                refused: false,
            }))
        })
    }

    /// A message that was refused for its form or signature.
    pub fn refused_get(&self, hash: &ItemHash) -> Result<Option<RefusedRow>, StoreError> {
        let mut statement =
            self.prepare_cached("SELECT reception, code, details, message FROM refused WHERE hash = ?")?;
        let row = statement.query_row([hash.key()], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get(2)?, row.get(3)?))
        });
        let Some((reception, code, details, message)) = row.optional()? else {
            return Ok(None);
        };
        let code = error_code(code)?;
        let reception = Micros(reception);
        Ok(Some(RefusedRow {
            item_hash: hash.clone(),
            reception,
            code,
            details,
            message,
        }))
    }
}

impl StatusRow {
    fn of_refused(refused: RefusedRow) -> Self {
        let RefusedRow {
            reception,
            code,
            details,
            ..
        } = refused;
        Self {
            status: MessageStatus::Rejected,
            reception,
            verdict: Some(VerdictRow {
                code,
                details,
                since: reception,
            }),
            refused: true,
        }
    }
}

fn verdict(connection: &Connection, id: i64) -> Result<Option<VerdictRow>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT code, details, since FROM verdicts WHERE message = ?")?;
    let row = statement.query_row([id], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?)));
    let Some((code, details, since)) = row.optional()? else {
        return Ok(None);
    };
    Ok(Some(VerdictRow {
        code: error_code(code)?,
        details,
        since: Micros(since),
    }))
}

pub(super) fn error_code(code: i64) -> Result<ErrorCode, StoreError> {
    let known = ErrorCode::ALL
        .iter()
        .copied()
        .find(|known| i64::from(known.code()) == code);
    known.ok_or(StoreError::Damaged("error code"))
}
