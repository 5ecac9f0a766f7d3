//! The bytes of frames.
//!
//! ```text
//! frame  = 0x61 range*
//! range  = bound mode [fingerprint | ids]       from the bound before (or the start) to this one
//! bound  = varint(0 for the end, else 1 + time - time of the bound before) varint(length) prefix
//! ids    = varint(count) id*
//! varint = groups of seven bits, the highest first, bit 7 set in all but the last
//! ```

use crate::{Bound, Id, sum::FINGERPRINT};

/// The version of the frames: 1.
pub(crate) const VERSION: u8 = 0x61;

/// Why a foreign frame was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It is not of version 1.
    #[error("a frame of an unknown version")]
    Version,
    /// It ends within a range, or a number in it has more than 64 bits.
    #[error("a frame that ends too early or has too long a number")]
    Truncated,
    /// There is no such mode.
    #[error("a range of the unknown mode {0}")]
    Mode(u64),
    /// Its bounds do not ascend, or are none.
    #[error("ranges that do not ascend")]
    Bounds,
}

/// What a range says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    Nothing,
    Fingerprint([u8; FINGERPRINT]),
    Ids(&'a [Id]),
}

/// Writes a number.
pub fn put_varint(out: &mut Vec<u8>, number: u64) {
    let groups = (64 - number.leading_zeros()).div_ceil(7).max(1);
    for group in (0..groups).rev() {
        let more = if group == 0 { 0 } else { 0x80 };
        out.push((number >> (7 * group)) as u8 & 0x7f | more);
    }
}

/// Reads a number.
pub fn take_varint(bytes: &mut &[u8]) -> Result<u64, FrameError> {
    let mut number: u64 = 0;
    loop {
        let (byte, rest) = bytes.split_first().ok_or(FrameError::Truncated)?;
        *bytes = rest;
        if number >> 57 != 0 {
            return Err(FrameError::Truncated);
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
}

/// Reads bounds: each says how much later than the one before it is.
#[derive(Debug, Default)]
pub struct BoundReader {
    last: u64,
}

impl BoundReader {
    /// Reads the next bound.
    pub fn take(&mut self, bytes: &mut &[u8]) -> Result<Bound, FrameError> {
        let time = match take_varint(bytes)? {
            0 => u64::MAX,
            later => self.last.checked_add(later - 1).ok_or(FrameError::Bounds)?,
        };
        self.last = time;
        let length = usize::try_from(take_varint(bytes)?).map_err(|_| FrameError::Bounds)?;
        let (prefix, rest) = bytes.split_at_checked(length).ok_or(FrameError::Truncated)?;
        *bytes = rest;
        Bound::with_prefix(time, prefix).ok_or(FrameError::Bounds)
    }
}

/// Writes bounds, which ascend.
#[derive(Debug, Default)]
pub struct BoundWriter {
    last: u64,
}

impl BoundWriter {
    /// Writes the next bound.
    pub fn put(&mut self, out: &mut Vec<u8>, bound: &Bound) {
        let time = bound.time();
        let later = if time == u64::MAX {
            0
        } else {
            time.saturating_sub(self.last) + 1
        };
        put_varint(out, later);
        self.last = time;
        put_varint(out, bound.prefix().len() as u64);
        out.extend_from_slice(bound.prefix());
    }
}

/// Reads the ranges of a frame.
pub(crate) struct Ranges<'a> {
    rest: &'a [u8],
    bounds: BoundReader,
    last: Bound,
}

impl<'a> Ranges<'a> {
    pub(crate) fn read(frame: &'a [u8]) -> Result<Self, FrameError> {
        match frame.split_first() {
            Some((&VERSION, rest)) => Ok(Self {
                rest,
                bounds: BoundReader::default(),
                last: Bound::START,
            }),
            _ => Err(FrameError::Version),
        }
    }

    /// The bound of the next range and what is said of it.
    pub(crate) fn next(&mut self) -> Result<Option<(Bound, Said<'a>)>, FrameError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let bound = self.bounds.take(&mut self.rest)?;
        if bound < self.last {
            return Err(FrameError::Bounds);
        }
        self.last = bound;
        let said = match take_varint(&mut self.rest)? {
            0 => Said::Nothing,
            1 => {
                let (fingerprint, rest) = self.rest.split_first_chunk().ok_or(FrameError::Truncated)?;
                self.rest = rest;
                Said::Fingerprint(*fingerprint)
            }
            2 => Said::Ids(take_ids(&mut self.rest)?),
            mode => return Err(FrameError::Mode(mode)),
        };
        Ok(Some((bound, said)))
    }
}

/// Reads a list of ids.
pub fn take_ids<'a>(bytes: &mut &'a [u8]) -> Result<&'a [Id], FrameError> {
    let count = usize::try_from(take_varint(bytes)?).map_err(|_| FrameError::Truncated)?;
    let length = count.checked_mul(32).ok_or(FrameError::Truncated)?;
    let (ids, rest) = bytes.split_at_checked(length).ok_or(FrameError::Truncated)?;
    *bytes = rest;
    Ok(ids.as_chunks().0)
}

/// Writes the ranges of a frame. What is equal or done is said once, when something follows.
pub(crate) struct Answer {
    bytes: Vec<u8>,
    bounds: BoundWriter,
    /// A range that nothing has to be said of ends here.
    skip_to: Option<Bound>,
}

impl Answer {
    pub(crate) fn new() -> Self {
        Self {
            bytes: vec![VERSION],
            bounds: BoundWriter::default(),
            skip_to: None,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn skip(&mut self, bound: Bound) {
        self.skip_to = Some(bound);
    }

    fn flush_skip(&mut self) {
        if let Some(bound) = self.skip_to.take() {
            self.bounds.put(&mut self.bytes, &bound);
            put_varint(&mut self.bytes, 0);
        }
    }

    pub(crate) fn fingerprint(&mut self, bound: Bound, fingerprint: [u8; FINGERPRINT]) {
        self.flush_skip();
        self.bounds.put(&mut self.bytes, &bound);
        put_varint(&mut self.bytes, 1);
        self.bytes.extend(fingerprint);
    }

    pub(crate) fn ids(&mut self, bound: Bound, ids: &[Id]) {
        self.flush_skip();
        self.bounds.put(&mut self.bytes, &bound);
        put_varint(&mut self.bytes, 2);
        put_varint(&mut self.bytes, ids.len() as u64);
        self.bytes.extend_from_slice(ids.as_flattened());
    }

    /// The frame; `None` if nothing is said in it.
    pub(crate) fn finish(self) -> Option<Vec<u8>> {
        (self.bytes.len() > 1).then_some(self.bytes)
    }
}
