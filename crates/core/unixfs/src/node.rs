//! dag-pb: named links to other blocks, and data.

use alephd_cid::{AnyCid, varint};

use crate::{
    MAX_NODE_LINKS, Malformed,
    proto::{Fields, Value},
};

/// A link to another block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link<'a> {
    /// The block.
    pub cid: AnyCid,
    /// The name of an entry, empty for parts of a file. Usually UTF-8; nothing ensures it.
    pub name: &'a [u8],
    /// Bytes of all blocks below, as the author of this node says.
    pub tsize: Option<u64>,
}

/// A block of codec dag-pb.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node<'a> {
    /// Its links, in their order.
    pub links: Vec<Link<'a>>,
    /// Its data: a UnixFS entry, for everything that files consist of.
    pub data: Option<&'a [u8]>,
}

impl<'a> Node<'a> {
    /// Reads a node as strictly as the format demands: known fields only, each in its place.
    pub fn decode(block: &'a [u8]) -> Result<Self, Malformed> {
        let mut node = Self::default();
        let mut fields = Fields(block);
        let mut links_ended = false;
        while let Some(field) = fields.next()? {
            match field {
                (1, Value::Bytes(data)) => {
                    if node.data.replace(data).is_some() {
                        return Err(Malformed("node has data twice"));
                    }
                    // Data comes after the links or, from old writers, before them.
                    links_ended = !node.links.is_empty();
                }
                (2, Value::Bytes(_)) if links_ended => {
                    return Err(Malformed("node has links on both sides of its data"));
                }
                (2, Value::Bytes(_)) if node.links.len() == MAX_NODE_LINKS => {
                    return Err(Malformed("node has too many links"));
                }
                (2, Value::Bytes(link)) => node.links.push(Link::decode(link)?),
                _ => return Err(Malformed("node has an unknown field")),
            }
        }
        Ok(node)
    }

    /// The bytes of the node, links first as they are.
    pub fn encode(&self) -> Vec<u8> {
        let data = self.data.map_or(0, |data| data.len() + 4);
        let names: usize = self.links.iter().map(|link| link.name.len() + 56).sum();
        let mut block = Vec::with_capacity(data + names);
        let mut buffer = Vec::new();
        for link in &self.links {
            buffer.clear();
            link.encode(&mut buffer);
            push_bytes(&mut block, 0x12, &buffer);
        }
        if let Some(data) = self.data {
            push_bytes(&mut block, 0x0a, data);
        }
        block
    }
}

impl<'a> Link<'a> {
    fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (mut cid, mut name, mut tsize) = (None, None, None);
        let mut fields = Fields(bytes);
        while let Some(field) = fields.next()? {
            match field {
                (1, Value::Bytes(bytes)) if cid.is_none() && name.is_none() && tsize.is_none() => {
                    let read = AnyCid::from_bytes(bytes);
                    cid = Some(read.map_err(|_| Malformed("link has no CID that can be read"))?);
                }
                (2, Value::Bytes(bytes)) if name.is_none() && tsize.is_none() => name = Some(bytes),
                (3, Value::Number(size)) if tsize.is_none() => tsize = Some(size),
                _ => {
                    return Err(Malformed(
                        "link has a field that is unknown, repeated or misplaced",
                    ));
                }
            }
        }
        Ok(Self {
            cid: cid.ok_or(Malformed("link has no CID"))?,
            name: name.unwrap_or_default(),
            tsize,
        })
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        push_bytes(bytes, 0x0a, &self.cid.to_bytes());
        // Present even when empty: every writer of default names does so.
        push_bytes(bytes, 0x12, self.name);
        if let Some(tsize) = self.tsize {
            push_number(bytes, 0x18, tsize);
        }
    }
}

/// Appends a field of bytes.
pub(crate) fn push_bytes(message: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    message.push(tag);
    varint::push(message, bytes.len() as u64);
    message.extend_from_slice(bytes);
}

/// Appends a field that is a number.
pub(crate) fn push_number(message: &mut Vec<u8>, tag: u8, number: u64) {
    message.push(tag);
    varint::push(message, number);
}
