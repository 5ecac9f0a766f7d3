//! Opening, migrating and handing out connections.

use std::{
    fs,
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use rusqlite::{Connection, OpenFlags};

use crate::{StoreError, Writer, lists, log::Log};

/// Migrations in order; the schema version of a database is how many of them it has had.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_core.sql"),
    include_str!("migrations/0002_claims.sql"),
];

/// Prepared statements that each connection keeps. Lists build a few hundred distinct texts.
const STATEMENT_CACHE: usize = 256;

/// How to open a store.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// File of the database.
    pub path: PathBuf,
    /// Connections for reading. More than cores plus a few only costs memory.
    pub readers: usize,
    /// Page cache of the writer, bytes. Indexes in arrival-independent order want it large.
    pub writer_cache: usize,
    /// Page cache of each reader, bytes.
    pub reader_cache: usize,
}

impl StoreConfig {
    /// Defaults that keep a node with a million messages well under 400 MB.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            readers: 4,
            writer_cache: 96 << 20,
            reader_cache: 12 << 20,
        }
    }
}

/// An open database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pool: Arc<Pool>,
    writer: Arc<Mutex<Option<Writer>>>,
}

struct Pool {
    idle: Mutex<Vec<Connection>>,
    returned: Condvar,
}

impl Store {
    /// Opens or creates the database and brings its schema up to date.
    pub fn open(config: &StoreConfig) -> Result<Self, StoreError> {
        if let Some(folder) = config.path.parent() {
            fs::create_dir_all(folder).map_err(|source| StoreError::Folder {
                path: folder.to_owned(),
                source,
            })?;
        }
        let mut connection = Connection::open(&config.path)?;
        configure(&connection, config.writer_cache)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        migrate(&mut connection)?;
        let readers = open_readers(config)?;
        lists::create(&connection)?;
        let log = Log::keep(&mut connection, &config.path)?;
        let writer = Writer::new(connection, log)?;
        Ok(Self::with(readers, Some(writer)))
    }

    /// Opens an existing database for reading, beside whatever process may be writing to it.
    /// Nothing is changed: the schema must be the one of this program, and there is no writer.
    pub fn open_read_only(config: &StoreConfig) -> Result<Self, StoreError> {
        let readers = open_readers(config)?;
        let known = MIGRATIONS.len() as u32;
        for reader in &readers {
            let found = schema_version(reader)?;
            if found > known {
                return Err(StoreError::TooNew { found, known });
            }
            if found < known {
                return Err(StoreError::TooOld { found, known });
            }
        }
        Ok(Self::with(readers, None))
    }

    fn with(readers: Vec<Connection>, writer: Option<Writer>) -> Self {
        Self {
            pool: Arc::new(Pool {
                idle: Mutex::new(readers),
                returned: Condvar::new(),
            }),
            writer: Arc::new(Mutex::new(writer)),
        }
    }

    /// The one writer; `None` if it was taken before, or if the store is for reading only.
    pub fn take_writer(&self) -> Option<Writer> {
        lock(&self.writer).take()
    }

    /// A connection for reading; waits (blocking) until one is free.
    pub fn reader(&self) -> Reader {
        let mut idle = lock(&self.pool.idle);
        loop {
            if let Some(connection) = idle.pop() {
                return Reader {
                    connection: Some(connection),
                    pool: Arc::clone(&self.pool),
                };
            }
            idle = self
                .pool
                .returned
                .wait(idle)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A borrowed connection for reading. Returned to the pool when dropped.
pub struct Reader {
    connection: Option<Connection>,
    pool: Arc<Pool>,
}

impl Deref for Reader {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("present until drop")
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("present until drop")
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            lock(&self.pool.idle).push(connection);
            self.pool.returned.notify_one();
        }
    }
}

/// A panic while holding one of these locks leaves the value usable: it is only moved in and out.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open_readers(config: &StoreConfig) -> Result<Vec<Connection>, StoreError> {
    (0..config.readers.max(1))
        .map(|_| open_reader(&config.path, config.reader_cache))
        .collect()
}

fn open_reader(path: &Path, cache: usize) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    configure(&connection, cache)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn configure(connection: &Connection, cache: usize) -> Result<(), StoreError> {
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    // Plans must not depend on bound values: else a statement is compiled again at every call.
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.busy_timeout(std::time::Duration::from_secs(30))?;
    // Negative values count KiB.
    connection.pragma_update(None, "cache_size", -((cache >> 10) as i64))?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(())
}

/// How many migrations a database has had.
fn schema_version(connection: &Connection) -> Result<u32, StoreError> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let known = MIGRATIONS.len() as u32;
    let found = schema_version(connection)?;
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    for (index, script) in MIGRATIONS.iter().enumerate().skip(found as usize) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(script)?;
        transaction.pragma_update(None, "user_version", index as u32 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}
