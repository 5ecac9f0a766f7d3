//! UnixFS: what a block is to someone who looks for files.

use alephd_cid::{AnyCid, Multicodec};

use crate::{
    Error, Link, MAX_NODE_LINKS, Malformed, Node, Shard,
    proto::{Fields, Value},
};

/// The root block of something that has a name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entity<'a> {
    /// A file, or a part of one.
    File(FileNode<'a>),
    /// A directory that fits into a block.
    Directory(Vec<Link<'a>>),
    /// A directory over several blocks, or a part of one.
    Shard(Shard<'a>),
    /// A symbolic link to this path. Nothing here follows it.
    Symlink(&'a [u8]),
}

/// A block of a file: bytes, then the files below it one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileNode<'a> {
    /// The first bytes.
    pub data: &'a [u8],
    /// The blocks that hold the rest, and how many bytes of the file are below each.
    pub parts: Vec<(AnyCid, u64)>,
    /// Bytes of the file.
    pub size: u64,
}

/// What a name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A directory of either form.
    Directory,
    /// A symbolic link.
    Symlink,
}

/// The facts that the root block tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: Kind,
    /// Bytes of a file or of a link's target, zero for a directory. `Size` to clients.
    pub size: u64,
    /// Bytes of the block and of all below as their author says. `CumulativeSize` to clients; only
    /// [`CarVerifier`](crate::CarVerifier) finds out whether it is true.
    pub cumulative_size: u64,
}

impl<'a> Entity<'a> {
    /// Reads a block that was checked against its name.
    pub fn decode(cid: &AnyCid, block: &'a [u8]) -> Result<Self, Error> {
        let malformed = |reason| Error::Malformed {
            cid: cid.clone(),
            reason,
        };
        match cid.codec() {
            Multicodec::RAW => Ok(Self::File(FileNode {
                data: block,
                parts: Vec::new(),
                size: block.len() as u64,
            })),
            Multicodec::DAG_PB => Self::of(Node::decode(block).map_err(malformed)?).map_err(malformed),
            _ => Err(Error::Codec { cid: cid.clone() }),
        }
    }

    fn of(node: Node<'a>) -> Result<Self, Malformed> {
        let entry = Data::decode(node.data.ok_or(Malformed("node is no UnixFS entry"))?)?;
        match entry.kind {
            RAW | FILE => FileNode::of(node.links, &entry).map(Self::File),
            DIRECTORY => Ok(Self::Directory(node.links)),
            SYMLINK => Ok(Self::Symlink(entry.data.unwrap_or_default())),
            HAMT_SHARD => Shard::of(node.links, &entry).map(Self::Shard),
            _ => Err(Malformed("unknown kind of UnixFS entry")),
        }
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::File(_) => Kind::File,
            Self::Directory(_) | Self::Shard(_) => Kind::Directory,
            Self::Symlink(_) => Kind::Symlink,
        }
    }
}

impl Stat {
    /// The facts of a block that was checked against its name.
    pub fn of(cid: &AnyCid, block: &[u8]) -> Result<Self, Error> {
        let entity = Entity::decode(cid, block)?;
        let below = match cid.codec() {
            Multicodec::DAG_PB => Node::decode(block).map(|node| weight(&node)),
            _ => Ok(0),
        };
        let below = below.map_err(|reason| Error::Malformed {
            cid: cid.clone(),
            reason,
        })?;
        Ok(Self {
            kind: entity.kind(),
            size: match entity {
                Entity::File(file) => file.size,
                Entity::Symlink(target) => target.len() as u64,
                Entity::Directory(_) | Entity::Shard(_) => 0,
            },
            cumulative_size: below.saturating_add(block.len() as u64),
        })
    }
}

/// Bytes below a node, as it says itself.
pub(crate) fn weight(node: &Node<'_>) -> u64 {
    let sizes = node.links.iter().filter_map(|link| link.tsize);
    sizes.fold(0, u64::saturating_add)
}

impl<'a> FileNode<'a> {
    fn of(links: Vec<Link<'a>>, entry: &Data<'a>) -> Result<Self, Malformed> {
        if links.len() != entry.block_sizes.len() {
            return Err(Malformed("file has not as many sizes as links"));
        }
        if links.iter().any(|link| !link.name.is_empty()) {
            return Err(Malformed("part of a file has a name"));
        }
        let data = entry.data.unwrap_or_default();
        let mut sizes = entry.block_sizes.iter();
        let size = sizes.try_fold(data.len() as u64, |sum, &size| sum.checked_add(size));
        let size = size.ok_or(Malformed("size of a file exceeds 64 bits"))?;
        if entry.file_size.is_some_and(|claimed| claimed != size) {
            return Err(Malformed("size of a file is not that of its parts"));
        }
        let parts = links.into_iter().map(|link| link.cid);
        Ok(Self {
            data,
            parts: parts.zip(entry.block_sizes.iter().copied()).collect(),
            size,
        })
    }
}

const RAW: u64 = 0;
pub(crate) const DIRECTORY: u64 = 1;
const FILE: u64 = 2;
const SYMLINK: u64 = 4;
pub(crate) const HAMT_SHARD: u64 = 5;

/// The data of a node as UnixFS defines it. Mode and time of change are not read.
#[derive(Debug, Default)]
pub(crate) struct Data<'a> {
    pub(crate) kind: u64,
    pub(crate) data: Option<&'a [u8]>,
    pub(crate) file_size: Option<u64>,
    pub(crate) block_sizes: Vec<u64>,
    pub(crate) hash_type: Option<u64>,
    pub(crate) fanout: Option<u64>,
}

impl<'a> Data<'a> {
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut entry = Self::default();
        let mut kind = None;
        let mut fields = Fields(bytes);
        while let Some(field) = fields.next()? {
            match field {
                (1, Value::Number(number)) => kind = Some(number),
                (2, Value::Bytes(data)) => entry.data = Some(data),
                (3, Value::Number(size)) => entry.file_size = Some(size),
                (4, Value::Number(size)) => entry.push_size(size)?,
                (4, Value::Bytes(packed)) => {
                    let mut sizes = Fields(packed);
                    while !sizes.0.is_empty() {
                        entry.push_size(sizes.number()?)?;
                    }
                }
                (5, Value::Number(function)) => entry.hash_type = Some(function),
                (6, Value::Number(fanout)) => entry.fanout = Some(fanout),
                (1..=6, _) => return Err(Malformed("field of a UnixFS entry has a wrong type")),
                _ => {}
            }
        }
        entry.kind = kind.ok_or(Malformed("UnixFS entry has no kind"))?;
        Ok(entry)
    }

    fn push_size(&mut self, size: u64) -> Result<(), Malformed> {
        if self.block_sizes.len() == MAX_NODE_LINKS {
            return Err(Malformed("file has too many sizes"));
        }
        self.block_sizes.push(size);
        Ok(())
    }
}
