//! The index of blocks: in which file or archive a block lies, and where.
//!
//! It is a database of its own, because losing it loses nothing: every row is derived from bytes
//! that are kept elsewhere, and whoever owns them indexes again what is not listed. So its commits
//! do not wait for the disk, and a version of it that this program does not know is begun anew.
//!
//! What lists blocks is called a *holder*. It is added with all of its blocks or not at all, and
//! removed in one step; its blocks are swept when they have become many.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use alephd_message::ItemHash;

use crate::{StoreError, codec};

/// Bytes of a hash that are kept. Two blocks with equal ones are both listed, and who reads a block
/// checks it in any case.
pub const KEY_SIZE: usize = 16;

/// Version of the schema; another one is begun anew.
const VERSION: u32 = 1;
/// Blocks added in one transaction, so that others have their turn.
const BATCH: usize = 20_000;
/// Blocks of removed holders that are left for a while.
const GARBAGE: i64 = 100_000;
/// Holders that a question about a block looks at. A block lies in several when the trees of
/// different uploads share it, and any will do.
const MOST_PLACES: u32 = 8;

/// The beginning of the hash of a block.
pub type BlockKey = [u8; KEY_SIZE];

/// Where a block lies in its holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlockPlace {
    /// These bytes.
    Bytes {
        /// Where they begin.
        offset: u64,
        /// How many they are.
        size: u32,
    },
    /// These bytes, wrapped as a chunk of a file.
    Chunk {
        /// Where they begin.
        offset: u64,
        /// How many they are.
        size: u32,
    },
    /// Nowhere else: a node of a file that is kept without its nodes.
    Here(Vec<u8>),
}

impl BlockPlace {
    /// Form, offset, size and data as columns.
    fn columns(&self) -> (u8, i64, u32, Option<&[u8]>) {
        let signed = |offset: u64| i64::try_from(offset).unwrap_or(i64::MAX);
        match self {
            Self::Bytes { offset, size } => (0, signed(*offset), *size, None),
            Self::Chunk { offset, size } => (1, signed(*offset), *size, None),
            Self::Here(data) => (2, 0, 0, Some(data)),
        }
    }
}

/// A block that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRow {
    /// The file or archive.
    pub holder: ItemHash,
    /// Where in it.
    pub place: BlockPlace,
}

/// The index. Cheap to clone.
#[derive(Clone)]
pub struct BlockIndex {
    inner: Arc<Inner>,
}

struct Inner {
    /// `None` if there is no file that two connections could share. Closed first: the last connection
    /// clears the log away, and only one that writes can.
    reader: Option<Mutex<Connection>>,
    writer: Mutex<Connection>,
}

