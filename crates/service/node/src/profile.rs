//! Network profiles: the constants of a network, in a file.
//!
//! A constant that all nodes of a network must share stands here and nowhere else; what one node
//! decides for itself is in [`Config`](crate::Config). The profiles of the known networks are part
//! of the program (`profiles/` of the repository); any other is given by its path.

use std::{fs, io, path::PathBuf};

use alephd_economy::admission::Parameters;
use alephd_message::{Chain, Micros};
use alephd_rules::Trusted;
use serde::{Deserialize, Serialize};

/// The profiles that are part of the program.
const BUILT_IN: [(&str, &str); 3] = [
    ("local", include_str!("../../../../profiles/local.toml")),
    ("testnet", include_str!("../../../../profiles/testnet.toml")),
    ("mainnet", include_str!("../../../../profiles/mainnet.toml")),
];

/// The constants of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name; a data folder remembers it.
    pub name: String,
    /// Whether a node refuses to listen to other machines, because keys of the network are public.
    #[serde(default)]
    pub loopback_only: bool,
    /// The chain that orders what could be gained by backdating.
    pub ordering_chain: Option<OrderingChain>,
    /// Chains that confirm messages.
    #[serde(default)]
    pub confirming_chains: Vec<ConfirmingChain>,
    /// Who is believed about token balances.
    pub balances: Balances,
    /// Who is believed about credits.
    pub credits: Credits,
    /// Exceptions for aggregates.
    pub aggregates: Aggregates,
    /// Where measurements of nodes are read from.
    pub scoring: Scoring,
    /// Owner of the list of nodes.
    pub corechannel: Corechannel,
    /// Owner of prices and settings.
    pub pricing: Pricing,
    /// Who may call guarded routes.
    pub auth: Auth,
    /// Names and first peers of the peer-to-peer network.
    pub p2p: P2p,
    /// Largest uploads.
    pub uploads: Uploads,
    /// From when on rules hold.
    pub cutoffs: Cutoffs,
}

/// The chain whose anchors order messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderingChain {
    /// The chain.
    pub chain: Chain,
    /// Its EIP-155 number.
    pub chain_id: u64,
    /// The contract that anchors are sent to.
    pub sync_contract: Option<String>,
    /// Whose anchors count.
    pub authorized_emitters: Vec<String>,
    /// First height that can hold an anchor.
    pub start_height: u64,
}

/// A chain whose events confirm messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfirmingChain {
    /// The chain.
    pub chain: Chain,
    /// The contract that emits the events.
    pub contract: String,
    /// The service that lists them.
    pub indexer_url: String,
}

/// Who is believed about token balances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Balances {
    /// Owners of reports.
    pub oracles: Vec<String>,
    /// Type of a report.
    pub post_type: String,
    /// Whether tokens that a contract holds for somebody count into the balance.
    pub count_dapp_balances: bool,
}

/// Who is believed about credits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credits {
    /// Owners of distributions and expenses.
    pub oracles: Vec<String>,
    /// Channels in which credit posts count.
    pub channels: Vec<String>,
    /// Types of credit posts.
    pub post_types: Vec<String>,
}

/// Exceptions for aggregates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aggregates {
    /// Owners whose aggregates are stored and never built.
    pub unbuilt_owners: Vec<String>,
}

/// Where measurements of nodes are read from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scoring {
    /// Owners of the posts.
    pub addresses: Vec<String>,
    /// Their channel.
    pub channel: String,
    /// Their type.
    pub post_type: String,
}

/// Owner of the list of nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corechannel {
    /// Its address; a network without a list has none.
    pub address: Option<String>,
}

/// Owner of prices and settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pricing {
    /// Its address; without one the built-in prices hold.
    pub owner: Option<String>,
}

/// Who may call guarded routes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// Compressed secp256k1 key in hexadecimal; without one nobody may.
    pub public_key: Option<String>,
}

