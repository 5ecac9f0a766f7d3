//! What lists can be asked for.

use alephd_message::{Chain, ItemHash, MessageType, Micros, PaymentType};

/// Direction of the primary column. Ties are always broken by ascending item hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Oldest or smallest first.
    Ascending,
    /// Newest or greatest first.
    Descending,
}

impl Order {
    pub(super) fn sql(self) -> &'static str {
        match self {
            Self::Ascending => "ASC",
            Self::Descending => "DESC",
        }
    }
}

/// Primary column of a list of messages or posts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Envelope time of a message, last update of a post.
    Time,
    /// Earliest confirmation on a chain, then the envelope time. What is not confirmed counts as
    /// later than everything else.
    TxTime,
}

/// Which part of a list is wanted.
#[derive(Clone, Debug, PartialEq)]
pub enum Window {
    /// A page by number of rows.
    Page {
        /// Rows before it.
        offset: u64,
        /// Rows on it; `None` for all.
        limit: Option<u64>,
    },
    /// The rows after one that was seen, which need not exist any more. For [`Sort::Time`] only:
    /// with [`Sort::TxTime`] it means the first page.
    After {
        /// Its primary column.
        time: Micros,
        /// Its item hash; of a post, that of the original.
        hash: ItemHash,
        /// Rows on the page.
        limit: u64,
    },
}

impl Window {
    /// The first `limit` rows.
    pub fn first(limit: u64) -> Self {
        Self::Page {
            offset: 0,
            limit: Some(limit),
        }
    }

    /// What an order without cursors makes of it.
    pub(super) fn without_cursor(&self) -> Self {
        match self {
            Self::After { limit, .. } => Self::first(*limit),
            Self::Page { .. } => self.clone(),
        }
    }
}

/// A set of message types. Unlike the lists of a filter it may be empty, and then matches nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeSet(u8);

impl TypeSet {
    /// All types.
    pub const ALL: Self = Self((1 << MessageType::ALL.len()) - 1);

    /// Whether the type is a member.
    pub fn contains(self, kind: MessageType) -> bool {
        self.0 & 1 << kind.index() != 0
    }

    /// The types in both sets.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether nothing matches.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members.
    pub fn iter(self) -> impl Iterator<Item = MessageType> {
        MessageType::ALL
            .iter()
            .copied()
            .filter(move |kind| self.contains(*kind))
    }

    pub(super) fn bits(self) -> i64 {
        i64::from(self.0)
    }
}

impl Default for TypeSet {
    fn default() -> Self {
        Self::ALL
    }
}

impl FromIterator<MessageType> for TypeSet {
    fn from_iter<I: IntoIterator<Item = MessageType>>(types: I) -> Self {
        Self(types.into_iter().fold(0, |bits, kind| bits | 1 << kind.index()))
    }
}

/// Which live messages are wanted. All given dimensions must match; within one, any member does.
/// An empty list is no condition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessageFilter {
    /// Message types.
    pub types: TypeSet,
    /// Addresses that signed, exact.
    pub senders: Vec<String>,
    /// Addresses on whose behalf the message acts, exact.
    pub owners: Vec<String>,
    /// `content.ref`.
    pub references: Vec<String>,
    /// `content.item_hash` of a STORE.
    pub content_hashes: Vec<ItemHash>,
    /// `content.key` of an AGGREGATE.
    pub content_keys: Vec<String>,
    /// `content.type`.
    pub content_types: Vec<String>,
    /// Chains of the signature.
    pub chains: Vec<Chain>,
    /// Channels.
    pub channels: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Item hashes.
    pub hashes: Vec<ItemHash>,
    /// How a STORE or machine is paid for.
    pub payments: Vec<PaymentType>,
    /// First envelope time.
    pub start: Option<Micros>,
    /// End of the envelope times, itself excluded.
    pub end: Option<Micros>,
    /// First block of the earliest confirmation. Unconfirmed messages match too.
    pub start_block: Option<i64>,
    /// End of these blocks, itself excluded. Unconfirmed messages do not match.
    pub end_block: Option<i64>,
}

/// Which tombstones are wanted; as in [`MessageFilter`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GoneFilter {
    /// Message types.
    pub types: TypeSet,
    /// Addresses that signed.
    pub senders: Vec<String>,
    /// Addresses on whose behalf the message acted.
    pub owners: Vec<String>,
    /// Chains of the signature.
    pub chains: Vec<Chain>,
    /// Channels.
    pub channels: Vec<String>,
    /// Item hashes.
    pub hashes: Vec<ItemHash>,
    /// How it was paid for. A message without payment counts as held.
    pub payments: Vec<PaymentType>,
    /// First time of going.
    pub start: Option<Micros>,
    /// End of the times of going, itself excluded.
    pub end: Option<Micros>,
}

/// Which posts are wanted; as in [`MessageFilter`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PostFilter {
    /// Owners of the original.
    pub owners: Vec<String>,
    /// Item hashes of originals.
    pub hashes: Vec<ItemHash>,
    /// `content.ref` of the original.
    pub references: Vec<String>,
    /// `content.type` of the original.
    pub types: Vec<String>,
    /// Tags of the current revision.
    pub tags: Vec<String>,
    /// Channels of the original.
    pub channels: Vec<String>,
    /// First time of the last update.
    pub start: Option<Micros>,
    /// End of these times, itself excluded.
    pub end: Option<Micros>,
}
