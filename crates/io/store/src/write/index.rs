//! The inverted index over what contents say, and the counters of live messages.

use rusqlite::params;

use alephd_message::{Chain, Content, MessageType, content::Body};

use super::{Row, Writer};
use crate::{Counter, StoreError, Term, term::is_counted};

impl Writer {
    /// A live message enters the index.
    pub(super) fn index_enter(&mut self, row: &Row) -> Result<(), StoreError> {
        let terms = terms_of(row);
        let mut statement = self.connection.prepare_cached(
            "INSERT OR IGNORE INTO terms (term, time, prefix, message) VALUES (?1, ?2, ?3, ?4)",
        )?;
        let prefix = row.hash.order_prefix();
        for term in &terms {
            statement.execute(params![term, row.time.0, prefix, row.id])?;
        }
        drop(statement);
        self.count_live(row, &terms, 1);
        Ok(())
    }

    /// A message that was live leaves the index.
    pub(super) fn index_leave(&mut self, row: &Row) -> Result<(), StoreError> {
        let terms = terms_of(row);
        let mut statement = self.connection.prepare_cached(
            "DELETE FROM terms WHERE term = ?1 AND time = ?2 AND prefix = ?3 AND message = ?4",
        )?;
        let prefix = row.hash.order_prefix();
        for term in &terms {
            statement.execute(params![term, row.time.0, prefix, row.id])?;
        }
        drop(statement);
        self.count_live(row, &terms, -1);
        Ok(())
    }

    fn count_live(&mut self, row: &Row, terms: &[i64], delta: i64) {
        let kind = row.message_type;
        self.count(Counter::Type(kind), delta);
        if let Some(channel) = row.channel_id {
            self.count(Counter::Channel(channel, kind), delta);
        }
        if row.owner_id != row.sender_id {
            self.count(Counter::OwnedByOther(row.owner_id, kind), delta);
            self.count(Counter::SentForOther(row.sender_id, kind), delta);
        }
        for term in terms.iter().filter(|term| is_counted(**term)) {
            self.count(Counter::Term(*term), delta);
        }
    }
}

impl Row {
    /// The ids of the [`Term`]s by which lists find the message, sorted. Whoever filters messages
    /// as they come compares these, and so agrees with the lists.
    pub fn terms(&self) -> Vec<i64> {
        terms_of(self)
    }
}

/// The terms of a message, without duplicates. Read from the row alone, so that what enters the
/// index is what leaves it.
fn terms_of(row: &Row) -> Vec<i64> {
    let mut terms = Vec::with_capacity(4);
    match (row.message_type, row.label.as_deref()) {
        (MessageType::Post, Some(label)) => terms.push(Term::ContentType(label).id()),
        (MessageType::Aggregate, Some(label)) => terms.push(Term::ContentKey(label).id()),
        (MessageType::Program, _) => terms.push(Term::ContentType("vm-function").id()),
        _ => {}
    }
    let is_machine = matches!(
        row.message_type,
        MessageType::Program | MessageType::Instance | MessageType::VProgram
    );
    if let Some(reference) = row.reference.as_deref().filter(|_| !is_machine) {
        terms.push(Term::Reference(reference).id());
    }
    if row.chain != Chain::Eth {
        terms.push(Term::Chain(row.chain.index()).id());
    }
    if let Some(payment) = row.payment {
        terms.push(Term::Payment(payment.index()).id());
    }
    // Tags and file hashes are in the text only. Nearly all contents have neither: the scan for
    // the key is much cheaper than parsing.
    let text = row.content_text().unwrap_or_default();
    let may_have_tags = text.contains("\"tags\"") || text.contains('\\');
    if (may_have_tags || row.message_type == MessageType::Store)
        && let Ok(content) = Content::parse(row.message_type, text)
    {
        terms.extend(content.tags().iter().map(|tag| Term::Tag(tag).id()));
        if let Body::Store(store) = &content.body {
            terms.push(Term::ContentHash(&store.item_hash).id());
        }
    }
    terms.sort_unstable();
    terms.dedup();
    terms
}
