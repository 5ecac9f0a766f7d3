//! Whether an archive has everything below its root.

use std::collections::HashMap;

use alephd_cid::{AnyCid, Multicodec, Multihash};
use sha2::{Digest, Sha256};

use super::CarBlock;
use crate::{Malformed, Node, Stat, error::has_links};

/// What bounds the memory of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyLimits {
    /// Different blocks, in the archive or linked. Each costs about 80 bytes.
    pub blocks: u32,
    /// Links, each costs 4 bytes.
    pub links: u32,
}

impl Default for VerifyLimits {
    /// A million files and room for their directories, or 350 GB of usual blocks: at most 150 MB of
    /// memory.
    fn default() -> Self {
        Self {
            blocks: 1_500_000,
            links: 8_000_000,
        }
    }
}

/// What an archive holds, once it is known to be whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarReport {
    /// The facts that the root block tells; `None` if it is not of a file or directory.
    pub stat: Option<Stat>,
    /// Bytes of all blocks below and including the root, each as often as it is linked: what
    /// [`Stat::cumulative_size`] should be. The author of a tree can claim less than that.
    pub cumulative_size: u64,
    /// Different blocks below and including the root.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Blocks in the archive that nothing below the root links.
    pub unreachable: u64,
    /// Sections that repeated a block.
    pub duplicates: u64,
}

/// Collects the links of an archive and then follows them from the root.
///
/// Blocks may come in any order. Time and memory grow with the number of blocks and links, however
/// they are entangled; the bytes of blocks are not kept.
#[derive(Clone, Debug)]
pub struct CarVerifier {
    limits: VerifyLimits,
    root: Key,
    root_cid: AnyCid,
    stat: Option<Stat>,
    numbers: HashMap<Key, u32>,
    blocks: Vec<Known>,
    links: Vec<u32>,
    duplicates: u64,
}

/// A name in its one form. The codec counts: as which of them a block is read decides on its links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    digest: [u8; 32],
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Form {
    Node,
    Raw,
    /// The digest is that of the name.
    Other,
}

impl Key {
    fn of(cid: &AnyCid) -> Self {
        let hash = cid.hash();
        let form = match (cid.codec(), hash.function()) {
            (Multicodec::DAG_PB, Multicodec::SHA2_256) => Form::Node,
            (Multicodec::RAW, Multicodec::SHA2_256) => Form::Raw,
            _ => Form::Other,
        };
        match (form, hash.digest().try_into()) {
            (Form::Node | Form::Raw, Ok(digest)) => Self { digest, form },
            _ => Self {
                digest: Sha256::digest(cid.to_v1().to_bytes()).into(),
                form: Form::Other,
            },
        }
    }

    /// The name, if it can be told from the key.
    fn name(self) -> Option<AnyCid> {
        let codec = match self.form {
            Form::Node => Multicodec::DAG_PB,
            Form::Raw => Multicodec::RAW,
            Form::Other => return None,
        };
        Some(AnyCid::v1(codec, Multihash::sha2_256(self.digest)))
    }
}

#[derive(Clone, Copy, Debug)]
struct Known {
    state: State,
    size: u32,
    /// Its links are `links[first_link..][..link_count]`.
    first_link: u32,
    link_count: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Linked, not yet there.
    Missing,
    Present,
    /// There, of a codec whose links cannot be read.
    Opaque,
}

impl CarVerifier {
    /// Starts to check an archive against its root.
    pub fn new(root: &AnyCid, limits: VerifyLimits) -> Self {
        Self {
            limits,
            root: Key::of(root),
            root_cid: root.clone(),
            stat: None,
            numbers: HashMap::new(),
            blocks: Vec::new(),
            links: Vec::new(),
            duplicates: 0,
        }
    }

    /// Adds a block of the archive.
    pub fn add(&mut self, block: &CarBlock<'_>) -> Result<(), VerifyError> {
        self.add_block(&block.cid, block.bytes)?;
        Ok(())
    }

    fn add_block(&mut self, cid: &AnyCid, bytes: &[u8]) -> Result<(), VerifyError> {
        // Blocks inside links are there with the link. They are shorter than the link, so they hold
        // fewer and fewer of their own.
        let mut inlined = Vec::new();
        self.add_one(cid, bytes, &mut inlined)?;
        while let Some(cid) = inlined.pop() {
            if let Some(bytes) = cid.inline() {
                self.add_one(&cid, bytes, &mut inlined)?;
            }
        }
        Ok(())
    }