/// Names and first peers of the peer-to-peer network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct P2p {
    /// Topic of messages.
    pub queue_topic: String,
    /// Topic of signs of life.
    pub alive_topic: String,
    /// The same on IPFS.
    pub ipfs_alive_topic: String,
    /// First peers.
    pub bootstrap: Vec<String>,
    /// First IPFS peers.
    pub ipfs_bootstrap: Vec<String>,
}

/// Largest uploads in bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uploads {
    /// A file with a signed STORE.
    pub max_file: u64,
    /// A file without.
    pub max_unauthenticated_file: u64,
    /// A file for IPFS with a signed STORE.
    pub max_ipfs_file: u64,
    /// A file for IPFS without.
    pub max_ipfs_unauthenticated_file: u64,
    /// An archive for IPFS.
    pub max_car: u64,
}

/// From when on rules hold: seconds since 1970, or a height of the ordering chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cutoffs {
    /// Files and programs cost something.
    pub cost_time: i64,
    /// The same for confirmed messages.
    pub cost_height: u64,
    /// Machines can no longer be paid by holding or streaming tokens.
    pub no_hold_time: i64,
    /// Only credits are accepted.
    pub credit_only_time: i64,
    /// Credits have their present unit.
    pub fine_credits_time: i64,
}

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Neither a known name nor a file.
    #[error(
        "{name:?} is no network profile: it is none of local, testnet, mainnet, and no file of that name can be read"
    )]
    Unknown {
        /// What was given.
        name: String,
        /// Why it cannot be read.
        #[source]
        source: io::Error,
    },
    /// The file says something else.
    #[error("network profile {name}: {text}")]
    Invalid {
        /// What was given.
        name: String,
        /// What is wrong with it.
        text: String,
    },
}

impl Profile {
    /// The profile with this name, or in the file with this path.
    pub fn load(name: &str) -> Result<Self, ProfileError> {
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
        if let Some((_, text)) = built_in {
            return Self::parse(name, text);
        }
        let unknown = |source| ProfileError::Unknown {
            name: name.to_owned(),
            source,
        };
        let text = fs::read_to_string(PathBuf::from(name)).map_err(unknown)?;
        Self::parse(name, &text)
    }

    fn parse(name: &str, text: &str) -> Result<Self, ProfileError> {
        let invalid = |text: String| ProfileError::Invalid {
            name: name.to_owned(),
            text,
        };
        let profile: Self = toml::from_str(text).map_err(|error| invalid(error.to_string()))?;
        let usable = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if profile.name.is_empty() || !profile.name.chars().all(usable) {
            return Err(invalid("name: letters, digits, - and _ are expected".into()));
        }
        let is_key = |key: &String| {
            let is_compressed = key.starts_with("02") || key.starts_with("03");
            key.len() == 66 && is_compressed && key.chars().all(|c| c.is_ascii_hexdigit())
        };
        if !profile.auth.public_key.iter().all(is_key) {
            return Err(invalid(
                "auth.public_key: 66 hexadecimal digits are expected".into(),
            ));
        }
        Ok(profile)
    }

    /// Whether backdating a message gains nothing. Without an ordering chain it might.
    pub fn is_adversary_safe(&self) -> bool {
        self.ordering_chain.is_some()
    }

    /// Who is trusted with money facts, as the rules want it.
    pub fn trusted(&self) -> Trusted {
        Trusted {
            balance_oracles: self.balances.oracles.clone(),
            balance_post_type: self.balances.post_type.clone(),
            credit_oracles: self.credits.oracles.clone(),
            credit_channels: self.credits.channels.clone(),
        }
    }

    /// Who sets prices, and from when on what has to be paid how.
    pub fn money(&self) -> Parameters {
        let instant = |seconds: i64| Micros(seconds.saturating_mul(1_000_000));
        Parameters {
            pricing_owner: self.pricing.owner.clone().unwrap_or_default(),
            cost_time: instant(self.cutoffs.cost_time),
            cost_height: self.cutoffs.cost_height,
            no_hold_time: instant(self.cutoffs.no_hold_time),
            credit_only_time: instant(self.cutoffs.credit_only_time),
        }
    }
}
