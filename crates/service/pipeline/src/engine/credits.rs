//! The credit ledger of the running node (docs/protocol/money.md, "Credits").
//!
//! ```text
//!   post ──▶ what it says (database) ──▶ Book ──▶ rows of transfers, lots (database)
//! ```
//!
//! The database keeps what accepted credit posts say, also of those whose content is gone. The
//! [`Book`] is that in memory with what follows from it; it is read at the first use and dropped
//! when a transaction fails. What follows is written before the transaction ends, so posts of one
//! transaction are entered together.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use alephd_economy::lots::{self, Body, Book, Outcome, Post};
use alephd_rules::{CreditEntries, Position};
use alephd_store::{StoreError, Writer, write::Row};

use super::Engine;
use crate::PipelineError;

/// Posts of one transaction that precede others. With more of them all posts are walked once
/// instead of many again and again, as when a history arrives in the wrong order.
const LATE_AT_ONCE: usize = 16;

/// The book, and what has not been done about it yet.
#[derive(Default)]
pub(super) struct Credits {
    /// `None` until somebody asks.
    book: Option<Book<i64>>,
    /// The greatest position in the book.
    newest: Option<lots::Position>,
    /// Posts that are in the database and not in the book, or the other way round.
    waiting: Vec<Change>,
    /// Whether it was looked up if the last process left something unwritten.
    checked: bool,
    /// Accounts whose lots changed, with the first position at which.
    changed: BTreeMap<i64, Position>,
}

enum Change {
    Insert(Post<i64>),
    Remove(Post<i64>),
}

impl Change {
    fn post(&self) -> &Post<i64> {
        match self {
            Self::Insert(post) | Self::Remove(post) => post,
        }
    }
}

/// What is to be written anew.
#[derive(Default)]
struct Touched {
    accounts: BTreeSet<i64>,
    transfers: BTreeSet<lots::Position>,
}

impl Credits {
    /// What is in memory may never have been.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// The accounts whose lots changed since the last call, each with the position before which
    /// its balance is what it was.
    fn take_changed(&mut self) -> BTreeMap<i64, Position> {
        std::mem::take(&mut self.changed)
    }

    fn note(&mut self, account: i64, position: &lots::Position) {
        let position = Position::provisional(position.time, position.hash.clone());
        match self.changed.entry(account) {
            Entry::Vacant(entry) => {
                entry.insert(position);
            }
            Entry::Occupied(mut entry) => {
                if position < *entry.get() {
                    entry.insert(position);
                }
            }
        }
    }

    /// Enters what waits, one post after the other.
    fn enter(&mut self, book: &mut Book<i64>, touched: &mut Touched) {
        for change in std::mem::take(&mut self.waiting) {
            let post = change.post();
            let position = post.position.clone();
            let own: Vec<i64> = post.accounts().copied().collect();
            let moves = is_transfer(post);
            let changes = match change {
                Change::Insert(post) => {
                    self.newest = self.newest.take().max(Some(position.clone()));
                    book.insert(post)
                }
                Change::Remove(_) => book.remove(&position),
            };
            for account in own.into_iter().chain(changes.accounts) {
                self.note(account, &position);
                touched.accounts.insert(account);
            }
            touched.transfers.extend(changes.transfers);
            touched.transfers.extend(moves.then_some(position));
        }
    }

    /// Enters what waits by walking all posts once. `old` is the book before.
    fn enter_all(
        &mut self,
        old: &Book<i64>,
        writer: &mut Writer,
        touched: &mut Touched,
    ) -> Result<Book<i64>, StoreError> {
        let waiting = std::mem::take(&mut self.waiting);
        let posts = writer.credit_posts()?;
        let transfers: Vec<_> = posts
            .iter()
            .filter(|post| is_transfer(post))
            .map(|post| {
                (
                    post.position.clone(),
                    post.accounts().copied().collect::<Vec<_>>(),
                )
            })
            .collect();
        self.newest = posts.iter().map(|post| &post.position).max().cloned();
        let book = Book::from_posts(posts);
        for change in &waiting {
            let post = change.post();
            if is_transfer(post) {
                touched.transfers.insert(post.position.clone());
            }
            for account in post.accounts() {
                self.note(*account, &post.position);
                touched.accounts.insert(*account);
            }
        }
        for (position, accounts) in transfers {
            if old.outcome(&position).map(Outcome::moved) == book.outcome(&position).map(Outcome::moved) {
                continue;
            }
            for account in accounts {
                self.note(account, &position);
                touched.accounts.insert(account);
            }
            touched.transfers.insert(position);
        }
        Ok(book)
    }
}

/// Whether the rows of a post are not simply what it says.
fn is_transfer(post: &Post<i64>) -> bool {
    match &post.body {
        Body::Transfer(_) => true,
        Body::Grants { from, .. } => from.is_some(),
        Body::Expenses(_) => false,
    }
}

