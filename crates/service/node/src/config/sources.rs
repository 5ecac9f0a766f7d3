//! Where configuration comes from, and how the sources are laid over each other.

use std::{fs, io, path::PathBuf};

use toml::{Table, Value};

use super::{Config, keys};
use crate::reference;

/// What all variables begin with.
const PREFIX: &str = "ALEPHD_";
/// Largest configuration file; a whole database given by mistake is not read.
const FILE_LIMIT: u64 = 1 << 20;

/// Everything that the operator said.
#[derive(Clone, Debug, Default)]
pub struct ConfigSources {
    /// Our TOML, or a reference `config.yml`, told apart by the ending.
    pub file: Option<PathBuf>,
    /// A folder with the key of a reference node.
    pub key_folder: Option<PathBuf>,
    /// Environment variables; others than ours are passed over.
    pub environment: Vec<(String, String)>,
    /// Flags: dotted key and value, later ones win.
    pub flags: Vec<(String, String)>,
}

/// A configuration, and what to tell about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Keys of a reference configuration that mean nothing here.
    pub ignored: Vec<String>,
}

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file is no TOML or YAML, or a value has the wrong type.
    #[error("{origin}: {text}")]
    Syntax {
        /// Where it stands.
        origin: String,
        /// What is wrong.
        text: String,
    },
    /// Nothing of that name can be set.
    #[error("{origin}: unknown key {key}{}", .nearest.as_ref().map_or(String::new(), |name| format!(", did you mean {name}?")))]
    UnknownKey {
        /// Where it stands.
        origin: String,
        /// The name.
        key: String,
        /// The known name most like it.
        nearest: Option<String>,
    },
    /// The value is impossible.
    #[error("{key}: {text}")]
    Value {
        /// The key.
        key: String,
        /// What is wrong.
        text: String,
    },
}

impl ConfigSources {
    /// Lays the sources over each other and checks the result.
    pub fn load(&self) -> Result<Loaded, ConfigError> {
        let mut ignored = Vec::new();
        let mut table = match &self.file {
            None => Table::new(),
            Some(path) => {
                let text = read(path)?;
                let origin = path.display().to_string();
                let is_yaml = path
                    .extension()
                    .is_some_and(|ending| ending == "yml" || ending == "yaml");
                if is_yaml {
                    let translation =
                        reference::translate(&text).map_err(|text| ConfigError::Syntax { origin, text })?;
                    ignored = translation.ignored;
                    translation.table
                } else {
                    parse(&origin, &text)?
                }
            }
        };
        if let Some(folder) = &self.key_folder {
            let key = folder.join(reference::KEY_FILE).display().to_string();
            put(&mut table, "p2p", "key_file", Value::String(key));
        }
        for (name, value) in &self.environment {
            set_from_environment(&mut table, name, value)?;
        }
        for (name, value) in &self.flags {
            let (section, key) = name.split_once('.').unwrap_or(("", name));
            set(&mut table, &format!("--set {name}"), section, key, value)?;
        }
        let config: Config = table
            .try_into()
            .map_err(|error: toml::de::Error| ConfigError::Syntax {
                origin: "configuration".into(),
                text: error.to_string().trim_end().replace('\n', " "),
            })?;
        config.validate()?;
        Ok(Loaded { config, ignored })
    }
}

fn read(path: &PathBuf) -> Result<String, ConfigError> {
    let failed = |source| ConfigError::Read {
        path: path.clone(),
        source,
    };
    let length = fs::metadata(path).map_err(failed)?.len();
    if length > FILE_LIMIT {
        return Err(failed(io::Error::other("this is too large for a configuration")));
    }
    fs::read_to_string(path).map_err(failed)
}

/// Parses our own form. Values are checked here too, since here the line is known.
fn parse(origin: &str, text: &str) -> Result<Table, ConfigError> {
    let syntax = |error: toml::de::Error| ConfigError::Syntax {
        origin: origin.to_owned(),
        text: error.to_string().trim_end().to_owned(),
    };
    let table: Table = text.parse().map_err(syntax)?;
    if let Some(key) = keys::unknown(&table) {
        return Err(unknown_key(origin, key));
    }
    toml::from_str::<Config>(text).map_err(syntax)?;
    Ok(table)
}

/// `ALEPHD_SECTION_KEY`. Variables that name no section are somebody else's.
fn set_from_environment(table: &mut Table, name: &str, value: &str) -> Result<(), ConfigError> {
    let Some(rest) = name.strip_prefix(PREFIX) else {
        return Ok(());
    };
    let rest = rest.to_ascii_lowercase();
    if keys::kind_of("", &rest).is_some() {
        return set(table, name, "", &rest, value);
    }
    match rest.split_once('_') {
        Some((section, key)) if keys::is_section(section) => set(table, name, section, key, value),
        _ => Ok(()),
    }
}

fn set(table: &mut Table, origin: &str, section: &str, key: &str, text: &str) -> Result<(), ConfigError> {
    let Some(kind) = keys::kind_of(section, key) else {
        return Err(unknown_key(origin, keys::dotted(section, key)));
    };
    let value = keys::value(kind, text).map_err(|text| ConfigError::Syntax {
        origin: origin.to_owned(),
        text: text.to_owned(),
    })?;
    put(table, section, key, value);
    Ok(())
}

/// Puts a value whose key is known.
pub(crate) fn put(table: &mut Table, section: &str, key: &str, value: Value) {
    if section.is_empty() {
        table.insert(key.to_owned(), value);
        return;
    }
    let entry = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(section) = entry {
        section.insert(key.to_owned(), value);
    }
}

fn unknown_key(origin: &str, key: String) -> ConfigError {
    let nearest = keys::nearest(&key);
    ConfigError::UnknownKey {
        origin: origin.to_owned(),
        key,
        nearest,
    }
}

#[cfg(test)]
mod tests;
