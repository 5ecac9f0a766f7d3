//! The data folder of a node: what lies where, and to which network it belongs.
//!
//! ```text
//!   DIR/alephd.sqlite    messages and everything derived from them
//!   DIR/files/           bytes by content hash; DIR/archives/ trees of blocks by their root;
//!                        DIR/incoming/ holds uploads that are under way
//!                        (all empty when the configuration keeps files elsewhere)
//!   DIR/blocks.sqlite    where in them each block lies; can be lost
//!   DIR/lock             held by the process that writes here
//!   DIR/network          name of the network profile
//!   DIR/import-*.json    how far an interrupted import came
//! ```
//!
//! The lock is taken by the blob folder, which is opened before the database. Reading the
//! database needs no lock: a running node does not mind.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use alephd_blobs::Blobs;
use alephd_content::Content;
use alephd_store::{BlockIndex, Store, StoreConfig};

use crate::{Config, NodeError, Profile};

/// Largest plausible name of a profile.
const NAME_LIMIT: usize = 64;

/// A data folder.
#[derive(Clone, Debug)]
pub struct DataDir {
    path: PathBuf,
}

/// An opened data folder, locked against other processes.
pub(crate) struct OpenData {
    pub(crate) store: Store,
    pub(crate) blobs: Blobs,
    pub(crate) content: Content,
    /// Holds the lock, wherever the files are: to be kept while anything is written.
    pub(crate) folder: Blobs,
}

impl DataDir {
    /// The folder at `path`; nothing is read or written.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.path.join("alephd.sqlite")
    }

    /// Whether a node has run here.
    pub fn is_used(&self) -> bool {
        self.database().exists()
    }

    /// The network that the folder belongs to; `None` if it belongs to none yet.
    pub fn network(&self) -> Result<Option<String>, NodeError> {
        match fs::read_to_string(self.network_file()) {
            Ok(name) => {
                let name: String = name.trim().chars().take(NAME_LIMIT).collect();
                Ok(Some(name).filter(|name| !name.is_empty()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(NodeError::Folder {
                path: self.network_file(),
                source,
            }),
        }
    }

    /// Locks and opens the folder for writing. It is created if it is missing, and belongs to the
    /// network of `profile` from then on.
    pub(crate) async fn open(&self, config: &Config, profile: &Profile) -> Result<OpenData, NodeError> {
        let folder = self.lock(profile).await?;
        let blobs = match &config.data.files {
            None => folder.clone(),
            Some(elsewhere) => Blobs::open(elsewhere).await.map_err(NodeError::Blobs)?,
        };
        let store = self.open_database(config)?;
        let content = Content::new(blobs.clone(), BlockIndex::open(&self.path.join("blocks.sqlite"))?);
        Ok(OpenData {
            store,
            blobs,
            content,
            folder,
        })
    }

    /// Opens the database for writing. The folder has to be locked.
    pub(crate) fn open_database(&self, config: &Config) -> Result<Store, NodeError> {
        Ok(Store::open(&store_config(config, self.database()))?)
    }

    /// Locks the folder for as long as the result lives, without its files where these are elsewhere.
    pub(crate) async fn lock(&self, profile: &Profile) -> Result<Blobs, NodeError> {
        let network = self.network()?;
        if let Some(found) = network.as_ref().filter(|found| **found != profile.name) {
            return Err(NodeError::OtherNetwork {
                path: self.path.clone(),
                found: found.clone(),
                wanted: profile.name.clone(),
            });
        }
        let folder = Blobs::open_folder(&self.path)
            .await
            .map_err(|error| match error {
                alephd_blobs::Error::InUse(path) => NodeError::InUse(path),
                error => NodeError::Blobs(error),
            })?;
        if network.is_none() {
            self.assign(&profile.name).map_err(|source| NodeError::Folder {
                path: self.network_file(),
                source,
            })?;
        }
        Ok(folder)
    }

    /// Opens the database of a used folder beside whatever process may be writing to it.
    pub(crate) fn open_for_reading(&self) -> Result<Store, NodeError> {
        if !self.is_used() {
            return Err(NodeError::Empty(self.path.clone()));
        }
        Ok(Store::open_read_only(&StoreConfig {
            readers: 1,
            ..StoreConfig::at(self.database())
        })?)
    }

    /// Writes down the network, once: beside, synced and renamed, so that a loss of power leaves
    /// the whole name or none. Anything between would be taken for another network.
    fn assign(&self, network: &str) -> io::Result<()> {
        let new = self.path.join("network.new");
        let mut file = File::create(&new)?;
        writeln!(file, "{network}")?;
        file.sync_all()?;
        fs::rename(&new, self.network_file())?;
        if cfg!(unix) {
            File::open(&self.path)?.sync_all()?;
        }
        Ok(())
    }

    fn network_file(&self) -> PathBuf {
        self.path.join("network")
    }
}

fn store_config(config: &Config, path: PathBuf) -> StoreConfig {
    StoreConfig {
        path,
        readers: config.store.readers,
        writer_cache: config.store.writer_cache_mib << 20,
        reader_cache: config.store.reader_cache_mib << 20,
    }
}
