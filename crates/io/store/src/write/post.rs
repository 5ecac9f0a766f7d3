//! Posts and their amends.

use rusqlite::{OptionalExtension, params};

use alephd_message::{Content, Micros};

use super::{Row, Writer};
use crate::{Counter, StoreError, Term, leaf};

/// A row of `posts`.
struct Post {
    latest: i64,
    updated: i64,
    owner: i64,
    kind: i64,
    channel: Option<i64>,
}

impl Writer {
    /// An original becomes live. Amends that were accepted before it are taken into account.
    pub fn post_enter(&mut self, row: &Row) -> Result<(), StoreError> {
        let (latest, updated) = self.latest_amend(row)?.unwrap_or((row.id, row.content_time));
        let kind = row.label_id.ok_or(StoreError::Damaged("post without type"))?;
        self.connection
            .prepare_cached(
                "INSERT INTO posts (id, latest, updated, prefix, owner, type, channel) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                row.id,
                latest,
                updated.0,
                row.hash.order_prefix(),
                row.owner_id,
                kind,
                row.channel_id,
            ])?;
        self.post_terms_change(row, latest, updated, true)?;
        self.post_count(row.owner_id, kind, row.channel_id, 1);
        self.revision_leaf(row, latest, true)
    }

    /// An original is no longer live.
    pub fn post_leave(&mut self, row: &Row) -> Result<(), StoreError> {
        let Some(post) = self.post_row(row.id)? else {
            return Ok(());
        };
        self.post_terms_change(row, post.latest, Micros(post.updated), false)?;
        self.connection
            .prepare_cached("DELETE FROM posts WHERE id = ?1")?
            .execute([row.id])?;
        self.post_count(post.owner, post.kind, post.channel, -1);
        self.revision_leaf(row, post.latest, false)
    }

    /// An amend becomes live.
    pub fn amend_enter(&mut self, original: &Row, amend: &Row) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT OR IGNORE INTO amends (post, time, hash, message) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                original.id,
                amend.content_time.0,
                amend.hash.key(),
                amend.id
            ])?;
        self.post_refresh(original)
    }

    /// An amend is no longer live.
    pub fn amend_leave(&mut self, original: &Row, amend: &Row) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "DELETE FROM amends WHERE post = ?1 AND time = ?2 AND hash = ?3 AND message = ?4",
            )?
            .execute(params![
                original.id,
                amend.content_time.0,
                amend.hash.key(),
                amend.id
            ])?;
        self.post_refresh(original)
    }

    /// Another copy of a live original won: its channel may differ.
    pub fn post_set_channel(&mut self, row: &Row) -> Result<(), StoreError> {
        let Some(post) = self.post_row(row.id)? else {
            return Ok(());
        };
        if let Some(channel) = post.channel {
            self.count(Counter::PostsInChannel(channel), -1);
        }
        if let Some(channel) = row.channel_id {
            self.count(Counter::PostsInChannel(channel), 1);
        }
        self.connection
            .prepare_cached("UPDATE posts SET channel = ?2 WHERE id = ?1")?
            .execute(params![row.id, row.channel_id])?;
        Ok(())
    }

    /// Points a live post at its current revision.
    fn post_refresh(&mut self, row: &Row) -> Result<(), StoreError> {
        let Some(post) = self.post_row(row.id)? else {
            return Ok(());
        };
        let (latest, updated) = self.latest_amend(row)?.unwrap_or((row.id, row.content_time));
        if latest == post.latest {
            return Ok(());
        }
        self.post_terms_change(row, post.latest, Micros(post.updated), false)?;
        self.revision_leaf(row, post.latest, false)?;
        self.connection
            .prepare_cached("UPDATE posts SET latest = ?2, updated = ?3 WHERE id = ?1")?
            .execute(params![row.id, latest, updated.0])?;
        self.post_terms_change(row, latest, updated, true)?;
        self.revision_leaf(row, latest, true)
    }

    fn post_row(&mut self, id: i64) -> Result<Option<Post>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT latest, updated, owner, type, channel FROM posts WHERE id = ?1")?;
        let post = statement.query_row([id], |row| {
            Ok(Post {
                latest: row.get(0)?,
                updated: row.get(1)?,
                owner: row.get(2)?,
                kind: row.get(3)?,
                channel: row.get(4)?,
            })
        });
        Ok(post.optional()?)
    }

    /// The live amend that counts: the last one that is newer than the original.
    fn latest_amend(&mut self, row: &Row) -> Result<Option<(i64, Micros)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT message, time FROM amends WHERE post = ?1 AND time > ?2 ORDER BY time DESC, hash DESC LIMIT 1",
        )?;
        let latest = statement
            .query_row(params![row.id, row.content_time.0], |row| {
                Ok((row.get(0)?, Micros(row.get(1)?)))
            })
            .optional()?;
        Ok(latest)
    }

    fn post_count(&mut self, owner: i64, kind: i64, channel: Option<i64>, delta: i64) {
        self.count(Counter::Posts, delta);
        self.count(Counter::PostsOfType(kind), delta);
        self.count(Counter::PostsOfOwner(owner), delta);
        if let Some(channel) = channel {
            self.count(Counter::PostsInChannel(channel), delta);
        }
    }

    /// A post without amends is told by its message; only a revision needs a leaf.
    fn revision_leaf(&mut self, row: &Row, latest: i64, add: bool) -> Result<(), StoreError> {
        if latest == row.id {
            return Ok(());
        }
        let amend = self.message_hash(latest)?;
        let leaf = leaf::revision(row.hash.key(), amend.key());
        if add {
            self.root_add(&leaf)
        } else {
            self.root_remove(&leaf)
        }
        Ok(())
    }

    fn post_terms_change(
        &mut self,
        row: &Row,
        latest: i64,
        updated: Micros,
        add: bool,
    ) -> Result<(), StoreError> {
        let mut terms: Vec<i64> = row
            .reference
            .iter()
            .map(|reference| Term::Reference(reference).id())
            .collect();
        if latest == row.id {
            terms.extend(tag_terms(row));
        } else {
            let amend = self.message_load(latest)?;
            terms.extend(tag_terms(&amend));
        }
        let mut statement = self.connection.prepare_cached(if add {
            "INSERT OR IGNORE INTO post_terms (term, updated, prefix, post) VALUES (?1, ?2, ?3, ?4)"
        } else {
            "DELETE FROM post_terms WHERE term = ?1 AND updated = ?2 AND prefix = ?3 AND post = ?4"
        })?;
        for term in terms {
            statement.execute(params![term, updated.0, row.hash.order_prefix(), row.id])?;
        }
        Ok(())
    }
}

fn tag_terms(row: &Row) -> Vec<i64> {
    let text = row.content_text().unwrap_or_default();
    if !text.contains("\"tags\"") && !text.contains('\\') {
        return Vec::new();
    }
    match Content::parse(row.message_type, text) {
        Ok(content) => content.tags().iter().map(|tag| Term::Tag(tag).id()).collect(),
        Err(_) => Vec::new(),
    }
}
