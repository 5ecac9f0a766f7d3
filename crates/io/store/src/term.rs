//! Keys of the inverted index and of the counters: short hashes of what strangers chose.

use alephd_message::{ItemHash, MessageType};

/// A property of a message that lists can be filtered by and that has no column of its own.
///
/// Its id is the first 61 bits of a hash, so two values may share one: by intent only, and then
/// both are the same person's. Lists do not look further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term<'a> {
    /// `content.ref`.
    Reference(&'a str),
    /// `content.type` of a POST.
    ContentType(&'a str),
    /// `content.key` of an AGGREGATE.
    ContentKey(&'a str),
    /// `content.item_hash` of a STORE.
    ContentHash(&'a ItemHash),
    /// A tag.
    Tag(&'a str),
    /// Chain code. Not indexed for ETH, which nearly every message has.
    Chain(u8),
    /// Payment type.
    Payment(u8),
}

impl Term<'_> {
    /// The number in the `term` column.
    pub fn id(&self) -> i64 {
        match self {
            Self::Reference(text) => hash61(b"ref", text.as_bytes()),
            Self::ContentType(text) => hash61(b"type", text.as_bytes()) | COUNTED,
            Self::ContentKey(text) => hash61(b"key", text.as_bytes()) | COUNTED,
            Self::ContentHash(hash) => hash61(b"hash", hash.key()),
            Self::Tag(text) => hash61(b"tag", text.as_bytes()),
            Self::Chain(index) => hash61(b"chain", &[*index]) | COUNTED,
            Self::Payment(index) => hash61(b"payment", &[*index]) | COUNTED,
        }
    }
}

/// Whether live messages with a term are counted by [`Counter::Term`]. Those of the other kinds
/// have few messages each, as a rule, and a counter for each would cost as much as the entry.
pub(crate) fn is_counted(term: i64) -> bool {
    term & COUNTED != 0
}

/// The bit that says so.
const COUNTED: i64 = 1 << 61;

/// A dimension along which live messages are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// All messages of one type.
    Type(MessageType),
    /// Messages of one type in a channel (`names.id`).
    Channel(i64, MessageType),
    /// Messages of one type for an owner other than the sender (`addresses.id`).
    OwnedByOther(i64, MessageType),
    /// Messages that a sender sent for another owner (`addresses.id`).
    SentForOther(i64, MessageType),
    /// Messages with a term ([`Term::id`]).
    Term(i64),
    /// Posts (originals) of all types.
    Posts,
    /// Posts with a type (`names.id`).
    PostsOfType(i64),
    /// Posts of an owner (`addresses.id`).
    PostsOfOwner(i64),
    /// Posts in a channel (`names.id`).
    PostsInChannel(i64),
    /// Aggregates.
    Aggregates,
    /// Pins of all kinds.
    Pins,
    /// Messages that wait.
    Pending,
    /// Messages that are parked as refused.
    Parked,
    /// Tombstones.
    Forgotten,
    /// Bytes of the files of an owner (`addresses.id`).
    FileBytes(i64),
    /// Files of an owner (`addresses.id`).
    Files(i64),
    /// Rows of balances on a chain (index).
    Balances(u8),
}

impl Counter {
    /// The number in the `key` column.
    pub fn id(&self) -> i64 {
        let (kind, a, b): (u8, i64, u8) = match *self {
            Self::Type(kind) => (0, 0, kind.index()),
            Self::Channel(name, kind) => (1, name, kind.index()),
            Self::OwnedByOther(address, kind) => (2, address, kind.index()),
            Self::SentForOther(address, kind) => (3, address, kind.index()),
            Self::Term(term) => (4, term, 0),
            Self::Posts => (5, 0, 0),
            Self::PostsOfType(name) => (6, name, 0),
            Self::PostsOfOwner(address) => (7, address, 0),
            Self::PostsInChannel(name) => (8, name, 0),
            Self::Aggregates => (9, 0, 0),
            Self::Pins => (10, 0, 0),
            Self::Pending => (11, 0, 0),
            Self::Parked => (12, 0, 0),
            Self::Forgotten => (13, 0, 0),
            Self::FileBytes(address) => (14, address, 0),
            Self::Files(address) => (15, address, 0),
            Self::Balances(chain) => (17, i64::from(chain), 0),
        };
        // Small ids stay small numbers, close together in the index; terms are spread anyway.
        if kind == 4 {
            a | 1 << 62
        } else {
            (a << 8) | i64::from(kind << 3 | b)
        }
    }
}

fn hash61(kind: &[u8], value: &[u8]) -> i64 {
    // The standard hasher with fixed keys is stable for one program version only; the database
    // outlives programs, so the digest comes from the state root's hash function.
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind).update(&[0]).update(value);
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    i64::from_le_bytes(bytes) & (COUNTED - 1)
}
