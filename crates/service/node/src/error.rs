//! What can keep a node from running.

use std::{io, net::SocketAddr, path::PathBuf};

use crate::{ConfigError, ProfileError};

/// A failure to start, or of a command that works on a data folder.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The network profile is wrong.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The profile allows loopback only.
    #[error(
        "the keys of network {network} are public, so its nodes serve this machine only: {address} is not a loopback address"
    )]
    NotLoopback {
        /// Name of the profile.
        network: String,
        /// What was asked for.
        address: SocketAddr,
    },
    /// Another process has the folder.
    #[error("another process uses the data folder {0}")]
    InUse(PathBuf),
    /// The folder belongs to another network.
    #[error(
        "the data folder {path} belongs to network {found}, not {wanted}: use another folder or --profile {found}"
    )]
    OtherNetwork {
        /// The folder.
        path: PathBuf,
        /// Its network.
        found: String,
        /// The one that was asked for.
        wanted: String,
    },
    /// There is no database.
    #[error("no node has run in the data folder {0}")]
    Empty(PathBuf),
    /// A file of the data folder, or one to import or export, cannot be used.
    #[error("cannot use {path}")]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Files cannot be stored.
    #[error(transparent)]
    Blobs(alephd_blobs::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] alephd_store::StoreError),
    /// The node has no key.
    #[error(transparent)]
    Identity(#[from] alephd_net::IdentityError),
    /// The peer-to-peer side did not start, or a peer cannot be reached.
    #[error(transparent)]
    Net(#[from] alephd_net::NetError),
    /// Messages could not be processed.
    #[error("messages cannot be processed: {0}")]
    Pipeline(String),
    /// A part of the running node failed.
    #[error(transparent)]
    Task(#[from] alephd_tasks::TaskFailure),
}

impl From<alephd_pipeline::PipelineError> for NodeError {
    fn from(error: alephd_pipeline::PipelineError) -> Self {
        Self::Pipeline(error.to_string())
    }
}

impl From<std::sync::Arc<alephd_pipeline::PipelineError>> for NodeError {
    fn from(error: std::sync::Arc<alephd_pipeline::PipelineError>) -> Self {
        Self::Pipeline(error.to_string())
    }
}
