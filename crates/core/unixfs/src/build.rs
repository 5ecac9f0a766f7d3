//! Building directories as Kubo does.

use std::collections::{BTreeMap, btree_map::Entry};

use alephd_cid::{AnyCid, Block, Cid, Codec, Subtree, Version};
use sha2::{Digest, Sha256};

use crate::{Link, MAX_PATH_SEGMENTS, Node, entity, hamt};

/// Bytes of names and identifiers from which on a directory is sharded.
const SHARD_SIZE: usize = 256 * 1024;

/// Bytes in a name. File systems have 255; a bound keeps every shard within a block.
const MAX_NAME_SIZE: usize = 4096;

/// Collects files under their paths and builds the directories above them.
///
/// Names and shape are those of `ipfs add -r`: entries sorted by name, a directory whose entries
/// sum up to 256 KiB sharded. Memory grows with the number of entries, not with the size of files.
///
/// ```
/// use alephd_cid::{FileBuilder, Layout, Version};
/// use alephd_unixfs::TreeBuilder;
///
/// let mut file = FileBuilder::new(Layout::V1 { raw_leaves: true });
/// file.update(b"hello\n", &mut |_| ());
/// let file = file.finish(&mut |_| ());
///
/// let mut tree = TreeBuilder::new(Version::V1);
/// tree.add_file("docs/hello.txt", file.cid.into(), file.weight)?;
/// let mut blocks = 0;
/// let root = tree.finish(&mut |_| blocks += 1)?;
/// assert_eq!(root.cid.to_string(), "bafybeidcseje7rz2x7iybwe6hnd4dfovlq6purgjihvpzq4ecsgbmz2oya");
/// assert_eq!(blocks, 2);
/// # Ok::<(), alephd_unixfs::BuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TreeBuilder {
    version: Version,
    root: Directory,
}

#[derive(Clone, Debug, Default)]
struct Directory(BTreeMap<String, Child>);

#[derive(Clone, Debug)]
enum Child {
    Directory(Directory),
    File(Built),
}

/// What a directory must know about an entry.
#[derive(Clone, Debug)]
struct Built {
    cid: AnyCid,
    weight: u64,
}

impl TreeBuilder {
    /// An empty directory. The version is that of the directories; entries keep their own.
    pub fn new(version: Version) -> Self {
        Self {
            version,
            root: Directory::default(),
        }
    }

    /// Puts a file, or any tree that has a root already, at a path. `weight` counts the bytes of
    /// all its blocks ([`Subtree::weight`]).
    pub fn add_file(&mut self, path: &str, cid: AnyCid, weight: u64) -> Result<(), BuildError> {
        let (folders, name) = match path.rsplit_once('/') {
            Some((folders, name)) => (Some(folders), name),
            None => (None, path),
        };
        let directory = self.directory(path, folders)?;
        check_name(path, name)?;
        match directory.0.entry(name.to_owned()) {
            Entry::Vacant(entry) => entry.insert(Child::File(Built { cid, weight })),
            Entry::Occupied(_) => return Err(BuildError::Occupied(path.to_owned())),
        };
        Ok(())
    }

    /// Makes sure that there is a directory at a path, if only an empty one.
    pub fn add_directory(&mut self, path: &str) -> Result<(), BuildError> {
        self.directory(path, Some(path)).map(|_| ())
    }

    /// The directory at `folders`, made if needed; `path` is for errors.
    fn directory(&mut self, path: &str, folders: Option<&str>) -> Result<&mut Directory, BuildError> {
        let mut directory = &mut self.root;
        for (depth, name) in folders.iter().flat_map(|folders| folders.split('/')).enumerate() {
            check_name(path, name)?;
            // Building goes down one call for each level.
            if depth == MAX_PATH_SEGMENTS {
                return Err(BuildError::Path(path.to_owned()));
            }
            let child = directory.0.entry(name.to_owned());
            match child.or_insert_with(|| Child::Directory(Directory::default())) {
                Child::Directory(below) => directory = below,
                Child::File(_) => return Err(BuildError::Occupied(path.to_owned())),
            }
        }
        Ok(directory)
    }

