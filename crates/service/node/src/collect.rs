//! What the collector would remove from a data folder, and why.
//!
//! A node collects by itself while it runs. This is the same collection over the data of a stopped
//! node, at any instant, and nothing of it stays.

use std::fmt;

use serde_json::{Value, json};

use alephd_economy::{
    collection::{Pin, Step},
    funding::Reason,
};
use alephd_message::{ItemHash, Micros};
use alephd_store::{Reader, StoreError};

use crate::{Config, DataDir, NodeError, Profile, node};

/// One thing that would be done, with what a person wants to know about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// What, and why.
    pub step: Step,
    /// Whose message it is; `None` for a file.
    pub owner: Option<String>,
    /// Bytes that would be free; `None` unless a file is deleted.
    pub bytes: Option<u64>,
}

/// What all of it comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// The instant.
    pub at: Micros,
    /// Messages that become `removing`.
    pub removing: u64,
    /// Messages that become `processed` again, for they are paid for.
    pub recovered: u64,
    /// Messages that become `removed`.
    pub removed: u64,
    /// Messages that were refused or suspended and become `processed`, because what they could not pay
    /// after is removed.
    pub risen: Vec<ItemHash>,
    /// Files that are deleted.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Tells what a node would do that looked at all accounts and files of the folder at `now`, and writes
/// nothing. The folder is locked meanwhile. Blocks.
pub async fn rehearse(
    config: &Config,
    profile: &Profile,
    now: Micros,
    mut tell: impl FnMut(&Planned),
) -> Result<Summary, NodeError> {
    let folder = DataDir::at(&config.data.folder);
    if !folder.is_used() {
        return Err(NodeError::Empty(folder.path().to_owned()));
    }
    let _lock = folder.lock(profile).await?;
    let store = folder.open_database(config)?;
    let writer = store
        .take_writer()
        .expect("the database was opened for this one writer");
    let reader = store.reader();
    let mut summary = Summary {
        at: now,
        ..Summary::default()
    };
    let mut failure = None;
    let hear = |step: &Step| match Planned::of(step, &reader) {
        Ok(planned) => {
            summary.add(&planned);
            tell(&planned);
        }
        Err(error) => failure = Some(error),
    };
    let settings = node::pipeline_config(config, profile).engine;
    let risen = alephd_pipeline::rehearse(writer, settings, now, hear)?;
    if let Some(error) = failure {
        return Err(error.into());
    }
    summary.risen = risen;
    Ok(summary)
}

impl Planned {
    fn of(step: &Step, reader: &Reader) -> Result<Self, StoreError> {
        let (mut owner, mut bytes) = (None, None);
        match step {
            Step::Announce { message, .. } | Step::Recover { message } | Step::Remove { message, .. } => {
                owner = reader.message_get(message)?.map(|row| row.owner);
            }
            Step::Delete { file } => bytes = reader.file_get(file)?.map(|file| file.size),
            Step::Unpin { .. } | Step::Grace { .. } => {}
        }
        Ok(Self {
            step: step.clone(),
            owner,
            bytes,
        })
    }

    /// The same for programs.
    pub fn to_json(&self) -> Value {
        let iso = |time: &Micros| time.iso_z();
        let mut line = match &self.step {
            Step::Announce {
                message,
                reason,
                delete_by,
            } => json!({"step": "announce", "item_hash": message, "reason": reason.as_str(),
                "delete_by": iso(delete_by)}),
            Step::Recover { message } => json!({"step": "recover", "item_hash": message}),
            Step::Remove { message, reason } => {
                json!({"step": "remove", "item_hash": message, "reason": reason.as_str()})
            }
            Step::Unpin { file, pin } => match pin {
                Pin::Content(message) => {
                    json!({"step": "unpin", "file": file, "pin": "content", "item_hash": message})
                }
                Pin::Store(message) => {
                    json!({"step": "unpin", "file": file, "pin": "message", "item_hash": message})
                }
                Pin::Archive => json!({"step": "unpin", "file": file, "pin": "archive"}),
                Pin::Grace { until } => {
                    json!({"step": "unpin", "file": file, "pin": "grace", "until": iso(until)})
                }
            },
            Step::Grace { file, until } => json!({"step": "keep", "file": file, "until": iso(until)}),
            Step::Delete { file } => json!({"step": "delete", "file": file}),
        };
        if let Some(owner) = &self.owner {
            line["owner"] = json!(owner);
        }
        if let Some(bytes) = self.bytes {
            line["bytes"] = json!(bytes);
        }
        line
    }

    /// What the owner lacks.
    fn lack(&self, reason: Reason) -> String {
        // No message has an owner that a terminal would obey, but nothing here depends on that.
        let owner = self.owner.as_deref().unwrap_or("its owner").escape_debug();
        match reason {
            Reason::BalanceInsufficient => format!("{owner} holds too few tokens"),
            Reason::CreditInsufficient => format!("{owner} has too few credits"),
        }
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.step {
            Step::Announce {
                message,
                reason,
                delete_by,
            } => {
                let lack = self.lack(*reason);
                write!(
                    f,
                    "announce {message}: {lack}, and it can be removed from {delete_by} on"
                )
            }
            Step::Recover { message } => write!(f, "recover {message}: it is paid for again"),
            Step::Remove { message, reason } => {
                write!(
                    f,
                    "remove {message}: {}, and its notice is over",
                    self.lack(*reason)
                )
            }
            Step::Unpin {
                file,
                pin: Pin::Grace { until },
            } => write!(f, "unpin {file}: its grace period ended at {until}"),
            Step::Grace { file, until } => {
                write!(f, "keep {file} until {until}: its last message is forgotten")
            }
            Step::Delete { file } => {
                write!(
                    f,
                    "delete {file}: nothing keeps it, {} bytes",
                    self.bytes.unwrap_or(0)
                )
            }
            step @ Step::Unpin { .. } => step.fmt(f),
        }
    }
}

impl Summary {
    fn add(&mut self, planned: &Planned) {
        match planned.step {
            Step::Announce { .. } => self.removing += 1,
            Step::Recover { .. } => self.recovered += 1,
            Step::Remove { .. } => self.removed += 1,
            Step::Delete { .. } => {
                self.files += 1;
                self.bytes = self.bytes.saturating_add(planned.bytes.unwrap_or(0));
            }
            Step::Unpin { .. } | Step::Grace { .. } => {}
        }
    }

    /// The same for programs.
    pub fn to_json(&self) -> Value {
        json!({
            "step": "summary", "at": self.at.iso_z(), "removing": self.removing, "recovered": self.recovered,
            "removed": self.removed, "risen": self.risen, "files": self.files, "bytes": self.bytes,
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            at,
            removing,
            recovered,
            removed,
            risen,
            files,
            bytes,
        } = self;
        for message in risen {
            writeln!(f, "accept {message}: what it could not pay after is removed")?;
        }
        let processed = recovered + risen.len() as u64;
        write!(
            f,
            "at {at}: messages removing {removing}, removed {removed}, processed again {processed}; \
             files deleted {files}, bytes {bytes}"
        )
    }
}
