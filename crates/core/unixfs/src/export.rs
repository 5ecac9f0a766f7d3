//! Which blocks answer a request for a part of a tree, and in which order.

use std::collections::HashSet;

use alephd_cid::AnyCid;

use crate::{
    ByteRange, DirectoryReader, Entity, Error, FileReader, IpfsPath, MAX_PENDING, Node, Resolver,
    error::{check, has_links},
};

/// How much of what the path leads to is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DagScope {
    /// Its root block.
    Block,
    /// A whole file; of a directory what it takes to list it.
    Entity,
    /// Everything below.
    #[default]
    All,
}

impl DagScope {
    /// Reads the parameter `dag-scope` of a gateway.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "block" => Some(Self::Block),
            "entity" => Some(Self::Entity),
            "all" => Some(Self::All),
            _ => None,
        }
    }
}

/// What a gateway was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportOptions {
    /// How much is wanted.
    pub scope: DagScope,
    /// This part of a file only. Implies [`DagScope::Entity`].
    pub bytes: Option<ByteRange>,
    /// Whether a block is sent each time it is met. Then nothing is remembered, and a tree that
    /// links the same blocks again and again is as long as it claims: bound what is sent.
    pub duplicates: bool,
}

/// Walks the blocks of a request, depth first: those that prove the path, then those asked for.
///
/// Unlike the other readers it yields no content: [`Export::supply`] tells whether the block
/// belongs into the archive.
#[derive(Clone, Debug)]
pub struct Export {
    options: ExportOptions,
    phase: Phase,
    /// Blocks that were sent, in version 1; unused if duplicates are sent.
    sent: HashSet<AnyCid>,
    /// Those of them below which everything was sent, or will be before anything else.
    covered: HashSet<AnyCid>,
}

#[derive(Clone, Debug)]
enum Phase {
    Path(Resolver),
    File(FileReader),
    Directory(DirectoryReader),
    /// Blocks still to read, the next one last.
    Dag(Vec<AnyCid>),
}

impl Export {
    /// Starts a request.
    pub fn new(path: IpfsPath, options: ExportOptions) -> Self {
        Self {
            options,
            phase: Phase::Path(Resolver::new(path)),
            sent: HashSet::new(),
            covered: HashSet::new(),
        }
    }

    /// The block to supply next; `None` when the archive is complete.
    pub fn wanted(&self) -> Option<&AnyCid> {
        match &self.phase {
            Phase::Path(resolver) => resolver.wanted().or_else(|| resolver.found()),
            Phase::File(reader) => reader.wanted(),
            Phase::Directory(reader) => reader.wanted(),
            Phase::Dag(pending) => pending.last(),
        }
    }

    /// What the path leads to, once that is known: before any of its blocks is sent.
    pub fn found(&self) -> Option<&AnyCid> {
        match &self.phase {
            Phase::Path(resolver) => resolver.found(),
            _ => None,
        }
    }

    /// Takes the block that is wanted. Whether it is to be sent: blocks that are part of their name
    /// are not, nor are those that were sent already.
    pub fn supply(&mut self, block: &[u8]) -> Result<bool, Error> {
        let cid = self.wanted().cloned().ok_or(Error::NotWanted)?;
        let whole = match &mut self.phase {
            Phase::Path(resolver) if resolver.wanted().is_some() => {
                resolver.supply(block)?;
                false
            }
            Phase::Path(_) => {
                check(&cid, block)?;
                self.begin(&cid, block)?
            }
            Phase::File(reader) => {
                let whole = reader.is_whole();
                reader.supply(block)?;
                whole
            }
            Phase::Directory(reader) => {
                reader.supply(block)?;
                true
            }
            Phase::Dag(pending) => {
                pending.pop();
                check(&cid, block)?;
                push_links(pending, &cid, block)?;
                true
            }
        };
        if self.options.duplicates {
            return Ok(cid.inline().is_none());
        }
        let name = cid.to_v1();
        if whole {
            self.covered.insert(name.clone());
        }
        let new = self.sent.insert(name);
        self.skip_covered();
        Ok(new && cid.inline().is_none())
    }

    /// Looks at the block that the path leads to. Whether everything below will be sent.
    fn begin(&mut self, cid: &AnyCid, block: &[u8]) -> Result<bool, Error> {
        let mut pending = Vec::new();
        let scope = match self.options.bytes {
            Some(_) => DagScope::Entity,
            None => self.options.scope,
        };
        let mut whole = true;
        match scope {
            DagScope::Block => {}
            DagScope::All => push_links(&mut pending, cid, block)?,
            DagScope::Entity => match (Entity::decode(cid, block), &self.options.bytes) {
                (Ok(Entity::File(_)), Some(bytes)) => {
                    let mut reader = FileReader::new(cid.clone(), bytes.clone());
                    reader.supply(block)?;
                    self.phase = Phase::File(reader);
                    return Ok(false);
                }
                (Ok(Entity::File(_)), None) => push_links(&mut pending, cid, block)?,
                (Ok(Entity::Shard(_)), _) => {
                    let mut reader = DirectoryReader::new(cid.clone());
                    reader.supply(block)?;
                    self.phase = Phase::Directory(reader);
                    return Ok(false);
                }
                (Ok(Entity::Directory(_) | Entity::Symlink(_)), _) | (Err(Error::Codec { .. }), _) => {}
                // A node that is no UnixFS entry: the block is all there is to send.
                (Err(_), _) => whole = false,
            },
        }
        self.phase = Phase::Dag(pending);
        Ok(whole)
    }

    /// Leaves out what need not be walked again, so that the work is bounded by what is sent.
    fn skip_covered(&mut self) {
        loop {
            match &mut self.phase {
                Phase::Dag(pending) => {
                    if pending
                        .pop_if(|next| self.covered.contains(&next.to_v1()))
                        .is_none()
                    {
                        return;
                    }
                }
                Phase::File(reader) => {
                    let covered = |next: &AnyCid| self.covered.contains(&next.to_v1());
                    if !reader.is_whole() || !reader.wanted().is_some_and(covered) {
                        return;
                    }
                    reader.skip();
                }
                Phase::Directory(reader) => {
                    let covered = |next: &AnyCid| self.covered.contains(&next.to_v1());
                    if !reader.wanted().is_some_and(covered) {
                        return;
                    }
                    reader.skip();
                }
                Phase::Path(_) => return,
            }
        }
    }
}

fn push_links(pending: &mut Vec<AnyCid>, cid: &AnyCid, block: &[u8]) -> Result<(), Error> {
    if !has_links(cid)? {
        return Ok(());
    }
    let node = Node::decode(block).map_err(|reason| Error::Malformed {
        cid: cid.clone(),
        reason,
    })?;
    pending.extend(node.links.into_iter().rev().map(|link| link.cid));
    if pending.len() > MAX_PENDING {
        return Err(Error::TooDeep(cid.clone()));
    }
    Ok(())
}
