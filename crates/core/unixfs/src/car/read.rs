//! Taking an archive apart as its bytes arrive.

use alephd_cid::AnyCid;

use super::{CarError, header};
use crate::MAX_BLOCK_SIZE;

/// What bounds an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CarLimits {
    /// Bytes in the header.
    pub header: usize,
    /// Bytes in a section: a CID and a block.
    pub section: usize,
    /// Blocks, counting repeated ones.
    pub blocks: u64,
}

impl Default for CarLimits {
    /// A header as the network's nodes take it; sections of the largest block; blocks without bound,
    /// since nothing is kept of them.
    fn default() -> Self {
        Self {
            header: 8 * 1024,
            // The longest CID has two numbers of nine bytes, two short ones and 128 bytes inside.
            section: MAX_BLOCK_SIZE + 256,
            blocks: u64::MAX,
        }
    }
}

/// A block of an archive. It was checked against its CID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarBlock<'a> {
    /// Its name.
    pub cid: AnyCid,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Where in the archive its bytes begin.
    pub offset: u64,
}

/// Reads an archive piece by piece, holding at most one section.
///
/// ```
/// use alephd_unixfs::car::{CarLimits, CarReader, encode_header, section_head};
///
/// let cid = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e".parse()?;
/// let mut archive = encode_header(std::slice::from_ref(&cid));
/// archive.extend(section_head(&cid, 11));
/// archive.extend(b"hello world");
///
/// let mut reader = CarReader::new(CarLimits::default());
/// for mut piece in archive.chunks(7) {
///     while let Some(block) = reader.next(&mut piece)? {
///         assert_eq!(block.bytes, b"hello world");
///     }
/// }
/// reader.finish()?;
/// assert_eq!(reader.root()?, &cid);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct CarReader {
    limits: CarLimits,
    roots: Option<Vec<AnyCid>>,
    /// Bytes taken so far.
    offset: u64,
    blocks: u64,
    state: State,
    /// What was taken of the header or section that is being read.
    buffer: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// The digits of a length that came so far.
    Length { value: u64, digits: u32 },
    /// A header or section of this many bytes, beginning there.
    Body { size: usize, start: u64 },
    /// After an error: reading on would begin in the middle of something.
    Failed,
}

const START: State = State::Length { value: 0, digits: 0 };

impl CarReader {
    /// Starts an archive.
    pub fn new(limits: CarLimits) -> Self {
        Self {
            limits,
            roots: None,
            offset: 0,
            blocks: 0,
            state: START,
            buffer: Vec::new(),
        }
    }

    /// The roots, once the header was read.
    pub fn roots(&self) -> Option<&[AnyCid]> {
        self.roots.as_deref()
    }

    /// The root, if the archive has exactly one.
    pub fn root(&self) -> Result<&AnyCid, CarError> {
        match self.roots.as_deref() {
            Some([root]) => Ok(root),
            Some(roots) => Err(CarError::Roots(roots.len())),
            None => Err(CarError::Truncated(self.offset)),
        }
    }

    /// The number of blocks read.
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Takes bytes from the front of `input` up to the end of the next block. `None` when all were
    /// taken and more are needed. An error is final.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<CarBlock<'_>>, CarError> {
        let state = std::mem::replace(&mut self.state, State::Failed);
        let found = self.advance(state, input)?;
        Ok(found.map(|(cid, at, offset)| CarBlock {
            cid,
            bytes: &self.buffer[at..],
            offset,
        }))
    }

    /// The next block: its name, where it begins in the buffer, and where in the archive.
    fn advance(
        &mut self,
        mut state: State,
        input: &mut &[u8],
    ) -> Result<Option<(AnyCid, usize, u64)>, CarError> {
        loop {
            state = match state {
                State::Failed => return Err(CarError::Truncated(self.offset)),
                State::Length { value, digits } => {
                    let Some((&byte, rest)) = input.split_first() else {
                        self.state = state;
                        return Ok(None);
                    };
                    // Nine digits have 63 bits; no length may have a digit too many.
                    if digits == 9 || (byte == 0 && digits > 0) {
                        return Err(CarError::Varint(self.offset));
                    }
                    *input = rest;
                    self.offset += 1;
                    let value = value | u64::from(byte & 0x7f) << (7 * digits);
                    if byte & 0x80 == 0 {
                        self.begin(value)?
                    } else {
                        State::Length {
                            value,
                            digits: digits + 1,
                        }
                    }
                }
                State::Body { size, start } => {
                    let missing = size - self.buffer.len();
                    let (head, rest) = input.split_at(missing.min(input.len()));
                    self.buffer.extend_from_slice(head);
                    *input = rest;
                    self.offset += head.len() as u64;
                    if head.len() < missing {
                        self.state = state;
                        return Ok(None);
                    }
                    if self.roots.is_some() {
                        let found = self.section(start)?;
                        self.state = START;
                        return Ok(Some(found));
                    }
                    self.roots = Some(header::decode(&self.buffer)?);
                    START
                }
            };
        }
    }

    /// Begins a header or section of this size.
    fn begin(&mut self, size: u64) -> Result<State, CarError> {
        let start = self.offset;
        let (limit, error) = match self.roots {
            None => (self.limits.header, CarError::HeaderSize(self.limits.header)),
            Some(_) => (self.limits.section, CarError::SectionSize { offset: start, size }),
        };
        if size == 0 && self.roots.is_none() {
            return Err(CarError::Header("empty"));
        }
        if size == 0 || size > limit as u64 {
            return Err(error);
        }
        if self.roots.is_some() {
            if self.blocks == self.limits.blocks {
                return Err(CarError::Blocks(self.limits.blocks));
            }
            self.blocks += 1;
        }
        self.buffer.clear();
        let size = size as usize;
        Ok(State::Body { size, start })
    }

    fn section(&self, start: u64) -> Result<(AnyCid, usize, u64), CarError> {
        let (cid, length) = AnyCid::read(&self.buffer).map_err(|reason| CarError::Cid {
            offset: start,
            reason,
        })?;
        let block = &self.buffer[length..];
        if block.len() > MAX_BLOCK_SIZE {
            return Err(CarError::SectionSize {
                offset: start,
                size: self.buffer.len() as u64,
            });
        }
        match cid.check(block) {
            Ok(()) => Ok((cid, length, start + length as u64)),
            Err(reason) => Err(CarError::Hash { cid, reason }),
        }
    }

    /// Ends the archive: it must have a header and end after a section.
    pub fn finish(&self) -> Result<(), CarError> {
        match (&self.roots, self.state) {
            (Some(_), State::Length { digits: 0, .. }) => Ok(()),
            _ => Err(CarError::Truncated(self.offset)),
        }
    }
}
