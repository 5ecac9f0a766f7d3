//! Files, what keeps them, and their names.

use rusqlite::OptionalExtension;

use alephd_message::{ItemHash, Micros};

use super::{
    filter::{Order, Window},
    lookup, message,
    message::MessageRow,
    stream::{self, Columns, Conditions, Stream},
    window::{Reading, Span, Ties},
};
use crate::{Counter, Reader, StoreError, codec, write::PinKind};

/// What the bytes of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FileKind {
    /// A file.
    File = 0,
    /// A folder.
    Directory = 1,
}

/// A file whose bytes are held.
#[derive(Clone, Debug, PartialEq)]
pub struct FileRow {
    /// Its name.
    pub hash: ItemHash,
    /// Its size in bytes.
    pub size: u64,
    /// What it is.
    pub kind: FileKind,
}

/// A STORE with its file.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredFile {
    /// The STORE.
    pub message: MessageRow,
    /// The file.
    pub file: FileRow,
}

/// A file in the list of an owner.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnedFile {
    /// The STORE.
    pub item_hash: ItemHash,
    /// Its signed time.
    pub created: Micros,
    /// The file.
    pub file: FileRow,
}

impl Reader {
    /// Names of files whose bytes are held, beyond one of them, in a fixed order.
    pub fn file_names(&self, after: Option<&ItemHash>, limit: u64) -> Result<Vec<ItemHash>, StoreError> {
        let mut statement =
            self.prepare_cached("SELECT hash FROM files WHERE hash > ?1 ORDER BY hash LIMIT ?2")?;
        let key = after.map_or(&[][..], ItemHash::key);
        let names = statement.query_map(rusqlite::params![key, lookup::signed(limit)], |row| row.get(0))?;
        let names: Vec<Vec<u8>> = names.collect::<Result<_, _>>()?;
        names.iter().map(|key| codec::item_hash(key)).collect()
    }

    /// A file by its name.
    pub fn file_get(&self, hash: &ItemHash) -> Result<Option<FileRow>, StoreError> {
        let mut statement = self.prepare_cached("SELECT size, kind FROM files WHERE hash = ?")?;
        let found = statement.query_row([hash.key()], |row| Ok((row.get(0)?, row.get(1)?)));
        found
            .optional()?
            .map(|(size, kind)| FileRow::new(hash.clone(), size, kind))
            .transpose()
    }

    /// Number of reasons to keep a file; zero for an unknown one.
    pub fn file_pins(&self, hash: &ItemHash) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM pins WHERE file = (SELECT id FROM files WHERE hash = ?)";
        let count: Option<i64> = stream::value(self, sql, &[&hash.key()])?;
        Ok(lookup::unsigned(count.unwrap_or(0)))
    }

    /// The file of a STORE.
    pub fn file_by_message(&self, message: &ItemHash) -> Result<Option<StoredFile>, StoreError> {
        self.snapshot(|reader| match lookup::message_id(reader, message)? {
            Some(id) => reader.stored_file(id),
            None => Ok(None),
        })
    }

    /// The latest STORE with a name: the item hash of its first revision, or `owner/label`.
    pub fn file_by_tag(&self, tag: &str) -> Result<Option<StoredFile>, StoreError> {
        self.snapshot(|reader| {
            let latest = stream::value(
                reader,
                "SELECT message FROM tags WHERE tag = ? ORDER BY time DESC, hash DESC LIMIT 1",
                &[&tag],
            )?;
            latest.map_or(Ok(None), |id| reader.stored_file(id))
        })
    }

    fn stored_file(&self, id: i64) -> Result<Option<StoredFile>, StoreError> {
        let mut statement = self.prepare_cached(
            "SELECT f.hash, f.size, f.kind FROM pins p CROSS JOIN files f ON f.id = p.file
             WHERE p.message = ? AND p.message <> 0 AND p.kind = ?",
        )?;
        let found = statement.query_row((id, PinKind::Message as u8), |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?, row.get(2)?))
        });
        let Some((hash, size, kind)) = found.optional()? else {
            return Ok(None);
        };
        let file = FileRow::new(codec::item_hash(&hash)?, size, kind)?;
        let message = message::by_id(self, id)?.ok_or(StoreError::Damaged("message of a pin"))?;
        Ok(Some(StoredFile { message, file }))
    }

    /// Files that the STOREs of an owner keep, by signed time; only one of them if `file` is given.
    pub fn files_of(
        &self,
        owner: &str,
        file: Option<&ItemHash>,
        order: Order,
        window: &Window,
    ) -> Result<Vec<OwnedFile>, StoreError> {
        self.snapshot(|reader| {
            let Some(stream) = reader.files_stream(owner, file)? else {
                return Ok(Vec::new());
            };
            let reading = Reading {
                connection: reader,
                order,
                ties: Ties::ItemHash,
            };
            let entries = reading.merge(&[stream], &Span::from(window))?;
            let files = entries.iter().map(|entry| {
                let stored = reader.stored_file(entry.id)?.ok_or(StoreError::Damaged("pin"))?;
                let created = Micros(entry.time);
                Ok(OwnedFile {
                    item_hash: stored.message.item_hash,
                    created,
                    file: stored.file,
                })
            });
            files.collect()
        })
    }

    /// Number of the files of an owner and the sum of their sizes.
    pub fn files_total(&self, owner: &str) -> Result<(u64, u64), StoreError> {
        self.snapshot(|reader| {
            let Some(owner) = lookup::address_id(reader, owner)? else {
                return Ok((0, 0));
            };
            let files = lookup::counter(reader, Counter::Files(owner))?;
            Ok((files, lookup::counter(reader, Counter::FileBytes(owner))?))
        })
    }

    /// How SQLite reads the list of files.
    pub fn files_explain(
        &self,
        owner: &str,
        file: Option<&ItemHash>,
        order: Order,
    ) -> Result<Vec<String>, StoreError> {
        self.snapshot(|reader| match reader.files_stream(owner, file)? {
            Some(stream) => stream.explain(reader, order, true),
            None => Ok(Vec::new()),
        })
    }

    fn files_stream(&self, owner: &str, file: Option<&ItemHash>) -> Result<Option<Stream>, StoreError> {
        let Some(owner) = lookup::address_id(self, owner)? else {
            return Ok(None);
        };
        let mut conditions = Conditions::new("p.kind = 1 AND p.owner = ?", [owner]);
        if let Some(file) = file {
            let id: Option<i64> = stream::value(self, "SELECT id FROM files WHERE hash = ?", &[&file.key()])?;
            let Some(id) = id else { return Ok(None) };
            conditions.and("+p.file = ?", [id.into()]);
        }
        Ok(Some(Stream {
            from: "pins p INDEXED BY pins_owner".to_owned(),
            columns: Columns {
                sort: None,
                time: "p.created",
                prefix: "p.prefix",
                id: "p.message",
            },
            conditions,
            bounds: (i64::MIN, i64::MAX),
        }))
    }
}

impl FileRow {
    fn new(hash: ItemHash, size: i64, kind: u8) -> Result<Self, StoreError> {
        let kind = match kind {
            0 => FileKind::File,
            1 => FileKind::Directory,
            _ => return Err(StoreError::Damaged("kind of file")),
        };
        Ok(Self {
            hash,
            size: lookup::unsigned(size),
            kind,
        })
    }
}
