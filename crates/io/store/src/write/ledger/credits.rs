//! What credit posts say: the facts that the credit ledger is computed from.
//!
//! Distributions and expenses are their rows in the history. What a transfer says is kept apart,
//! because its rows depend on the posts before it (`lots.rs`).

use rusqlite::params;
use serde_json::{Map, Value, json};

use alephd_economy::lots::{Body, Expense, Grant, Position, Post, Transfer};
use alephd_message::Micros;
use alephd_rules::{CreditEntries, CreditEntry, CreditKind};

use crate::{
    StoreError, codec,
    leaf::{self, CreditLine},
    write::{Row, Writer},
};

/// A line of a transfer as the post says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferLine {
    /// Place in the post.
    pub line: i64,
    /// Who gets the credits.
    pub recipient: String,
    /// How many.
    pub amount: i64,
    /// End of validity that the sender asks for.
    pub expiration: Option<Micros>,
    /// What the sender must have for the whole post; `None` if he may mint.
    pub required: Option<u64>,
}

/// A line of a distribution or an expense, in the order of posts.
struct SaidLine {
    message: i64,
    position: Position,
    kind: u8,
    account: i64,
    amount: u64,
    expiration: Option<Micros>,
}

const LINES: &str = "SELECT c.message, m.content_time, m.hash, c.kind, c.address, c.amount, c.expiration
    FROM credits c INDEXED BY credits_message CROSS JOIN messages m ON m.id = c.message
    WHERE c.kind <> 1 AND c.message BETWEEN ?1 AND ?2 ORDER BY c.message, c.line";

const TRANSFERS: &str =
    "SELECT t.message, m.content_time, m.hash, m.owner, t.required, t.recipient, t.amount, t.expiration
    FROM credit_transfers t CROSS JOIN messages m ON m.id = t.message
    WHERE t.message BETWEEN ?1 AND ?2 ORDER BY t.message, t.line";

impl Writer {
    /// Records what a credit post says. Nothing happens to a line that is there already.
    pub fn credit_post_insert(&mut self, row: &Row, post: &CreditEntries) -> Result<(), StoreError> {
        for (line, entry) in (0..).zip(&post.entries) {
            let amount = i64::try_from(entry.amount).unwrap_or(i64::MAX);
            match post.kind {
                CreditKind::Transfer => {
                    let line = TransferLine {
                        line,
                        recipient: entry.address.clone(),
                        amount,
                        expiration: entry.expiration,
                        required: post.required,
                    };
                    self.transfer_line_insert(row, &line)?;
                }
                CreditKind::Distribution | CreditKind::Expense => {
                    let sign = if post.kind == CreditKind::Expense { -1 } else { 1 };
                    let line = CreditLine {
                        line,
                        kind: post.kind as u8,
                        address: entry.address.clone(),
                        amount: sign * amount,
                        expiration: entry.expiration,
                        details: details(entry),
                    };
                    self.credit_insert(row, &line)?;
                }
            }
        }
        Ok(())
    }

