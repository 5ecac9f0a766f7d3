//! Paths below a name, and what they lead to.

use std::str::FromStr;

use alephd_cid::{AnyCid, CidError};

use crate::{Entity, Error, MAX_PATH_SEGMENTS, Malformed, error::check, hamt};

/// A path that starts with a CID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpfsPath {
    /// Where it starts.
    pub root: AnyCid,
    /// The names to follow from there.
    pub segments: Vec<String>,
}

/// Reads `/ipfs/<cid>/a/b` or `<cid>/a/b`, decoded before. Empty names and `.` count for nothing,
/// `..` takes back a name.
impl FromStr for IpfsPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let text = text.strip_prefix("/ipfs/").unwrap_or(text);
        let (root, rest) = text.split_once('/').unwrap_or((text, ""));
        let root = root.parse().map_err(PathError::Root)?;
        let mut segments = Vec::new();
        for segment in rest.split('/') {
            match segment {
                "" | "." => {}
                ".." if segments.pop().is_none() => return Err(PathError::Outside),
                ".." => {}
                _ if segments.len() == MAX_PATH_SEGMENTS => return Err(PathError::TooLong),
                name => segments.push(name.to_owned()),
            }
        }
        Ok(Self { root, segments })
    }
}

/// Why a text is not an [`IpfsPath`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It does not start with a CID.
    #[error("invalid CID: {0}")]
    Root(#[source] CidError),
    /// It leaves the tree below the CID.
    #[error("path leaves its root")]
    Outside,
    /// It has more names than anybody follows.
    #[error("path has more than {MAX_PATH_SEGMENTS} names")]
    TooLong,
}

/// Follows a path through directories of both forms.
#[derive(Clone, Debug)]
pub struct Resolver {
    /// What the names followed so far lead to, or a shard on the way to the next.
    at: AnyCid,
    /// The names to follow, the next one last.
    segments: Vec<String>,
    /// The directory that `at` is a shard of.
    shard: Option<Within>,
}

#[derive(Clone, Debug)]
struct Within {
    directory: AnyCid,
    level: u32,
    bits: u32,
}

impl Resolver {
    /// Starts at the root of a path.
    pub fn new(path: IpfsPath) -> Self {
        let mut segments = path.segments;
        segments.reverse();
        Self {
            at: path.root,
            segments,
            shard: None,
        }
    }

    /// The block to supply next; `None` when the end of the path is reached.
    pub fn wanted(&self) -> Option<&AnyCid> {
        (!self.segments.is_empty()).then_some(&self.at)
    }

    /// What the path leads to, once no block is wanted. Its own block was not looked at.
    pub fn found(&self) -> Option<&AnyCid> {
        self.segments.is_empty().then_some(&self.at)
    }

    /// Takes the block that is wanted.
    pub fn supply(&mut self, block: &[u8]) -> Result<(), Error> {
        let name = self.segments.last().ok_or(Error::NotWanted)?;
        check(&self.at, block)?;
        let malformed = |reason| Error::Malformed {
            cid: self.at.clone(),
            reason,
        };
        let found = match (Entity::decode(&self.at, block)?, &self.shard) {
            (Entity::Directory(links), None) => {
                // Of two entries with one name the first counts.
                let mut links = links.into_iter();
                links
                    .find(|link| link.name == name.as_bytes())
                    .map(|link| link.cid)
            }
            (Entity::Shard(shard), within) => {
                let level = within.as_ref().map_or(0, |within| within.level);
                if within.as_ref().is_some_and(|within| within.bits != shard.bits) {
                    return Err(malformed(Malformed("shards have different numbers of slots")));
                }
                let hash = hamt::hash(name.as_bytes());
                match shard.find(hash, level).map_err(malformed)? {
                    Some(link) if link.name.is_empty() => {
                        let directory = within.as_ref().map_or(&self.at, |within| &within.directory);
                        self.shard = Some(Within {
                            directory: directory.clone(),
                            level: level + 1,
                            bits: shard.bits,
                        });
                        self.at = link.cid.clone();
                        return Ok(());
                    }
                    Some(link) if link.name == name.as_bytes() => Some(link.cid.clone()),
                    _ => None,
                }
            }
            (_, None) => {
                return Err(Error::NotADirectory {
                    cid: self.at.clone(),
                    name: name.clone(),
                });
            }
            (_, Some(_)) => {
                return Err(malformed(Malformed(
                    "part of a sharded directory is no such part",
                )));
            }
        };
        let within = self.shard.take();
        let Some(found) = found else {
            return Err(Error::NoLink {
                directory: within.map_or_else(|| self.at.clone(), |within| within.directory),
                name: name.clone(),
            });
        };
        self.at = found;
        self.segments.pop();
        Ok(())
    }
}
