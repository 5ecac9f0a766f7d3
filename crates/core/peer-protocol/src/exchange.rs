//! `/alephd/exchange/1`: contents and files by name, in ranges.
//!
//! ```text
//!   asker                                  holder
//!   ── Request(name, offset, length) ──▶
//!                              ◀── Answer(Found: kind, size, length)
//!                              ◀── data, data, ...       `length` bytes in all
//!   ── Request ... ──▶                                   on the same stream, one after another
//! ```
//!
//! Each of these is a frame: its length as four bytes, big-endian, and that many bytes. The forms
//! of requests and answers are here; the frames of data are bare bytes. An empty frame where data
//! is due says that the holder cannot go on; the stream stays in order.
//!
//! # What it promises
//!
//! - A name that is read has the strict shape of a name.
//! - An answer that is read is possible: what it says to follow lies within the size it tells.
//!
//! Protocol: `docs/protocol/exchange.md`.

use std::ops::Range;

use alephd_message::ItemHash;

/// The name under which the protocol is negotiated.
pub const PROTOCOL: &str = "/alephd/exchange/1";
/// Bytes in a request at most: two numbers, a tag and the longest name are 81.
pub const MAX_REQUEST: usize = 128;
/// Bytes in an answer at most. The forms of today have 18; more are room for fields behind.
pub const MAX_ANSWER: usize = 64;
/// Bytes in a frame of data at most: one read from a disk.
pub const MAX_DATA: usize = 256 * 1024;
/// Bytes that follow one answer at most, so that a stream comes to its end now and then and others
/// have their turn. Who asked for more asks again.
pub const MAX_RANGE: u64 = 8 * 1024 * 1024;

const GET: u8 = 1;
const FOUND: u8 = 0;
const NOT_FOUND: u8 = 1;
const BUSY: u8 = 2;
const BEYOND: u8 = 3;
const FILE: u8 = 0;
const ARCHIVE: u8 = 1;

/// Bytes before the name.
const REQUEST_HEAD: usize = 1 + 8 + 8;

/// What a holder has under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// The bytes of the file themselves.
    File,
    /// An archive (CAR) of the blocks of its tree.
    Archive,
}

/// A question for a part of what a name leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The name.
    pub name: ItemHash,
    /// The first byte wanted.
    pub offset: u64,
    /// How many at most. None at all asks for form and size alone.
    pub length: u64,
}

/// The answer, which stands before the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is there.
    Found {
        /// What it is.
        form: Form,
        /// Bytes of the whole.
        size: u64,
        /// Bytes that follow: as many as were asked for, or fewer.
        length: u64,
    },
    /// It is not there.
    NotFound,
    /// Too much to do. The same question may be answered later.
    Busy,
    /// It is there and ends before the first byte wanted.
    Beyond {
        /// What it is.
        form: Form,
        /// Bytes of the whole.
        size: u64,
    },
}

/// Bytes that are no request or no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// It ends in the middle.
    #[error("cut off")]
    Short,
    /// A kind of request or answer that this version does not have.
    #[error("unknown kind {0}")]
    Kind(u8),
    /// What should be a name is none.
    #[error("not a name")]
    Name,
    /// The numbers contradict each other.
    #[error("impossible range")]
    Range,
}

impl Request {
    /// Its bytes, without the length of the frame.
    pub fn encode(&self) -> Vec<u8> {
        let name = self.name.to_string();
        let mut bytes = Vec::with_capacity(REQUEST_HEAD + name.len());
        bytes.push(GET);
        bytes.extend_from_slice(&self.offset.to_be_bytes());
        bytes.extend_from_slice(&self.length.to_be_bytes());
        bytes.extend_from_slice(name.as_bytes());
        bytes
    }

    /// Reads the bytes of a frame.
    pub fn decode(bytes: &[u8]) -> Result<Self, ExchangeError> {
        let (kind, rest) = bytes.split_first().ok_or(ExchangeError::Short)?;
        if *kind != GET {
            return Err(ExchangeError::Kind(*kind));
        }
        let (offset, rest) = number(rest)?;
        let (length, name) = number(rest)?;
        let name = std::str::from_utf8(name).ok().and_then(ItemHash::parse_strict);
        Ok(Self {
            name: name.ok_or(ExchangeError::Name)?,
            offset,
            length,
        })
    }

    /// The part of a whole of `size` bytes to send: never more than [`MAX_RANGE`]. `None` if it
    /// would begin beyond the end.
    pub fn part_of(&self, size: u64) -> Option<Range<u64>> {
        let left = size.checked_sub(self.offset)?;
        if left == 0 && self.length > 0 && size > 0 {
            return None;
        }
        Some(self.offset..self.offset + left.min(self.length).min(MAX_RANGE))
    }
}

impl Answer {
    /// Its bytes, without the length of the frame.
    pub fn encode(&self) -> Vec<u8> {
        match *self {
            Self::NotFound => vec![NOT_FOUND],
            Self::Busy => vec![BUSY],
            Self::Found { form, size, length } => {
                let mut bytes = with_size(FOUND, form, size);
                bytes.extend_from_slice(&length.to_be_bytes());
                bytes
            }
            Self::Beyond { form, size } => with_size(BEYOND, form, size),
        }
    }

    /// Reads the bytes of a frame, the answer to `request`. What stands behind the fields known here
    /// is for later versions.
    pub fn decode(bytes: &[u8], request: &Request) -> Result<Self, ExchangeError> {
        let (kind, rest) = bytes.split_first().ok_or(ExchangeError::Short)?;
        match *kind {
            NOT_FOUND => Ok(Self::NotFound),
            BUSY => Ok(Self::Busy),
            FOUND => {
                let (form, size, rest) = form_and_size(rest)?;
                let (length, _) = number(rest)?;
                // As many as were asked for or fewer, yet at least one: who asks on must get on.
                let most = request.part_of(size).ok_or(ExchangeError::Range)?;
                let most = most.end - most.start;
                if length > most || (length == 0) != (most == 0) {
                    return Err(ExchangeError::Range);
                }
                Ok(Self::Found { form, size, length })
            }
            BEYOND => {
                let (form, size, _) = form_and_size(rest)?;
                if request.part_of(size).is_some() {
                    return Err(ExchangeError::Range);
                }
                Ok(Self::Beyond { form, size })
            }
            other => Err(ExchangeError::Kind(other)),
        }
    }
}

fn with_size(kind: u8, form: Form, size: u64) -> Vec<u8> {
    let form = match form {
        Form::File => FILE,
        Form::Archive => ARCHIVE,
    };
    let mut bytes = vec![kind, form];
    bytes.extend_from_slice(&size.to_be_bytes());
    bytes
}

fn form_and_size(bytes: &[u8]) -> Result<(Form, u64, &[u8]), ExchangeError> {
    let (form, rest) = bytes.split_first().ok_or(ExchangeError::Short)?;
    let form = match *form {
        FILE => Form::File,
        ARCHIVE => Form::Archive,
        other => return Err(ExchangeError::Kind(other)),
    };
    let (size, rest) = number(rest)?;
    Ok((form, size, rest))
}

fn number(bytes: &[u8]) -> Result<(u64, &[u8]), ExchangeError> {
    let (number, rest) = bytes.split_first_chunk().ok_or(ExchangeError::Short)?;
    Ok((u64::from_be_bytes(*number), rest))
}

#[cfg(test)]
mod tests;
