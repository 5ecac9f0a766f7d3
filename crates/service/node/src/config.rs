//! The configuration of one node.
//!
//! ```text
//!   defaults ◀ file (our TOML, or a reference config.yml) ◀ ALEPHD_SECTION_KEY ◀ flags
//! ```
//!
//! What is further to the right wins, key by key. Every source is a table of the same keys
//! (`keys.rs`), so an unknown key is found and explained the same way in all of them.
//! Nothing here touches the network or the data folder.

mod keys;
mod p2p;
mod sources;

use std::{net::SocketAddr, path::PathBuf};

use alephd_blobs::BlobConfig;
use alephd_message::MessageType;
use alephd_rules::Interest;
use serde::{Deserialize, Serialize};

pub use p2p::P2pConfig;
pub(crate) use p2p::multiaddresses;
pub(crate) use sources::put;
pub use sources::{ConfigError, ConfigSources, Loaded};

use crate::Profile;

/// The commented default configuration, as `alephd config` prints it.
pub const TEMPLATE: &str = include_str!("config/template.toml");

/// Most bytes that a cache may be given: a mistyped zero must not take the machine.
const CACHE_LIMIT_MIB: usize = 64 << 10;

/// What one node decides for itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Name of a network profile, or path of one.
    pub profile: String,
    /// Where data is kept.
    pub data: DataConfig,
    /// The HTTP interface.
    pub api: ApiConfig,
    /// Limits of uploads that differ from those of the network.
    pub uploads: UploadConfig,
    /// Processing of messages.
    pub pipeline: ProcessingConfig,
    /// The database.
    pub store: DatabaseConfig,
    /// Logging.
    pub log: LogConfig,
    /// The peer-to-peer side.
    pub p2p: P2pConfig,
    /// Which messages are kept; all of them unless something is named.
    pub interest: Interest,
    /// Constants of the network that differ from its profile.
    pub network: NetworkConfig,
}

/// Where data is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// The data folder.
    pub folder: PathBuf,
    /// Where files are kept if not in the data folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<BlobConfig>,
}

/// The HTTP interface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiConfig {
    /// Address and port.
    pub listen: SocketAddr,
    /// Connections that are open at once; more wait to be accepted.
    pub max_connections: usize,
    /// Seconds that requests under way have when the node stops.
    pub drain_seconds: u64,
    /// Version told to clients.
    pub version: String,
    /// Addresses under which peers reach the node.
    pub multiaddresses: Vec<String>,
    /// Most websockets on messages.
    pub max_message_sockets: usize,
    /// Most websockets on the status.
    pub max_status_sockets: usize,
}

/// Limits of uploads in bytes; the network's where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UploadConfig {
    /// A file with a signed STORE.
    pub max_file: Option<u64>,
    /// A file without.
    pub max_unauthenticated_file: Option<u64>,
    /// A file for IPFS with a signed STORE.
    pub max_ipfs_file: Option<u64>,
    /// A file for IPFS without.
    pub max_ipfs_unauthenticated_file: Option<u64>,
    /// An archive for IPFS.
    pub max_car: Option<u64>,
    /// Hours that a file without STORE is kept.
    pub grace_hours: Option<u32>,
}

/// Processing of messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProcessingConfig {
    /// Threads that verify signatures; 0 is one a core.
    pub verifiers: usize,
    /// Most waiting messages of one sender.
    pub parked_per_sender: u32,
}

/// The database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// Connections for reading.
    pub readers: usize,
    /// Page cache of the writer.
    pub writer_cache_mib: usize,
    /// Page cache of each reader.
    pub reader_cache_mib: usize,
}

/// Logging.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// What is logged, in the notation of `tracing` filters.
    pub filter: String,
    /// In which form.
    pub format: LogFormat,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Constants of the network that differ from its profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkConfig {
    /// Whether the local network begins with its funded test accounts.
    pub test_accounts: bool,
    /// Owners of balance reports.
    pub balance_oracles: Option<Vec<String>>,
    /// Type of a balance report.
    pub balance_post_type: Option<String>,
    /// Owners of credit posts.
    pub credit_oracles: Option<Vec<String>>,
    /// Channels in which credit posts count.
    pub credit_channels: Option<Vec<String>>,
    /// Types of credit posts.
    pub credit_post_types: Option<Vec<String>>,
    /// Owners of posts with node metrics.
    pub scoring_addresses: Option<Vec<String>>,
    /// Their channel.
    pub scoring_channel: Option<String>,
    /// Their type.
    pub scoring_post_type: Option<String>,
    /// Owner of the list of nodes.
    pub corechannel_address: Option<String>,
    /// Topic of messages.
    pub queue_topic: Option<String>,
    /// Who may call guarded routes.
    pub auth_public_key: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            profile: "mainnet".into(),
            data: DataConfig::default(),
            api: ApiConfig::default(),
            uploads: UploadConfig::default(),
            pipeline: ProcessingConfig::default(),
            store: DatabaseConfig::default(),
            log: LogConfig::default(),
            p2p: P2pConfig::default(),
            interest: Interest::default(),
            network: NetworkConfig::default(),
        }
    }
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            folder: "/var/lib/alephd".into(),
            files: None,
        }
    }
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 4024)),
            max_connections: 16_384,
            drain_seconds: 10,
            version: "0.10.3".into(),
            multiaddresses: Vec::new(),
            max_message_sockets: 10_000,
            max_status_sockets: 1_000,
        }
    }
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            test_accounts: true,
            balance_oracles: None,
            balance_post_type: None,
            credit_oracles: None,
            credit_channels: None,
            credit_post_types: None,
            scoring_addresses: None,
            scoring_channel: None,
            scoring_post_type: None,
            corechannel_address: None,
            queue_topic: None,
            auth_public_key: None,
        }
    }
}

