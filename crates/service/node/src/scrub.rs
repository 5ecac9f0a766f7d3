//! Checking the files of a data folder: each against its name, and whether all that the database
//! knows are there.

use std::{fmt, sync::Arc};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;

use alephd_blobs::Verdict;
use alephd_content::ImportError;
use alephd_message::ItemHash;
use alephd_tasks::{CancellationToken, Clock};

use crate::{Config, DataDir, NodeError, Profile};

/// Names asked of the database at once.
const PAGE: u64 = 1_000;

/// Something is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The bytes are not those of the name.
    Damaged(ItemHash),
    /// The storage cannot read it.
    Unreadable(ItemHash, String),
    /// The database knows it, and it is not there.
    Missing(ItemHash),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(file) => write!(f, "damaged: {file}"),
            Self::Unreadable(file, why) => write!(f, "unreadable: {file}: {why}"),
            Self::Missing(file) => write!(f, "missing: {file}"),
        }
    }
}

/// What a scrub came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ScrubReport {
    /// Files and archives that were read.
    pub files: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Files whose bytes are not those of their name.
    pub damaged: u64,
    /// Files that cannot be read.
    pub unreadable: u64,
    /// Files that the database knows and that are not there.
    pub missing: u64,
    /// Whether it was stopped before the end.
    pub stopped: bool,
    /// Time taken.
    pub seconds: f64,
}

impl ScrubReport {
    /// Whether everything was looked at, and nothing is wrong.
    pub fn is_sound(&self) -> bool {
        !self.stopped && self.damaged + self.unreadable + self.missing == 0
    }
}

/// Reads every file of a data folder. Each finding is told as it is made.
pub async fn scrub(
    config: &Config,
    profile: &Profile,
    clock: Arc<dyn Clock>,
    mut tell: impl FnMut(&Finding),
    stop: CancellationToken,
) -> Result<ScrubReport, NodeError> {
    let folder = DataDir::at(&config.data.folder);
    if !folder.is_used() {
        return Err(NodeError::Empty(folder.path().to_owned()));
    }
    let data = folder.open(config, profile).await?;
    let start = clock.monotonic();
    let mut report = ScrubReport::default();
    let mut scrub = data.blobs.scrub(None, Arc::clone(&clock));
    while !stop.is_cancelled()
        && let Some(checked) = scrub.next().await.map_err(NodeError::Blobs)?
    {
        match checked.verdict {
            Verdict::Sound => {}
            Verdict::Damaged => {
                report.damaged += 1;
                tell(&Finding::Damaged(checked.name));
            }
            Verdict::Unreadable(error) => {
                report.unreadable += 1;
                tell(&Finding::Unreadable(checked.name, error.to_string()));
            }
        }
    }
    (report.files, report.bytes) = (scrub.progress().blobs, scrub.progress().bytes);
    let mut archives = data.blobs.list_archives();
    while !stop.is_cancelled()
        && let Some((root, size)) = archives.try_next().await.map_err(NodeError::Blobs)?
    {
        (report.files, report.bytes) = (report.files + 1, report.bytes + size);
        match data.content.check_archive(&root).await {
            Ok(()) => {}
            Err(ImportError::Blobs(error)) => {
                report.unreadable += 1;
                tell(&Finding::Unreadable(root, error.to_string()));
            }
            Err(_) => {
                report.damaged += 1;
                tell(&Finding::Damaged(root));
            }
        }
    }
    let mut after = None;
    while !stop.is_cancelled() {
        let names = data.store.reader().file_names(after.as_ref(), PAGE)?;
        let Some(last) = names.last() else { break };
        after = Some(last.clone());
        let missing = data.blobs.missing(stream::iter(names).boxed());
        let missing: Vec<ItemHash> = missing.try_collect().await.map_err(NodeError::Blobs)?;
        report.missing += missing.len() as u64;
        missing.into_iter().for_each(|file| tell(&Finding::Missing(file)));
    }
    report.stopped = stop.is_cancelled();
    report.seconds = (clock.monotonic() - start).as_secs_f64();
    Ok(report)
}