impl Engine {
    /// What an owner has for a message at a position: the credits that the posts before it left.
    pub(super) fn credits_before(&mut self, owner: &str, position: &Position) -> Result<u128, PipelineError> {
        self.credits_settle()?;
        let Some(account) = self.writer.address_find(owner)? else {
            return Ok(0);
        };
        let position = lots::Position {
            time: position.time,
            hash: position.hash.clone(),
        };
        Ok(self.credits_book()?.balance_before(&account, &position))
    }

    /// Owners whose credits changed since the last call, each with the position from which on.
    pub(super) fn credits_take_changed(&mut self) -> Result<Vec<(String, Position)>, PipelineError> {
        self.credits_settle()?;
        let mut owners = Vec::new();
        for (account, position) in self.credits.take_changed() {
            owners.push((self.writer.address_text(account)?, position));
        }
        Ok(owners)
    }

    /// A credit post counts from now on.
    pub(super) fn credits_enter(&mut self, row: &Row, post: &CreditEntries) -> Result<(), StoreError> {
        if self.writer.credits_exist(row)? {
            return Ok(());
        }
        self.credits_prepare()?;
        self.writer.credit_post_insert(row, post)?;
        self.credits_joined(row)
    }

    /// What is in the database now is in the book from here on, and only that.
    pub(super) fn credits_prepare(&mut self) -> Result<(), StoreError> {
        self.credits_book().map(|_| ())
    }

    /// A post whose lines were written since then counts from now on.
    pub(super) fn credits_joined(&mut self, row: &Row) -> Result<(), StoreError> {
        if let Some(post) = self.writer.credit_post(row)? {
            self.credits.waiting.push(Change::Insert(post));
        }
        Ok(())
    }

    /// A post does not count any more, if it did.
    pub(super) fn credits_leave(&mut self, row: &Row) -> Result<(), StoreError> {
        let Some(post) = self.writer.credit_post(row)? else {
            return Ok(());
        };
        self.credits_book()?;
        self.writer.credit_post_remove(row)?;
        self.credits.waiting.push(Change::Remove(post));
        Ok(())
    }

    /// Enters the posts that wait and writes what follows. Must happen before a transaction ends.
    pub(super) fn credits_settle(&mut self) -> Result<(), StoreError> {
        if !self.credits.checked {
            self.credits.checked = true;
            if self.writer.credits_stale()? {
                self.credits_write_all()?;
            }
        }
        if self.credits.waiting.is_empty() {
            return Ok(());
        }
        self.credits_book()?;
        let mut book = self.credits.book.take().unwrap_or_default();
        let mut touched = Touched::default();
        let newest = self.credits.newest.as_ref();
        let is_late = |change: &&Change| Some(&change.post().position) < newest;
        if self.credits.waiting.iter().filter(is_late).count() > LATE_AT_ONCE {
            book = self.credits.enter_all(&book, &mut self.writer, &mut touched)?;
        } else {
            self.credits.enter(&mut book, &mut touched);
        }
        self.credits.book = Some(book);
        self.credits_write(touched)
    }

    /// Writes what the last process left unwritten, if no transaction will.
    pub(super) fn credits_finish(&mut self) -> Result<(), StoreError> {
        if !self.writer.credits_stale()? {
            return Ok(());
        }
        self.writer.begin()?;
        let written = self.credits_settle().and_then(|()| self.writer.commit());
        if written.is_err() {
            self.rollback()?;
        }
        written
    }

    /// The book as of the last settling.
    fn credits_book(&mut self) -> Result<&Book<i64>, StoreError> {
        if self.credits.book.is_none() {
            let posts = self.writer.credit_posts()?;
            self.credits.newest = posts.iter().map(|post| &post.position).max().cloned();
            self.credits.book = Some(Book::from_posts(posts));
        }
        Ok(self.credits.book.as_ref().expect("read above"))
    }

    /// Writes everything that follows from credit posts: some were taken over as they are.
    fn credits_write_all(&mut self) -> Result<(), StoreError> {
        let mut touched = Touched::default();
        for post in self.writer.credit_posts()? {
            touched.accounts.extend(post.accounts());
            if is_transfer(&post) {
                touched.transfers.insert(post.position);
            }
        }
        self.credits_book()?;
        self.credits_write(touched)?;
        self.writer.credits_set_stale(false)
    }

    fn credits_write(&mut self, touched: Touched) -> Result<(), StoreError> {
        let Some(book) = self.credits.book.as_ref() else {
            return Ok(());
        };
        for position in touched.transfers {
            let rows: Vec<_> = book.rows(&position).collect();
            if let Some(row) = self.writer.message_find(&position.hash)? {
                self.writer.transfer_rows_set(&row, &rows)?;
            }
        }
        for account in touched.accounts {
            self.writer.lots_set(account, book)?;
        }
        Ok(())
    }
}