impl Default for ProcessingConfig {
    fn default() -> Self {
        Self {
            verifiers: 0,
            parked_per_sender: 1_000,
        }
    }
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            readers: 4,
            writer_cache_mib: 96,
            reader_cache_mib: 12,
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            filter: "info".into(),
            format: LogFormat::Text,
        }
    }
}

impl Config {
    /// The profile that this configuration names, with what it says differently.
    pub fn load_profile(&self) -> Result<Profile, crate::ProfileError> {
        let mut profile = Profile::load(&self.profile)?;
        let NetworkConfig {
            test_accounts: _,
            balance_oracles,
            balance_post_type,
            credit_oracles,
            credit_channels,
            credit_post_types,
            scoring_addresses,
            scoring_channel,
            scoring_post_type,
            corechannel_address,
            queue_topic,
            auth_public_key,
        } = self.network.clone();
        replace(&mut profile.balances.oracles, balance_oracles);
        replace(&mut profile.balances.post_type, balance_post_type);
        replace(&mut profile.credits.oracles, credit_oracles);
        replace(&mut profile.credits.channels, credit_channels);
        replace(&mut profile.credits.post_types, credit_post_types);
        replace(&mut profile.scoring.addresses, scoring_addresses);
        replace(&mut profile.scoring.channel, scoring_channel);
        replace(&mut profile.scoring.post_type, scoring_post_type);
        replace(&mut profile.p2p.queue_topic, queue_topic);
        profile.corechannel.address = corechannel_address.or(profile.corechannel.address);
        profile.auth.public_key = auth_public_key.or(profile.auth.public_key);
        let uploads = &mut profile.uploads;
        replace(&mut uploads.max_file, self.uploads.max_file);
        replace(
            &mut uploads.max_unauthenticated_file,
            self.uploads.max_unauthenticated_file,
        );
        replace(&mut uploads.max_ipfs_file, self.uploads.max_ipfs_file);
        replace(
            &mut uploads.max_ipfs_unauthenticated_file,
            self.uploads.max_ipfs_unauthenticated_file,
        );
        replace(&mut uploads.max_car, self.uploads.max_car);
        Ok(profile)
    }

    /// Verification threads to start.
    pub fn verifiers(&self) -> usize {
        match self.pipeline.verifiers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            given => given,
        }
    }

    /// Bounds that the types do not express.
    fn validate(&self) -> Result<(), ConfigError> {
        let wrong = |key: &str, text: &str| {
            Err(ConfigError::Value {
                key: key.into(),
                text: text.into(),
            })
        };
        if self.profile.is_empty() {
            return wrong("profile", "a name or a path is expected");
        }
        if self.data.folder.as_os_str().is_empty() {
            return wrong("data.folder", "a path is expected");
        }
        if !(1..=1_000_000).contains(&self.api.max_connections) {
            return wrong("api.max_connections", "1 to 1000000 are possible");
        }
        if self.api.drain_seconds > 600 {
            return wrong(
                "api.drain_seconds",
                "600 are the most: a service manager waits no longer",
            );
        }
        if self.pipeline.verifiers > 1_024 {
            return wrong("pipeline.verifiers", "1024 are the most");
        }
        if !(1..=256).contains(&self.store.readers) {
            return wrong("store.readers", "1 to 256 are possible");
        }
        for (key, cache) in [
            ("store.writer_cache_mib", self.store.writer_cache_mib),
            ("store.reader_cache_mib", self.store.reader_cache_mib),
        ] {
            if !(1..=CACHE_LIMIT_MIB).contains(&cache) {
                return wrong(key, "1 to 65536 are possible");
            }
        }
        for name in &self.interest.types {
            if !MessageType::ALL.iter().any(|known| known.as_str() == name) {
                let names: Vec<_> = MessageType::ALL.iter().map(|known| known.as_str()).collect();
                return wrong(
                    "interest.types",
                    &format!("{name} is none of {}", names.join(", ")),
                );
            }
        }
        self.p2p.validate()
    }
}

fn replace<T>(value: &mut T, other: Option<T>) {
    if let Some(other) = other {
        *value = other;
    }
}