    /// Builds the directories, lowest first. Every block goes to the sink, the root last.
    pub fn finish(self, sink: &mut impl FnMut(&Block<'_>)) -> Result<Subtree, BuildError> {
        let Self { version, root } = self;
        Builder { version, sink }.directory(root)
    }
}

fn check_name(path: &str, name: &str) -> Result<(), BuildError> {
    let sound = !matches!(name, "" | "." | "..") && name.len() <= MAX_NAME_SIZE && !name.contains('\0');
    sound
        .then_some(())
        .ok_or_else(|| BuildError::Path(path.to_owned()))
}

/// Why a directory cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The path has an empty, too long or special name, or too many names.
    #[error("no file can have the path {0:?}")]
    Path(String),
    /// There is something else at the path, or a file on the way to it.
    #[error("path {0:?} is taken")]
    Occupied(String),
    /// Two names that no shards can tell apart. They were made for this.
    #[error("names {0:?} and {1:?} have the same hash")]
    Collision(String, String),
}

struct Builder<'s, S> {
    version: Version,
    sink: &'s mut S,
}

impl<S: FnMut(&Block<'_>)> Builder<'_, S> {
    fn directory(&mut self, directory: Directory) -> Result<Subtree, BuildError> {
        let mut entries = Vec::with_capacity(directory.0.len());
        for (name, child) in directory.0 {
            let built = match child {
                Child::File(built) => built,
                Child::Directory(below) => {
                    let below = self.directory(below)?;
                    Built {
                        cid: below.cid.into(),
                        weight: below.weight,
                    }
                }
            };
            entries.push((hamt::hash(name.as_bytes()), name, built));
        }
        let estimate: usize = entries
            .iter()
            .map(|(_, name, built)| name.len() + built.cid.to_bytes().len())
            .sum();
        if estimate >= SHARD_SIZE {
            // Within a slot the order does not matter; by hash, each slot is a range.
            entries.sort_unstable_by_key(|(hash, ..)| *hash);
            return self.shard(&entries, 0);
        }
        let links = entries.iter().map(|(_, name, built)| Link {
            cid: built.cid.clone(),
            name: name.as_bytes(),
            tsize: Some(built.weight),
        });
        Ok(self.node(links.collect(), &[0x08, entity::DIRECTORY as u8]))
    }

    /// The shard over entries that are sorted by hash and share the bits of the levels above.
    fn shard(&mut self, entries: &[(u64, String, Built)], level: u32) -> Result<Subtree, BuildError> {
        let bits = hamt::FANOUT.trailing_zeros();
        let mut field = hamt::Bitfield::new();
        let mut names = Vec::new();
        let slot = |hash: u64| hamt::slot(hash, level, bits);
        for group in entries.chunk_by(|left, right| slot(left.0) == slot(right.0)) {
            let (hash, name, built) = &group[0];
            let Some(slot) = slot(*hash) else {
                // Beyond the last bits all hashes are equal, so the group has at least two names.
                let (_, other, _) = &group[group.len() - 1];
                return Err(BuildError::Collision(name.clone(), other.clone()));
            };
            field.set(slot);
            names.push(match group {
                [_] => (format!("{slot:02X}{name}"), built.clone()),
                _ => {
                    let below = self.shard(group, level + 1)?;
                    let built = Built {
                        cid: below.cid.into(),
                        weight: below.weight,
                    };
                    (format!("{slot:02X}"), built)
                }
            });
        }
        let links = names.iter().map(|(name, built)| Link {
            cid: built.cid.clone(),
            name: name.as_bytes(),
            tsize: Some(built.weight),
        });
        Ok(self.node(links.collect(), &hamt::encode_data(&field)))
    }

    fn node(&mut self, links: Vec<Link<'_>>, data: &[u8]) -> Subtree {
        let node = Node {
            links,
            data: Some(data),
        };
        let block = node.encode();
        let digest = Sha256::digest(&block).into();
        let cid = match self.version {
            Version::V0 => Cid::v0(digest),
            Version::V1 => Cid::v1(Codec::DagPb, digest),
        };
        (self.sink)(&Block::new(cid, &block));
        Subtree {
            cid,
            weight: entity::weight(&node).saturating_add(block.len() as u64),
            size: 0,
        }
    }
}
