//! Fetching files and trees.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use alephd_blobs::{BlobName, Error as BlobError};
use alephd_cid::{AnyCid, Multicodec, Multihash};
use alephd_content::{ContentError, Facts, ImportError};
use alephd_message::ItemHash;
use alephd_unixfs::{
    Entity, Error as TreeError, Kind, Node, Stat,
    car::{encode_header, section_head},
};
use bytes::Bytes;

use super::{Inner, lock, session::Session, shape::has_default_shape, walk::Walk};

/// Blocks on their way at once: 8 MiB of usual chunks, which fills a line of a gigabit at a distance of
/// 60 ms.
const WINDOW: usize = 32;

/// Bytes of blocks that came early; beyond them only the next block is asked for.
const EARLY: usize = 16 << 20;

/// Blocks kept for the case that the file repeats them.
const RECENT: usize = 4;

/// What bounds a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchLimits {
    /// Bytes of a file.
    pub file: u64,
    /// Bytes of the archive of anything else. Zero if that is of no use.
    pub archive: u64,
    /// Blocks of the tree.
    pub blocks: u64,
    /// Time without any block.
    pub idle: Duration,
    /// Time in all.
    pub total: Duration,
}

impl Default for FetchLimits {
    /// The largest upload of the network; half a minute of patience.
    fn default() -> Self {
        Self {
            file: 1 << 30,
            archive: 1 << 30,
            blocks: 1_500_000,
            idle: Duration::from_secs(30),
            total: Duration::from_secs(6 * 3600),
        }
    }
}

/// Why something was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No file or tree of the network has this name.
    #[error("{0} is not the name of a file or directory")]
    Name(AnyCid),
    /// No peer had it.
    #[error("no peer has it")]
    NotFound,
    /// Some came and then nothing more.
    #[error("no peer has the rest of it")]
    Stalled,
    /// It took too long.
    #[error("peers were too slow")]
    TooSlow,
    /// It has more bytes than allowed.
    #[error("{size} bytes or more, and {limit} are allowed")]
    TooLarge {
        /// As far as is known.
        size: u64,
        /// What is allowed.
        limit: u64,
    },
    /// It has more blocks than allowed.
    #[error("more than {0} blocks")]
    TooManyBlocks(u64),
    /// The tree makes no sense: nobody can have it as a file.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The archive of it is refused.
    #[error("archive: {0}")]
    Import(#[source] ImportError),
    /// What is here cannot be read.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The storage of files failed.
    #[error("files: {0}")]
    Blobs(#[source] BlobError),
    /// The node stops.
    #[error("the node stops")]
    Stopped,
}

impl FetchError {
    /// Whether the same name may be had later. Otherwise it is the tree that is not taken.
    pub fn is_retryable(&self) -> bool {
        use FetchError::{Blobs, Content, NotFound, Stalled, Stopped, TooSlow};
        matches!(
            self,
            NotFound | Stalled | TooSlow | Content(_) | Blobs(_) | Stopped
        )
    }
}

/// Fetches what a name leads to, unless it is here.
pub(super) async fn fetch(
    inner: &Arc<Inner>,
    root: &AnyCid,
    limits: FetchLimits,
) -> Result<Facts, FetchError> {
    let name = ItemHash::parse_strict(&root.to_string()).filter(|_| root.file().is_some());
    let name = name.ok_or_else(|| FetchError::Name(root.clone()))?;
    if let Some(facts) = inner.content.facts(&name).await? {
        return Ok(facts);
    }
    let once = Once::new(inner, &name);
    let _one_at_a_time = once.turn.lock().await;
    // Whoever had its turn before may have fetched it.
    if let Some(facts) = inner.content.facts(&name).await? {
        return Ok(facts);
    }
    let _slot = inner.fetches.acquire().await.map_err(|_| FetchError::Stopped)?;
    let mut fetch = Fetch {
        inner,
        name: &name,
        root,
        limits,
        blocks: Blocks {
            session: Session::new(inner, root, limits),
            inner,
            early: HashMap::new(),
            early_bytes: 0,
            recent: VecDeque::new(),
        },
    };
    let facts = fetch.run().await?;
    super::Bitswap {
        inner: Arc::clone(inner),
    }
    .announce(root);
    Ok(facts)
}

/// One fetch of a name at a time.
struct Once<'a> {
    inner: &'a Inner,
    name: &'a ItemHash,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl<'a> Once<'a> {
    fn new(inner: &'a Inner, name: &'a ItemHash) -> Self {
        let turn = Arc::clone(lock(&inner.fetching).entry(name.clone()).or_default());
        Self { inner, name, turn }
    }
}

