//! What is stored, and what is about to go.

use alephd_message::{ItemHash, MessageType, Micros, PaymentType};

use super::{
    lookup,
    page::{self, Page, Place},
    stream,
};
use crate::{Reader, StoreError, codec, write::PinKind};

/// How much is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Files whose bytes are held.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Reasons to keep them.
    pub pins: PinCounts,
    /// Messages in status `removing`.
    pub removing: u64,
}

/// Pins by their kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PinCounts {
    /// Contents of messages.
    pub content: u64,
    /// STOREs.
    pub message: u64,
    /// Archives of chains.
    pub archive: u64,
    /// Grace periods.
    pub grace: u64,
}

/// A message that nobody pays for.
#[derive(Clone, Debug, PartialEq)]
pub struct RemovingRow {
    /// Its name.
    pub item_hash: ItemHash,
    /// What it is.
    pub message_type: MessageType,
    /// Whose it is.
    pub owner: String,
    /// When it was announced.
    pub since: Micros,
    /// How it should be paid.
    pub payment: PaymentType,
    /// Size of the file that a STORE keeps.
    pub bytes: Option<u64>,
}

/// A file that only a grace period keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpiringRow {
    /// Its name.
    pub file: ItemHash,
    /// Its size.
    pub bytes: u64,
    /// When its bytes came.
    pub created: Micros,
    /// The end of the grace period.
    pub until: Micros,
}

const CONTENT: u8 = PinKind::Content as u8;
const MESSAGE: u8 = PinKind::Message as u8;
const ARCHIVE: u8 = PinKind::Archive as u8;
const GRACE: u8 = PinKind::Grace as u8;

/// In the order of owners, so that what one account loses stands together.
const REMOVING: &str = "SELECT m.owner, m.id, m.hash, m.type, a.text, m.gone_at, c.payment, f.size
    FROM messages m INDEXED BY messages_removing
    CROSS JOIN addresses a ON a.id = m.owner
    LEFT JOIN costs c INDEXED BY costs_message ON c.message = m.id AND c.live = 1
    LEFT JOIN pins p INDEXED BY pins_message ON p.message = m.id AND p.message <> 0 AND p.kind = 1
    LEFT JOIN files f ON f.id = p.file
    WHERE m.status = 1 AND (m.owner, m.id) > (?1, ?2) ORDER BY m.owner, m.id";

/// The next to end first. Grace periods of files that something else keeps are passed over.
const EXPIRING: &str = "SELECT p.delete_by, p.file, f.hash, f.size, f.created,
        EXISTS (SELECT 1 FROM pins k WHERE k.file = p.file AND k.kind <> ?1)
    FROM pins p INDEXED BY pins_expiry CROSS JOIN files f ON f.id = p.file
    WHERE p.delete_by IS NOT NULL AND (p.delete_by, p.file) > (?2, ?3) ORDER BY p.delete_by, p.file";

impl Reader {
    /// How much is stored. Reads all files and pins: callers should keep the answer for a while.
    pub fn usage(&self) -> Result<Usage, StoreError> {
        self.snapshot(|reader| {
            let mut usage = Usage::default();
            // Added up here: a sum that overflows fails the statement.
            let mut statement = reader.prepare_cached("SELECT size FROM files")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                usage.files += 1;
                usage.bytes = usage.bytes.saturating_add(lookup::unsigned(row.get(0)?));
            }
            let pins = stream::rows(
                reader,
                "SELECT kind, count(*) FROM pins GROUP BY kind",
                &[],
                |row| Ok((row.get::<_, u8>(0)?, row.get(1)?)),
            )?;
            for (kind, count) in pins {
                let count = lookup::unsigned(count);
                match kind {
                    CONTENT => usage.pins.content = count,
                    MESSAGE => usage.pins.message = count,
                    ARCHIVE => usage.pins.archive = count,
                    GRACE => usage.pins.grace = count,
                    _ => return Err(StoreError::Damaged("pin kind")),
                }
            }
            let removing: Option<i64> = stream::value(
                reader,
                "SELECT count(*) FROM messages INDEXED BY messages_removing WHERE status = 1",
                &[],
            )?;
            usage.removing = lookup::unsigned(removing.unwrap_or(0));
            Ok(usage)
        })
    }

    /// Messages that nobody pays for, account by account.
    pub fn removing_list(&self, after: Option<&Place>, limit: u64) -> Result<Page<RemovingRow>, StoreError> {
        let [owner, id, _] = after.map_or([i64::MIN; 3], |place| place.numbers);
        page::page(self, REMOVING, &[&owner, &id], limit, |row| {
            let place = Place::new([row.get(0)?, row.get(1)?, 0], None);
            let removing = RemovingRow {
                item_hash: codec::item_hash(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?,
                message_type: codec::message_type(row.get(3)?)?,
                owner: row.get(4)?,
                since: Micros(row.get::<_, Option<i64>>(5)?.unwrap_or(0)),
                payment: codec::payment(row.get(6)?)?.unwrap_or(PaymentType::Hold),
                bytes: row.get::<_, Option<i64>>(7)?.map(lookup::unsigned),
            };
            Ok((place, Some(removing)))
        })
    }

    /// Files that only a grace period keeps, those whose time ends first before the others.
    pub fn expiring_list(&self, after: Option<&Place>, limit: u64) -> Result<Page<ExpiringRow>, StoreError> {
        let [until, file, _] = after.map_or([i64::MIN; 3], |place| place.numbers);
        page::page(self, EXPIRING, &[&GRACE, &until, &file], limit, |row| {
            let until: i64 = row.get(0)?;
            let place = Place::new([until, row.get(1)?, 0], None);
            if row.get(5)? {
                return Ok((place, None));
            }
            let expiring = ExpiringRow {
                file: codec::item_hash(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?,
                bytes: lookup::unsigned(row.get(3)?),
                created: Micros(row.get(4)?),
                until: Micros(until),
            };
            Ok((place, Some(expiring)))
        })
    }

    /// How SQLite reads the lists of what is about to go.
    pub fn storage_explain(&self) -> Result<Vec<String>, StoreError> {
        [REMOVING, EXPIRING]
            .iter()
            .map(|sql| page::explain(self, sql))
            .collect()
    }
}
