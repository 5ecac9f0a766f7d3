//! An IPFS node beside this one, by its RPC.
//!
//! Operators who run Kubo anyway can let it fetch and hold the files of IPFS. It is asked for what is
//! wanted and given what shall be found there; this node keeps its own copy of either.
//!
//! ```text
//!   fetch   block/get ──▶ cut as ours?  yes ─▶ cat         ──▶ hashed ──▶ file
//!                                       no ──▶ dag/export  ──▶ checked ─▶ archive
//!   give    archive of blocks ──▶ dag/import
//!   pin, connect, id
//! ```
//!
//! # What it promises
//!
//! - It is not trusted: what it sends is stored only if it has the hash of its name.
//! - Waits end: for a connection, for the first byte of an answer, for each further piece of it.
//! - Nothing of an answer is held in memory but a block, or the few kilobytes that tell of an error.
//!
//! # What it leaves to others
//!
//! What to fetch, to give and to pin. Its RPC has no authentication of its own: a base URL may
//! carry a name and a password for a proxy before it.

mod answer;

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

use alephd_blobs::{BlobName, Error as BlobError};
use alephd_cid::AnyCid;
use alephd_content::{Content, ContentError, Facts, ImportError};
use alephd_message::ItemHash;
use alephd_unixfs::{Entity, ExportOptions, IpfsPath, Kind, MAX_BLOCK_SIZE};
use futures_util::{StreamExt as _, future::BoxFuture, stream};
use reqwest::{Body, Client, Response, Url, header::CONTENT_TYPE, redirect::Policy};
use tokio::time::timeout;

use self::answer::{ADDRESSES, Answer, Root, SMALL, refusal};
use crate::{
    bitswap::{cid_of, has_default_shape},
    fetch::{Demand, Source, SourceError},
};

/// How it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KuboConfig {
    /// Where its RPC is: `http://127.0.0.1:5001`.
    pub base: String,
    /// How long a connection may take.
    pub connect: Duration,
    /// How long it may look for something, and how long it may be silent in the middle of it.
    pub idle: Duration,
}

impl KuboConfig {
    /// The RPC at this URL, with half a minute of patience.
    pub fn new(base: impl Into<String>) -> Self {
        Self {
            base: base.into(),
            connect: Duration::from_secs(5),
            idle: Duration::from_secs(30),
        }
    }
}

