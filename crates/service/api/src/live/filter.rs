//! Filters over messages that come, as those of lists over messages that are there.

use alephd_message::{Chain, ItemHash};
use alephd_store::{Term, read::MessageFilter, write::Row};

/// What filters ask of a message, gathered once for all of them.
pub(super) struct Facts<'a> {
    row: &'a Row,
    /// Sorted.
    terms: Vec<i64>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(row: &'a Row) -> Self {
        Self {
            row,
            terms: row.terms(),
        }
    }
}

/// A filter made ready for many messages. Unlike a list it accepts messages without looking at
/// confirmations, since what comes is not confirmed yet.
pub(super) struct LiveFilter {
    filter: MessageFilter,
    /// Of each dimension that the index of lists knows by terms, the terms that are accepted.
    terms: Vec<Vec<i64>>,
}

impl LiveFilter {
    pub(super) fn new(mut filter: MessageFilter) -> Self {
        for texts in [&mut filter.senders, &mut filter.owners, &mut filter.channels] {
            texts.sort_unstable();
        }
        filter.hashes.sort_unstable();
        let texts = |texts: &[String], term: fn(&str) -> Term<'_>| {
            texts.iter().map(|text| term(text).id()).collect::<Vec<_>>()
        };
        let mut terms = vec![
            texts(&filter.references, |text| Term::Reference(text)),
            texts(&filter.content_types, |text| Term::ContentType(text)),
            texts(&filter.content_keys, |text| Term::ContentKey(text)),
            texts(&filter.tags, |text| Term::Tag(text)),
            filter
                .content_hashes
                .iter()
                .map(|hash| Term::ContentHash(hash).id())
                .collect(),
            filter
                .payments
                .iter()
                .map(|payment| Term::Payment(payment.index()).id())
                .collect(),
        ];
        terms.retain(|accepted| !accepted.is_empty());
        Self { filter, terms }
    }

    /// Whether the message is wanted.
    pub(super) fn accepts(&self, facts: &Facts<'_>) -> bool {
        let (filter, row) = (&self.filter, facts.row);
        filter.types.contains(row.message_type)
            && one_of(&filter.senders, &row.sender)
            && one_of(&filter.owners, &row.owner)
            && (filter.channels.is_empty()
                || row.channel.as_deref().is_some_and(|channel| one_of(&filter.channels, channel)))
            && chain(&filter.chains, row.chain)
            && hash(&filter.hashes, &row.hash)
            && filter.start.is_none_or(|start| row.time >= start)
            && filter.end.is_none_or(|end| row.time < end)
            // An unconfirmed message is later than every block.
            && filter.end_block.is_none()
            && self.terms.iter().all(|accepted| accepted.iter().any(|id| facts.terms.binary_search(id).is_ok()))
    }
}

/// `sorted` may be long: a query string holds hundreds of addresses.
fn one_of(sorted: &[String], text: &str) -> bool {
    sorted.is_empty() || sorted.binary_search_by(|known| known.as_str().cmp(text)).is_ok()
}

fn chain(accepted: &[Chain], chain: Chain) -> bool {
    accepted.is_empty() || accepted.contains(&chain)
}

fn hash(sorted: &[ItemHash], hash: &ItemHash) -> bool {
    sorted.is_empty() || sorted.binary_search(hash).is_ok()
}
