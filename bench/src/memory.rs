//! Resident memory of a process.

use alephd_testkit::process;
use anyhow::{Context, Result};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Process id
    #[arg(long)]
    pid: u32,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let memory = process::memory(args.pid).with_context(|| format!("cannot look at process {}", args.pid))?;
    println!("resident  {}", mebibytes(memory.resident));
    println!("peak      {}", mebibytes(memory.peak));
    Ok(())
}

/// Bytes as they are printed.
pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
