//! Bitswap: blocks by CID, as IPFS nodes exchange them.
//!
//! One kind of [`Message`] for everything, each behind its length: what is wanted, what is wanted no
//! more, what the sender has, and blocks. Streams go one way; an answer travels on a stream of the
//! one who answers. Three versions differ in how a message says it:
//!
//! | version | blocks | wants and what is there |
//! |---|---|---|
//! | 1.0.0 | bare bytes, all of CID version 0 | only blocks can be wanted |
//! | 1.1.0 | with codec and hash function | the same |
//! | 1.2.0 | the same | also whether a block is there, and that it is not |
//!
//! # Bounds
//!
//! A message has at most [`MAX_MESSAGE_SIZE`] bytes, which is what other implementations take, and of
//! its lists the first [`MAX_ENTRIES`] entries are read: more than one peer may have open. What was
//! left out is counted in [`Message::left_out`]. Blocks are slices of the message.
//!
//! Protocol: `docs/protocol/bitswap.md`.

mod fields;
mod read;
mod write;

use alephd_cid::{AnyCid, CidError, Multicodec, Multihash, Version as CidVersion, varint};
use bytes::Bytes;

/// Bytes in a message, without the length before it.
pub const MAX_MESSAGE_SIZE: usize = 4 << 20;

/// Entries of a list that are read: wants, answers or blocks.
pub const MAX_ENTRIES: usize = 1024;

/// Digits of the length before a message: four hold twice [`MAX_MESSAGE_SIZE`].
pub const MAX_LENGTH_DIGITS: usize = 4;

/// A version of the protocol, the later the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// Blocks without names.
    V1_0,
    /// Blocks with names.
    V1_1,
    /// Also what is there and what is not.
    V1_2,
}

impl Version {
    /// All of them, the best first.
    pub const ALL: [Self; 3] = [Self::V1_2, Self::V1_1, Self::V1_0];

    /// The name of the protocol on a connection.
    pub const fn protocol(self) -> &'static str {
        match self {
            Self::V1_0 => "/ipfs/bitswap/1.0.0",
            Self::V1_1 => "/ipfs/bitswap/1.1.0",
            Self::V1_2 => "/ipfs/bitswap/1.2.0",
        }
    }
}

/// All that one side says at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Wants, and cancellations of earlier ones.
    pub wants: Vec<Want>,
    /// Whether the wants replace all earlier ones.
    pub full: bool,
    /// Blocks.
    pub blocks: Vec<Block>,
    /// Which blocks are there, and which are not.
    pub presences: Vec<Presence>,
    /// Bytes that the sender means to send besides. Informative.
    pub pending_bytes: i32,
    /// Entries behind the first [`MAX_ENTRIES`] of a list; they are not in this message. Not written.
    pub left_out: usize,
}

/// What is wanted of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum WantType {
    /// To know whether it is there.
    Have,
    /// The block.
    #[default]
    Block,
}

/// An entry of a list of wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The block.
    pub cid: AnyCid,
    /// Greater is sooner.
    pub priority: i32,
    /// It is wanted no more.
    pub cancel: bool,
    /// What is wanted.
    pub want_type: WantType,
    /// Whether to say that it is not there. Otherwise the other side says nothing.
    pub send_dont_have: bool,
}

impl Want {
    /// The block itself, or to be told that it is not there.
    pub fn block(cid: AnyCid, priority: i32) -> Self {
        Self {
            cid,
            priority,
            cancel: false,
            want_type: WantType::Block,
            send_dont_have: true,
        }
    }

    /// Whether the block is there.
    pub fn have(cid: AnyCid, priority: i32) -> Self {
        Self {
            want_type: WantType::Have,
            ..Self::block(cid, priority)
        }
    }

    /// The end of an earlier want.
    pub fn cancel(cid: AnyCid) -> Self {
        Self {
            cid,
            priority: 0,
            cancel: true,
            want_type: WantType::Block,
            send_dont_have: false,
        }
    }
}

/// Whether a block is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// The block.
    pub cid: AnyCid,
    /// Whether the sender has it.
    pub have: bool,
}

/// A block and the part of its name that does not follow from its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Codec and hash function.
    pub prefix: Prefix,
    /// Its bytes. Nobody has hashed them.
    pub data: Bytes,
}

impl Block {
    /// A block to send.
    pub fn new(cid: &AnyCid, data: Bytes) -> Self {
        Self {
            prefix: Prefix::of(cid),
            data,
        }
    }
}

/// A CID without its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix {
    /// Version of the CID.
    pub version: CidVersion,
    /// What the block holds.
    pub codec: Multicodec,
    /// How it was hashed.
    pub function: Multicodec,
    /// Bytes in the digest.
    pub digest_size: u64,
}

impl Prefix {
    /// What version 1.0.0 implies.
    pub const V0: Self = Self {
        version: CidVersion::V0,
        codec: Multicodec::DAG_PB,
        function: Multicodec::SHA2_256,
        digest_size: 32,
    };

    /// Of this CID.
    pub fn of(cid: &AnyCid) -> Self {
        Self {
            version: cid.version(),
            codec: cid.codec(),
            function: cid.hash().function(),
            digest_size: cid.hash().digest().len() as u64,
        }
    }

    /// Whether a CID begins so. The version does not matter: it changes no block.
    pub fn fits(&self, cid: &AnyCid) -> bool {
        let other = Self::of(cid);
        (self.codec, self.function, self.digest_size) == (other.codec, other.function, other.digest_size)
    }

    /// The CID of the block with this SHA-256; `None` if the prefix is of another function.
    pub fn with_sha2_256(&self, digest: [u8; 32]) -> Option<AnyCid> {
        let fits = self.function == Multicodec::SHA2_256 && self.digest_size == 32;
        fits.then(|| AnyCid::v1(self.codec, Multihash::sha2_256(digest)))
    }
}

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BitswapError {
    /// Longer than any that is read.
    #[error("message of {0} bytes is longer than {MAX_MESSAGE_SIZE}")]
    Size(usize),
    /// The length before a message is malformed.
    #[error("malformed length")]
    Length,
    /// It is not of the protocol's form.
    #[error("{0}")]
    Malformed(&'static str),
    /// A CID in it cannot be read.
    #[error("malformed CID")]
    Cid(#[source] CidError),
}

/// Reads the length of a message from the bytes that came so far: the length, and how many bytes it
/// took. `None` if more bytes are needed.
pub fn read_length(bytes: &[u8]) -> Result<Option<(usize, usize)>, BitswapError> {
    let digits = bytes
        .iter()
        .take(MAX_LENGTH_DIGITS)
        .position(|byte| byte & 0x80 == 0);
    let Some(last) = digits else {
        return match bytes.len() < MAX_LENGTH_DIGITS {
            true => Ok(None),
            false => Err(BitswapError::Length),
        };
    };
    let (length, taken) = varint::read(&bytes[..=last]).ok_or(BitswapError::Length)?;
    let length = usize::try_from(length).map_err(|_| BitswapError::Length)?;
    if length > MAX_MESSAGE_SIZE {
        return Err(BitswapError::Size(length));
    }
    Ok(Some((length, taken)))
}

#[cfg(test)]
mod tests;