    fn add_one(&mut self, cid: &AnyCid, bytes: &[u8], inlined: &mut Vec<AnyCid>) -> Result<(), VerifyError> {
        let key = Key::of(cid);
        let number = self.number(key)?;
        if self.blocks[number].state != State::Missing {
            self.duplicates += u64::from(cid.inline().is_none());
            return Ok(());
        }
        if key == self.root {
            self.stat = Stat::of(cid, bytes).ok();
        }
        let first_link = self.links.len();
        let state = match has_links(cid) {
            Ok(true) => {
                let node = Node::decode(bytes).map_err(|reason| VerifyError::Malformed {
                    cid: cid.clone(),
                    reason,
                })?;
                if self.links.len() + node.links.len() > self.limits.links as usize {
                    return Err(VerifyError::Links(self.limits.links));
                }
                for link in node.links {
                    let number = self.number(Key::of(&link.cid))?;
                    self.links.push(number as u32);
                    if link.cid.inline().is_some() {
                        inlined.push(link.cid);
                    }
                }
                State::Present
            }
            Ok(false) => State::Present,
            Err(_) => State::Opaque,
        };
        self.blocks[number] = Known {
            state,
            size: bytes.len() as u32,
            first_link: first_link as u32,
            link_count: (self.links.len() - first_link) as u32,
        };
        Ok(())
    }

    fn number(&mut self, key: Key) -> Result<usize, VerifyError> {
        let next = self.blocks.len() as u32;
        let number = *self.numbers.entry(key).or_insert(next);
        if number == next {
            if next >= self.limits.blocks {
                return Err(VerifyError::Blocks(self.limits.blocks));
            }
            self.blocks.push(Known {
                state: State::Missing,
                size: 0,
                first_link: 0,
                link_count: 0,
            });
        }
        Ok(number as usize)
    }

    /// Ends the archive: follows the links from the root.
    pub fn finish(mut self) -> Result<CarReport, VerifyError> {
        if let Some(bytes) = self.root_cid.inline().map(<[u8]>::to_vec) {
            let cid = self.root_cid.clone();
            self.add_block(&cid, &bytes)?;
        }
        let root = self.number(self.root)?;
        let mut walk = Walk {
            weights: vec![0; self.blocks.len()],
            done: vec![false; self.blocks.len()],
            blocks: 0,
            bytes: 0,
        };
        // Links followed by depth, each block once; the weight of a block is known when all below
        // it are done.
        let mut path = vec![(root, 0)];
        while let Some((at, followed)) = path.last_mut() {
            let block = self.blocks[*at];
            match block.state {
                State::Missing => return Err(VerifyError::Missing(self.describe(*at))),
                State::Opaque => return Err(VerifyError::Codec(self.describe(*at))),
                State::Present => {}
            }
            if *followed == block.link_count {
                let links = &self.links[block.first_link as usize..][..block.link_count as usize];
                walk.leave(*at, block.size, links);
                path.pop();
                continue;
            }
            let next = self.links[(block.first_link + *followed) as usize] as usize;
            *followed += 1;
            if !walk.done[next] {
                // A block cannot lead to itself: its hash would have to contain itself.
                if path.len() > self.blocks.len() {
                    return Err(VerifyError::Missing(self.describe(next)));
                }
                path.push((next, 0));
            }
        }
        let present = self.blocks.iter().filter(|block| block.state != State::Missing);
        Ok(CarReport {
            stat: self.stat,
            cumulative_size: walk.weights[root],
            blocks: walk.blocks,
            bytes: walk.bytes,
            unreachable: present.count() as u64 - walk.blocks,
            duplicates: self.duplicates,
        })
    }

    /// The name of a block, for errors only: the table is searched.
    fn describe(&self, number: usize) -> Option<AnyCid> {
        if number
            == self
                .numbers
                .get(&self.root)
                .map_or(usize::MAX, |root| *root as usize)
        {
            return Some(self.root_cid.clone());
        }
        let mut numbers = self.numbers.iter();
        let (key, _) = numbers.find(|(_, found)| **found as usize == number)?;
        key.name()
    }
}

struct Walk {
    weights: Vec<u64>,
    done: Vec<bool>,
    blocks: u64,
    bytes: u64,
}

impl Walk {
    fn leave(&mut self, at: usize, size: u32, links: &[u32]) {
        let below = links.iter().map(|link| self.weights[*link as usize]);
        // Trees that link the same block twice on every level claim more than there are numbers.
        self.weights[at] = below.fold(u64::from(size), u64::saturating_add);
        self.done[at] = true;
        self.blocks += 1;
        self.bytes += u64::from(size);
    }
}

/// Why an archive is not whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A block is linked and not there.
    #[error("block {} is missing", name(.0))]
    Missing(Option<AnyCid>),
    /// The links of a block cannot be read.
    #[error("codec of block {} is not supported", name(.0))]
    Codec(Option<AnyCid>),
    /// A block has the right hash and yet makes no sense.
    #[error("block {cid}: {reason}")]
    Malformed {
        /// The block.
        cid: AnyCid,
        /// What is wrong with it.
        #[source]
        reason: Malformed,
    },
    /// More blocks than the limit.
    #[error("more than {0} different blocks")]
    Blocks(u32),
    /// More links than the limit.
    #[error("more than {0} links")]
    Links(u32),
}

fn name(cid: &Option<AnyCid>) -> String {
    cid.as_ref()
        .map_or_else(|| "of another kind".to_owned(), AnyCid::to_string)
}
