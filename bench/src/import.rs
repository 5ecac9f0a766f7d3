//! `alephd import`, timed from outside.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use alephd_tasks::{Clock, SystemClock};
use alephd_testkit::{process::Node, sha256, workload};
use anyhow::{Context, Result, bail, ensure};

use crate::limit;

/// Lines of its output that are quoted when the program fails.
const QUOTED_LINES: usize = 20;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// File of messages, one a line
    #[arg(long)]
    file: PathBuf,
    /// The program
    #[arg(long = "bin", env = "ALEPHD_BIN", value_name = "PATH")]
    program: PathBuf,
    /// Folder for the data, which must not exist and is kept; a temporary one by default
    #[arg(long)]
    data: Option<PathBuf>,
}

/// How an import went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Imported {
    pub(crate) messages: u64,
    pub(crate) elapsed: Duration,
    /// Bytes that the folder grew by.
    pub(crate) bytes: u64,
    /// Messages per second of the first and of the last tenth, if the program told its progress.
    pub(crate) tenths: Option<(f64, f64)>,
}

impl Imported {
    pub(crate) fn rate(&self) -> f64 {
        self.messages as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    pub(crate) fn bytes_per_message(&self) -> f64 {
        self.bytes as f64 / self.messages.max(1) as f64
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let limit = limit::measure(limit::cores(), Duration::from_secs(3))?.mix;
    let temporary = tempfile::tempdir()?;
    let data = args.data.clone().unwrap_or_else(|| temporary.path().join("data"));
    prepare(&args.program, &data)?;
    let imported = measure(&args.program, &args.file, &data)?;
    println!("messages        {}", imported.messages);
    println!("seconds         {:.2}", imported.elapsed.as_secs_f64());
    println!(
        "messages/s      {:.0} ({:.2} L, L = {limit:.0}/s)",
        imported.rate(),
        imported.rate() / limit
    );
    println!("bytes/message   {:.0}", imported.bytes_per_message());
    if let Some((first, last)) = imported.tenths {
        println!("first tenth     {first:.0}/s");
        println!("last tenth      {last:.0}/s ({:.2} of the first)", last / first);
    }
    Ok(())
}

/// Makes the folder `data` and gives it the files that the STORE messages name, as any client
/// would: by uploading them to a running node.
pub(crate) fn prepare(program: &Path, data: &Path) -> Result<()> {
    ensure!(!data.exists(), "{} exists already", data.display());
    let node = Node::start(program, data)?;
    upload_files(&node)?;
    let status = node.terminate()?;
    ensure!(status.success(), "the node ended with {status}");
    Ok(())
}

/// Uploads the files of the workload.
pub(crate) fn upload_files(node: &Node) -> Result<()> {
    for bytes in workload::files() {
        let answer = node.http().post_bytes("/api/v0/storage/add_file", &bytes)?;
        let hash = sha256(&bytes).to_string();
        ensure!(
            answer.status == 200 && answer.text().contains(&hash),
            "the node did not take a file: {} {}",
            answer.status,
            answer.text()
        );
    }
    Ok(())
}

/// Imports `file` into `data` and waits for the end.
pub(crate) fn measure(program: &Path, file: &Path, data: &Path) -> Result<Imported> {
    let messages = count_lines(file)?;
    let bytes_before = size(data)?;
    let clock = SystemClock::new();
    let start = clock.monotonic();
    let mut child = Command::new(program)
        .arg("import")
        .arg(file)
        .arg("--data")
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let errors = child.stderr.take().context("stderr is piped")?;
    let mut progress = Vec::new();
    let mut log = Vec::new();
    for line in BufReader::new(errors).lines() {
        let line = line?;
        match parse_progress(&line) {
            Some(point) => progress.push(point),
            None => log.push(line),
        }
    }
    let status = child.wait()?;
    let elapsed = clock.monotonic() - start;
    if !status.success() {
        let end = &log[log.len().saturating_sub(QUOTED_LINES)..];
        bail!("the import ended with {status}:\n{}", end.join("\n"));
    }
    Ok(Imported {
        messages,
        elapsed,
        bytes: size(data)?.saturating_sub(bytes_before),
        tenths: tenths(&progress, messages),
    })
}

/// Reads `progress COUNT SECONDS`.
fn parse_progress(line: &str) -> Option<(f64, f64)> {
    let mut words = line.strip_prefix("progress ")?.split_whitespace();
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// Rates of the first and the last tenth of `total` messages, from points `(count, seconds)`.
fn tenths(progress: &[(f64, f64)], total: u64) -> Option<(f64, f64)> {
    let total = total as f64;
    let (last_count, end) = *progress.last()?;
    // Without points near both ends there is nothing to interpolate.
    if progress.len() < 10 || last_count < total * 0.99 {
        return None;
    }
    let tenth = total / 10.0;
    let first = seconds_at(progress, tenth)?;
    let last = end - seconds_at(progress, total - tenth)?;
    (first > 0.0 && last > 0.0).then(|| (tenth / first, tenth / last))
}

/// When `count` messages were reached, between the two points around it.
fn seconds_at(progress: &[(f64, f64)], count: f64) -> Option<f64> {
    let after = progress.iter().position(|&(reached, _)| reached >= count)?;
    let (high, late) = progress[after];
    let (low, early) = after.checked_sub(1).map_or((0.0, 0.0), |before| progress[before]);
    if high <= low {
        return Some(late);
    }
    Some(early + (late - early) * (count - low) / (high - low))
}

pub(crate) fn count_lines(file: &Path) -> Result<u64> {
    let mut reader = BufReader::with_capacity(
        1 << 20,
        fs::File::open(file).with_context(|| format!("cannot open {}", file.display()))?,
    );
    let mut lines = 0;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(lines);
        }
        lines += buffer.iter().filter(|&&byte| byte == b'\n').count() as u64;
        let read = buffer.len();
        reader.consume(read);
    }
}

/// Bytes of all files below `folder`.
pub(crate) fn size(folder: &Path) -> Result<u64> {
    let mut total = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                total += metadata.len();
            }
        }
    }
    Ok(total)
}

#[cfg(test)]
mod tests;
