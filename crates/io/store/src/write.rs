//! Writing: one connection, one transaction at a time.
//!
//! The writer offers facts and changes; *which* change a message causes is decided above. Every
//! change of something that the API serves goes through a method that also changes the state
//! root and the counters, so that these cannot drift apart.

mod account;
mod aggregate;
mod claim;
mod collection;
mod copies;
mod cost;
mod file;
mod index;
mod known;
mod ledger;
mod link;
mod message;
mod names;
mod post;
mod row;
mod sums;
mod tombstone;
mod verdict;

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use alephd_rules::root::{Leaf, StateRoot};

pub(crate) use account::address_start;
pub use claim::{Claim, Place};
pub use collection::{HeldFile, HeldPin, OpenBill};
pub use copies::MessageCopy;
pub use cost::{Bill, Claimant};
pub use file::PinKind;
pub use ledger::TransferLine;
pub use link::LinkKind;
pub use message::NewMessage;
pub(crate) use row::{BY_ID, FINAL_FORGETS, RawRow, TOMBSTONES};
pub use row::{Row, State};
pub use verdict::Refused;

use crate::{Counter, StoreError, lists, log::Log};
use cost::Recorded;
use known::Known;
use names::Interner;
use sums::Sums;
pub(crate) use sums::{EVERYBODY, SPENT};

/// The key of the live root in `meta`.
pub(crate) const LIVE_ROOT: &str = "root_live";

/// Bytes of the page cache in a bulk load. Keys fall on random pages of the indexes, which have some
/// hundred bytes for each message.
const BULK_CACHE: i64 = 384 << 20;

/// The one writer of a store.
pub struct Writer {
    /// Before the connection: the last one to close tidies up.
    log: Log,
    connection: Connection,
    addresses: Interner,
    names: Interner,
    used_names: HashMap<(i64, u8, i64), i64>,
    root: StateRoot,
    root_changed: bool,
    counters: HashMap<i64, i64>,
    sent: HashMap<(i64, u8), i64>,
    sums: Sums,
    recorded: Recorded,
    last_reception: i64,
    last_message: i64,
    /// Whether `copies` may have rows: it is empty on an honest network.
    any_copies: bool,
    /// Whether `removals` may have rows.
    any_removed: bool,
    /// Whether `refused` may have rows: it is empty on an honest network.
    any_refused: bool,
    /// Whether `claims` may have rows.
    any_claims: bool,
    /// In a bulk load only.
    known: Option<Known>,
    /// The page cache outside of a bulk load, while there is one.
    usual_cache: Option<i64>,
    in_transaction: bool,
}

impl Writer {
    pub(crate) fn new(connection: Connection, log: Log) -> Result<Self, StoreError> {
        let root = read_root(&connection)?;
        let (last_message, last_reception) = read_last(&connection)?;
        let any_refused =
            connection.query_row("SELECT EXISTS (SELECT 1 FROM refused)", [], |row| row.get(0))?;
        let any_removed =
            connection.query_row("SELECT EXISTS (SELECT 1 FROM removals)", [], |row| row.get(0))?;
        let any_copies =
            connection.query_row("SELECT EXISTS (SELECT 1 FROM copies)", [], |row| row.get(0))?;
        let any_claims =
            connection.query_row("SELECT EXISTS (SELECT 1 FROM claims)", [], |row| row.get(0))?;
        Ok(Self {
            log,
            connection,
            addresses: Interner::new("addresses"),
            names: Interner::new("names"),
            used_names: HashMap::new(),
            root,
            root_changed: false,
            counters: HashMap::new(),
            sent: HashMap::new(),
            sums: Sums::default(),
            recorded: Recorded::default(),
            last_reception,
            last_message,
            any_copies,
            any_removed,
            any_refused,
            any_claims,
            known: None,
            usual_cache: None,
            in_transaction: false,
        })
    }

