use super::*;
use crate::config::{TEMPLATE, keys::KEYS};

/// A value that every key of the kind accepts.
fn sample(section: &str, key: &str, kind: keys::Kind) -> String {
    match (key, kind) {
        ("listen", keys::Kind::Text) => "127.0.0.1:1".into(),
        ("format", _) => "json".into(),
        ("types", _) => "POST".into(),
        ("http_url", _) => "http://127.0.0.1:1".into(),
        ("trusted", _) => "QmZkurbY2G2hWay59yiTgQNaQxHSNzKZFt2jbnwJhQcKgV".into(),
        (_, keys::Kind::List) if section == "p2p" => "/ip4/127.0.0.1/tcp/1".into(),
        ("private_http", _) => "true".into(),
        (_, keys::Kind::Flag) => "false".into(),
        (_, keys::Kind::Number) => "7".into(),
        (_, keys::Kind::Text | keys::Kind::List) => "x".into(),
    }
}

#[test]
fn every_key_can_be_set_and_changes_something() {
    for (section, key, kind) in KEYS {
        let flags = vec![(keys::dotted(section, key), sample(section, key, *kind))];
        let loaded = ConfigSources {
            flags,
            ..ConfigSources::default()
        }
        .load();
        let loaded = loaded.unwrap_or_else(|error| panic!("{section}.{key}: {error}"));
        assert_ne!(loaded.config, Config::default(), "{section}.{key}");
    }
}

#[test]
fn the_template_names_every_key_of_the_structures() {
    // Uncommenting the examples gives a value to every optional key as well.
    let text: Vec<&str> = TEMPLATE
        .lines()
        .map(|line| {
            line.strip_prefix("# ")
                .filter(|rest| rest.contains(" = "))
                .unwrap_or(line)
        })
        .collect();
    let table: Table = text.join("\n").parse().unwrap();
    assert_eq!(keys::unknown(&table), None);
    for (section, key, _) in KEYS {
        let holder = if section.is_empty() {
            Some(&table)
        } else {
            table.get(*section).and_then(Value::as_table)
        };
        assert!(
            holder.is_some_and(|table| table.contains_key(*key)),
            "{section}.{key} is not explained"
        );
    }
    // Structures with a key that the list lacks would refuse nothing here, but the reverse fails.
    let config: Config = table.try_into().unwrap();
    let back = Table::try_from(&config).unwrap();
    assert_eq!(keys::unknown(&back), None, "a field is missing in KEYS");
}
