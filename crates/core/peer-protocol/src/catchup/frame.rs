//! The frames, byte by byte.

use alephd_message::ItemHash;
use alephd_reconcile::{
    Bound, Element, Id,
    wire::{BoundReader, BoundWriter, put_varint, take_ids, take_varint},
};
use serde::{Deserialize, Serialize};

use super::BATCH;

/// Bytes of a frame at most, without its length. Contents up to a mebibyte travel with their message,
/// and there may be some copies of an inline one.
pub const MAX_FRAME: usize = 4 << 20;
/// Bytes in which names, reasons and greetings have to fit.
const MAX_TEXT: usize = 16 << 10;
/// Most copies of one message; eight are kept.
const MAX_COPIES: u64 = 16;

const HELLO: u8 = 0;
const REFUSE: u8 = 1;
const RECONCILE: u8 = 2;
const WANT: u8 = 3;
const OFFER: u8 = 4;
const ACCEPT: u8 = 5;
const MESSAGE: u8 = 6;
const TOMBSTONE: u8 = 7;
const GONE: u8 = 8;
const TAKEN: u8 = 9;
const DONE: u8 = 10;

/// Why a frame was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a frame of catch-up: {0}")]
pub struct FrameError(&'static str);

/// What each side says first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// The name of the network that it belongs to.
    pub network: String,
    /// Which messages it keeps; nothing for all of them.
    pub interest: Option<serde_json::Value>,
    /// How many it knows. A hint.
    #[serde(default)]
    pub elements: u64,
}

/// What is handed over for an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A message.
    Message {
        /// Its name.
        hash: ItemHash,
        /// Its copies as JSON of the wire, the one that is served first.
        copies: Vec<String>,
        /// The text of a content that is not inline, if it is small and at hand.
        content: Option<String>,
    },
    /// What is left of a forgotten one.
    Tombstone {
        /// Its name.
        hash: ItemHash,
        /// The record, JSON.
        json: String,
    },
}

impl Record {
    /// The name of the message.
    pub fn hash(&self) -> &ItemHash {
        match self {
            Self::Message { hash, .. } | Self::Tombstone { hash, .. } => hash,
        }
    }

    /// The bytes that it takes in memory, roughly.
    pub fn size(&self) -> usize {
        match self {
            Self::Message { copies, content, .. } => {
                copies.iter().map(String::len).sum::<usize>() + content.as_ref().map_or(0, String::len) + 64
            }
            Self::Tombstone { json, .. } => json.len() + 64,
        }
    }
}

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Who it is.
    Hello(Greeting),
    /// It will not go on, and why: for people to read.
    Refuse(String),
    /// A step of the reconciliation.
    Reconcile(Vec<u8>),
    /// Ids that are wanted, each after the bound behind which the other side listed it.
    Want(Vec<(Bound, Vec<Id>)>),
    /// Elements that the other side lacks.
    Offer(Vec<Element>),
    /// Which elements of an offer are wanted.
    Accept(Vec<bool>),
    /// A wanted one.
    Record(Box<Record>),
    /// A wanted one that is not there.
    Gone(Id),
    /// So many more of those that were accepted are on disk.
    Taken(u64),
    /// Nothing is left to do.
    Done,
}

impl Frame {
    /// As bytes, without the length before them.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Hello(greeting) => {
                out.push(HELLO);
                out.extend(serde_json::to_vec(greeting).expect("names and numbers have a text"));
            }
            Self::Refuse(reason) => {
                out.push(REFUSE);
                out.extend(reason.bytes());
            }
            Self::Reconcile(step) => {
                out.push(RECONCILE);
                out.extend(step);
            }
            Self::Want(groups) => {
                out.push(WANT);
                let mut bounds = BoundWriter::default();
                for (after, ids) in groups {
                    bounds.put(&mut out, after);
                    put_varint(&mut out, ids.len() as u64);
                    out.extend_from_slice(ids.as_flattened());
                }
            }
            Self::Offer(elements) => {
                out.push(OFFER);
                let mut bounds = BoundWriter::default();
                for element in elements {
                    bounds.put(&mut out, &Bound::before(*element));
                }
            }
            Self::Accept(which) => {
                out.push(ACCEPT);
                put_varint(&mut out, which.len() as u64);
                let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
                out.extend(which.chunks(8).map(byte));
            }
            Self::Record(record) => write_record(record, &mut out),
            Self::Gone(id) => {
                out.push(GONE);
                out.extend(id);
            }
            Self::Taken(count) => {
                out.push(TAKEN);
                put_varint(&mut out, *count);
            }
            Self::Done => out.push(DONE),
        }
        out
    }

    /// From bytes.
    pub fn read(bytes: &[u8]) -> Result<Self, FrameError> {
        let (kind, mut rest) = bytes.split_first().ok_or(FrameError("it is empty"))?;
        if bytes.len() > MAX_FRAME {
            return Err(FrameError("it is too long"));
        }
        let rest = &mut rest;
        let frame = match *kind {
            HELLO if rest.len() <= MAX_TEXT => {
                let greeting =
                    serde_json::from_slice(rest).map_err(|_| FrameError("a greeting of another form"))?;
                *rest = &[];
                Self::Hello(greeting)
            }
            REFUSE if rest.len() <= MAX_TEXT => Self::Refuse(take_text(rest, rest.len())?),
            RECONCILE => Self::Reconcile(std::mem::take(rest).to_vec()),
            WANT => Self::Want(read_want(rest)?),
            OFFER => Self::Offer(read_offer(rest)?),
            ACCEPT => Self::Accept(read_accept(rest)?),
            MESSAGE => Self::Record(Box::new(read_message(rest)?)),
            TOMBSTONE => {
                let hash = take_hash(rest)?;
                let json = take_text(rest, rest.len())?;
                Self::Record(Box::new(Record::Tombstone { hash, json }))
            }
            GONE => {
                let (id, others) = rest.split_first_chunk().ok_or(FrameError("half an id"))?;
                *rest = others;
                Self::Gone(*id)
            }
            TAKEN => Self::Taken(take_number(rest)?),
            DONE => Self::Done,
            _ => return Err(FrameError("an unknown kind")),
        };
        if rest.is_empty() {
            Ok(frame)
        } else {
            Err(FrameError("something is left over"))
        }
    }
}

