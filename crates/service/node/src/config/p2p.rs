//! The part of the configuration that is about other nodes.

use std::path::PathBuf;

use alephd_net::Multiaddr;
use serde::{Deserialize, Serialize};

use super::ConfigError;

/// The peer-to-peer side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct P2pConfig {
    /// Whether the node speaks to other nodes at all.
    pub enabled: bool,
    /// Private key of the node, PKCS#8 DER; otherwise one is made in the data folder.
    pub key_file: Option<PathBuf>,
    /// Multiaddresses to listen on; by default port 4025 everywhere, or any free port of this machine
    /// on a network that keeps to it.
    pub listen: Option<Vec<String>>,
    /// Multiaddresses told to others, if they differ.
    pub external: Vec<String>,
    /// URL of the HTTP interface told to others.
    pub http_url: Option<String>,
    /// First peers, in place of those of the profile.
    pub bootstrap: Option<Vec<String>>,
    /// Most connections.
    pub max_connections: u32,
    /// Whether messages are sent and taken as they are published.
    pub gossip: bool,
    /// Whether nodes compare what they know.
    pub catch_up: bool,
    /// Seconds between comparisons with the same peer.
    pub catch_up_seconds: u64,
    /// Whether contents and files are fetched from nodes of this program.
    pub exchange: bool,
    /// Whether they are fetched by HTTP.
    pub http_fallback: bool,
    /// URLs of nodes that are asked by HTTP besides those that tell of themselves.
    pub http_peers: Vec<String>,
    /// Whether blocks are exchanged with IPFS.
    pub bitswap: bool,
    /// Contents and files fetched at once.
    pub fetches: u32,
    /// Whether nodes with private and loopback addresses are asked by HTTP.
    pub private_http: bool,
    /// Peers whose word is taken for what messages no longer prove (forgotten credit posts).
    pub trusted: Vec<String>,
}

impl Default for P2pConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            key_file: None,
            listen: None,
            external: Vec::new(),
            http_url: None,
            bootstrap: None,
            max_connections: 256,
            gossip: true,
            catch_up: true,
            catch_up_seconds: 60,
            exchange: true,
            http_fallback: true,
            http_peers: Vec::new(),
            bitswap: true,
            fetches: 16,
            private_http: false,
            trusted: Vec::new(),
        }
    }
}

impl P2pConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        multiaddresses("p2p.listen", self.listen.as_deref().unwrap_or_default())?;
        multiaddresses("p2p.external", &self.external)?;
        multiaddresses("p2p.bootstrap", self.bootstrap.as_deref().unwrap_or_default())?;
        for peer in &self.trusted {
            if peer.parse::<alephd_net::PeerId>().is_err() {
                return wrong("p2p.trusted", format!("{peer} is no peer id"));
            }
        }
        let is_url = |url: &String| url.starts_with("http://") || url.starts_with("https://");
        if !self.http_url.as_ref().is_none_or(is_url) {
            let expected = "a URL that begins with http:// or https:// is expected";
            return wrong("p2p.http_url", expected.into());
        }
        if !(1..=10_000).contains(&self.max_connections) {
            return wrong("p2p.max_connections", "1 to 10000 are possible".into());
        }
        if !(1..=86_400).contains(&self.catch_up_seconds) {
            return wrong("p2p.catch_up_seconds", "1 to 86400 are possible".into());
        }
        if !(1..=1_024).contains(&self.fetches) {
            return wrong("p2p.fetches", "1 to 1024 are possible".into());
        }
        Ok(())
    }
}

/// Reads addresses.
pub(crate) fn multiaddresses(key: &str, texts: &[String]) -> Result<Vec<Multiaddr>, ConfigError> {
    let read = |text: &String| match text.parse() {
        Ok(address) => Ok(address),
        Err(_) => wrong(
            key,
            format!("{text} is no multiaddress, for example /ip4/192.0.2.1/tcp/4025"),
        ),
    };
    texts.iter().map(read).collect()
}

fn wrong<T>(key: &str, text: String) -> Result<T, ConfigError> {
    Err(ConfigError::Value {
        key: key.to_owned(),
        text,
    })
}
