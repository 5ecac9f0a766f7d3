//! Interning of addresses and names, with a bounded cache in both directions.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, OptionalExtension};

use crate::StoreError;

/// Entries kept in memory: some 10 MB at most, and every active sender of a busy network.
const CACHED: usize = 65_536;

pub(crate) struct Interner {
    insert: String,
    by_text_sql: String,
    by_id_sql: String,
    by_text: HashMap<Arc<str>, i64>,
    by_id: HashMap<i64, Arc<str>>,
}

impl Interner {
    pub(crate) fn new(table: &'static str) -> Self {
        Self {
            insert: format!("INSERT INTO {table} (text) VALUES (?1)"),
            by_text_sql: format!("SELECT id FROM {table} WHERE text = ?1"),
            by_id_sql: format!("SELECT text FROM {table} WHERE id = ?1"),
            by_text: HashMap::new(),
            by_id: HashMap::new(),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.by_text.clear();
        self.by_id.clear();
    }

    /// The id of a text that is known already.
    pub(crate) fn find(&mut self, connection: &Connection, text: &str) -> Result<Option<i64>, StoreError> {
        if let Some(id) = self.by_text.get(text) {
            return Ok(Some(*id));
        }
        let mut statement = connection.prepare_cached(&self.by_text_sql)?;
        let id = statement.query_row([text], |row| row.get(0)).optional()?;
        if let Some(id) = id {
            self.remember(id, text.into());
        }
        Ok(id)
    }

    /// The id of a text, new if needed.
    pub(crate) fn intern(&mut self, connection: &Connection, text: &str) -> Result<i64, StoreError> {
        if let Some(id) = self.find(connection, text)? {
            return Ok(id);
        }
        connection.prepare_cached(&self.insert)?.execute([text])?;
        let id = connection.last_insert_rowid();
        self.remember(id, text.into());
        Ok(id)
    }

    pub(crate) fn text(&mut self, connection: &Connection, id: i64) -> Result<Arc<str>, StoreError> {
        if let Some(text) = self.by_id.get(&id) {
            return Ok(Arc::clone(text));
        }
        let mut statement = connection.prepare_cached(&self.by_id_sql)?;
        let text: Option<String> = statement.query_row([id], |row| row.get(0)).optional()?;
        let text: Arc<str> = text.ok_or(StoreError::Damaged("interned text"))?.into();
        self.remember(id, Arc::clone(&text));
        Ok(text)
    }

    fn remember(&mut self, id: i64, text: Arc<str>) {
        if self.by_id.len() >= CACHED {
            self.clear();
        }
        self.by_text.insert(Arc::clone(&text), id);
        self.by_id.insert(id, text);
    }
}