fn write_record(record: &Record, out: &mut Vec<u8>) {
    out.reserve(record.size());
    match record {
        Record::Message {
            hash,
            copies,
            content,
        } => {
            out.push(MESSAGE);
            put_text(out, &hash.to_string());
            put_varint(out, copies.len() as u64);
            copies.iter().for_each(|copy| put_text(out, copy));
            match content {
                None => out.push(0),
                Some(text) => {
                    out.push(1);
                    out.extend(text.bytes());
                }
            }
        }
        Record::Tombstone { hash, json } => {
            out.push(TOMBSTONE);
            put_text(out, &hash.to_string());
            out.extend(json.bytes());
        }
    }
}

fn read_message(rest: &mut &[u8]) -> Result<Record, FrameError> {
    let hash = take_hash(rest)?;
    let count = take_number(rest)?;
    if count == 0 || count > MAX_COPIES {
        return Err(FrameError("no or too many copies"));
    }
    let copies = (0..count).map(|_| {
        let length = take_number(rest)?;
        take_text(rest, usize::try_from(length).unwrap_or(usize::MAX))
    });
    let copies = copies.collect::<Result<_, _>>()?;
    let (has_content, others) = rest.split_first().ok_or(FrameError("half a message"))?;
    *rest = others;
    let content = match has_content {
        0 => None,
        1 => Some(take_text(rest, rest.len())?),
        _ => return Err(FrameError("an unknown form of message")),
    };
    Ok(Record::Message {
        hash,
        copies,
        content,
    })
}

fn read_want(rest: &mut &[u8]) -> Result<Vec<(Bound, Vec<Id>)>, FrameError> {
    let (mut bounds, mut groups, mut count) = (BoundReader::default(), Vec::new(), 0);
    while !rest.is_empty() {
        let after = bounds
            .take(rest)
            .map_err(|_| FrameError("a bound of another form"))?;
        let ids = take_ids(rest).map_err(|_| FrameError("half an id"))?;
        count += ids.len();
        if ids.is_empty() || count > BATCH {
            return Err(FrameError("no or too many ids"));
        }
        groups.push((after, ids.to_vec()));
    }
    if groups.is_empty() {
        Err(FrameError("nothing is wanted"))
    } else {
        Ok(groups)
    }
}

fn read_offer(rest: &mut &[u8]) -> Result<Vec<Element>, FrameError> {
    let (mut bounds, mut elements) = (BoundReader::default(), Vec::new());
    while !rest.is_empty() {
        let bound = bounds
            .take(rest)
            .map_err(|_| FrameError("an element of another form"))?;
        let id = bound.prefix().try_into().map_err(|_| FrameError("half an id"))?;
        let time = bound.time();
        elements.push(Element { time, id });
        if elements.len() > BATCH {
            return Err(FrameError("too many elements"));
        }
    }
    if elements.is_empty() {
        Err(FrameError("nothing is offered"))
    } else {
        Ok(elements)
    }
}

fn read_accept(rest: &mut &[u8]) -> Result<Vec<bool>, FrameError> {
    let count = take_number(rest)?;
    let count = usize::try_from(count).ok().filter(|count| *count <= BATCH);
    let count = count.ok_or(FrameError("more than an offer has"))?;
    let (bytes, others) = rest
        .split_at_checked(count.div_ceil(8))
        .ok_or(FrameError("half an answer"))?;
    *rest = others;
    Ok((0..count)
        .map(|bit| bytes[bit / 8] >> (bit % 8) & 1 == 1)
        .collect())
}

fn take_number(rest: &mut &[u8]) -> Result<u64, FrameError> {
    take_varint(rest).map_err(|_| FrameError("a number of another form"))
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u64);
    out.extend(text.bytes());
}

fn take_text(rest: &mut &[u8], length: usize) -> Result<String, FrameError> {
    let (text, others) = rest.split_at_checked(length).ok_or(FrameError("half a text"))?;
    *rest = others;
    let text = std::str::from_utf8(text).map_err(|_| FrameError("bytes that are no text"))?;
    Ok(text.to_owned())
}

fn take_hash(rest: &mut &[u8]) -> Result<ItemHash, FrameError> {
    let length = take_number(rest)?;
    // 64 characters of at most four bytes.
    let length = usize::try_from(length).ok().filter(|length| *length <= 256);
    let text = take_text(rest, length.ok_or(FrameError("no name is so long"))?)?;
    ItemHash::parse_lenient(&text).ok_or(FrameError("what is no name"))
}

#[cfg(test)]
mod tests;