/// Why the other node was of no use.
#[derive(Debug, thiserror::Error)]
pub enum KuboError {
    /// The base URL is none.
    #[error("{0:?} is not the URL of an RPC")]
    Base(String),
    /// No connection, or it broke.
    #[error("RPC: {0}")]
    Http(#[source] reqwest::Error),
    /// It is silent.
    #[error("RPC: no answer in time")]
    Silent,
    /// It says no.
    #[error("RPC: {0}")]
    Refused(String),
    /// Its answer makes no sense.
    #[error("RPC: unexpected answer")]
    Answer,
    /// It sent something else than what was asked for.
    #[error("RPC: the answer is not {0}")]
    Wrong(AnyCid),
    /// IPFS has no such name.
    #[error("{0} is not the name of a file or directory")]
    Name(AnyCid),
    /// It has more bytes than allowed.
    #[error("{size} bytes or more, and {limit} are allowed")]
    TooLarge {
        /// As far as is known.
        size: u64,
        /// What is allowed.
        limit: u64,
    },
    /// The archive that it sent is refused.
    #[error("archive: {0}")]
    Import(#[source] ImportError),
    /// What is here cannot be read.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The storage of files failed.
    #[error("files: {0}")]
    Blobs(#[source] BlobError),
}

/// Who the other node is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct KuboId {
    /// Its peer id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its program and version.
    #[serde(default)]
    pub agent_version: String,
    /// Where it listens, each with its peer id.
    #[serde(default)]
    pub addresses: Option<Vec<String>>,
}

/// A file on its way.
struct Form {
    kind: String,
    body: Body,
}

/// An IPFS node beside this one. Cheap to clone.
#[derive(Clone)]
pub struct Kubo {
    client: Client,
    base: Url,
    content: Content,
    config: KuboConfig,
}

impl Kubo {
    /// Prepares to ask it. Nothing is asked yet.
    pub fn new(config: KuboConfig, content: Content) -> Result<Self, KuboError> {
        let bad = || KuboError::Base(config.base.clone());
        let mut base = Url::parse(&config.base).map_err(|_| bad())?;
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(bad());
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        // TLS takes its cryptography from whoever comes first in the process; it is the same everywhere.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("alephd/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(config.connect)
            .pool_idle_timeout(Duration::from_secs(30))
            .build()
            .map_err(KuboError::Http)?;
        Ok(Self {
            client,
            base,
            content,
            config,
        })
    }

    /// Who it is.
    pub async fn id(&self) -> Result<KuboId, KuboError> {
        let answer = self.call("id", &[], None).await?;
        let mut id: KuboId = answer.json(ADDRESSES).await?;
        id.addresses.get_or_insert_default();
        Ok(id)
    }

    /// Lets it hold what it has or can find, with everything below.
    pub async fn pin(&self, cid: &AnyCid) -> Result<(), KuboError> {
        let cid = cid.to_string();
        let answer = self
            .call("pin/add", &[("arg", &cid), ("progress", "false")], None)
            .await?;
        answer.end().await
    }

    /// Lets it hold something no more. That it did not hold it is no error.
    pub async fn unpin(&self, cid: &AnyCid) -> Result<(), KuboError> {
        match self.call("pin/rm", &[("arg", &cid.to_string())], None).await {
            Ok(answer) => answer.end().await,
            Err(KuboError::Refused(text)) if text.contains("not pinned") => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Lets it connect to a peer, at an address that ends with `/p2p/` and the peer's id.
    pub async fn connect(&self, address: &alephd_net::Multiaddr) -> Result<(), KuboError> {
        let address = address.to_string();
        let answer = self.call("swarm/connect", &[("arg", &address)], None).await?;
        answer.end().await
    }

    /// Gives it what this node has under a CID, and lets it hold that.
    pub async fn give(&self, cid: &AnyCid) -> Result<(), KuboError> {
        let path = format!("/ipfs/{cid}").parse::<IpfsPath>();
        let path = path.map_err(|_| KuboError::Name(cid.clone()))?;
        let archive = self
            .content
            .export(path, ExportOptions::default(), u64::MAX)
            .await?;
        // Nobody can have put it into a file to end the form early.
        let random = || RandomState::new().hash_one(cid);
        let boundary = format!("alephd-{:016x}{:016x}", random(), random());
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"tree.car\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        let tail = format!("\r\n--{boundary}--\r\n");
        let head = stream::once(async move { Ok(head.into()) });
        let tail = stream::once(async move { Ok::<_, ContentError>(tail.into()) });
        let form = Form {
            kind: format!("multipart/form-data; boundary={boundary}"),
            body: Body::wrap_stream(head.chain(archive).chain(tail)),
        };
        let answer = self
            .call("dag/import", &[("pin-roots", "true")], Some(form))
            .await?;
        let root: Root = answer.json(SMALL).await?;
        root.check(cid)
    }

    /// Fetches the file or tree below `cid` and stores it, unless it is here already. What it is.
    pub async fn fetch(&self, cid: &AnyCid, file_limit: u64, archive_limit: u64) -> Result<Facts, KuboError> {
        let name = ItemHash::parse_strict(&cid.to_string()).filter(|_| cid.file().is_some());
        let name = name.ok_or_else(|| KuboError::Name(cid.clone()))?;
        if let Some(facts) = self.content.facts(&name).await? {
            return Ok(facts);
        }
        let first = self.block(cid).await?;
        if has_default_shape(cid, &first)
            && let Ok(Entity::File(file)) = Entity::decode(cid, &first)
        {
            check_size(file.size, file_limit)?;
            if let Some(facts) = self.file(cid, &name, file.size).await? {
                return Ok(facts);
            }
        }
        let stat = alephd_unixfs::Stat::of(cid, &first);
        check_size(stat.map_or(0, |stat| stat.cumulative_size), archive_limit)?;
        self.archive(cid, archive_limit).await
    }

    async fn block(&self, cid: &AnyCid) -> Result<Vec<u8>, KuboError> {
        let answer = self.call("block/get", &[("arg", &cid.to_string())], None).await?;
        let block = answer.bytes(MAX_BLOCK_SIZE).await?;
        match cid.check(&block) {
            Ok(()) => Ok(block),
            Err(_) => Err(KuboError::Wrong(cid.clone())),
        }
    }

    /// `None` if the name does not follow from the bytes.
    async fn file(&self, cid: &AnyCid, name: &ItemHash, size: u64) -> Result<Option<Facts>, KuboError> {
        let blobs = self.content.blobs();
        let mut writer = blobs.writer_for(name, size).map_err(KuboError::Blobs)?;
        let mut answer = self.call("cat", &[("arg", &cid.to_string())], None).await?;
        while let Some(piece) = answer.next().await? {
            match writer.write(&piece).await {
                Ok(()) => {}
                Err(BlobError::TooLarge { .. }) if writer.size() > size => return Ok(None),
                Err(error) => return Err(blob_error(error)),
            }
        }
        match writer.finish(BlobName::Exactly(name.clone())).await {
            Ok(_) => {}
            Err(BlobError::Mismatch { .. }) => return Ok(None),
            Err(error) => return Err(blob_error(error)),
        }
        if let Err(error) = self.content.index_one(name).await {
            // Listed when somebody asks for the root.
            tracing::warn!(%name, %error, "the blocks were not listed");
        }
        let kind = Kind::File;
        Ok(Some(Facts { kind, size }))
    }

    async fn archive(&self, cid: &AnyCid, limit: u64) -> Result<Facts, KuboError> {
        let mut import = self.content.import_car(limit);
        let arguments = [("arg", &*cid.to_string()), ("progress", "false")];
        let mut answer = self.call("dag/export", &arguments, None).await?;
        while let Some(piece) = answer.next().await? {
            import.write(&piece).await.map_err(import_error)?;
        }
        let sealed = import.seal().await.map_err(import_error)?;
        if sealed.root() != cid {
            return Err(KuboError::Wrong(cid.clone()));
        }
        Ok(sealed.store().await.map_err(import_error)?.facts)
    }

    /// Calls the RPC; what it refuses is an error.
    async fn call(
        &self,
        command: &str,
        arguments: &[(&str, &str)],
        form: Option<Form>,
    ) -> Result<Answer, KuboError> {
        let mut url = self
            .base
            .join(&format!("api/v0/{command}"))
            .map_err(|_| KuboError::Answer)?;
        let form_is_given = form.is_some();
        if !form_is_given {
            // Otherwise it would look for ever.
            let patience = format!("{}s", self.config.idle.as_secs().max(1));
            url.query_pairs_mut().append_pair("timeout", &patience);
        }
        url.query_pairs_mut().extend_pairs(arguments);
        let mut request = self.client.post(url);
        if let Some(form) = form {
            request = request.header(CONTENT_TYPE, form.kind).body(form.body);
        }
        let sending = request.send();
        let response: Response = if form_is_given {
            // As long as the archive takes; the stream under it ends when the other side does not read.
            sending.await.map_err(KuboError::Http)?
        } else {
            let patience = self.config.idle.saturating_add(self.config.connect);
            let sent = timeout(patience, sending).await.map_err(|_| KuboError::Silent)?;
            sent.map_err(KuboError::Http)?
        };
        let success = response.status().is_success();
        let answer = Answer::new(response, self.config.idle);
        if success {
            Ok(answer)
        } else {
            Err(refusal(answer).await)
        }
    }
}

impl Source for Kubo {
    fn label(&self) -> &'static str {
        "kubo"
    }

    fn fetch<'a>(&'a self, demand: &'a Demand) -> BoxFuture<'a, Result<Facts, SourceError>> {
        Box::pin(async move {
            let cid = cid_of(&demand.name).ok_or(SourceError::NotHeld)?;
            Ok(Kubo::fetch(self, &cid, demand.file_limit, demand.archive_limit).await?)
        })
    }
}

impl From<KuboError> for SourceError {
    fn from(error: KuboError) -> Self {
        match error {
            KuboError::Name(_) => Self::NotHeld,
            KuboError::TooLarge { size, limit } => Self::TooLarge { size, limit },
            KuboError::Content(_) | KuboError::Blobs(_) => Self::Local(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

fn check_size(size: u64, limit: u64) -> Result<(), KuboError> {
    match size > limit {
        true => Err(KuboError::TooLarge { size, limit }),
        false => Ok(()),
    }
}

fn blob_error(error: BlobError) -> KuboError {
    match error {
        BlobError::TooLarge { limit } => KuboError::TooLarge {
            size: limit.saturating_add(1),
            limit,
        },
        error => KuboError::Blobs(error),
    }
}

fn import_error(error: ImportError) -> KuboError {
    match error {
        ImportError::Blobs(error) => blob_error(error),
        ImportError::Content(error) => KuboError::Content(error),
        error => KuboError::Import(error),
    }
}
