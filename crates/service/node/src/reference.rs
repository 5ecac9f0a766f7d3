//! Configuration of the reference node (`config.yml`), as far as it means something here.
//!
//! An operator who changes over keeps the file. What both nodes have is taken over; every other
//! key is listed once, so that nobody believes it to work. Addresses must be quoted in YAML, where
//! `0x12` is a number; those that are not are refused rather than misread.

use serde_json::Value as Yaml;
use toml::{Table, Value};

use crate::config::put;

/// The private key in the key folder of a reference node.
pub(crate) const KEY_FILE: &str = "node-secret.pkcs8.der";

/// What became of a reference configuration.
pub(crate) struct Translation {
    /// In our keys.
    pub(crate) table: Table,
    /// Dotted names of keys without meaning here, sorted.
    pub(crate) ignored: Vec<String>,
}

/// How a value is taken over.
#[derive(Clone, Copy)]
enum Rule {
    Text,
    Number,
    List,
    /// A port: the reference listens on every address.
    Port,
    /// The port of libp2p: likewise.
    P2pPort,
    /// The storage folder: ours lies within, since the layouts differ.
    Folder,
    /// A level of Python's logging, by name or number.
    Level,
}

/// Reference key, our section, our key.
const RULES: &[(&str, &str, &str, Rule)] = &[
    ("aleph.auth.public_key", "network", "auth_public_key", Rule::Text),
    (
        "aleph.balances.addresses",
        "network",
        "balance_oracles",
        Rule::List,
    ),
    (
        "aleph.balances.post_type",
        "network",
        "balance_post_type",
        Rule::Text,
    ),
    (
        "aleph.corechannel.address",
        "network",
        "corechannel_address",
        Rule::Text,
    ),
    (
        "aleph.credit_balances.addresses",
        "network",
        "credit_oracles",
        Rule::List,
    ),
    (
        "aleph.credit_balances.channels",
        "network",
        "credit_channels",
        Rule::List,
    ),
    (
        "aleph.credit_balances.post_types",
        "network",
        "credit_post_types",
        Rule::List,
    ),
    ("aleph.queue_topic", "network", "queue_topic", Rule::Text),
    (
        "aleph.scoring.addresses",
        "network",
        "scoring_addresses",
        Rule::List,
    ),
    ("aleph.scoring.channel", "network", "scoring_channel", Rule::Text),
    (
        "aleph.scoring.metrics_post_type",
        "network",
        "scoring_post_type",
        Rule::Text,
    ),
    (
        "ipfs.max_unauthenticated_upload_file_size",
        "uploads",
        "max_ipfs_unauthenticated_file",
        Rule::Number,
    ),
    ("ipfs.max_upload_car_size", "uploads", "max_car", Rule::Number),
    (
        "ipfs.max_upload_file_size",
        "uploads",
        "max_ipfs_file",
        Rule::Number,
    ),
    ("logging.level", "log", "filter", Rule::Level),
    ("p2p.http_port", "api", "listen", Rule::Port),
    ("p2p.peers", "p2p", "bootstrap", Rule::List),
    ("p2p.port", "p2p", "listen", Rule::P2pPort),
    ("storage.folder", "data", "folder", Rule::Folder),
    ("storage.grace_period", "uploads", "grace_hours", Rule::Number),
    ("storage.max_file_size", "uploads", "max_file", Rule::Number),
    (
        "storage.max_unauthenticated_upload_file_size",
        "uploads",
        "max_unauthenticated_file",
        Rule::Number,
    ),
    (
        "websocket.max_message_connections",
        "api",
        "max_message_sockets",
        Rule::Number,
    ),
    (
        "websocket.max_status_connections",
        "api",
        "max_status_sockets",
        Rule::Number,
    ),
];

/// Translates a `config.yml`.
pub(crate) fn translate(text: &str) -> Result<Translation, String> {
    let root: Yaml = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    let mut leaves = Vec::new();
    match root {
        Yaml::Null => {}
        Yaml::Object(_) => flatten("", &root, &mut leaves),
        _ => return Err("a mapping of sections is expected".into()),
    }
    let mut table = Table::new();
    let mut ignored = Vec::new();
    for (name, value) in leaves {
        let Some((_, section, key, rule)) = RULES.iter().find(|(known, ..)| *known == name) else {
            ignored.push(name);
            continue;
        };
        if value.is_null() {
            continue;
        }
        let value = rule
            .apply(value)
            .ok_or_else(|| format!("{name}: {}", rule.expectation()))?;
        put(&mut table, section, key, value);
    }
    ignored.sort_unstable();
    ignored.dedup();
    Ok(Translation { table, ignored })
}

/// Dotted names of everything that is no mapping. The YAML reader has bounded the depth.
fn flatten<'a>(prefix: &str, value: &'a Yaml, leaves: &mut Vec<(String, &'a Yaml)>) {
    let Yaml::Object(fields) = value else {
        leaves.push((prefix.to_owned(), value));
        return;
    };
    for (key, value) in fields {
        let name = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        flatten(&name, value, leaves);
    }
}

impl Rule {
    fn apply(self, value: &Yaml) -> Option<Value> {
        match self {
            Self::Text => value.as_str().map(|text| Value::String(text.to_owned())),
            Self::Number => Some(Value::Integer(i64::try_from(value.as_u64()?).ok()?)),
            Self::List => {
                let members = value.as_array()?.iter();
                let texts: Option<Vec<Value>> = members
                    .map(|member| member.as_str().map(|text| Value::String(text.to_owned())))
                    .collect();
                texts.map(Value::Array)
            }
            Self::Port => {
                let port = u16::try_from(value.as_u64()?).ok()?;
                Some(Value::String(format!("0.0.0.0:{port}")))
            }
            Self::P2pPort => {
                let port = u16::try_from(value.as_u64()?).ok()?;
                let address = format!("/ip4/0.0.0.0/tcp/{port}");
                Some(Value::Array(vec![Value::String(address)]))
            }
            Self::Folder => {
                let folder = std::path::Path::new(value.as_str()?).join("alephd");
                Some(Value::String(folder.display().to_string()))
            }
            Self::Level => level(value).map(|level| Value::String(level.to_owned())),
        }
    }

    fn expectation(self) -> &'static str {
        match self {
            Self::Text => "a text is expected; quote values that begin with 0x",
            Self::Number => "a whole number is expected",
            Self::List => "a list of texts is expected; quote values that begin with 0x",
            Self::Port | Self::P2pPort => "a port is expected",
            Self::Folder => "a path is expected",
            Self::Level => "a level of logging is expected",
        }
    }
}

fn level(value: &Yaml) -> Option<&'static str> {
    if let Some(number) = value.as_u64() {
        return Some(match number {
            0..=10 => "debug",
            11..=20 => "info",
            21..=30 => "warn",
            _ => "error",
        });
    }
    match value.as_str()?.to_ascii_uppercase().as_str() {
        "NOTSET" | "DEBUG" => Some("debug"),
        "INFO" => Some("info"),
        "WARNING" | "WARN" => Some("warn"),
        "ERROR" | "CRITICAL" | "FATAL" => Some("error"),
        _ => None,
    }
}
