//! Files of signed messages.

use std::{
    fs::File,
    io::{BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
};

use alephd_tasks::{Clock, SystemClock};
use alephd_testkit::workload::{Config, write_jsonl};
use anyhow::{Context, Result};

use crate::limit;

/// Messages between two reports of progress.
const REPORT_EVERY: u64 = 65_536;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Number of messages
    #[arg(long)]
    count: u64,
    /// Number of accounts that send them
    #[arg(long, default_value_t = 10_000)]
    senders: usize,
    /// The same seed gives the same messages
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// File to write
    #[arg(long)]
    out: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let config = Config {
        senders: args.senders,
        ..Config::new(args.seed, args.count)
    };
    write(&config, &args.out)
}

pub(crate) fn write(config: &Config, path: &Path) -> Result<()> {
    let clock = SystemClock::new();
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    let mut reported = 0;
    write_jsonl(config, &mut out, limit::cores(), |written| {
        if written - reported >= REPORT_EVERY || written == config.count {
            reported = written;
            let rate = written as f64 / clock.monotonic().as_secs_f64();
            // On a terminal one line is enough.
            let (before, after) = if std::io::stderr().is_terminal() && written < config.count {
                ("\r", "")
            } else {
                ("\r", "\n")
            };
            eprint!(
                "{before}generated {written} of {} messages, {rate:.0}/s{after}",
                config.count
            );
        }
    })
    .and_then(|()| out.flush())
    .with_context(|| format!("cannot write {}", path.display()))
}