    /// Begins a transaction. Everything until [`Writer::commit`] becomes durable together.
    pub fn begin(&mut self) -> Result<(), StoreError> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        self.in_transaction = true;
        Ok(())
    }

    /// Makes the transaction durable: returns when it is on disk.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        self.flush_counters()?;
        if self.root_changed {
            let mut statement = self.connection.prepare_cached(
                "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
            )?;
            statement.execute(params![LIVE_ROOT, self.root.to_bytes()])?;
            self.root_changed = false;
        }
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.in_transaction = false;
        self.log.committed()
    }

    /// Gives the transaction up and forgets what it changed in memory.
    pub fn rollback(&mut self) -> Result<(), StoreError> {
        self.counters.clear();
        self.sent.clear();
        self.sums = Sums::default();
        self.recorded = Recorded::default();
        self.addresses.clear();
        self.names.clear();
        self.used_names.clear();
        if self.in_transaction {
            // A full disk, or one that fails, has ended it already.
            if !self.connection.is_autocommit() {
                self.connection.execute_batch("ROLLBACK")?;
            }
            self.in_transaction = false;
        }
        self.root = read_root(&self.connection)?;
        self.root_changed = false;
        Ok(())
    }

    /// The live state root, including the changes of the open transaction.
    pub fn root(&self) -> &StateRoot {
        &self.root
    }

    /// Moves what the write-ahead log holds into the main file. For a clean shutdown.
    pub fn checkpoint(&mut self) -> Result<(), StoreError> {
        self.log.empty()
    }

    /// Begins a bulk load: until [`Writer::end_bulk`] lists are slow, or fail, and writing is fast.
    /// The page cache of the writer has at least 384 MiB meanwhile.
    pub fn begin_bulk(&mut self) -> Result<(), StoreError> {
        lists::drop(&self.connection)?;
        self.known = Some(Known::read(&self.connection)?);
        let cache: i64 = self
            .connection
            .query_row("PRAGMA cache_size", [], |row| row.get(0))?;
        self.usual_cache = Some(cache);
        // Negative values count KiB.
        Ok(self
            .connection
            .pragma_update(None, "cache_size", cache.min(-(BULK_CACHE >> 10)))?)
    }

    /// Ends a bulk load. Takes some microseconds for each message of the database. Where it is not
    /// called, the next opening does the same.
    pub fn end_bulk(&mut self) -> Result<(), StoreError> {
        self.known = None;
        lists::create(&self.connection)?;
        if let Some(cache) = self.usual_cache.take() {
            self.connection.pragma_update(None, "cache_size", cache)?;
        }
        Ok(())
    }

    fn root_add(&mut self, leaf: &Leaf) {
        self.root.add(leaf);
        self.root_changed = true;
    }

    fn root_merge(&mut self, sum: &StateRoot) {
        self.root.merge(sum);
        self.root_changed = true;
    }

    fn root_remove(&mut self, leaf: &Leaf) {
        self.root.remove(leaf);
        self.root_changed = true;
    }

    pub(crate) fn count(&mut self, counter: Counter, delta: i64) {
        *self.counters.entry(counter.id()).or_default() += delta;
    }

    /// Adds up the changes of the transaction so that a busy counter costs one statement.
    fn flush_counters(&mut self) -> Result<(), StoreError> {
        self.flush_accounts()?;
        self.sums.flush(&self.connection)?;
        let mut changes: Vec<_> = self.counters.drain().filter(|(_, delta)| *delta != 0).collect();
        changes.sort_unstable();
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO counters (key, n) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET n = n + ?2",
        )?;
        for (key, delta) in changes {
            statement.execute([key, delta])?;
        }
        Ok(())
    }
}

/// Id and reception of the newest message.
fn read_last(connection: &Connection) -> Result<(i64, i64), StoreError> {
    let sql = "SELECT id, reception FROM messages ORDER BY id DESC LIMIT 1";
    let last = connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)));
    Ok(last.optional()?.unwrap_or_default())
}

fn read_root(connection: &Connection) -> Result<StateRoot, StoreError> {
    let bytes: Option<Vec<u8>> = connection
        .query_row("SELECT value FROM meta WHERE key = ?1", [LIVE_ROOT], |row| {
            row.get(0)
        })
        .optional()?;
    match bytes {
        None => Ok(StateRoot::default()),
        Some(bytes) => StateRoot::from_bytes(&bytes).ok_or(StoreError::Damaged("state root")),
    }
}
