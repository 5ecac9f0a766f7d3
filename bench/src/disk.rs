//! The time of a durable commit.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use alephd_tasks::{Clock, SystemClock};
use anyhow::{Context, Result};
use rusqlite::Connection;

use crate::latency::{Latencies, Summary, millis};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folder on the disk in question
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    folder: PathBuf,
    /// Commits to time
    #[arg(long, default_value_t = 500)]
    commits: u32,
}

/// Latencies of the two ways to make something durable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommitTimes {
    /// A transaction of one row, with a write-ahead log and full synchronisation.
    pub(crate) sqlite: Summary,
    /// 4 KiB appended to a file and `fdatasync`.
    pub(crate) append: Summary,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let times = measure(&args.folder, args.commits)?;
    for (name, summary) in [("SQLite commit", times.sqlite), ("4 KiB append", times.append)] {
        println!(
            "{name}  mean {}  p50 {}  p99 {}  max {}",
            millis(summary.mean),
            millis(summary.p50),
            millis(summary.p99),
            millis(summary.max)
        );
    }
    Ok(())
}

pub(crate) fn measure(folder: &Path, commits: u32) -> Result<CommitTimes> {
    let folder = tempfile::tempdir_in(folder)
        .with_context(|| format!("cannot make a folder in {}", folder.display()))?;
    let database = Connection::open(folder.path().join("commits.sqlite"))?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "FULL")?;
    database.execute_batch("CREATE TABLE commits (number INTEGER PRIMARY KEY, text BLOB) STRICT")?;
    let mut insert = database.prepare("INSERT INTO commits (text) VALUES (?1)")?;
    let row = [7u8; 1_000];
    let sqlite = repeat(commits, || {
        insert.execute([&row[..]])?;
        Ok(())
    })?;
    let mut file = File::create(folder.path().join("appends"))?;
    let block = [7u8; 4_096];
    let append = repeat(commits, || {
        file.write_all(&block)?;
        file.sync_data()?;
        Ok(())
    })?;
    Ok(CommitTimes { sqlite, append })
}

fn repeat(times: u32, mut act: impl FnMut() -> Result<()>) -> Result<Summary> {
    let clock = SystemClock::new();
    let mut latencies = Latencies::default();
    let mut before = clock.monotonic();
    for _ in 0..times {
        act()?;
        let after = clock.monotonic();
        latencies.record(after - before);
        before = after;
    }
    let mut summary = latencies.summary();
    // A commit to a disk that only pretends takes microseconds; never divide by zero for it.
    summary.mean = summary.mean.max(Duration::from_micros(1));
    Ok(summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_timed() {
        let folder = tempfile::tempdir().unwrap();
        let times = measure(folder.path(), 3).unwrap();
        assert!(times.sqlite.mean > Duration::ZERO && times.append.mean > Duration::ZERO);
        measure(&folder.path().join("missing"), 1).unwrap_err();
    }
}