    /// Takes back what a credit post said, and its rows.
    pub fn credit_post_remove(&mut self, row: &Row) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("DELETE FROM credit_transfers WHERE message = ?1")?
            .execute([row.id])?;
        self.credit_lines_remove(row)
    }

    /// Whether a post has lines in the ledger.
    pub fn credits_exist(&mut self, row: &Row) -> Result<bool, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT 1 FROM credits WHERE message = ?1 UNION ALL SELECT 1 FROM credit_transfers WHERE message = ?1",
        )?;
        Ok(statement.exists([row.id])?)
    }

    /// Whether what follows from credit posts is not written: lots, and rows of transfers.
    pub fn credits_stale(&mut self) -> Result<bool, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT 1 FROM meta WHERE key = 'credits_stale'")?;
        Ok(statement.exists([])?)
    }

    /// Notes that it is not, or is again.
    pub fn credits_set_stale(&mut self, stale: bool) -> Result<(), StoreError> {
        let sql = if stale {
            "INSERT OR IGNORE INTO meta (key, value) VALUES ('credits_stale', x'01')"
        } else {
            "DELETE FROM meta WHERE key = 'credits_stale'"
        };
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// What a post says, if it is a credit post with lines. Accounts are ids of addresses.
    pub fn credit_post(&mut self, row: &Row) -> Result<Option<Post<i64>>, StoreError> {
        Ok(self.credit_posts_between(row.id, row.id)?.pop())
    }

    /// What all credit posts say, in no particular order.
    pub fn credit_posts(&mut self) -> Result<Vec<Post<i64>>, StoreError> {
        self.credit_posts_between(i64::MIN, i64::MAX)
    }

    /// The number that stands for an address, if it occurred.
    pub fn address_find(&mut self, address: &str) -> Result<Option<i64>, StoreError> {
        self.addresses.find(&self.connection, address)
    }

    /// The address of such a number.
    pub fn address_text(&mut self, id: i64) -> Result<String, StoreError> {
        Ok(self.addresses.text(&self.connection, id)?.as_ref().to_owned())
    }

    fn credit_posts_between(&mut self, first: i64, last: i64) -> Result<Vec<Post<i64>>, StoreError> {
        let mut posts = self.said_posts(first, last)?;
        let mut statement = self.connection.prepare_cached(TRANSFERS)?;
        let mut rows = statement.query([first, last])?;
        let mut current = None;
        while let Some(row) = rows.next()? {
            let message: i64 = row.get(0)?;
            if current != Some(message) {
                current = Some(message);
                let required: Option<[u8; 8]> = row.get(4)?;
                let sender = row.get(3)?;
                posts.push(Post {
                    position: position(row, 1)?,
                    body: match required.map(u64::from_be_bytes) {
                        None => Body::Grants {
                            from: Some(sender),
                            lines: Vec::new(),
                        },
                        Some(required) => Body::Transfer(Transfer {
                            sender,
                            required,
                            lines: Vec::new(),
                        }),
                    },
                });
            }
            let line = Grant {
                account: row.get(5)?,
                amount: row.get::<_, i64>(6)?.unsigned_abs(),
                expiration: row.get::<_, Option<i64>>(7)?.map(Micros),
            };
            match posts.last_mut().map(|post| &mut post.body) {
                Some(Body::Grants { lines, .. } | Body::Transfer(Transfer { lines, .. })) => lines.push(line),
                Some(Body::Expenses(_)) | None => {}
            }
        }
        Ok(posts)
    }

    /// Distributions and expenses.
    fn said_posts(&mut self, first: i64, last: i64) -> Result<Vec<Post<i64>>, StoreError> {
        let mut statement = self.connection.prepare_cached(LINES)?;
        let mut rows = statement.query([first, last])?;
        let mut posts: Vec<Post<i64>> = Vec::new();
        let mut current = None;
        while let Some(row) = rows.next()? {
            let address = row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?;
            let line = SaidLine {
                message: row.get(0)?,
                position: position(row, 1)?,
                kind: row.get(3)?,
                account: self.addresses.intern(&self.connection, address)?,
                amount: row.get::<_, i64>(5)?.unsigned_abs(),
                expiration: row.get::<_, Option<i64>>(6)?.map(Micros),
            };
            if current != Some(line.message) {
                current = Some(line.message);
                let is_expense = line.kind == CreditKind::Expense as u8;
                posts.push(Post {
                    position: line.position,
                    body: if is_expense {
                        Body::Expenses(Vec::new())
                    } else {
                        Body::Grants {
                            from: None,
                            lines: Vec::new(),
                        }
                    },
                });
            }
            let (account, amount, expiration) = (line.account, line.amount, line.expiration);
            match posts.last_mut().map(|post| &mut post.body) {
                Some(Body::Expenses(lines)) => lines.push(Expense { account, amount }),
                Some(Body::Grants { lines, .. }) => lines.push(Grant {
                    account,
                    amount,
                    expiration,
                }),
                Some(Body::Transfer(_)) | None => {}
            }
        }
        Ok(posts)
    }

    /// Adds a row to the history of credits; nothing happens if it is there already.
    pub(in crate::write) fn credit_insert(&mut self, row: &Row, line: &CreditLine) -> Result<(), StoreError> {
        let added = self
            .connection
            .prepare_cached(
                "INSERT OR IGNORE INTO credits (address, time, message, line, kind, amount, expiration, details)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                line.address,
                row.content_time.0,
                row.id,
                line.line,
                line.kind,
                line.amount,
                line.expiration.map(|time| time.0),
                line.details,
            ])?;
        if added > 0 {
            self.root_add(&leaf::credit(&row.hash, line));
            self.sums.credits(line, 1);
        }
        Ok(())
    }

    /// Adds a line of a transfer; nothing happens if it is there already.
    pub(in crate::write) fn transfer_line_insert(
        &mut self,
        row: &Row,
        line: &TransferLine,
    ) -> Result<(), StoreError> {
        let recipient = self.addresses.intern(&self.connection, &line.recipient)?;
        self.connection
            .prepare_cached(
                "INSERT OR IGNORE INTO credit_transfers (message, line, recipient, amount, expiration, required)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                row.id,
                line.line,
                recipient,
                line.amount,
                line.expiration.map(|time| time.0),
                line.required.map(u64::to_be_bytes),
            ])?;
        Ok(())
    }

    /// The rows of a post in the history.
    pub(super) fn credit_lines(&mut self, row: &Row) -> Result<Vec<CreditLine>, StoreError> {
        let mut statement = self.connection.prepare_cached(crate::read::CREDIT_LINES)?;
        let lines = statement.query_map([row.id], crate::read::credit_line)?;
        Ok(lines.collect::<Result<_, _>>()?)
    }

    /// Removes the rows of a post from the history.
    pub(super) fn credit_lines_remove(&mut self, row: &Row) -> Result<(), StoreError> {
        for line in self.credit_lines(row)? {
            self.root_remove(&leaf::credit(&row.hash, &line));
            self.sums.credits(&line, -1);
        }
        // Not by `message`: the primary key begins with the address.
        self.connection
            .prepare_cached(
                "DELETE FROM credits WHERE (address, time, message, line) IN
                    (SELECT address, time, message, line FROM credits INDEXED BY credits_message WHERE message = ?1)",
            )?
            .execute([row.id])?;
        Ok(())
    }
}

fn position(row: &rusqlite::Row<'_>, first: usize) -> Result<Position, StoreError> {
    let hash = row.get_ref(first + 1)?.as_blob().map_err(rusqlite::Error::from)?;
    Ok(Position {
        time: Micros(row.get(first)?),
        hash: codec::item_hash(hash)?,
    })
}

/// The descriptive columns of a line as JSON; absent ones are left out.
pub(super) fn details(entry: &CreditEntry) -> String {
    let mut map = Map::new();
    let texts = [
        ("price", &entry.price),
        ("tx_hash", &entry.tx_hash),
        ("token", &entry.token),
        ("chain", &entry.chain),
        ("provider", &entry.provider),
        ("origin", &entry.origin),
        ("origin_ref", &entry.origin_ref),
        ("payment_method", &entry.payment_method),
        ("expense_size_mib", &entry.size_mib),
    ];
    for (key, value) in texts {
        if let Some(value) = value {
            map.insert(key.to_owned(), json!(value));
        }
    }
    for (key, value) in [
        ("bonus_amount", entry.bonus_amount),
        ("expense_count", entry.count),
    ] {
        if let Some(value) = value {
            map.insert(key.to_owned(), json!(value));
        }
    }
    Value::Object(map).to_string()
}
