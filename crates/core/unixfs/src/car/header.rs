//! The header: as much CBOR as it needs.

use alephd_cid::{AnyCid, varint};

use super::CarError;

/// An archive's first bytes, for these roots.
pub fn encode_header(roots: &[AnyCid]) -> Vec<u8> {
    let mut header = vec![0xa2, 0x65];
    header.extend(b"roots");
    push_head(&mut header, ARRAY, roots.len() as u64);
    for root in roots {
        let cid = root.to_bytes();
        header.extend([0xd8, 0x2a]);
        push_head(&mut header, BYTES, cid.len() as u64 + 1);
        header.push(0);
        header.extend(cid);
    }
    header.push(0x67);
    header.extend(b"version");
    header.push(1);

    let mut bytes = Vec::with_capacity(header.len() + 2);
    varint::push(&mut bytes, header.len() as u64);
    bytes.extend(header);
    bytes
}

/// Reads a header (without its length) of version 1: its roots.
pub(super) fn decode(bytes: &[u8]) -> Result<Vec<AnyCid>, CarError> {
    let mut cbor = Cbor(bytes);
    let fields = cbor.expect(MAP)?;
    let (mut roots, mut version) = (None, None);
    for _ in 0..fields.min(3) {
        let length = cbor.expect(TEXT)?;
        match cbor.take(length)? {
            b"version" if version.is_none() => version = Some(cbor.expect(NUMBER)?),
            b"roots" if roots.is_none() => roots = Some(cbor.roots()?),
            _ => return Err(CarError::Header("unknown or repeated field")),
        }
    }
    match version {
        Some(1) => {}
        // The first bytes of version 2 are such a map without roots.
        Some(version) => return Err(CarError::Version(version)),
        None => return Err(CarError::Header("no version")),
    }
    if !cbor.0.is_empty() {
        return Err(CarError::Header("bytes after its end"));
    }
    roots.ok_or(CarError::Header("no roots"))
}

const NUMBER: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;

struct Cbor<'a>(&'a [u8]);

impl<'a> Cbor<'a> {
    fn roots(&mut self) -> Result<Vec<AnyCid>, CarError> {
        let count = self.expect(ARRAY)?;
        let mut roots = Vec::new();
        for _ in 0..count {
            if self.expect(TAG)? != 42 {
                return Err(CarError::Header("root is not a CID"));
            }
            let length = self.expect(BYTES)?;
            let cid = self.take(length)?.strip_prefix(&[0]);
            let cid = cid.and_then(|cid| AnyCid::from_bytes(cid).ok());
            roots.push(cid.ok_or(CarError::Header("root is not a CID"))?);
        }
        Ok(roots)
    }

    /// The number of an item of this major type.
    fn expect(&mut self, major: u8) -> Result<u64, CarError> {
        let [first] = *self.array()?;
        if first >> 5 != major {
            return Err(CarError::Header("another type was expected"));
        }
        let (number, least) = match first & 31 {
            small @ 0..24 => (u64::from(small), 0),
            24 => (u64::from(u8::from_be_bytes(*self.array()?)), 24),
            25 => (u64::from(u16::from_be_bytes(*self.array()?)), 1 << 8),
            26 => (u64::from(u32::from_be_bytes(*self.array()?)), 1 << 16),
            27 => (u64::from_be_bytes(*self.array()?), 1 << 32),
            _ => return Err(CarError::Header("item without a definite length")),
        };
        // One header for given roots, as the format demands.
        if number < least {
            return Err(CarError::Header("number is longer than it must be"));
        }
        Ok(number)
    }

    fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], CarError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(CarError::Header("cut off"))?;
        self.0 = rest;
        Ok(head)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], CarError> {
        let cut = usize::try_from(length)
            .ok()
            .and_then(|length| self.0.split_at_checked(length));
        let (head, rest) = cut.ok_or(CarError::Header("cut off"))?;
        self.0 = rest;
        Ok(head)
    }
}

fn push_head(bytes: &mut Vec<u8>, major: u8, number: u64) {
    let major = major << 5;
    match number {
        0..24 => bytes.push(major | number as u8),
        24..0x100 => bytes.extend([major | 24, number as u8]),
        0x100..0x1_0000 => {
            bytes.push(major | 25);
            bytes.extend((number as u16).to_be_bytes());
        }
        0x1_0000..0x1_0000_0000 => {
            bytes.push(major | 26);
            bytes.extend((number as u32).to_be_bytes());
        }
        _ => {
            bytes.push(major | 27);
            bytes.extend(number.to_be_bytes());
        }
    }
}
