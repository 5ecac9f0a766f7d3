//! Sources of configuration: their precedence, their errors, reference files.

use std::{fs, path::PathBuf};

use alephd_node::{Config, ConfigError, ConfigSources, config::TEMPLATE};
use tempfile::TempDir;

fn file(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn load(name: &str, text: &str) -> Result<alephd_node::Loaded, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    ConfigSources {
        file: Some(file(&folder, name, text)),
        ..ConfigSources::default()
    }
    .load()
}

#[test]
fn the_printed_configuration_is_the_default() {
    assert_eq!(load("alephd.toml", TEMPLATE).unwrap().config, Config::default());
    assert_eq!(ConfigSources::default().load().unwrap().config, Config::default());
}

#[test]
fn flags_win_over_variables_and_variables_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(
        &folder,
        "alephd.toml",
        "profile = \"testnet\"\n[api]\nlisten = \"127.0.0.1:1\"\nmax_connections = 5\ndrain_seconds = 7\n",
    );
    let sources = ConfigSources {
        file: Some(path),
        environment: pairs(&[
            ("ALEPHD_API_LISTEN", "127.0.0.1:2"),
            ("ALEPHD_API_MAX_CONNECTIONS", "6"),
            ("ALEPHD_NETWORK_BALANCE_ORACLES", "0x1, 0x2"),
            ("ALEPHD_BIN", "/usr/bin/alephd"),
            ("PATH", "/bin"),
        ]),
        flags: pairs(&[("api.listen", "127.0.0.1:3")]),
        ..ConfigSources::default()
    };
    let config = sources.load().unwrap().config;
    assert_eq!(config.api.listen.port(), 3);
    assert_eq!(config.api.max_connections, 6);
    assert_eq!(config.api.drain_seconds, 7);
    assert_eq!(
        config.network.balance_oracles,
        Some(vec!["0x1".to_owned(), "0x2".to_owned()])
    );
    assert_eq!(config.profile, "testnet");
    let profile = config.load_profile().unwrap();
    assert_eq!(profile.balances.oracles, ["0x1", "0x2"]);
}

#[test]
fn a_mistake_is_told_with_its_place_and_the_nearest_key() {
    let unknown = load("a.toml", "[api]\nlisen = \"127.0.0.1:1\"\n")
        .unwrap_err()
        .to_string();
    assert!(
        unknown.contains("a.toml") && unknown.contains("unknown key api.lisen, did you mean api.listen?"),
        "{unknown}"
    );
    let misplaced = load("a.toml", "readers = 3\n").unwrap_err().to_string();
    assert!(misplaced.contains("did you mean store.readers?"), "{misplaced}");
    let strange = load("a.toml", "[qwertz]\nuiop = 1\n").unwrap_err();
    assert!(
        matches!(strange, ConfigError::UnknownKey { nearest: None, .. }),
        "{strange}"
    );
    let kind = load("a.toml", "[api]\nmax_connections = \"many\"\n")
        .unwrap_err()
        .to_string();
    assert!(kind.contains("line 2"), "{kind}");
    let bound = load("a.toml", "[api]\ndrain_seconds = 100000\n")
        .unwrap_err()
        .to_string();
    assert!(bound.starts_with("api.drain_seconds"), "{bound}");
    assert!(matches!(load("a.toml", "[api"), Err(ConfigError::Syntax { .. })));
    let missing = ConfigSources {
        file: Some("/nonexistent/a.toml".into()),
        ..ConfigSources::default()
    };
    assert!(matches!(missing.load(), Err(ConfigError::Read { .. })));
    let variable = ConfigSources {
        environment: pairs(&[("ALEPHD_STORE_READERS", "few")]),
        ..ConfigSources::default()
    };
    assert!(
        variable
            .load()
            .unwrap_err()
            .to_string()
            .starts_with("ALEPHD_STORE_READERS: ")
    );
}

const REFERENCE: &str = r#"
logging:
  level: INFO
  max_log_file_size: 50000000
aleph:
  queue_topic: OTHER
  corechannel:
    address: "0xCore"
  balances:
    addresses: ["0xOne", '0xTwo']
  credit_balances:
    addresses:
      - "0xThree"
    channels: [X]
  scoring:
    addresses: ["0xFour"]
p2p:
  http_port: 4124
  port: 4025
storage:
  folder: /srv/pyaleph
  max_file_size: 5
  max_unauthenticated_upload_file_size: 4
  grace_period: 12
  engine: mongodb
ethereum:
  enabled: true
  api_url: https://example.org
  private_key: null
websocket:
  max_message_connections: 3
  heartbeat: 30
postgres:
  host: postgres
"#;

#[test]
fn a_reference_configuration_is_taken_over_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let sources = ConfigSources {
        file: Some(file(&folder, "config.yml", REFERENCE)),
        key_folder: Some("/srv/keys".into()),
        ..ConfigSources::default()
    };
    let loaded = sources.load().unwrap();
    let config = loaded.config;
    assert_eq!(config.api.listen.to_string(), "0.0.0.0:4124");
    assert_eq!(config.data.folder, PathBuf::from("/srv/pyaleph/alephd"));
    assert_eq!(config.log.filter, "info");
    assert_eq!(config.uploads.grace_hours, Some(12));
    assert_eq!(config.api.max_message_sockets, 3);
    assert_eq!(
        config.p2p.key_file,
        Some("/srv/keys/node-secret.pkcs8.der".into())
    );
    assert_eq!(config.p2p.listen, Some(vec!["/ip4/0.0.0.0/tcp/4025".to_owned()]));
    let profile = config.load_profile().unwrap();
    assert_eq!(profile.name, "mainnet");
    assert_eq!(profile.balances.oracles, ["0xOne", "0xTwo"]);
    assert_eq!(profile.credits.oracles, ["0xThree"]);
    assert_eq!(profile.credits.channels, ["X"]);
    assert_eq!(profile.scoring.addresses, ["0xFour"]);
    assert_eq!(profile.corechannel.address.as_deref(), Some("0xCore"));
    assert_eq!(profile.p2p.queue_topic, "OTHER");
    assert_eq!(
        (profile.uploads.max_file, profile.uploads.max_unauthenticated_file),
        (5, 4)
    );
    assert_eq!(
        loaded.ignored,
        [
            "ethereum.api_url",
            "ethereum.enabled",
            "ethereum.private_key",
            "logging.max_log_file_size",
            "postgres.host",
            "storage.engine",
            "websocket.heartbeat",
        ],
    );
}

#[test]
fn a_reference_configuration_that_cannot_be_meant_is_refused() {
    // Unquoted, this is a number in YAML.
    let unquoted = load(
        "config.yml",
        "aleph:\n  corechannel:\n    address: 0xa1B3bb7d2332383D96b7796B908fB7f7F3c2Be10\n",
    );
    match unquoted {
        Err(error) => assert!(error.to_string().contains("corechannel.address"), "{error}"),
        Ok(loaded) => assert_eq!(
            loaded.config.network.corechannel_address.as_deref(),
            Some("0xa1B3bb7d2332383D96b7796B908fB7f7F3c2Be10"),
        ),
    }
    assert!(load("config.yml", "- a\n- b\n").is_err());
    assert!(load("config.yml", "p2p:\n  http_port: 70000\n").is_err());
    assert!(load("config.yml", &"[".repeat(100_000)).is_err());
    assert_eq!(load("config.yaml", "").unwrap().config, Config::default());
}