impl Drop for Once<'_> {
    fn drop(&mut self) {
        let mut fetching = lock(&self.inner.fetching);
        // The table and we: nobody else waits.
        if Arc::strong_count(&self.turn) == 2 {
            fetching.remove(self.name);
        }
    }
}

struct Fetch<'a> {
    inner: &'a Arc<Inner>,
    name: &'a ItemHash,
    root: &'a AnyCid,
    limits: FetchLimits,
    blocks: Blocks<'a>,
}

impl Fetch<'_> {
    async fn run(&mut self) -> Result<Facts, FetchError> {
        let first = self.blocks.next(&Walk::of_file(self.root)).await?;
        if has_default_shape(self.root, &first)
            && let Entity::File(file) = Entity::decode(self.root, &first)?
        {
            check_size(file.size, self.limits.file)?;
            if let Some(facts) = self.plain(file.size).await? {
                return Ok(facts);
            }
        }
        // Its size on the network, which counts a block as often as it is linked. One that says less than
        // the truth ends at the limit of the archive.
        if let Ok(stat) = Stat::of(self.root, &first) {
            check_size(stat.cumulative_size, self.limits.archive)?;
        }
        self.archive().await
    }

    fn count(&self, blocks: &mut u64) -> Result<(), FetchError> {
        *blocks += 1;
        match *blocks > self.limits.blocks {
            true => Err(FetchError::TooManyBlocks(self.limits.blocks)),
            false => Ok(()),
        }
    }

    /// Stores the bytes of a file; `None` if its name turns out not to follow from them.
    async fn plain(&mut self, size: u64) -> Result<Option<Facts>, FetchError> {
        let content = &self.inner.content;
        let writer = content.blobs().writer_for(self.name, size);
        let mut writer = writer.map_err(FetchError::Blobs)?;
        let mut walk = Walk::of_file(self.root);
        let mut blocks = 0;
        while let Some(head) = walk.head().cloned() {
            self.count(&mut blocks)?;
            let block = self.blocks.next(&walk).await?;
            let Ok(Entity::File(file)) = Entity::decode(&head, &block) else {
                return Ok(None);
            };
            match writer.write(file.data).await {
                Ok(()) => {}
                // More than the root says.
                Err(BlobError::TooLarge { .. }) if writer.size() > size => return Ok(None),
                Err(error) => return Err(self.blob_error(error)),
            }
            let links = file.parts.into_iter().map(|(cid, _)| cid).collect();
            if walk.step(links).is_err() {
                return Ok(None);
            }
        }
        match writer.finish(BlobName::Exactly(self.name.clone())).await {
            Ok(_) => {}
            Err(BlobError::Mismatch { .. }) => return Ok(None),
            Err(error) => return Err(self.blob_error(error)),
        }
        if let Err(error) = content.index_one(self.name).await {
            // Listed when somebody asks for the root.
            tracing::warn!(name = %self.name, %error, "the blocks were not listed");
        }
        let kind = Kind::File;
        Ok(Some(Facts { kind, size }))
    }

    fn blob_error(&self, error: BlobError) -> FetchError {
        match error {
            BlobError::TooLarge { limit } => FetchError::TooLarge {
                size: limit.saturating_add(1),
                limit,
            },
            error => FetchError::Blobs(error),
        }
    }

    fn import_error(&self, error: ImportError) -> FetchError {
        match error {
            ImportError::Blobs(error) => self.blob_error(error),
            ImportError::Content(error) => FetchError::Content(error),
            error => FetchError::Import(error),
        }
    }

    /// Stores an archive of all blocks.
    async fn archive(&mut self) -> Result<Facts, FetchError> {
        let mut import = self.inner.content.import_car(self.limits.archive);
        let header = encode_header(std::slice::from_ref(self.root));
        import
            .write(&header)
            .await
            .map_err(|error| self.import_error(error))?;
        let mut walk = Walk::of_tree(self.root);
        let mut blocks = 0;
        while let Some(head) = walk.head().cloned() {
            self.count(&mut blocks)?;
            let block = self.blocks.next(&walk).await?;
            if head.inline().is_none() {
                for piece in [&section_head(&head, block.len())[..], &block] {
                    import
                        .write(piece)
                        .await
                        .map_err(|error| self.import_error(error))?;
                }
            }
            let links = links(&head, &block)?;
            walk.step(links).map_err(|_| TreeError::TooDeep(head))?;
        }
        let sealed = import.seal().await.map_err(|error| self.import_error(error))?;
        let imported = sealed.store().await.map_err(|error| self.import_error(error))?;
        Ok(imported.facts)
    }
}

