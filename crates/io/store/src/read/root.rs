//! The state root, added up again from the tables that lists are made of.
//!
//! The writer keeps the root while it changes rows. Adding it up afterwards shows whether a row
//! was changed in any other way: by a disk, by hand, by a mistake in the writer.

use rusqlite::{Connection, Row};

use alephd_message::Micros;
use alephd_rules::root::{Leaf, StateRoot};

use crate::{
    Reader, StoreError, codec,
    leaf::{self, CreditLine, MessageParts, TombstoneParts},
};

impl Reader {
    /// The live root of what the tables hold. Costs a look at every row.
    pub fn state_root_of_tables(&self) -> Result<StateRoot, StoreError> {
        self.snapshot(|reader| {
            let mut root = StateRoot::default();
            add(reader, &mut root, MESSAGES, message)?;
            add(reader, &mut root, TOMBSTONES, tombstone)?;
            add(reader, &mut root, REVISIONS, revision)?;
            add(reader, &mut root, AGGREGATES, aggregate)?;
            add(reader, &mut root, FIELDS, field)?;
            add(reader, &mut root, TAGS, tag)?;
            add(reader, &mut root, BALANCES, balance)?;
            add(reader, &mut root, CREDITS, credit)?;
            Ok(root)
        })
    }
}

fn add(
    connection: &Connection,
    root: &mut StateRoot,
    sql: &str,
    read: fn(&Row<'_>) -> Result<Leaf, StoreError>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        root.add(&read(row)?);
    }
    Ok(())
}

/// A column with a text, without a copy.
fn text<'a>(row: &'a Row<'_>, index: usize) -> Result<&'a str, StoreError> {
    let value = row.get_ref(index)?;
    value
        .as_str()
        .map_err(|_| StoreError::Damaged("column that is no text"))
}

/// A column with the key of an item hash, without a copy.
fn key<'a>(row: &'a Row<'_>, index: usize) -> Result<&'a [u8], StoreError> {
    let value = row.get_ref(index)?;
    value
        .as_blob()
        .map_err(|_| StoreError::Damaged("column that is no hash"))
}

const MESSAGES: &str = "SELECT m.hash, m.type, m.chain, m.item_type, s.text, o.text, m.size, \
    coalesce(m.item_text, m.item_content, '') \
    FROM messages m NOT INDEXED CROSS JOIN addresses s ON s.id = m.sender \
    CROSS JOIN addresses o ON o.id = m.owner WHERE m.status <= 1";

fn message(row: &Row<'_>) -> Result<Leaf, StoreError> {
    Ok(leaf::message(&MessageParts {
        hash: key(row, 0)?,
        kinds: [row.get(1)?, row.get(2)?, row.get(3)?],
        sender: text(row, 4)?,
        owner: text(row, 5)?,
        size: row.get(6)?,
        content: text(row, 7)?,
    }))
}

const TOMBSTONES: &str = "SELECT m.hash, m.type, m.item_type, o.text, m.size, m.payment, t.forgotten_by \
    FROM tombstones t CROSS JOIN messages m ON m.id = t.message CROSS JOIN addresses o ON o.id = m.owner";

fn tombstone(row: &Row<'_>) -> Result<Leaf, StoreError> {
    Ok(leaf::tombstone(&TombstoneParts {
        hash: key(row, 0)?,
        kinds: [row.get(1)?, row.get(2)?],
        owner: text(row, 3)?,
        size: row.get(4)?,
        payment: row.get(5)?,
        forgotten_by: text(row, 6)?,
    }))
}

const REVISIONS: &str = "SELECT o.hash, a.hash FROM posts p \
    CROSS JOIN messages o ON o.id = p.id CROSS JOIN messages a ON a.id = p.latest WHERE p.latest <> p.id";

fn revision(row: &Row<'_>) -> Result<Leaf, StoreError> {
    Ok(leaf::revision(key(row, 0)?, key(row, 1)?))
}

const AGGREGATES: &str = "SELECT o.text, k.text, f.hash, l.hash FROM aggregates a \
    CROSS JOIN addresses o ON o.id = a.owner CROSS JOIN names k ON k.id = a.key \
    CROSS JOIN messages f ON f.id = a.first CROSS JOIN messages l ON l.id = a.last";

fn aggregate(row: &Row<'_>) -> Result<Leaf, StoreError> {
    let (owner, name) = (text(row, 0)?, text(row, 1)?);
    Ok(leaf::aggregate(owner, name, key(row, 2)?, key(row, 3)?))
}

const FIELDS: &str = "SELECT o.text, k.text, f.field, f.hash, f.value FROM aggregate_fields f \
    CROSS JOIN aggregates a ON a.id = f.aggregate \
    CROSS JOIN addresses o ON o.id = a.owner CROSS JOIN names k ON k.id = a.key";

fn field(row: &Row<'_>) -> Result<Leaf, StoreError> {
    let (owner, name) = (text(row, 0)?, text(row, 1)?);
    Ok(leaf::field(
        owner,
        name,
        text(row, 2)?,
        key(row, 3)?,
        text(row, 4)?,
    ))
}

/// The greatest version of each tag, found in the order of the primary key.
const TAGS: &str = "SELECT tag, hash FROM tags t WHERE NOT EXISTS \
    (SELECT 1 FROM tags n WHERE n.tag = t.tag AND (n.time, n.hash) > (t.time, t.hash))";

fn tag(row: &Row<'_>) -> Result<Leaf, StoreError> {
    Ok(leaf::tag(text(row, 0)?, key(row, 1)?))
}

const BALANCES: &str = "SELECT b.address, b.chain, n.text, b.balance, b.height FROM balances b \
    LEFT JOIN names n ON n.id = b.dapp";

fn balance(row: &Row<'_>) -> Result<Leaf, StoreError> {
    let dapp: Option<String> = row.get(2)?;
    let (address, chain) = (text(row, 0)?, row.get(1)?);
    Ok(leaf::balance(
        address,
        chain,
        dapp.as_deref(),
        text(row, 3)?,
        row.get(4)?,
    ))
}

const CREDITS: &str = "SELECT m.hash, c.line, c.kind, c.address, c.amount, c.expiration, c.details \
    FROM credits c CROSS JOIN messages m ON m.id = c.message";

fn credit(row: &Row<'_>) -> Result<Leaf, StoreError> {
    let line = CreditLine {
        line: row.get(1)?,
        kind: row.get(2)?,
        address: row.get(3)?,
        amount: row.get(4)?,
        expiration: row.get::<_, Option<i64>>(5)?.map(Micros),
        details: row.get(6)?,
    };
    Ok(leaf::credit(&codec::item_hash(key(row, 0)?)?, &line))
}
