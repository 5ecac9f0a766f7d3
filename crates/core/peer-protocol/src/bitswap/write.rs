//! Writing messages.

use alephd_cid::{Version as CidVersion, varint};

use super::{Message, Prefix, Presence, Version, Want, WantType};

const NUMBER: u64 = 0;
const BYTES: u64 = 2;

impl Message {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.wants.is_empty() && !self.full && self.blocks.is_empty() && self.presences.is_empty()
    }

    /// The message behind its length, as it goes on a stream of this version. What the version cannot
    /// say is left out: presences before 1.2.0, and wants of anything but blocks become wants of
    /// blocks.
    pub fn encode_framed(&self, version: Version) -> Vec<u8> {
        let body = self.encode(version);
        let mut framed = Vec::with_capacity(body.len() + 4);
        varint::push(&mut framed, body.len() as u64);
        framed.extend(body);
        framed
    }

    /// The message without its length.
    pub fn encode(&self, version: Version) -> Vec<u8> {
        let data: usize = self.blocks.iter().map(|block| block.data.len() + 20).sum();
        let names = 56 * (self.wants.len() + self.presences.len());
        let mut out = Vec::with_capacity(data + names + 16);
        let mut item = Vec::new();
        if !self.wants.is_empty() || self.full {
            let mut wantlist = Vec::with_capacity(56 * self.wants.len());
            for want in &self.wants {
                item.clear();
                want.encode(version, &mut item);
                push_bytes(&mut wantlist, 1, &item);
            }
            push_flag(&mut wantlist, 2, self.full);
            push_bytes(&mut out, 1, &wantlist);
        }
        for block in &self.blocks {
            if version == Version::V1_0 {
                push_bytes(&mut out, 2, &block.data);
                continue;
            }
            item.clear();
            block.prefix.encode(&mut item);
            // In place, so that the bytes are copied once.
            let size = item.len() + block.data.len();
            let heads = 2 + varint_size(item.len()) + varint_size(block.data.len());
            push_tag(&mut out, 3, BYTES);
            varint::push(&mut out, (size + heads) as u64);
            push_bytes(&mut out, 1, &item);
            push_bytes(&mut out, 2, &block.data);
        }
        if version == Version::V1_2 {
            for presence in &self.presences {
                item.clear();
                presence.encode(&mut item);
                push_bytes(&mut out, 4, &item);
            }
            push_number(&mut out, 5, self.pending_bytes);
        }
        out
    }
}

impl Want {
    fn encode(&self, version: Version, out: &mut Vec<u8>) {
        push_bytes(out, 1, &self.cid.to_bytes());
        push_number(out, 2, self.priority);
        push_flag(out, 3, self.cancel);
        if version == Version::V1_2 {
            push_flag(out, 4, self.want_type == WantType::Have);
            push_flag(out, 5, self.send_dont_have);
        }
    }
}

impl Presence {
    fn encode(&self, out: &mut Vec<u8>) {
        push_bytes(out, 1, &self.cid.to_bytes());
        push_flag(out, 2, !self.have);
    }
}

impl Prefix {
    fn encode(&self, out: &mut Vec<u8>) {
        varint::push(out, u64::from(self.version == CidVersion::V1));
        varint::push(out, self.codec.0);
        varint::push(out, self.function.0);
        varint::push(out, self.digest_size);
    }
}

fn push_tag(out: &mut Vec<u8>, field: u64, kind: u64) {
    varint::push(out, field << 3 | kind);
}

fn push_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    push_tag(out, field, BYTES);
    varint::push(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Zero is what a missing field means.
fn push_number(out: &mut Vec<u8>, field: u64, number: i32) {
    if number != 0 {
        push_tag(out, field, NUMBER);
        // Negative numbers fill 64 bits, ten digits of them.
        varint::push(out, i64::from(number) as u64);
    }
}

fn push_flag(out: &mut Vec<u8>, field: u64, flag: bool) {
    push_number(out, field, i32::from(flag));
}

fn varint_size(number: usize) -> usize {
    (usize::BITS - number.leading_zeros()).div_ceil(7).max(1) as usize
}