impl BlockIndex {
    /// Opens or creates the index at `path`.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let writer = match open_writer(path)? {
            Some(writer) => writer,
            None => {
                discard(path)?;
                open_writer(path)?.ok_or(StoreError::Damaged("index of blocks"))?
            }
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let reader = Connection::open_with_flags(path, flags)?;
        reader.busy_timeout(std::time::Duration::from_secs(30))?;
        Ok(Self::over(writer, Some(reader)))
    }

    /// An index that is forgotten with the process, for tests and throw-away nodes.
    pub fn in_memory() -> Result<Self, StoreError> {
        let connection = Connection::open_in_memory()?;
        create(&connection)?;
        Ok(Self::over(connection, None))
    }

    fn over(writer: Connection, reader: Option<Connection>) -> Self {
        Self {
            inner: Arc::new(Inner {
                reader: reader.map(Mutex::new),
                writer: Mutex::new(writer),
            }),
        }
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        lock(self.inner.reader.as_ref().unwrap_or(&self.inner.writer))
    }

    /// Whether the blocks of a file or archive are listed.
    pub fn is_listed(&self, holder: &ItemHash) -> Result<bool, StoreError> {
        let reader = self.reader();
        let mut statement = reader.prepare_cached("SELECT 1 FROM holders WHERE name = ?1")?;
        Ok(statement.exists([holder.key()])?)
    }

    /// Where a block lies; several places if it lies in several holders.
    pub fn find(&self, key: &BlockKey) -> Result<Vec<BlockRow>, StoreError> {
        let reader = self.reader();
        let mut statement = reader.prepare_cached(
            "SELECT h.name, b.form, b.offset, b.size, b.data FROM blocks b JOIN holders h ON h.id = b.holder
             WHERE b.key = ?1 LIMIT ?2",
        )?;
        let mut rows = statement.query(params![key, MOST_PLACES])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let holder = codec::item_hash(&row.get::<_, Vec<u8>>(0)?)?;
            let (offset, size) = (row.get::<_, i64>(2)?.unsigned_abs(), row.get(3)?);
            let place = match row.get(1)? {
                0 => BlockPlace::Bytes { offset, size },
                1 => BlockPlace::Chunk { offset, size },
                2 => BlockPlace::Here(row.get(4)?),
                _ => return Err(StoreError::Damaged("form of a block")),
            };
            found.push(BlockRow { holder, place });
        }
        Ok(found)
    }

    /// Lists all blocks of a file or archive. A holder that is listed already stays as it is.
    ///
    /// Blocks become visible at the end, all at once.
    pub fn add(&self, holder: &ItemHash, mut blocks: Vec<(BlockKey, BlockPlace)>) -> Result<(), StoreError> {
        if self.is_listed(holder)? {
            return Ok(());
        }
        // In the order of the tree, so that a large archive touches each page once.
        blocks.sort_unstable_by_key(|(key, _)| *key);
        let id = self.reserve()?;
        for batch in blocks.chunks(BATCH) {
            let mut writer = lock(&self.inner.writer);
            let transaction = writer.transaction()?;
            {
                let mut insert = transaction.prepare_cached(
                    "INSERT OR IGNORE INTO blocks (key, holder, form, offset, size, data)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?;
                for (key, place) in batch {
                    let (form, offset, size, data) = place.columns();
                    insert.execute(params![key, id, form, offset, size, data])?;
                }
            }
            transaction.commit()?;
        }
        let writer = lock(&self.inner.writer);
        let added = writer.execute(
            "INSERT OR IGNORE INTO holders (id, name, blocks) VALUES (?1, ?2, ?3)",
            params![id, holder.key(), blocks.len() as i64],
        )?;
        // Somebody may have been faster; then what was added here is of nobody.
        let count = blocks.len() as i64;
        let (live, dead) = if added == 1 { (count, 0) } else { (0, count) };
        collect(&writer, live, dead)
    }

    /// Forgets a file or archive with its blocks. On disk when this returns: an entry that came back
    /// could lead into another archive of the same name.
    pub fn remove(&self, holder: &ItemHash) -> Result<(), StoreError> {
        let writer = lock(&self.inner.writer);
        writer.pragma_update(None, "synchronous", "FULL")?;
        let removed = remove(&writer, holder);
        writer.pragma_update(None, "synchronous", "NORMAL")?;
        removed
    }

    /// Files and archives whose blocks are listed, those after `after` in the order of names.
    pub fn listed(&self, after: Option<&ItemHash>, limit: u32) -> Result<Vec<ItemHash>, StoreError> {
        let reader = self.reader();
        let mut statement =
            reader.prepare_cached("SELECT name FROM holders WHERE name > ?1 ORDER BY name LIMIT ?2")?;
        let after = after.map_or(&[][..], ItemHash::key);
        let mut rows = statement.query(params![after, limit])?;
        let mut names = Vec::new();
        while let Some(row) = rows.next()? {
            names.push(codec::item_hash(&row.get::<_, Vec<u8>>(0)?)?);
        }
        Ok(names)
    }

    /// A number for a holder that is not there yet.
    fn reserve(&self) -> Result<i64, StoreError> {
        let mut writer = lock(&self.inner.writer);
        let transaction = writer.transaction()?;
        transaction.execute("INSERT INTO holders (name, blocks) VALUES (x'', 0)", [])?;
        let id = transaction.last_insert_rowid();
        transaction.execute("DELETE FROM holders WHERE id = ?1", [id])?;
        transaction.commit()?;
        Ok(id)
    }
}

fn remove(writer: &Connection, holder: &ItemHash) -> Result<(), StoreError> {
    let blocks: Option<i64> = writer
        .prepare_cached("DELETE FROM holders WHERE name = ?1 RETURNING blocks")?
        .query_row([holder.key()], |row| row.get(0))
        .optional()?;
    match blocks {
        Some(blocks) => collect(writer, -blocks, blocks),
        None => Ok(()),
    }
}

/// Counts blocks that came and went, and sweeps when many are of nobody.
fn collect(writer: &Connection, live: i64, dead: i64) -> Result<(), StoreError> {
    let (live, dead): (i64, i64) = writer.query_row(
        "UPDATE counts SET live = live + ?1, dead = dead + ?2 RETURNING live, dead",
        [live, dead],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if dead > live.max(GARBAGE) {
        writer.execute_batch(
            "BEGIN;
             DELETE FROM blocks WHERE holder NOT IN (SELECT id FROM holders);
             UPDATE counts SET dead = 0;
             COMMIT;",
        )?;
    }
    Ok(())
}

/// Opens the file for writing. `None` if it is not one of this version.
fn open_writer(path: &Path) -> Result<Option<Connection>, StoreError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_secs(30))?;
    let version = connection.query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0));
    match version {
        Ok(VERSION) => {}
        Ok(0) => {
            connection.pragma_update(None, "journal_mode", "WAL")?;
            create(&connection)?;
        }
        Ok(_) => return Ok(None),
        Err(rusqlite::Error::SqliteFailure(error, _))
            if matches!(
                error.code,
                rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    }
    // A crash may lose the last commits, never the consistency of the file.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(Some(connection))
}

fn create(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch("BEGIN;")?;
    connection.execute_batch(include_str!("blocks.sql"))?;
    connection.pragma_update(None, "user_version", VERSION)?;
    Ok(connection.execute_batch("COMMIT;")?)
}

/// Removes an index that cannot be used, with the files that SQLite keeps beside it.
fn discard(path: &Path) -> Result<(), StoreError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(PathBuf::from(name)) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::Folder {
                    path: path.to_owned(),
                    source,
                });
            }
            _ => {}
        }
    }
    Ok(())
}

/// A panic while holding a connection leaves it usable: an open transaction is rolled back.
fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}