fn check_size(size: u64, limit: u64) -> Result<(), FetchError> {
    match size > limit {
        true => Err(FetchError::TooLarge { size, limit }),
        false => Ok(()),
    }
}

/// Where a block leads.
fn links(cid: &AnyCid, block: &[u8]) -> Result<Vec<AnyCid>, TreeError> {
    match cid.codec() {
        Multicodec::DAG_PB => match Node::decode(block) {
            Ok(node) => Ok(node.links.into_iter().map(|link| link.cid).collect()),
            Err(reason) => Err(TreeError::Malformed {
                cid: cid.clone(),
                reason,
            }),
        },
        Multicodec::RAW | Multicodec::CBOR | Multicodec::JSON => Ok(Vec::new()),
        _ => Err(TreeError::Codec { cid: cid.clone() }),
    }
}

/// Blocks in the order of a walk, asked for ahead of it.
struct Blocks<'a> {
    inner: &'a Inner,
    session: Session,
    /// Those that came before they were needed.
    early: HashMap<Multihash, Bytes>,
    early_bytes: usize,
    recent: VecDeque<(Multihash, Bytes)>,
}

impl Blocks<'_> {
    /// The head of a walk.
    async fn next(&mut self, walk: &Walk) -> Result<Bytes, FetchError> {
        let Some(head) = walk.head() else {
            return Ok(Bytes::new());
        };
        if let Some(inline) = head.inline() {
            return Ok(Bytes::copy_from_slice(inline));
        }
        let hash = head.hash();
        loop {
            if let Some((_, block)) = self.recent.iter().find(|(recent, _)| recent == hash) {
                return Ok(block.clone());
            }
            if let Some(block) = self.early.remove(hash) {
                self.early_bytes -= block.len();
                self.recent.push_back((hash.clone(), block.clone()));
                if self.recent.len() > RECENT {
                    self.recent.pop_front();
                }
                return Ok(block);
            }
            self.look_ahead(walk).await?;
            if !self.early.contains_key(hash) {
                let (hash, block) = self.session.next().await?;
                self.keep(hash, block);
            }
        }
    }

    fn keep(&mut self, hash: Multihash, block: Bytes) {
        self.early_bytes += block.len();
        if let Some(earlier) = self.early.insert(hash, block) {
            self.early_bytes -= earlier.len();
        }
    }

    /// Asks for what is needed next, many blocks in one message.
    async fn look_ahead(&mut self, walk: &Walk) -> Result<(), FetchError> {
        let Some(head) = walk.head() else {
            return Ok(());
        };
        if self.session.outstanding() > WINDOW / 2 && self.session.wants(head.hash()) {
            return Ok(());
        }
        for cid in walk.ahead().take(2 * WINDOW) {
            let is_head = cid == head;
            if !is_head && (self.session.outstanding() >= WINDOW || self.early_bytes >= EARLY) {
                return Ok(());
            }
            let hash = cid.hash();
            let known = cid.inline().is_some() || self.early.contains_key(hash) || self.session.wants(hash);
            if known || self.recent.iter().any(|(recent, _)| recent == hash) {
                continue;
            }
            match self.inner.content.block(cid).await {
                Ok(block) => self.keep(hash.clone(), block),
                Err(ContentError::Missing(_)) => self.session.want(cid),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
