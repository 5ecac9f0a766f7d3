//! The keys of the configuration: what an environment variable or a flag can set, and what is
//! proposed for a mistyped one.

use toml::{Table, Value};

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text.
    Text,
    /// A whole number, not negative.
    Number,
    /// true or false.
    Flag,
    /// Texts; separated by commas where only a text can be given.
    List,
}

use Kind::{Flag, List, Number, Text};

/// Section (empty for the top), key, kind. A test compares it with the structures.
pub(super) const KEYS: &[(&str, &str, Kind)] = &[
    ("", "profile", Text),
    ("data", "folder", Text),
    ("api", "listen", Text),
    ("api", "max_connections", Number),
    ("api", "drain_seconds", Number),
    ("api", "version", Text),
    ("api", "multiaddresses", List),
    ("api", "max_message_sockets", Number),
    ("api", "max_status_sockets", Number),
    ("uploads", "max_file", Number),
    ("uploads", "max_unauthenticated_file", Number),
    ("uploads", "max_ipfs_file", Number),
    ("uploads", "max_ipfs_unauthenticated_file", Number),
    ("uploads", "max_car", Number),
    ("uploads", "grace_hours", Number),
    ("pipeline", "verifiers", Number),
    ("pipeline", "parked_per_sender", Number),
    ("store", "readers", Number),
    ("store", "writer_cache_mib", Number),
    ("store", "reader_cache_mib", Number),
    ("log", "filter", Text),
    ("log", "format", Text),
    ("p2p", "enabled", Flag),
    ("p2p", "key_file", Text),
    ("p2p", "listen", List),
    ("p2p", "external", List),
    ("p2p", "http_url", Text),
    ("p2p", "bootstrap", List),
    ("p2p", "max_connections", Number),
    ("p2p", "gossip", Flag),
    ("p2p", "catch_up", Flag),
    ("p2p", "catch_up_seconds", Number),
    ("p2p", "exchange", Flag),
    ("p2p", "http_fallback", Flag),
    ("p2p", "http_peers", List),
    ("p2p", "bitswap", Flag),
    ("p2p", "fetches", Number),
    ("p2p", "private_http", Flag),
    ("p2p", "trusted", List),
    ("interest", "channels", List),
    ("interest", "addresses", List),
    ("interest", "types", List),
    ("network", "test_accounts", Flag),
    ("network", "balance_oracles", List),
    ("network", "balance_post_type", Text),
    ("network", "credit_oracles", List),
    ("network", "credit_channels", List),
    ("network", "credit_post_types", List),
    ("network", "scoring_addresses", List),
    ("network", "scoring_channel", Text),
    ("network", "scoring_post_type", Text),
    ("network", "corechannel_address", Text),
    ("network", "queue_topic", Text),
    ("network", "auth_public_key", Text),
];

/// The dotted name of a key.
pub(super) fn dotted(section: &str, key: &str) -> String {
    if section.is_empty() {
        key.to_owned()
    } else {
        format!("{section}.{key}")
    }
}

/// The kind of a key.
pub(super) fn kind_of(section: &str, key: &str) -> Option<Kind> {
    KEYS.iter()
        .find(|(s, k, _)| (*s, *k) == (section, key))
        .map(|(_, _, kind)| *kind)
}

/// Whether a section of that name exists.
pub(super) fn is_section(name: &str) -> bool {
    !name.is_empty() && KEYS.iter().any(|(section, _, _)| *section == name)
}

/// The known name most like `name`, if one is like it at all. A key that was put into the wrong
/// section is like itself.
pub(super) fn nearest(name: &str) -> Option<String> {
    let last = name.rsplit('.').next().unwrap_or(name);
    let likeness = |section: &str, key: &str| {
        let whole = strsim::normalized_levenshtein(name, &dotted(section, key));
        whole.max(if last == key { 0.9 } else { 0.0 })
    };
    let rated = KEYS
        .iter()
        .map(|(section, key, _)| (likeness(section, key), dotted(section, key)));
    let best = rated.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (best.0 > 0.6).then_some(best.1)
}

/// The first key of a table that is unknown.
pub(super) fn unknown(table: &Table) -> Option<String> {
    for (name, value) in table {
        match value {
            Value::Table(section) if is_section(name) => {
                if let Some(key) = section.keys().find(|key| kind_of(name, key).is_none()) {
                    return Some(dotted(name, key));
                }
            }
            Value::Table(section) => {
                let key = section.keys().next();
                return Some(key.map_or_else(|| name.clone(), |key| dotted(name, key)));
            }
            _ if kind_of("", name).is_some() => {}
            _ => return Some(name.clone()),
        }
    }
    None
}

/// The value that a text stands for.
pub(super) fn value(kind: Kind, text: &str) -> Result<Value, &'static str> {
    match kind {
        Text => Ok(Value::String(text.to_owned())),
        Number => match text.trim().parse::<i64>() {
            Ok(number) if number >= 0 => Ok(Value::Integer(number)),
            _ => Err("a whole number is expected"),
        },
        Flag => match text.trim() {
            "true" => Ok(Value::Boolean(true)),
            "false" => Ok(Value::Boolean(false)),
            _ => Err("true or false is expected"),
        },
        List => {
            let members = text.split(',').map(str::trim).filter(|member| !member.is_empty());
            Ok(Value::Array(
                members.map(|member| Value::String(member.to_owned())).collect(),
            ))
        }
    }
}
